//===- CPU.cpp - dsa to LLVM by way of CPU kernels ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops that a kernel covers become that kernel; the others their definition,
// with a remark. All temporary memory is the caller's workspace.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"

#include "dsa/Passes.h"
#include "dsa/Pipelines.h"

#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dsa;

/// Tells a pass of the CPU.
template <typename PassOptions>
static PassOptions getOptions(const CPUPipelineOptions &options) {
  PassOptions pass;
  pass.triple = options.triple;
  pass.cpu = options.cpu;
  pass.features.assign(options.features.begin(), options.features.end());
  pass.l1Bytes = options.l1Bytes;
  pass.l2Bytes = options.l2Bytes;
  return pass;
}

/// Scores, selections and what else is between ops exist for some rows at a
/// time.
static void addTiles(OpPassManager &pm, const CPUPipelineOptions &options) {
  // An extent that is asked of an op's result is a use of all of it.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  TilePassOptions tile;
  tile.rows = options.tileRows;
  tile.toSaveMemory = true;
  pm.addPass(createTilePass(tile));
}

void dsa::buildCPUPipeline(OpPassManager &pm,
                           const CPUPipelineOptions &options) {
  addEntryPoints(pm, options.checked);
  pm.addPass(createFusePass());
  addTiles(pm, options);
  pm.addPass(createDecomposeForCPUPass(
      getOptions<DecomposeForCPUPassOptions>(options)));
  addBufferization(pm);
  pm.addPass(
      createConvertToCPUPass(getOptions<ConvertToCPUPassOptions>(options)));
  pm.addPass(createExpandCopiesPass());
  addWorkspace(pm);
  pm.addPass(createCSEPass());
  addScalarCode(pm);
  addLLVM(pm, /*openMP=*/true);
  pm.addPass(createAttachCPUTargetPass(
      getOptions<AttachCPUTargetPassOptions>(options)));
}
