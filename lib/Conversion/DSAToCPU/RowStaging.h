//===- RowStaging.h - Rows copied as the arithmetic reads them --*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_ROWSTAGING_H
#define DSA_LIB_CONVERSION_DSATOCPU_ROWSTAGING_H

#include "Arithmetic.h"

namespace mlir::dsa {

/// The pieces of query rows, addressed by [batch,] t and head; `tail` may be
/// null.
SmallVector<RowPiece, 2> getQueryPieces(KernelBuilder &b, Value query,
                                        Value tail);

/// The elements of a row of all pieces.
Value getNumElements(KernelBuilder &b, ArrayRef<RowPiece> pieces);

/// Row `slot` of `array`, which has `elements` and room for vectors that reach
/// beyond them, becomes the elements of all pieces, side by side, and zeros up
/// to the end of the last vector of steps.
void stageRow(KernelBuilder &b, const Arithmetic &arithmetic,
              ArrayRef<RowPiece> pieces, Value elements, ValueRange row,
              Value array, Value slot);

/// Calls `store` with the columns of as many staged rows as there are lanes: a
/// vector of rows for each of as many steps, from `step` on.
void transposeStaged(
    KernelBuilder &b, const Arithmetic &arithmetic, Value staged, Value steps,
    function_ref<void(Value step, ArrayRef<Value> columns)> store);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_ROWSTAGING_H
