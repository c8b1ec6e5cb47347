//===- Lowering.cpp - Functions for a target ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Lowering.h"

#include "dsa/Pipelines.h"
#include "dsa/Support/ExitCodes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::dsa;

StringRef dsa::getName(Target target) {
  return target == Target::CPU ? "cpu" : "reference";
}

llvm::Error dsa::lowerFor(ModuleOp module, Target target,
                          const LoweringOptions &options, StringRef file) {
  PassManager pm(module.getContext());
  if (target == Target::CPU) {
    if (options.accumulateInF64)
      return makeError(ExitUser, "--accumulate-type=f64 is of the reference "
                                 "target; kernels for the CPU sum in f32");
    CPUPipelineOptions pipeline;
    pipeline.triple = options.triple;
    pipeline.cpu = options.cpu;
    pipeline.features = options.features;
    pipeline.checked = options.checked;
    buildCPUPipeline(pm, pipeline);
  } else {
    ReferencePipelineOptions pipeline;
    pipeline.accumulateType = options.accumulateInF64 ? "f64" : "f32";
    pipeline.checked = options.checked;
    buildReferencePipeline(pm, pipeline);
  }
  if (failed(pm.run(module)))
    return makeError(ExitUser, "'" + file +
                                   "' cannot be lowered for the target " +
                                   getName(target) + "; see above");
  return llvm::Error::success();
}
