//===- Pipelines.h - From dsa ops to the LLVM dialect -----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_PIPELINES_H
#define DSA_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::dsa {

struct ReferencePipelineOptions
    : PassPipelineOptions<ReferencePipelineOptions> {
  Option<std::string> accumulateType{
      *this, "accumulate-type",
      llvm::cl::desc("type of sums, exponentials and logarithms: f32 or f64"),
      llvm::cl::init("f32")};
  Option<bool> checked{
      *this, "checked",
      llvm::cl::desc("report indices that are out of range as status 3"),
      llvm::cl::init(false)};
};

/// Lowers a module of functions on ranked tensors to the LLVM dialect by way of
/// the ops' definitions: slow, and right.
void buildReferencePipeline(OpPassManager &pm,
                            const ReferencePipelineOptions &options);

/// Registers `dsa-reference-pipeline`.
void registerPipelines();

} // namespace mlir::dsa

#endif // DSA_PIPELINES_H
