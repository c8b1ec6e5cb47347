//===- Chip.h - Chips that kernels are made for -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_CHIP_H
#define DSA_GPU_CHIP_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::dsa_gpu {

/// A chip of NVIDIA's. Kernels are written for two of them, `base`: what PTX
/// says its target is, so that the text for all chips of a base is the same.
/// A machine assembles it for what it has.
struct Chip {
  StringRef name; ///< as LLVM and ptxas call it: `sm_89`
  StringRef base; ///< `sm_80` or `sm_86`
  /// The first version of PTX that has `base`, as in `ptx70`.
  int32_t leastPTX;
  int32_t major, minor;
  /// What a block may have of shared memory, in bytes, on every chip of this
  /// base: what schedules use by default; and what it may have on this one.
  int64_t sharedBytes, maxSharedBytes;
  /// Streaming multiprocessors.
  int64_t smCount;
};

/// All that there are.
ArrayRef<Chip> getChips();
/// The chip called `name`, or an error that lists those there are.
llvm::Expected<Chip> getChip(StringRef name);

} // namespace mlir::dsa_gpu

#endif // DSA_GPU_CHIP_H
