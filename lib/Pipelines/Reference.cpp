//===- Reference.cpp - dsa to LLVM by way of the definitions --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The target that defines what is right. Nothing in it is fast, and nothing in
// it depends on `canonicalize`.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"

#include "dsa/Passes.h"
#include "dsa/Pipelines.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dsa;

/// dsa ops to loops over tensors.
static void addDefinitions(OpPassManager &pm,
                           const ReferencePipelineOptions &options) {
  DecomposePassOptions decompose;
  decompose.accumulateType = options.accumulateType;
  pm.addPass(createDecomposePass(decompose));
}

/// Temporaries are freed.
static void addDeallocation(OpPassManager &pm) {
  // Where ownership is known statically, which is almost everywhere, the second
  // pass leaves a plain `memref.dealloc`.
  pm.addPass(bufferization::createOwnershipBasedBufferDeallocationPass());
  pm.addPass(bufferization::createBufferDeallocationSimplificationPass());
  pm.addPass(bufferization::createLowerDeallocationsPass());
}

void dsa::buildReferencePipeline(OpPassManager &pm,
                                 const ReferencePipelineOptions &options) {
  addEntryPoints(pm, options.checked);
  addDefinitions(pm, options);
  addBufferization(pm);
  addDeallocation(pm);
  pm.addPass(createExpandCopiesPass());
  addScalarCode(pm);
  addLLVM(pm, /*openMP=*/false);
}
