//===- Progress.h - Word of what takes long ---------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_PROGRESS_H
#define DSA_EXECUTION_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <string>

namespace mlir::dsa {

/// Says on standard error what takes longer than two seconds.
class Progress {
public:
  explicit Progress(llvm::StringRef what) : what(what), start(Clock::now()) {}
  ~Progress() {
    double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    if (seconds > 2)
      llvm::errs() << what << " took " << llvm::format("%.1f", seconds)
                   << " s\n";
  }

private:
  using Clock = std::chrono::steady_clock;
  std::string what;
  Clock::time_point start;
};

} // namespace mlir::dsa

#endif // DSA_EXECUTION_PROGRESS_H
