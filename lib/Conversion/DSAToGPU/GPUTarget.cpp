//===- GPUTarget.cpp - The GPU that kernels are made for ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GPUTarget.h"

using namespace mlir;
using namespace mlir::dsa;

namespace {
struct Chip {
  StringLiteral name;
  int64_t sharedKiB;
  int64_t smCount;
};
} // namespace

// Shared memory per block by compute capability, from the CUDA programming
// guide; multiprocessors of A100, RTX 3090, RTX 4090, H100 SXM, B200, RTX 5090.
static constexpr Chip chips[] = {
    {"sm_80", 163, 108}, {"sm_86", 99, 82},    {"sm_89", 99, 128},
    {"sm_90", 227, 132}, {"sm_100", 227, 148}, {"sm_120", 99, 170},
};

FailureOr<GPUTarget>
GPUTarget::get(StringRef chip, int64_t smCount,
               function_ref<InFlightDiagnostic(const Twine &)> emitError) {
  const Chip *found = llvm::find_if(
      chips, [&](const Chip &known) { return known.name == chip; });
  if (found == std::end(chips)) {
    InFlightDiagnostic error = emitError("there are no kernels for the chip '" +
                                         chip + "'; expected ");
    llvm::interleaveComma(chips, error,
                          [&](const Chip &known) { error << known.name; });
    return failure();
  }
  if (smCount < 0)
    return emitError("sm-count is " + Twine(smCount) +
                     ", but must be at least 1, or 0 for that of the chip");
  GPUTarget target;
  target.chip = chip.str();
  target.maxSharedBytes = found->sharedKiB * 1024;
  // Images for 163 KiB run on all chips that have it.
  target.defaultSharedBytes =
      std::min<int64_t>(target.maxSharedBytes, 163 * 1024);
  target.smCount = smCount ? smCount : found->smCount;
  return target;
}
