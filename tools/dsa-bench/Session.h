//===- Session.h - The cases of one run -------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_SESSION_H
#define DSA_BENCH_SESSION_H

#include "Measure.h"

#include "mlir/IR/DialectRegistry.h"

namespace mlir::dsa::bench {

struct SessionOptions {
  Settings settings;
  /// A round waits for a line `round` on standard input.
  bool paced = false;
  /// Where the JSON goes, `-` for standard output in place of the text; empty:
  /// nowhere.
  std::string output;
};

/// Measures the cases one after the other and prints what it found. A case that
/// fails has no figures; the others are measured all the same. Returns the exit
/// code, that of the first failure.
int runSession(llvm::ArrayRef<Case> cases, const SessionOptions &options,
               DialectRegistry &registry);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_SESSION_H
