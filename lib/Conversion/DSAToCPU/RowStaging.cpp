//===- RowStaging.cpp - Rows copied as the arithmetic reads them ----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowStaging.h"
#include "Shuffles.h"

using namespace mlir;
using namespace mlir::dsa;

SmallVector<RowPiece, 2> dsa::getQueryPieces(KernelBuilder &b, Value query,
                                             Value tail) {
  SmallVector<RowPiece, 2> pieces;
  for (Value piece : {query, tail})
    if (piece) {
      auto type = cast<ShapedType>(piece.getType());
      pieces.push_back(
          {piece, type.getElementType(), b.dim(piece, type.getRank() - 1)});
    }
  return pieces;
}

Value dsa::getNumElements(KernelBuilder &b, ArrayRef<RowPiece> pieces) {
  Value elements = b.index(0);
  for (const RowPiece &piece : pieces)
    elements = b.add(elements, piece.count);
  return elements;
}

void dsa::stageRow(KernelBuilder &b, const Arithmetic &arithmetic,
                   ArrayRef<RowPiece> pieces, Value elements, ValueRange row,
                   Value array, Value slot) {
  Value start = b.index(0);
  Type elementType = arithmetic.getElementType(b.getContext());
  auto stepVector = b.vectorOf(elementType, arithmetic.getWidth());
  for (const RowPiece &piece : pieces) {
    if (piece.readScaled)
      b.forLoop(b.index(0), piece.count, 1, [&](Value column) {
        Value element = piece.readScaled(b, row, column);
        if (arithmetic.usesPairs())
          element = arith::TruncFOp::create(b, elementType, element);
        b.store(element, array, {slot, b.add(start, column)});
      });
    else
      forEachStepVector(b, arithmetic, piece, row,
                        [&](Value column, Value stepValues) {
                          b.storeVector(b.bitcast(stepValues, elementType),
                                        array, {slot, b.add(start, column)});
                        });
    start = b.add(start, piece.count);
  }
  // The vectors of one piece fill up behind it, other forms do not always.
  if (pieces.size() > 1 || pieces.back().readScaled)
    b.storeVector(b.splat(stepVector, 0.0), array, {slot, elements});
}

void dsa::transposeStaged(KernelBuilder &b, const Arithmetic &arithmetic,
                          Value staged, Value steps,
                          function_ref<void(Value, ArrayRef<Value>)> store) {
  b.forLoop(b.index(0), steps, b.lanes(), [&](Value step) {
    Value element = b.mul(step, arithmetic.getWidth());
    SmallVector<Value> rows;
    for (unsigned r = 0; r < b.lanes(); ++r)
      rows.push_back(arithmetic.loadSteps(b, staged, {b.index(r), element}));
    store(step, transpose(b, rows));
  });
}
