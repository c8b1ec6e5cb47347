//===- ScoreKeys.cpp - Keys as the tiles of scores read them ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowStaging.h"
#include "ScoreKernelImpl.h"
#include "Shuffles.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

KeyPlace ScoreKernel::locateKey(const Item &item, Value position) {
  Value last = b.sub(positions, b.index(1));
  return keys.locate(b, item.batch, item.tableRow, b.min(position, last));
}

void ScoreKernel::prepareKeys(const Item &item, const Block &block) {
  unsigned lanes = b.lanes();
  Value first = b.max(block.begin, b.alignDown(item.from, group));
  Value last = b.min(block.end, item.to);
  Value valid, scales, staged;
  if (keepsValidity)
    valid = viewPerKey(item, validAt, b.getI32Type());
  if (keepsScale)
    scales = viewPerKey(item, scalesAt, b.getF32Type());
  bool stages = headsInLanes && !inPlace;
  if (stages)
    staged = viewKeys(item);

  // Groups are whole: what is behind the last position repeats it.
  Value end = b.add(first, b.alignUp(b.sub(last, first), lanes));
  auto prepareRow = [&](Value position) {
    Value slot = b.sub(position, block.begin);
    KeyPlace place = locateKey(item, position);
    if (valid)
      b.store(arith::ExtUIOp::create(b, b.getI32Type(), place.valid), valid,
              slot);
    if (scales)
      b.store(keys.loadScale(b, place.row), scales, slot);
    if (!stages)
      return;
    Value next = b.add(position, item.blockSize);
    keys.prefetch(b, locateKey(item, next).row, /*locality=*/2);
    stageRow(b, arithmetic, keys.getPieces(), elements, place.row, staged,
             slot);
  };
  if (valid || scales || stages)
    b.forLoop(first, end, 1, prepareRow);
  if (!headsInLanes)
    b.forLoop(first, end, lanes, [&](Value position) {
      SmallVector<KeyPlace> places, next;
      for (unsigned r = 0; r < lanes; ++r) {
        Value key = b.add(position, r);
        places.push_back(locateKey(item, key));
        next.push_back(locateKey(item, b.add(key, item.blockSize)));
      }
      packPanel(item, b.sub(position, block.begin), places, next);
    });
}

/// The keys of one vector of positions as columns [steps][positions]. Asks for
/// those at `next`, a little at a time: a CPU remembers few requests.
void ScoreKernel::packPanel(const Item &item, Value slot,
                            ArrayRef<KeyPlace> places,
                            ArrayRef<KeyPlace> next) {
  unsigned lanes = b.lanes();
  Value panels = viewKeys(item);
  Value panel = b.div(slot, group), lane = b.rem(slot, b.index(group));
  auto store = [&](Value step, ArrayRef<Value> columns) {
    for (auto [c, column] : llvm::enumerate(columns))
      b.storeVector(column, panels, {panel, b.add(step, c), lane});
  };
  ArrayRef<RowPiece> pieces = keys.getPieces();
  if (pieces.size() > 1 || pieces[0].readScaled) {
    Value staged = viewStaged(item);
    for (unsigned r = 0; r < lanes; ++r) {
      keys.prefetch(b, next[r].row, /*locality=*/2);
      stageRow(b, arithmetic, pieces, elements, places[r].row, staged,
               b.index(r));
    }
    transposeStaged(b, arithmetic, staged, steps, store);
    return;
  }
  // One piece is converted on its way, without a copy of the rows.
  const RowPiece &piece = pieces[0];
  unsigned chunk = arithmetic.getChunk(piece.elementType, b.target);
  auto pack = [&](Value column, bool partial) {
    SmallVector<SmallVector<Value>> chunks;
    for (unsigned r = 0; r < lanes; ++r) {
      b.prefetch(piece.memref, piece.at(b, next[r].row, column),
                 /*locality=*/2);
      chunks.push_back(arithmetic.toSteps(
          b, piece.load(b, places[r].row, column, chunk, partial)));
    }
    Value step = b.div(column, arithmetic.getWidth());
    for (unsigned v = 0; v < chunks[0].size(); ++v) {
      SmallVector<Value> vectors;
      for (const SmallVector<Value> &stepVectors : chunks)
        vectors.push_back(stepVectors[v]);
      store(b.add(step, v * lanes), transpose(b, vectors));
    }
  };
  Value full = b.alignDown(piece.count, chunk);
  b.forLoop(b.index(0), full, chunk,
            [&](Value column) { pack(column, /*partial=*/false); });
  b.ifThen(b.compare(CmpIPredicate::ne, full, piece.count),
           [&] { pack(full, /*partial=*/true); });
}
