//===- GPUTarget.h - The GPU that kernels are made for ----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOGPU_GPUTARGET_H
#define DSA_LIB_CONVERSION_DSATOGPU_GPUTARGET_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Support/LLVM.h"

namespace mlir::dsa {

/// What is known of a chip when kernels are written.
struct GPUTarget {
  /// `sm_80`.
  std::string chip;
  /// The dynamic shared memory that a block can have, in bytes.
  int64_t maxSharedBytes;
  /// What default schedules use of it: that of the class of chips whose images
  /// the chip shares.
  int64_t defaultSharedBytes;
  /// Streaming multiprocessors, which work is divided among.
  int64_t smCount;

  /// `smCount` 0 is that of the chip. Fails with an error that lists the chips
  /// for one that is not known.
  static FailureOr<GPUTarget>
  get(StringRef chip, int64_t smCount,
      function_ref<InFlightDiagnostic(const Twine &)> emitError);
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOGPU_GPUTARGET_H
