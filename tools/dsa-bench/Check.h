//===- Check.h - Whether what is measured is right --------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_CHECK_H
#define DSA_BENCH_CHECK_H

#include "Kernel.h"

namespace mlir::dsa::bench {

/// A number to sort by: greater for a greater score, and for the same score for
/// a smaller index. The score is not NaN.
inline uint64_t getSelectionKey(float score, uint32_t index) {
  uint32_t bits = llvm::bit_cast<uint32_t>(score + 0.0f);
  bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
  return static_cast<uint64_t>(bits) << 32 | static_cast<uint32_t>(~index);
}

/// Compares the results of `kernel`, which has run, on some rows and columns:
/// scores and attention with f64 sums of the same inputs, selections with all
/// of the row's scores sorted. `scores` is the kernel of the scores of a case
/// that selects from its own, and has run. A difference gives `ExitInternal`.
llvm::Error checkResults(Kernel &kernel, Kernel *scores);

/// The part of it that is about attention.
llvm::Error checkAttention(Kernel &kernel);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_CHECK_H
