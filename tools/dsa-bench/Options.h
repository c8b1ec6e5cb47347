//===- Options.h - The command line of dsa-bench ----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_OPTIONS_H
#define DSA_BENCH_OPTIONS_H

#include "Session.h"

namespace mlir::dsa::bench {

struct CommandLine {
  std::vector<Case> cases;
  SessionOptions session;
  /// Print the cases, measure nothing.
  bool list = false;
  /// Measure the roofs of so many threads, and no case; 0: measure cases.
  int32_t roofThreads = 0;
  /// Measure the emulator of a GPU, `rounds` times, and no case.
  bool emulator = false;
  unsigned rounds = 0;
};

/// Reads the command line; prints the help and ends the program if it is asked
/// for. Values that do not fit give `ExitUser`.
llvm::Error readOptions(int argc, char **argv, CommandLine &line);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_OPTIONS_H
