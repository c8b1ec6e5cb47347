//===- KernelText.h - The PTX in a lowered module ---------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_KERNELTEXT_H
#define DSA_EXECUTION_KERNELTEXT_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace mlir::dsa {

/// The kernels of `lowered`, which `dsa-gpu-pipeline` has lowered with PTX as
/// its format; nothing if it has none.
std::string getPTX(ModuleOp lowered);
/// The images of `lowered`: `sm_80` for a cubin, `compute_80` for PTX.
std::vector<std::string> getImageNames(ModuleOp lowered);
/// Puts `ptx` in their place. False if there are none.
bool setPTX(ModuleOp lowered, StringRef ptx);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_KERNELTEXT_H
