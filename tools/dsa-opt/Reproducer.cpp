//===- Reproducer.cpp - Inputs that carry their passes -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reproducer.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

std::string dsa::getReproducerSuffix(StringRef input,
                                     const MlirOptMainConfig &config) {
  if (input.starts_with("ML\xefR") || input.contains("{-#") ||
      !config.inputSplitMarker().empty() || config.shouldRunReproducer() ||
      config.shouldDumpPassPipeline())
    return "";
  MLIRContext context(MLIRContext::Threading::DISABLED);
  // A pipeline that is wrong is reported where it is run.
  ScopedDiagnosticHandler silent(&context, [](Diagnostic &) {});
  PassManager passes(&context, ModuleOp::getOperationName(),
                     PassManager::Nesting::Implicit);
  if (failed(config.setupPassPipeline(passes)))
    return "";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "\n{-#\n  external_resources: {\n    mlir_reproducer: {\n"
        "      pipeline: \"";
  std::string pipeline;
  llvm::raw_string_ostream pipelineStream(pipeline);
  passes.printAsTextualPipeline(pipelineStream);
  llvm::printEscapedString(pipeline, os);
  os << "\",\n      disable_threading: true,\n      verify_each: true\n"
        "    }\n  }\n#-}\n";
  return text;
}
