//===- Targets.h - How fast a case has to be --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_TARGETS_H
#define DSA_BENCH_TARGETS_H

#include "Cases.h"

namespace mlir::dsa::bench {

/// What a case has to reach, by its shape. A floor is what no version may fall
/// below; a goal is what was measured to be within reach of such a machine.
std::vector<Target> getTargets(const Case &c);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_TARGETS_H
