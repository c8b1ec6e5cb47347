//===- Run.h - Run a function of a file -------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_RUN_H
#define DSA_EXECUTION_RUN_H

#include "dsa/Execution/Lowering.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::dsa {

struct RunOptions {
  std::string file;
  std::string function;
  /// One per argument: a .npy file, `zeros[:SHAPE]` or `random:SEED[:SHAPE]`.
  std::vector<std::string> inputs;
  /// None, or one .npy file per result.
  std::vector<std::string> outputs;
  /// Number of timed runs; 0 runs once and does not time.
  unsigned repeat = 0;
  Target target;
  /// With a GPU as the target: run on the emulator, with this seed of its
  /// schedule, and a race is an error or is not looked for.
  bool emulated = false;
  uint64_t seed = 0;
  bool checkRaces = true;
  /// With a GPU as the target: a file of PTX to run in place of the kernels
  /// that are compiled, or nothing.
  std::string ptx;
  /// `features` are those of the host to do without, such as `-avx512f`.
  LoweringOptions lowering;
  int32_t threads = 1;
};

/// Compiles `options.function` for `options.target`, runs it and writes its
/// results. Prints times and summaries to standard output. Dialects of the
/// file must be in `registry`.
llvm::Error runFunction(const RunOptions &options, DialectRegistry &registry);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_RUN_H
