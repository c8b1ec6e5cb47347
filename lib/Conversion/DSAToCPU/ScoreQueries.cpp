//===- ScoreQueries.cpp - q and w as the tiles of scores read them ------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowStaging.h"
#include "ScoreKernelImpl.h"

using namespace mlir;
using namespace mlir::dsa;

void ScoreKernel::packWeights(const Item &item, Value i, Value t) {
  Value packed = viewWeights(item);
  b.forLoop(b.index(0), heads, 1, [&](Value head) {
    Value weight = b.load(operands.weights, atRow(item, {t, head}));
    b.store(weight, packed, {i, head});
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
      stageRow(b, arithmetic, query, elements,
               atRow(item, {t, b.add(firstHead, r)}), staged, r);
    });
    transposeStaged(
        b, arithmetic, staged, steps, [&](Value step, ArrayRef<Value> columns) {
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
    stageRow(b, arithmetic, query, elements, atRow(item, {t, head}), flat,
             b.add(b.mul(i, paddedHeads), head));
  });
}
