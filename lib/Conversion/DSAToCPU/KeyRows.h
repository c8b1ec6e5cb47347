//===- KeyRows.h - A key source as kernels read it --------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_KEYROWS_H
#define DSA_LIB_CONVERSION_DSATOCPU_KEYROWS_H

#include "Arithmetic.h"

#include "dsa/IR/KeySource.h"

namespace mlir::dsa {

/// Where the key row of a position is.
struct KeyPlace {
  SmallVector<Value> row;
  /// Whether there is one; null if always. If not, `row` is one of page 0.
  Value valid;
};

/// The rows of dense, paged and packed key sources: where they are, and the
/// pieces they consist of.
class KeyRows {
public:
  KeyRows(KernelBuilder &b, const KeySource &source, bool batched);

  /// The type that elements are exact in, also packed ones: those of rows with
  /// several scales are read as `dsa.unpack` to bf16 reads them.
  static Type getElementType(const KeySource &source);

  Value getNumPositions() const { return numPositions; }
  ArrayRef<RowPiece> getPieces() const { return pieces; }
  /// Whether `count` positions from a multiple of `count` on are always
  /// consecutive rows.
  bool areConsecutive(int64_t count) const;
  bool haveScale() const;

  /// The row of `position`, which is in [0,S), of a source with pages.
  KeyPlace locate(KernelBuilder &b, Value batch, Value tableRow,
                  Value position) const;
  /// The row `offset` rows behind `first`, where rows are consecutive.
  SmallVector<Value> advance(KernelBuilder &b, const KeyPlace &first,
                             Value offset) const;
  /// The factor of the score of the row, an f32.
  Value loadScale(KernelBuilder &b, ValueRange row) const;
  /// Asks for all cache lines of a row.
  void prefetch(KernelBuilder &b, ValueRange row, unsigned locality) const;

private:
  KeySource source;
  bool batched;
  Value page, numPositions;
  SmallVector<RowPiece, 2> pieces;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_KEYROWS_H
