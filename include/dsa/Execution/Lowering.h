//===- Lowering.h - Functions for a target ----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_LOWERING_H
#define DSA_EXECUTION_LOWERING_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::dsa {

/// What functions are compiled for.
struct Target {
  enum Kind { Reference, CPU, GPU };
  Kind kind = Reference;
  /// Of a GPU: `sm_80`.
  std::string chip = {};

  bool isGPU() const { return kind == GPU; }
  bool operator==(const Target &other) const {
    return kind == other.kind && chip == other.chip;
  }
  bool operator!=(const Target &other) const { return !(*this == other); }
};

/// `reference`, `cpu`, or the name of a chip: the value of `--target`.
StringRef getName(const Target &target);
/// The target of a name; `ExitUser` for one that there is not.
llvm::Expected<Target> parseTarget(StringRef name);

/// How to lower for a target. Options that the target does not have must be as
/// they are here.
struct LoweringOptions {
  /// For CPU, and the triple for the host code of a GPU: as the pipelines have
  /// them.
  std::string triple, cpu = "host";
  std::vector<std::string> features;
  /// For a GPU: cubins beside PTX, made by this ptxas or by that of the
  /// machine.
  bool cubins = false;
  std::string ptxas;
  /// For Reference.
  bool accumulateInF64 = false;
  bool checked = false;
  /// Further options of the targets' pipelines, as dsa-opt reads them: of the
  /// one that is named, or of all.
  struct PipelineText {
    std::string target, options;
  };
  std::vector<PipelineText> pipeline;
};

/// What `TARGET:OPTIONS`, or `OPTIONS` for all targets, says.
LoweringOptions::PipelineText parsePipelineText(StringRef text);

/// Lowers `module` to the LLVM dialect by the pipeline of `target`. `file`
/// names it in the error, which is `ExitUser`.
llvm::Error lowerFor(ModuleOp module, const Target &target,
                     const LoweringOptions &options, StringRef file);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_LOWERING_H
