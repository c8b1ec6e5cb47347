//===- ScoreKernel.cpp - The scores of the lightning indexer --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowStaging.h"
#include "ScoreKernelImpl.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

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
  plannedRows = b.getPlanned(rows);
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
  Value share = b.ceilDiv(b.mul(batches, plannedRows),
                          b.max(b.mul(b.toIndex(threads), 2), b.index(1)));
  Value mostRows = b.index(std::clamp<int64_t>(fittingRows, 4, 64));
  rowBlock = b.min(b.max(share, b.index(4)), mostRows);
  rowBlock = b.max(b.min(rowBlock, plannedRows), b.index(1));
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
  loAt = plan.reserve(rowBlock, b.getI64Type());
  hiAt = plan.reserve(rowBlock, b.getI64Type());
  weightsAt = plan.reserve({rowBlock, paddedHeads}, f32);
  Value perHead =
      headsInLanes ? b.mul(paddedSteps, arithmetic.getWidth()) : paddedElements;
  queryAt = plan.reserve({rowBlock, paddedHeads, perHead}, elementType);
  stagedAt = plan.reserve({b.index(lanes), paddedElements}, elementType);
  if (!inPlace) {
    Value perKey = headsInLanes ? paddedElements
                                : b.mul(paddedSteps, arithmetic.getWidth());
    keysAt = plan.reserve({b.index(bigBlock), perKey}, elementType);
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
  else if (operands.source.rowIds)
    os << "keys prepared " << smallBlock << " at a time";
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
  Value plannedSets = b.mul(batches, b.ceilDiv(plannedRows, rowBlock));
  Value wanted =
      b.ceilDiv(b.mul(b.toIndex(threads), 4), b.max(plannedSets, b.index(1)));
  Value alone = b.compare(CmpIPredicate::eq, threads, b.i32(1));
  wanted = b.max(b.select(alone, b.index(1), wanted), b.index(1));
  Value chunkSize = b.max(b.alignUp(b.ceilDiv(positions, wanted), bigBlock),
                          b.index(llvm::alignTo(1024, bigBlock)));
  Value chunks = b.max(b.ceilDiv(positions, chunkSize), b.index(1));
  sink.begin(b, {b.mul(batches, rows), chunks, positions,
                 b.mul(batches, plannedRows), wanted});

  parallelFor(
      b, {b.mul(rowSets, chunks), b.mul(plannedSets, wanted)}, threads, plan,
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
  Value lows = view(item, loAt, {rowBlock}, b.getI64Type());
  Value highs = view(item, hiAt, {rowBlock}, b.getI64Type());
  item.tableRow = b.index(0);
  SmallVector<Value> range =
      b.forLoop(b.index(0), item.numRows, 1, {item.end, item.begin},
                [&](Value i, ValueRange range) {
                  ScoreRow row = getRow(item, i);
                  SmallVector<Value> at = atRow(item, {row.t});
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
                  b.store(b.toI64(b.select(exists, lo, zero)), lows, i);
                  b.store(b.toI64(b.select(exists, hi, zero)), highs, i);
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

SmallVector<Value> ScoreKernel::atRow(const Item &item,
                                      ArrayRef<Value> indices) const {
  SmallVector<Value> at(indices);
  if (operands.batched)
    at.insert(at.begin(), item.batch);
  return at;
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
  Value lows = view(item, loAt, {rowBlock}, b.getI64Type());
  Value highs = view(item, hiAt, {rowBlock}, b.getI64Type());
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

std::string dsa::emitScores(KernelBuilder &b,
                            const oracle::ScoreOperands &operands,
                            Value threads, ScoreSink &sink) {
  ScoreKernel kernel(b, operands, threads, sink);
  kernel.emit();
  return kernel.describe();
}
