//===- Rounds.h - Measuring in turns ----------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_ROUNDS_H
#define DSA_BENCH_ROUNDS_H

#include "Roofs.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <string>
#include <vector>

namespace mlir::dsa::bench {

/// Something whose time is measured.
struct Contender {
  std::string name;
  std::function<llvm::Error()> run;
  /// What a run does; 0 where that is no measure of it.
  double flops = 0;
  /// What a run reads and writes, once each; 0 if nobody asks.
  int64_t bytes = 0;
  /// The fastest run of each round.
  std::vector<double> seconds;
};

/// How long each contender may take in a round: at most so many timed runs, and
/// no new one after so many seconds.
struct Effort {
  unsigned runs;
  double seconds;
  /// Threads that wait for work keep cores busy for a while, those of the
  /// contender before too.
  double pauseSeconds;
};

/// Measures every roof and every contender once, after a run of each that
/// counts for nothing.
llvm::Error runRound(llvm::MutableArrayRef<Roof> roofs,
                     llvm::MutableArrayRef<Contender> contenders,
                     int32_t threads, const Effort &effort);

/// The middle of some numbers, of which there is one at least.
double getMedian(std::vector<double> values);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_ROUNDS_H
