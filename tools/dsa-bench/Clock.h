//===- Clock.h - The time that a measurement takes --------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_CLOCK_H
#define DSA_BENCH_CLOCK_H

#include <cstdint>
#include <ctime>

namespace mlir::dsa::bench {

/// Seconds. What one thread does is timed by that thread's own clock, which
/// stands while another program has the core; what several do, by the wall's.
inline double readClock(int32_t threads) {
  timespec time;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
                &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_CLOCK_H
