//===- CPUFeatures.h - What compiled code asks of a CPU ---------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_CPUFEATURES_H
#define DSA_EXECUTION_CPUFEATURES_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

namespace mlir::dsa {

/// A feature by its LLVM name, and where a CPU says that it has it: the fields
/// of `dsa_feature` in lib/Runtime/Artefact.h.
struct CPUFeature {
  StringLiteral name;
  uint32_t leaf, subleaf, place, bit;
  uint64_t state;
};

/// The features that code for `cpu` with `features`, both as LLVM has them, may
/// use beyond what every CPU of the triple has. `ExitUser` if one of them
/// cannot be looked up when the code runs.
llvm::Expected<SmallVector<CPUFeature>>
getCPUFeatures(const llvm::Triple &triple, StringRef cpu, StringRef features);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_CPUFEATURES_H
