//===- Machine.h - What the measurements ran on -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_MACHINE_H
#define DSA_BENCH_MACHINE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace mlir::dsa::bench {

/// Kinds of machine, by the instructions that their roofs are made of, the
/// narrowest first. `Other` has no roof that this program knows.
enum class Isa { Other, AVX2, AVX512, AVX512BF16 };

/// `avx512bf16`
llvm::StringRef getName(Isa isa);

/// The widest kind whose instructions this machine has.
Isa getHostIsa();

/// Chip, features, caches, cores, pages, as a report names them.
llvm::json::Object describeMachine();

/// Bytes of this process that lie on huge pages; -1 if the system does not say.
int64_t getHugePageBytes();

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_MACHINE_H
