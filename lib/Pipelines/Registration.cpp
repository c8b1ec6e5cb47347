//===- Registration.cpp - Pipelines by their names ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::dsa;

/// Registers a pipeline on modules. Upstream's `PassPipelineRegistration`
/// prints an unknown option instead of returning it, and ends the program where
/// the pipeline is nested in another op.
template <typename Options>
static void registerOne(StringLiteral name, StringLiteral description,
                        void (*build)(OpPassManager &, const Options &)) {
  registerPassPipeline(
      name, description,
      [=](OpPassManager &pm, StringRef text,
          function_ref<LogicalResult(const Twine &)> emitError)
          -> LogicalResult {
        std::optional<StringRef> anchor = pm.getOpName();
        if (pm.getNesting() == OpPassManager::Nesting::Explicit && anchor &&
            *anchor != ModuleOp::getOperationName())
          return emitError("'" + name + "' runs on '" +
                           ModuleOp::getOperationName() + "', not on '" +
                           *anchor + "'");
        Options options;
        std::string errors;
        llvm::raw_string_ostream os(errors);
        if (failed(options.parseFromString(text, os)))
          return emitError(StringRef(errors).trim());
        build(pm, options);
        return success();
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(Options());
      });
}

void dsa::registerPipelines() {
  registerOne<ReferencePipelineOptions>(
      "dsa-reference-pipeline",
      "Lower functions on tensors to the LLVM dialect by the ops' definitions",
      buildReferencePipeline);
  registerOne<CPUPipelineOptions>(
      "dsa-cpu-pipeline",
      "Lower functions on tensors to the LLVM dialect by CPU kernels",
      buildCPUPipeline);
  registerOne<GPUPipelineOptions>(
      "dsa-gpu-pipeline",
      "Lower functions on tensors to the LLVM dialect and kernels for a GPU",
      buildGPUPipeline);
}
