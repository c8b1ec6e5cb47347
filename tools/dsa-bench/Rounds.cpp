//===- Rounds.cpp - Measuring in turns -----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rounds.h"

#include "Clock.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <chrono>
#include <thread>

using namespace mlir;
using namespace mlir::dsa::bench;

static llvm::Error measure(Contender &contender, int32_t threads,
                           const Effort &effort) {
  if (llvm::Error error = contender.run())
    return error;
  double begin = readClock(threads), best = 0;
  for (unsigned i = 0; i < effort.runs; ++i) {
    double start = readClock(threads);
    if (llvm::Error error = contender.run())
      return error;
    double end = readClock(threads);
    best = i ? std::min(best, end - start) : end - start;
    if (end - begin > effort.seconds)
      break;
  }
  contender.seconds.push_back(best);
  return llvm::Error::success();
}

llvm::Error
mlir::dsa::bench::runRound(llvm::MutableArrayRef<Roof> roofs,
                           llvm::MutableArrayRef<Contender> contenders,
                           int32_t threads, const Effort &effort) {
  auto pause = [&] {
    if (effort.pauseSeconds > 0)
      std::this_thread::sleep_for(
          std::chrono::duration<double>(effort.pauseSeconds));
  };
  for (Roof &roof : roofs) {
    pause();
    roof.rates.push_back(roof.measure());
  }
  for (Contender &contender : contenders) {
    pause();
    if (llvm::Error error = measure(contender, threads, effort))
      return error;
  }
  return llvm::Error::success();
}

double mlir::dsa::bench::getMedian(std::vector<double> values) {
  llvm::sort(values);
  size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
