//===- ScoreKernelImpl.h - The parts of the score kernel -------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNELIMPL_H
#define DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNELIMPL_H

#include "RegisterTile.h"
#include "ScoreKernel.h"

namespace mlir::dsa {

/// Emits the kernel. Its methods stand in ScoreKernel.cpp (choices, loops),
/// ScoreQueries.cpp, ScoreKeys.cpp and ScoreTiles.cpp.
class ScoreKernel {
public:
  ScoreKernel(KernelBuilder &b, const oracle::ScoreOperands &operands,
              Value threads, ScoreSink &sink);
  void emit();
  std::string describe() const;

private:
  /// What one thread works on: some rows and a chunk of positions.
  struct Item {
    Value batch, chunk, firstRow, numRows, tableRow, blockSize;
    /// Positions [begin, end) of the chunk, and those that any row scores.
    Value begin, end, from, to;
    Scratch scratch;
  };
  /// Positions [begin, end) that are prepared at a time.
  struct Block {
    Value begin, end;
  };

  void chooseTiles();
  void planScratch();
  void emitBounds(Item &item);
  void emitBlock(const Item &item, const Block &block);
  ScoreRow getRow(const Item &item, Value i);
  /// `indices` into an operand that has one entry, or more, for each row.
  SmallVector<Value> atRow(const Item &item, ArrayRef<Value> indices) const;

  // Rows of q and w as the tiles read them.
  void packWeights(const Item &item, Value i, Value t);
  void transposeQuery(const Item &item, Value i, Value t);
  void copyQuery(const Item &item, Value i, Value t);
  // Keys of a block as the tiles read them.
  void prepareKeys(const Item &item, const Block &block);
  KeyPlace locateKey(const Item &item, Value position);
  void packPanel(const Item &item, Value slot, ArrayRef<KeyPlace> places,
                 ArrayRef<KeyPlace> next);

  // Scores of a group of positions.
  void emitHeadsInLanes(const Item &item, const Block &block, Value i,
                        Value position, Value lo, Value hi);
  void emitKeysInLanes(const Item &item, const Block &block, Value i,
                       Value position, Value lo, Value hi);
  SmallVector<Value>
  multiplyTile(RegisterTile tile,
               function_ref<Value(unsigned column, Value step)> loadVector,
               function_ref<Value(unsigned row, Value step)> loadScalar);
  void emitHeadGroup(const Item &item, Value i, Value firstVector,
                     unsigned numVectors, bool isOnly, bool isLast,
                     function_ref<Value(unsigned key, Value step)> loadKey,
                     const std::function<void(unsigned key)> &prefetchKey);
  void finish(const Item &item, const Block &block, Value i, Value position,
              Value scores, Value lo, Value hi, Value valid);
  Value activate(Value sums);
  Value maskHeads(Value values, Value vectorNumber);

  Value view(const Item &item, Value offset, ArrayRef<Value> extents,
             Type type) {
    return item.scratch.view(b, offset, extents, type);
  }
  Value viewWeights(const Item &item) {
    return view(item, weightsAt, {rowBlock, paddedHeads}, b.getF32Type());
  }
  Value viewQuery(const Item &item) {
    if (headsInLanes)
      return view(item, queryAt, {rowBlock, paddedSteps, paddedHeads},
                  stepType);
    return view(item, queryAt, {rowBlock, paddedHeads, paddedElements},
                elementType);
  }
  /// As many rows as there are lanes, before they are transposed.
  Value viewStaged(const Item &item) {
    return view(item, stagedAt, {b.index(b.lanes()), paddedElements},
                elementType);
  }
  Value viewKeys(const Item &item) {
    if (headsInLanes)
      return view(item, keysAt, {b.index(bigBlock), paddedElements},
                  elementType);
    return view(item, keysAt,
                {b.index(bigBlock / group), paddedSteps, b.index(group)},
                stepType);
  }
  Value viewPerKey(const Item &item, Value offset, Type type) {
    return view(item, offset, {b.index(bigBlock)}, type);
  }

  KernelBuilder &b;
  const oracle::ScoreOperands &operands;
  Value threads;
  ScoreSink &sink;
  KeyRows keys;
  SmallVector<RowPiece, 2> query;
  Arithmetic arithmetic;
  Type elementType, stepType;

  Value batches, rows, plannedRows, heads, elements, steps, positions;
  std::optional<int64_t> knownHeads;

  bool headsInLanes;
  /// Keys are read where they are; there is nothing to prepare of them.
  bool inPlace;
  /// Whether q of a row takes less than half of the first-level cache.
  bool fitsL1;
  /// Whether each key's validity, and its scale, are kept beside it.
  bool keepsValidity, keepsScale;
  /// Vectors of keys in a tile with keys in lanes, heads in a tile there.
  unsigned keyVectors, tileHeads;
  /// Positions whose scores are computed together.
  int64_t group;
  /// Positions that are prepared together for few rows, and for many.
  int64_t smallBlock, bigBlock;
  Value rowBlock, paddedHeads, paddedElements, paddedSteps;
  // Offsets in scratch memory.
  ScratchPlan plan;
  Value loAt, hiAt, weightsAt, queryAt, stagedAt, keysAt, validAt, scalesAt,
      sumsAt;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNELIMPL_H
