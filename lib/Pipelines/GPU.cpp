//===- GPU.cpp - dsa to PTX or cubins, and what launches them -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions stay code of the host: they check arguments, compute addresses and
// grids, and launch kernels, which become an image inside. All temporary memory
// is the caller's workspace.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"

#include "dsa/Passes.h"
#include "dsa/Pipelines.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dsa;

/// Kernels to an image, which holds what the host has to know of them.
static void addImage(OpPassManager &pm, const GPUPipelineOptions &options) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertVectorToLLVMPass());
  kernels.addPass(createConvertKernelsToNVVMPass());
  SerializeGPUPassOptions serialize;
  serialize.chip = options.chip;
  serialize.features.assign(options.features.begin(), options.features.end());
  serialize.format = options.format;
  serialize.ptxas = options.ptxas;
  pm.addPass(createSerializeGPUPass(serialize));
}

void dsa::buildGPUPipeline(OpPassManager &pm,
                           const GPUPipelineOptions &options) {
  addEntryPoints(pm, /*checked=*/false);
  pm.addPass(createFusePass());
  addBufferization(pm);
  ConvertToGPUPassOptions convert;
  convert.chip = options.chip;
  convert.smCount = options.smCount;
  convert.batchInvariant = options.batchInvariant;
  convert.heads = options.heads;
  convert.keys = options.keys;
  convert.stages = options.stages;
  convert.querySteps = options.querySteps;
  convert.scorePasses = options.scorePasses;
  convert.warps = options.warps;
  pm.addPass(createConvertToGPUPass(convert));
  addWorkspace(pm);
  pm.addPass(createCallArgumentPass());
  pm.addPass(createCSEPass());
  addImage(pm, options);
  // LLVM IR is for reading: no driver loads it.
  if (options.format == "llvm")
    return;
  pm.addPass(createConvertGPUHostToLLVMPass());
  addScalarCode(pm);
  addLLVM(pm, /*openMP=*/false);
}
