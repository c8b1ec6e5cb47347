//===- ScoreKernel.cpp - The scores of the lightning indexer --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreKernel.h"

#include "RegisterTile.h"
#include "Shuffles.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

/// The pieces of query rows, addressed by [batch,] t and head.
static SmallVector<RowPiece, 2> getQueryPieces(KernelBuilder &b, Value query,
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

static Value getNumElements(KernelBuilder &b, ArrayRef<RowPiece> pieces) {
  Value elements = b.index(0);
  for (const RowPiece &piece : pieces)
    elements = b.add(elements, piece.count);
  return elements;
}

namespace {
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
  void emitItem(Value number, const Scratch &scratch);
  void emitBounds(Item &item);
  void emitBlock(const Item &item, const Block &block);
  ScoreRow getRow(const Item &item, Value i);

  // Rows of q and w as the tiles read them.
  void packWeights(const Item &item, Value i, Value t);
  void transposeQuery(const Item &item, Value i, Value t);
  void copyQuery(const Item &item, Value i, Value t);
  // Keys of a block as the tiles read them.
  void prepareKeys(const Item &item, const Block &block);
  KeyPlace locateKey(const Item &item, Value position);
  void packPanel(const Item &item, Value slot, ArrayRef<KeyPlace> places,
                 ArrayRef<KeyPlace> next);
  void stageRow(ArrayRef<RowPiece> pieces, ValueRange row, Value array,
                Value slot);

  // Scores of a group of positions.
  void emitHeadsInLanes(const Item &item, const Block &block, Value i,
                        Value position, Value lo, Value hi);
  void emitKeysInLanes(const Item &item, const Block &block, Value i,
                       Value position, Value lo, Value hi);
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

  Value batches, rows, heads, elements, steps, positions;
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
} // namespace

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

ScoreKernel::ScoreKernel(KernelBuilder &b,
                         const oracle::ScoreOperands &operands, Value threads,
                         ScoreSink &sink)
    : b(b), operands(operands), threads(threads), sink(sink),
      keys(b, operands.source, operands.batched),
      query(getQueryPieces(b, operands.query, operands.source.queryTail)),
      arithmetic(Arithmetic::get(query[0].elementType,
                                 KeyRows::getElementType(operands.source),
                                 b.target)),
      elementType(arithmetic.getElementType(b.getContext())),
      stepType(arithmetic.getStepType(b.getContext())), plan(b) {
  unsigned rank = cast<ShapedType>(operands.query.getType()).getRank();
  batches = operands.batched ? b.dim(operands.query, 0) : b.index(1);
  rows = b.dim(operands.query, rank - 3);
  heads = b.dim(operands.query, rank - 2);
  knownHeads = getConstantIntValue(heads);
  elements = getNumElements(b, query);
  steps = arithmetic.getNumSteps(b, elements);
  positions = keys.getNumPositions();
  chooseTiles();
  planScratch();
}

void ScoreKernel::chooseTiles() {
  int64_t lanes = b.lanes();
  headsInLanes = lanes == 16 && (!knownHeads || *knownHeads > lanes);
  keyVectors = b.target.registers == 32 ? 4 : 2;
  tileHeads = 6;
  group = headsInLanes ? lanes : lanes * keyVectors;

  const RowPiece &piece = keys.getPieces()[0];
  std::optional<int64_t> known = getConstantIntValue(elements);
  bool wholeSteps = known && *known % arithmetic.getWidth() == 0;
  inPlace = headsInLanes && keys.getPieces().size() == 1 && !piece.byteOf &&
            piece.elementType == elementType && wholeSteps &&
            keys.areConsecutive(lanes);
  keepsValidity = operands.source.paged && !inPlace;
  keepsScale = keys.haveScale();

  // A big block of keys takes a quarter of the cache, q of some rows another.
  int64_t width = known.value_or(128);
  int64_t keyBytes =
      std::max<int64_t>(1, width * elementType.getIntOrFloatBitWidth() / 8);
  int64_t fitting = std::max<int64_t>(1, b.target.l2Bytes / 4 / keyBytes);
  smallBlock = group;
  // Panels are read again for each row; more than these would not stay close.
  int64_t most = headsInLanes ? 1024 : 256;
  bigBlock = std::clamp<int64_t>(llvm::bit_floor<uint64_t>(fitting), group,
                                 std::max<int64_t>(group, most));
  int64_t queryBytes = keyBytes * std::max<int64_t>(1, knownHeads.value_or(64));
  fitsL1 = queryBytes <= b.target.l1Bytes / 2;
  int64_t fittingRows = std::max<int64_t>(1, b.target.l2Bytes / 4 / queryBytes);
  // Rows that read different table rows share no keys. Else each thread gets
  // two blocks or more, of rows enough that preparing keys for them pays.
  Value share = b.ceilDiv(b.mul(batches, rows),
                          b.max(b.mul(b.toIndex(threads), 2), b.index(1)));
  Value mostRows = b.index(std::clamp<int64_t>(fittingRows, 4, 64));
  rowBlock = b.min(b.max(share, b.index(4)), mostRows);
  rowBlock = b.max(b.min(rowBlock, rows), b.index(1));
  if (operands.source.rowIds)
    rowBlock = b.index(1);
}

void ScoreKernel::planScratch() {
  int64_t lanes = b.lanes();
  paddedHeads =
      b.alignUp(heads, headsInLanes || knownHeads ? lanes : tileHeads);
  int64_t chunk = arithmetic.getMaxChunk(b.target);
  paddedElements = b.alignUp(elements, chunk);
  // Pieces that begin anywhere are filled up behind their end.
  if (keys.getPieces().size() > 1 || keys.getPieces()[0].readScaled)
    paddedElements = b.add(paddedElements, 2 * chunk);
  paddedSteps = b.alignUp(steps, chunk);

  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  loAt = plan.reserve(rowBlock, i32);
  hiAt = plan.reserve(rowBlock, i32);
  weightsAt = plan.reserve(b.mul(rowBlock, paddedHeads), f32);
  Value perHead =
      headsInLanes ? b.mul(paddedSteps, arithmetic.getWidth()) : paddedElements;
  queryAt =
      plan.reserve(b.mul(rowBlock, b.mul(paddedHeads, perHead)), elementType);
  stagedAt = plan.reserve(b.mul(paddedElements, lanes), elementType);
  if (!inPlace) {
    Value perKey = headsInLanes ? paddedElements
                                : b.mul(paddedSteps, arithmetic.getWidth());
    keysAt = plan.reserve(b.mul(perKey, bigBlock), elementType);
  }
  if (keepsValidity)
    validAt = plan.reserve(b.index(bigBlock), i32);
  if (keepsScale)
    scalesAt = plan.reserve(b.index(bigBlock), f32);
  if (lanes == 16)
    sumsAt = plan.reserve(b.index(16 * group), f32);
  sink.reserve(b, plan);
}

std::string ScoreKernel::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "scores by " << (arithmetic.usesPairs() ? "bf16 pairs" : "f32") << ", ";
  if (headsInLanes)
    os << "heads in lanes, " << group << " keys at a time, ";
  else
    os << "keys in lanes, tiles of up to " << tileHeads << " heads x "
       << keyVectors << " vectors of keys, ";
  if (inPlace)
    os << "keys read in place";
  else
    os << "keys prepared " << smallBlock << " or " << bigBlock << " at a time";
  return text;
}

//===----------------------------------------------------------------------===//
// Loops over rows and positions
//===----------------------------------------------------------------------===//

void ScoreKernel::emit() {
  Value rowBlocks = b.ceilDiv(rows, rowBlock);
  Value rowSets = b.mul(batches, rowBlocks);
  // Enough items that no thread waits long for the last one. One thread, or
  // many rows: all positions at once.
  Value wanted =
      b.ceilDiv(b.mul(b.toIndex(threads), 4), b.max(rowSets, b.index(1)));
  Value alone = b.compare(CmpIPredicate::eq, threads, b.i32(1));
  wanted = b.max(b.select(alone, b.index(1), wanted), b.index(1));
  Value chunkSize = b.max(b.alignUp(b.ceilDiv(positions, wanted), bigBlock),
                          b.index(llvm::alignTo(1024, bigBlock)));
  Value chunks = b.max(b.ceilDiv(positions, chunkSize), b.index(1));
  sink.begin(b, {b.mul(batches, rows), chunks, positions});

  parallelFor(
      b, b.mul(rowSets, chunks), threads, plan,
      [&](Value number, const Scratch &scratch) {
        Item item;
        item.scratch = scratch;
        item.chunk = b.rem(number, chunks);
        Value rowSet = b.div(number, chunks);
        item.batch = b.div(rowSet, rowBlocks);
        item.firstRow = b.mul(b.rem(rowSet, rowBlocks), rowBlock);
        item.numRows = b.min(rowBlock, b.sub(rows, item.firstRow));
        item.begin = b.mul(item.chunk, chunkSize);
        item.end = b.min(b.add(item.begin, chunkSize), positions);
        Value many = b.compare(CmpIPredicate::sge, item.numRows, b.index(8));
        item.blockSize = b.select(many, b.index(bigBlock), b.index(smallBlock));
        if (inPlace)
          item.blockSize = b.index(bigBlock);
        emitBounds(item);
        Value any = b.compare(CmpIPredicate::slt, item.from, item.to);
        b.ifThen(any, [&] {
          b.forLoop(b.index(0), item.numRows, 1, [&](Value i) {
            Value t = b.add(item.firstRow, i);
            packWeights(item, i, t);
            if (headsInLanes)
              transposeQuery(item, i, t);
            else
              copyQuery(item, i, t);
          });
        });
        b.forLoop(item.begin, item.end, item.blockSize, [&](Value begin) {
          Value end = b.min(b.add(begin, item.blockSize), item.end);
          emitBlock(item, {begin, end});
        });
      });
}

/// Stores the bounds of each row within the chunk, empty ones as [0, 0).
void ScoreKernel::emitBounds(Item &item) {
  Value lows = view(item, loAt, {rowBlock}, b.getI32Type());
  Value highs = view(item, hiAt, {rowBlock}, b.getI32Type());
  item.tableRow = b.index(0);
  SmallVector<Value> range =
      b.forLoop(b.index(0), item.numRows, 1, {item.end, item.begin},
                [&](Value i, ValueRange range) {
                  ScoreRow row = getRow(item, i);
                  SmallVector<Value> at = {row.t};
                  if (operands.batched)
                    at.insert(at.begin(), item.batch);
                  Value lo = item.begin, hi = item.end;
                  if (operands.lo)
                    lo = b.max(lo, b.toIndex(b.load(operands.lo, at)));
                  if (operands.hi)
                    hi = b.min(hi, b.toIndex(b.load(operands.hi, at)));
                  Value exists = b.compare(CmpIPredicate::slt, lo, hi);
                  if (operands.source.paged) {
                    // A pool without pages holds nothing to read in place of
                    // others.
                    Value pages = b.dim(operands.source.keys, 0);
                    exists = b.logicalAnd(exists, b.compare(CmpIPredicate::sgt,
                                                            pages, b.index(0)));
                  }
                  if (operands.source.rowIds) {
                    Value id = b.toIndex(b.load(operands.source.rowIds, at));
                    Value tableRows = b.dim(operands.source.blockTable, 0);
                    exists = b.logicalAnd(
                        exists, b.compare(CmpIPredicate::ult, id, tableRows));
                  }
                  Value zero = b.index(0);
                  b.store(b.toI32(b.select(exists, lo, zero)), lows, i);
                  b.store(b.toI32(b.select(exists, hi, zero)), highs, i);
                  sink.beginRow(b, row);
                  return SmallVector<Value>{
                      b.select(exists, b.min(range[0], lo), range[0]),
                      b.select(exists, b.max(range[1], hi), range[1])};
                });
  item.from = range[0];
  item.to = range[1];
  if (operands.batched && operands.source.paged)
    item.tableRow = item.batch;
  if (operands.source.rowIds) {
    // One row at a time. Of an id outside the table nothing is read.
    Value id = b.load(operands.source.rowIds, item.firstRow);
    item.tableRow = b.toIndex(id);
  }
}

ScoreRow ScoreKernel::getRow(const Item &item, Value i) {
  Value t = b.add(item.firstRow, i);
  return {item.batch, t, b.add(b.mul(item.batch, rows), t), item.chunk,
          item.scratch};
}

void ScoreKernel::emitBlock(const Item &item, const Block &block) {
  if (!inPlace || keepsScale) {
    Value used =
        b.logicalAnd(b.compare(CmpIPredicate::slt, block.begin, item.to),
                     b.compare(CmpIPredicate::slt, item.from, block.end));
    b.ifThen(used, [&] { prepareKeys(item, block); });
  }
  Value lows = view(item, loAt, {rowBlock}, b.getI32Type());
  Value highs = view(item, hiAt, {rowBlock}, b.getI32Type());
  b.forLoop(b.index(0), item.numRows, 1, [&](Value i) {
    ScoreRow row = getRow(item, i);
    Value lo = b.max(b.toIndex(b.load(lows, i)), block.begin);
    Value hi = b.min(b.toIndex(b.load(highs, i)), block.end);
    b.ifThen(
        b.compare(CmpIPredicate::slt, lo, hi),
        [&] {
          Value first = b.alignDown(lo, group);
          Value last = b.min(b.alignUp(hi, group), block.end);
          sink.skip(b, row, block.begin, first);
          b.forLoop(first, last, group, [&](Value position) {
            if (headsInLanes)
              emitHeadsInLanes(item, block, i, position, lo, hi);
            else
              emitKeysInLanes(item, block, i, position, lo, hi);
          });
          sink.skip(b, row, last, block.end);
        },
        [&] { sink.skip(b, row, block.begin, block.end); });
  });
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

void ScoreKernel::packWeights(const Item &item, Value i, Value t) {
  Value packed = viewWeights(item);
  b.forLoop(b.index(0), heads, 1, [&](Value head) {
    SmallVector<Value> at = {t, head};
    if (operands.batched)
      at.insert(at.begin(), item.batch);
    b.store(b.load(operands.weights, at), packed, {i, head});
  });
}

/// Row `slot` of `array` becomes the elements of all pieces, side by side, and
/// a zero if the last step reaches beyond them.
void ScoreKernel::stageRow(ArrayRef<RowPiece> pieces, ValueRange row,
                           Value array, Value slot) {
  Value start = b.index(0);
  auto stepVector = b.vectorOf(elementType, arithmetic.getWidth());
  bool filled = pieces.size() == 1 && !pieces[0].readScaled;
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
  if (!filled && arithmetic.usesPairs())
    b.storeVector(b.splat(stepVector, 0.0), array, {slot, elements});
}

/// q[t] as [steps][heads], so that a vector holds one step of 16 heads.
void ScoreKernel::transposeQuery(const Item &item, Value i, Value t) {
  unsigned lanes = b.lanes();
  Value staged =
      view(item, stagedAt, {b.index(lanes), paddedElements}, elementType);
  Value transposed = viewQuery(item);
  b.forLoop(b.index(0), heads, lanes, [&](Value firstHead) {
    Value here = b.min(b.index(lanes), b.sub(heads, firstHead));
    // Heads that do not exist keep what the array held: no lane of theirs is
    // used.
    b.forLoop(b.index(0), here, 1, [&](Value r) {
      SmallVector<Value> row = {t, b.add(firstHead, r)};
      if (operands.batched)
        row.insert(row.begin(), item.batch);
      stageRow(query, row, staged, r);
    });
    b.forLoop(b.index(0), steps, lanes, [&](Value step) {
      SmallVector<Value> vectors;
      for (unsigned r = 0; r < lanes; ++r)
        vectors.push_back(arithmetic.loadSteps(
            b, staged, {b.index(r), b.mul(step, arithmetic.getWidth())}));
      for (auto [c, column] : llvm::enumerate(transpose(b, vectors)))
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
    SmallVector<Value> row = {t, head};
    if (operands.batched)
      row.insert(row.begin(), item.batch);
    stageRow(query, row, flat, b.add(b.mul(i, paddedHeads), head));
  });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

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
  b.forLoop(first, valid || scales || stages ? end : first, 1,
            [&](Value position) {
              Value slot = b.sub(position, block.begin);
              KeyPlace place = locateKey(item, position);
              if (valid)
                b.store(arith::ExtUIOp::create(b, b.getI32Type(), place.valid),
                        valid, slot);
              if (scales)
                b.store(keys.loadScale(b, place.row), scales, slot);
              if (!stages)
                return;
              Value next = b.add(position, item.blockSize);
              keys.prefetch(b, locateKey(item, next).row, /*locality=*/2);
              stageRow(keys.getPieces(), place.row, staged, slot);
            });
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
  auto store = [&](Value step, ArrayRef<Value> vectors) {
    for (auto [c, column] : llvm::enumerate(transpose(b, vectors)))
      b.storeVector(column, panels, {panel, b.add(step, c), lane});
  };
  ArrayRef<RowPiece> pieces = keys.getPieces();
  if (pieces.size() > 1 || pieces[0].readScaled) {
    Value staged =
        view(item, stagedAt, {b.index(lanes), paddedElements}, elementType);
    for (unsigned r = 0; r < lanes; ++r) {
      keys.prefetch(b, next[r].row, /*locality=*/2);
      stageRow(pieces, places[r].row, staged, b.index(r));
    }
    b.forLoop(b.index(0), steps, lanes, [&](Value step) {
      SmallVector<Value> vectors;
      for (unsigned r = 0; r < lanes; ++r)
        vectors.push_back(arithmetic.loadSteps(
            b, staged, {b.index(r), b.mul(step, arithmetic.getWidth())}));
      store(step, vectors);
    });
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
      store(b.add(step, v * lanes), vectors);
    }
  };
  Value full = b.alignDown(piece.count, chunk);
  b.forLoop(b.index(0), full, chunk,
            [&](Value column) { pack(column, /*partial=*/false); });
  b.ifThen(b.compare(CmpIPredicate::ne, full, piece.count),
           [&] { pack(full, /*partial=*/true); });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// relu keeps NaN: 0 > NaN is false. In this form, with this order of operands,
/// it is one max instruction on x86.
Value ScoreKernel::activate(Value sums) {
  if (operands.activation == Activation::None)
    return sums;
  Value zero = b.splat(b.f32s(), 0.0);
  Value negative =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, zero, sums);
  return arith::SelectOp::create(b, negative, zero, sums);
}

/// Zero for heads that do not exist: 0 times their weight would be NaN where
/// the key is infinite.
Value ScoreKernel::maskHeads(Value values, Value vectorNumber) {
  if (knownHeads && *knownHeads % b.lanes() == 0)
    return values;
  Value left = b.sub(heads, b.mul(vectorNumber, b.lanes()));
  Value zero = b.splat(b.f32s(), 0.0);
  return arith::SelectOp::create(b, b.lanesBelow(left), values, zero);
}

/// Adds the terms of `numVectors` vectors of heads to the sums of 16 keys.
void ScoreKernel::emitHeadGroup(
    const Item &item, Value i, Value firstVector, unsigned numVectors,
    bool isOnly, bool isLast, function_ref<Value(unsigned, Value)> loadKey,
    const std::function<void(unsigned)> &prefetchKey) {
  unsigned lanes = b.lanes();
  Value transposed = viewQuery(item), weights = viewWeights(item);
  Value sums =
      view(item, sumsAt, {b.index(lanes), b.index(lanes)}, b.getF32Type());
  SmallVector<Value> vectorNumbers, firstHeads, weightVectors;
  for (unsigned v = 0; v < numVectors; ++v) {
    vectorNumbers.push_back(b.add(firstVector, v));
    firstHeads.push_back(b.mul(vectorNumbers[v], lanes));
    Value loaded = b.loadVector(b.f32s(), weights, {i, firstHeads[v]});
    if (isLast && v + 1 == numVectors)
      loaded = maskHeads(loaded, vectorNumbers[v]);
    weightVectors.push_back(loaded);
  }
  // Accumulators, the vectors of q, and a broadcast, in 32 registers.
  unsigned tileKeys = numVectors == 4   ? 4
                      : numVectors == 3 ? 6
                      : numVectors == 2 ? 8
                                        : 16;
  for (unsigned firstKey = 0; firstKey < lanes; firstKey += tileKeys) {
    RegisterTile tile = {std::min(tileKeys, lanes - firstKey), numVectors};
    for (unsigned key = 0; prefetchKey && key < tile.rows; ++key)
      prefetchKey(firstKey + key);
    emitRegisterTile(
        b, arithmetic, tile, steps,
        [&](unsigned v, Value step) {
          return b.loadVector(b.vectorOf(stepType), transposed,
                              {i, step, firstHeads[v]});
        },
        [&](unsigned key, Value step) { return loadKey(firstKey + key, step); },
        [&](unsigned key, ValueRange dots) {
          Value at = b.index(firstKey + key);
          Value sum = isOnly ? b.splat(b.f32s(), 0.0)
                             : b.loadVector(b.f32s(), sums, {at, b.index(0)});
          for (unsigned v = 0; v < numVectors; ++v) {
            Value active = activate(dots[v]);
            if (isLast && v + 1 == numVectors)
              active = maskHeads(active, vectorNumbers[v]);
            sum = b.fma(active, weightVectors[v], sum);
          }
          b.storeVector(sum, sums, {at, b.index(0)});
        });
  }
}

void ScoreKernel::emitHeadsInLanes(const Item &item, const Block &block,
                                   Value i, Value position, Value lo,
                                   Value hi) {
  unsigned lanes = b.lanes();
  Value zero = b.index(0);
  Value sums =
      view(item, sumsAt, {b.index(lanes), b.index(lanes)}, b.getF32Type());
  SmallVector<SmallVector<Value>> keyRows;
  Value source = operands.source.keys, groupValid;
  std::function<void(unsigned)> prefetchKey;
  if (inPlace) {
    KeyPlace first = locateKey(item, position);
    if (first.valid)
      groupValid = b.broadcast(first.valid, b.vectorOf(b.getI1Type()));
    // The rows of pages are whole; dense ones may end within the group.
    for (unsigned r = 0; r < lanes; ++r)
      keyRows.push_back(operands.source.paged
                            ? keys.advance(b, first, b.index(r))
                            : locateKey(item, b.add(position, r)).row);
    // Where q leaves room in L1, the next keys go there.
    unsigned locality = fitsL1 ? 3 : 2;
    KeyPlace next =
        locateKey(item, b.add(position, fitsL1 ? group : 2 * group));
    prefetchKey = [this, next, locality](unsigned key) {
      keys.prefetch(b, keys.advance(b, next, b.index(key)), locality);
    };
  } else {
    source = viewKeys(item);
    for (unsigned r = 0; r < lanes; ++r)
      keyRows.push_back({b.add(b.sub(position, block.begin), r)});
  }
  auto loadKey = [&](unsigned key, Value step) {
    return arithmetic.loadStep(b, source, keyRows[key], step);
  };

  if (knownHeads && *knownHeads <= 4 * lanes) {
    unsigned numVectors = llvm::divideCeil(*knownHeads, lanes);
    emitHeadGroup(item, i, zero, numVectors, /*isOnly=*/true, /*isLast=*/true,
                  loadKey, prefetchKey);
  } else {
    for (unsigned r = 0; r < lanes; ++r)
      b.storeVector(b.splat(b.f32s(), 0.0), sums, {b.index(r), zero});
    // Unknown heads are taken a vector at a time; the last one is not full.
    unsigned width = knownHeads ? 4 : 1;
    Value numVectors = b.ceilDiv(heads, lanes);
    Value full = b.alignDown(b.div(heads, lanes), width);
    b.forLoop(zero, full, width, [&](Value v) {
      emitHeadGroup(item, i, v, width, /*isOnly=*/false, /*isLast=*/false,
                    loadKey, nullptr);
    });
    unsigned left = 1;
    if (knownHeads)
      left = llvm::divideCeil(*knownHeads, lanes) - *getConstantIntValue(full);
    b.ifThen(b.compare(CmpIPredicate::slt, full, numVectors), [&] {
      emitHeadGroup(item, i, full, left, /*isOnly=*/false, /*isLast=*/true,
                    loadKey, nullptr);
    });
  }
  SmallVector<Value> perKey;
  for (unsigned r = 0; r < lanes; ++r)
    perKey.push_back(b.loadVector(b.f32s(), sums, {b.index(r), zero}));
  finish(item, block, i, position, addLanes(b, perKey), lo, hi, groupValid);
}

void ScoreKernel::emitKeysInLanes(const Item &item, const Block &block, Value i,
                                  Value position, Value lo, Value hi) {
  unsigned lanes = b.lanes();
  Value panels = viewKeys(item), copied = viewQuery(item),
        weights = viewWeights(item);
  Value panel = b.div(b.sub(position, block.begin), group);
  bool inTree = lanes == 16;
  Value sums =
      inTree ? view(item, sumsAt, {b.index(16), b.index(group)}, b.getF32Type())
             : Value();
  SmallVector<Value> zeros(keyVectors, b.splat(b.f32s(), 0.0));

  /// Adds the terms of `count` heads; those from `heads` on do not exist.
  auto addHeads = [&](Value firstHead, unsigned count, bool partial,
                      ValueRange before) {
    SmallVector<Value> after(before);
    emitRegisterTile(
        b, arithmetic, {count, keyVectors}, steps,
        [&](unsigned v, Value step) {
          return b.loadVector(b.vectorOf(stepType), panels,
                              {panel, step, b.index(v * lanes)});
        },
        [&](unsigned h, Value step) {
          return arithmetic.loadStep(b, copied, {i, b.add(firstHead, h)}, step);
        },
        [&](unsigned h, ValueRange dots) {
          Value head = b.add(firstHead, h);
          Value weight = b.broadcast(b.load(weights, {i, head}), b.f32s());
          for (unsigned v = 0; v < keyVectors; ++v) {
            Value sum =
                b.fma(activate(dots[v]), weight, inTree ? zeros[v] : after[v]);
            if (inTree) {
              b.storeVector(sum, sums, {head, b.index(v * lanes)});
              continue;
            }
            if (partial)
              sum = b.select(b.compare(CmpIPredicate::slt, head, heads), sum,
                             after[v]);
            after[v] = sum;
          }
        });
    return after;
  };

  SmallVector<Value> result = zeros;
  if (knownHeads) {
    BalancedParts parts(*knownHeads, tileHeads);
    Value middle = b.index(parts.numLarge * parts.large);
    if (parts.numLarge)
      result = b.forLoop(b.index(0), middle, parts.large, result,
                         [&](Value head, ValueRange carried) {
                           return addHeads(head, parts.large, false, carried);
                         });
    if (parts.small)
      result = b.forLoop(middle, heads, parts.small, result,
                         [&](Value head, ValueRange carried) {
                           return addHeads(head, parts.small, false, carried);
                         });
  } else {
    result = b.forLoop(b.index(0), heads, tileHeads, result,
                       [&](Value head, ValueRange carried) {
                         return addHeads(head, tileHeads, true, carried);
                       });
  }
  for (unsigned v = 0; v < keyVectors; ++v) {
    Value at = b.add(position, v * lanes);
    b.ifThen(b.compare(CmpIPredicate::slt, at, block.end), [&] {
      Value scores = result[v];
      if (inTree) {
        SmallVector<Value> perHead;
        for (int64_t head = 0; head < 16; ++head)
          perHead.push_back(
              head < *knownHeads
                  ? b.loadVector(b.f32s(), sums,
                                 {b.index(head), b.index(v * lanes)})
                  : zeros[v]);
        scores = addTree(b, perHead);
      }
      finish(item, block, i, at, scores, lo, hi, Value());
    });
  }
}

/// Scales the scores of a vector of positions and hands them on.
void ScoreKernel::finish(const Item &item, const Block &block, Value i,
                         Value position, Value scores, Value lo, Value hi,
                         Value valid) {
  Value slot = b.sub(position, block.begin);
  if (keepsScale) {
    Value scales = viewPerKey(item, scalesAt, b.getF32Type());
    scores =
        arith::MulFOp::create(b, scores, b.loadVector(b.f32s(), scales, slot));
  }
  if (keepsValidity) {
    Value flags =
        b.loadVector(b.i32s(), viewPerKey(item, validAt, b.getI32Type()), slot);
    valid = b.compare(CmpIPredicate::ne, flags, b.splat(b.i32s(), int64_t(0)));
  }
  Value at = b.add(b.broadcast(b.toI32(position), b.i32s()), b.iota());
  Value mask = b.logicalAnd(
      b.compare(CmpIPredicate::sge, at, b.broadcast(b.toI32(lo), b.i32s())),
      b.compare(CmpIPredicate::slt, at, b.broadcast(b.toI32(hi), b.i32s())));
  sink.take(b, getRow(item, i), position, scores, b.logicalAnd(mask, valid));
}

std::string dsa::emitScores(KernelBuilder &b,
                            const oracle::ScoreOperands &operands,
                            Value threads, ScoreSink &sink) {
  ScoreKernel kernel(b, operands, threads, sink);
  kernel.emit();
  return kernel.describe();
}
