//===- Lowering.cpp - Functions for a target ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Lowering.h"

#include "dsa/Execution/KernelText.h"
#include "dsa/GPU/Chip.h"
#include "dsa/Pipelines.h"
#include "dsa/Support/ExitCodes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::dsa;

StringRef dsa::getName(const Target &target) {
  switch (target.kind) {
  case Target::Reference:
    return "reference";
  case Target::CPU:
    return "cpu";
  case Target::GPU:
    return target.chip;
  }
  llvm_unreachable("no such target");
}

llvm::Expected<Target> dsa::parseTarget(StringRef name) {
  for (Target known : {Target{Target::Reference}, Target{Target::CPU}})
    if (name == getName(known))
      return known;
  auto chip = dsa_gpu::getChip(name);
  if (chip)
    return Target{Target::GPU, name.str()};
  llvm::consumeError(chip.takeError());
  std::string chips;
  for (const dsa_gpu::Chip &known : dsa_gpu::getChips())
    chips += ", " + known.name.str();
  return makeError(ExitUser, "there is no target '" + name +
                                 "'; expected reference, cpu" + chips);
}

static llvm::Error checkOptions(const Target &target,
                                const LoweringOptions &options) {
  if (target.kind != Target::Reference && options.accumulateInF64)
    return makeError(ExitUser, "--accumulate-type=f64 is of the reference "
                               "target; kernels sum in f32");
  if (target.isGPU() && options.checked)
    return makeError(ExitUser, "--checked is of the targets cpu and reference; "
                               "kernels of a GPU report no index");
  return llvm::Error::success();
}

LoweringOptions::PipelineText dsa::parsePipelineText(StringRef text) {
  auto [name, options] = text.split(':');
  auto target = parseTarget(name);
  if (target && name != text)
    return {name.str(), options.str()};
  if (!target)
    llvm::consumeError(target.takeError());
  return {"", text.str()};
}

/// Adds the options that are given as text for `target`.
static llvm::Error addText(mlir::detail::PassOptions &pipeline,
                           const Target &target,
                           const LoweringOptions &options) {
  for (const LoweringOptions::PipelineText &text : options.pipeline) {
    if (!text.target.empty() && text.target != getName(target))
      continue;
    std::string errors;
    llvm::raw_string_ostream os(errors);
    if (failed(pipeline.parseFromString(text.options, os))) {
      // LLVM prints what is wrong with a value itself.
      StringRef error = StringRef(errors).trim();
      return makeError(ExitUser,
                       "--pipeline-options: '" + text.options +
                           "' are no options of the pipeline for " +
                           getName(target) +
                           (error.empty() ? "; see above" : ": " + error));
    }
  }
  return llvm::Error::success();
}

static llvm::Error buildPipeline(PassManager &pm, const Target &target,
                                 const LoweringOptions &options) {
  switch (target.kind) {
  case Target::Reference: {
    ReferencePipelineOptions pipeline;
    pipeline.accumulateType = options.accumulateInF64 ? "f64" : "f32";
    pipeline.checked = options.checked;
    if (llvm::Error error = addText(pipeline, target, options))
      return error;
    buildReferencePipeline(pm, pipeline);
    break;
  }
  case Target::CPU: {
    CPUPipelineOptions pipeline;
    pipeline.triple = options.triple;
    pipeline.cpu = options.cpu;
    pipeline.features = options.features;
    pipeline.checked = options.checked;
    if (llvm::Error error = addText(pipeline, target, options))
      return error;
    buildCPUPipeline(pm, pipeline);
    break;
  }
  case Target::GPU: {
    GPUPipelineOptions pipeline;
    pipeline.chip = target.chip;
    if (options.cubins)
      pipeline.format = "all";
    pipeline.ptxas = options.ptxas;
    std::string format = pipeline.format;
    if (llvm::Error error = addText(pipeline, target, options))
      return error;
    if (pipeline.chip != target.chip || pipeline.format != format)
      return makeError(ExitUser,
                       "--pipeline-options: the chip is that of --target, " +
                           target.chip + ", and the format is " + format);
    buildGPUPipeline(pm, pipeline);
    break;
  }
  }
  return llvm::Error::success();
}

llvm::Error dsa::lowerFor(ModuleOp module, const Target &target,
                          const LoweringOptions &options, StringRef file) {
  if (llvm::Error error = checkOptions(target, options))
    return error;
  PassManager pm(module.getContext());
  if (llvm::Error error = buildPipeline(pm, target, options))
    return error;
  if (failed(pm.run(module)))
    return makeError(ExitUser, "'" + file +
                                   "' cannot be lowered for the target " +
                                   getName(target) + "; see above");
  if (target.isGPU() && getImageNames(module).empty())
    return makeError(ExitUser, "'" + file +
                                   "' has nothing that is computed on a GPU, "
                                   "for the target " +
                                   getName(target));
  return llvm::Error::success();
}
