//===- Stages.h - What pipelines have in common -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_PIPELINES_STAGES_H
#define DSA_LIB_PIPELINES_STAGES_H

#include "mlir/Pass/PassManager.h"

namespace mlir::dsa {

/// One function per entry point, with what it calls inside.
void addEntryPoints(OpPassManager &pm, bool checked);

/// Tensors to buffers, results in the caller's memory.
void addBufferization(OpPassManager &pm);

/// All allocations to the caller's workspace; one that is left is an error.
void addWorkspace(OpPassManager &pm);

/// Structured ops to loops, narrow floats to what LLVM knows.
void addScalarCode(OpPassManager &pm);

/// What is left to the LLVM dialect. Without `openMP`, nothing of that dialect
/// is expected.
void addLLVM(OpPassManager &pm, bool openMP);

} // namespace mlir::dsa

#endif // DSA_LIB_PIPELINES_STAGES_H
