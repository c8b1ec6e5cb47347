//===- Emulator.h - How fast the emulator of a GPU is -----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_EMULATOR_H
#define DSA_BENCH_EMULATOR_H

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::dsa::bench {

/// Prints how long the attention of DeepSeek-V3.2 takes for one query (128
/// heads, 2048 keys) on the emulator of sm_80 with its race check, by each kind
/// of host instructions that this machine has: the median of `rounds`. Then
/// how long its kernels take from the function to PTX.
llvm::Error printEmulator(unsigned rounds, const DialectRegistry &registry,
                          llvm::raw_ostream &os);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_EMULATOR_H
