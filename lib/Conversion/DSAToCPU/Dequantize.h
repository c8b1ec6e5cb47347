//===- Dequantize.h - Packed rows as numbers --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_DEQUANTIZE_H
#define DSA_LIB_CONVERSION_DSATOCPU_DEQUANTIZE_H

#include "Arithmetic.h"

#include "dsa/IR/DSA.h"

namespace mlir::dsa {

/// Rows of bytes with a layout that is not dense. A row is addressed by page
/// and row in page if `paged`, else by the leading indices of `memref`.
struct PackedRows {
  Value memref;
  KVLayoutAttr layout;
  bool paged;

  /// The elements of a field, as they are stored.
  RowPiece getElements(KernelBuilder &b, unsigned field) const;
  /// The scales of a field that has some: at a column that of its element.
  RowPiece getScales(KernelBuilder &b, unsigned field) const;
};

/// The element of a piece at `column`, as an f32.
Value loadAsF32(KernelBuilder &b, const RowPiece &piece, ValueRange row,
                Value column);

/// Writes the elements of all fields of a row from `destination[at]` on, and
/// nothing behind them. Into bf16 or f32: as `dsa.unpack` defines it, except
/// that where the target multiplies `bf16Pairs` a denormal that would have to
/// be rounded to bf16 becomes zero. Into f8E4M3FN: codes without their scales,
/// of fields of that type.
void dequantizeRow(KernelBuilder &b, const PackedRows &rows, ValueRange row,
                   Value destination, ValueRange at);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_DEQUANTIZE_H
