//===- RowDims.h - Where ops have their rows --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to `dsa-tile`: which ops compute rows apart from each other, and what
// becomes of them for some of the rows. Those of dsa ops are along T; those of
// glue (linalg ops and views: casts, slices, reshapes) along whatever dimension
// of theirs the rows of a dsa op are.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_ROWDIMS_H
#define DSA_LIB_TRANSFORMS_ROWDIMS_H

#include "dsa/IR/DSA.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::dsa {

/// The dimensions that count rows.
struct RowDims {
  /// Of operands; none where an operand has no rows and is read whole.
  SmallVector<std::optional<int64_t>> operands;
  /// Of results, which all have rows.
  SmallVector<int64_t> results;
};

/// Of an op that has rows T.
RowDims getRowDims(DSAOpInterface op);

/// Whether an op does not compute but only names the elements of one tensor:
/// a cast, a slice or a reshape.
bool isView(Operation *op);

/// Of glue, one of whose operands or results has its rows in dimension `dim`;
/// nothing if `op` is no glue or does not compute such rows apart.
std::optional<RowDims> getRowDims(Operation *op, OpOperand &operand,
                                  int64_t dim);
std::optional<RowDims> getRowDims(Operation *op, OpResult result, int64_t dim);

/// A copy of glue for the `size` rows from `start` on, which `operands` hold.
Operation *createTile(RewriterBase &rewriter, Operation *glue,
                      const RowDims &dims, ArrayRef<Value> operands,
                      OpFoldResult start, OpFoldResult size);

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_ROWDIMS_H
