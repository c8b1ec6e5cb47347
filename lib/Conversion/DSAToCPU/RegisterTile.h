//===- RegisterTile.h - The micro-kernel of all dot products ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_REGISTERTILE_H
#define DSA_LIB_CONVERSION_DSATOCPU_REGISTERTILE_H

#include "Arithmetic.h"

namespace mlir::dsa {

/// `rows` scalars times `columns` vectors, in registers for all steps of a dot
/// product: every vector that is loaded is used `rows` times, every scalar
/// `columns` times.
struct RegisterTile {
  unsigned rows;
  unsigned columns;
};

/// Emits the loop over the steps of `rows * columns` dot products at once,
/// starting from +0. Accumulators are vectors of their own in SSA form:
/// aggregates, and widths the target lacks, end up on the stack.
///
/// `loadVector(column, step)` gives the vector of a column, `loadScalar(row,
/// step)` what is broadcast along a row, both as Arithmetic holds steps;
/// `epilogue(row, sums)` gets the sums of a row's columns after the loop.
void emitRegisterTile(
    KernelBuilder &b, const Arithmetic &arithmetic, RegisterTile tile,
    Value numSteps, function_ref<Value(unsigned column, Value step)> loadVector,
    function_ref<Value(unsigned row, Value step)> loadScalar,
    function_ref<void(unsigned row, ValueRange sums)> epilogue);

/// Splits `total` into the fewest parts of at most `limit`, which differ by at
/// most one: the larger ones first. No remainder is much smaller than a tile.
struct BalancedParts {
  BalancedParts(int64_t total, int64_t limit);
  int64_t numLarge, large;
  int64_t numSmall, small;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_REGISTERTILE_H
