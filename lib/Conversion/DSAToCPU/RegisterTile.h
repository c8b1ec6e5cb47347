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

/// The dot products of a tile: for each step in [from, to), by `stride`, the
/// vector of each column times that of each row, both as Arithmetic holds
/// steps.
struct TileLoop {
  RegisterTile tile;
  Value from, to;
  int64_t stride = 1;
  function_ref<Value(unsigned column, Value step)> loadColumn;
  /// The operand that may come from memory: best a broadcast.
  function_ref<Value(unsigned row, Value step)> loadRow;
  /// Null, or what to do before every `chunk` steps, such as to prefetch; the
  /// steps then have to be whole chunks.
  int64_t chunk = 0;
  function_ref<void(Value step)> beforeChunk = nullptr;
};

/// Emits the loop, which adds to `sums`, in the order of rows, then columns.
/// Accumulators are vectors of their own in SSA form: aggregates, and widths
/// the target lacks, end up on the stack.
SmallVector<Value> accumulateTile(KernelBuilder &b,
                                  const Arithmetic &arithmetic,
                                  const TileLoop &loop, ValueRange sums);

/// `rows * columns` sums of +0, to start from.
SmallVector<Value> getZeroSums(KernelBuilder &b, RegisterTile tile);

/// Splits `total` into the fewest parts of at most `limit`, which differ by at
/// most one: the larger ones first. No remainder is much smaller than a tile.
struct BalancedParts {
  BalancedParts(int64_t total, int64_t limit);
  int64_t numLarge, large;
  int64_t numSmall, small;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_REGISTERTILE_H
