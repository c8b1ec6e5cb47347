//===- ScoreQueries.cpp - q and w as the tiles of scores read them ------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreKernelImpl.h"
#include "Shuffles.h"

using namespace mlir;
using namespace mlir::dsa;

void ScoreKernel::packWeights(const Item &item, Value i, Value t) {
  Value packed = viewWeights(item);
  b.forLoop(b.index(0), heads, 1, [&](Value head) {
    Value weight = b.load(operands.weights, atRow(item, {t, head}));
    b.store(weight, packed, {i, head});
  });
}

/// Row `slot` of `array` becomes the elements of all pieces, side by side, and
/// a zero if the last step reaches beyond them.
void ScoreKernel::stageRow(ArrayRef<RowPiece> pieces, ValueRange row,
                           Value array, Value slot) {
  Value start = b.index(0);
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
  // Vectors of steps fill up behind their piece, single elements do not.
  if (pieces.back().readScaled && arithmetic.usesPairs())
    b.storeVector(b.splat(stepVector, 0.0), array, {slot, elements});
}

/// Calls `store` with the columns of the staged rows: a vector of rows for each
/// of as many steps, from `step` on, as there are lanes.
void ScoreKernel::transposeStaged(
    const Item &item, function_ref<void(Value, ArrayRef<Value>)> store) {
  Value staged = viewStaged(item);
  b.forLoop(b.index(0), steps, b.lanes(), [&](Value step) {
    Value element = b.mul(step, arithmetic.getWidth());
    SmallVector<Value> rows;
    for (unsigned r = 0; r < b.lanes(); ++r)
      rows.push_back(arithmetic.loadSteps(b, staged, {b.index(r), element}));
    store(step, transpose(b, rows));
  });
}

/// q[t] as [steps][heads], so that a vector holds one step of 16 heads.
void ScoreKernel::transposeQuery(const Item &item, Value i, Value t) {
  unsigned lanes = b.lanes();
  Value staged = viewStaged(item), transposed = viewQuery(item);
  b.forLoop(b.index(0), heads, lanes, [&](Value firstHead) {
    Value here = b.min(b.index(lanes), b.sub(heads, firstHead));
    // Heads that do not exist keep what the array held: no lane of theirs is
    // used.
    b.forLoop(b.index(0), here, 1, [&](Value r) {
      stageRow(query, atRow(item, {t, b.add(firstHead, r)}), staged, r);
    });
    transposeStaged(item, [&](Value step, ArrayRef<Value> columns) {
      for (auto [c, column] : llvm::enumerate(columns))
        b.storeVector(column, transposed, {i, b.add(step, c), firstHead});
    });
  });
}

/// q[t] as rows of the arithmetic's elements, to be broadcast from.
void ScoreKernel::copyQuery(const Item &item, Value i, Value t) {
  // The rows of all heads of the block, one after the other.
  Value flat =
      view(item, queryAt, {b.mul(rowBlock, paddedHeads), paddedElements},
           elementType);
  b.forLoop(b.index(0), heads, 1, [&](Value head) {
    stageRow(query, atRow(item, {t, head}), flat,
             b.add(b.mul(i, paddedHeads), head));
  });
}
