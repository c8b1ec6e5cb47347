//===- AttentionTiles.cpp - The keys of a block of attention --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "RowStaging.h"
#include "Shuffles.h"
#include "VectorMath.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

/// Steps of 4 bytes in a cache line.
static constexpr int64_t lineSteps = 16;

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// The heads of a group as [step][lane], or where elements are in lanes, as
/// rows, which stay staged: no group comes behind that one.
void AttentionKernel::transposeQuery(const Item &item, const Group &group) {
  Value staged = viewQueryRows(item);
  auto stage = [&](Value first, Value count) {
    b.forLoop(b.index(0), count, 1, [&](Value r) {
      stageRow(b, arithmetic, query, elements,
               atRow(item, {item.t, b.add(first, r)}), staged, r);
    });
  };
  if (group.kind.elementsInLanes) {
    stage(group.head, getNumHeads(group));
    return;
  }
  Value transposed = viewQuery(item);
  Value panel = b.mul(b.mul(group.number, paddedSteps), groupLanes);
  for (unsigned v = 0; v < group.kind.vectors; ++v) {
    Value first = b.add(group.head, v * b.lanes());
    // Lanes without a head keep what the array held, and reach no result.
    Value count = b.min(b.index(b.lanes()), b.sub(heads, first));
    stage(first, count);
    transposeStaged(
        b, arithmetic, staged, steps, [&](Value step, ArrayRef<Value> columns) {
          for (auto [c, column] : llvm::enumerate(columns)) {
            Value at = b.add(b.mul(b.add(step, c), groupLanes), v * b.lanes());
            b.storeVector(column, transposed, b.add(panel, at));
          }
        });
  }
}

//===----------------------------------------------------------------------===//
// Dot products
//===----------------------------------------------------------------------===//

/// A function that asks for the cache lines that belong to the steps from
/// `step` on, `lineSteps` of `numSteps`: of some of the rows of keys of the
/// next block, which tiles and groups share among them, and of values of this
/// one if they lie elsewhere. Little by little, as a CPU remembers few
/// requests.
std::function<void(Value)>
AttentionKernel::makePrefetch(const Item &item, const Group &group,
                              const Range &range, const RowBlock &block,
                              Value r, unsigned piece, Value numSteps) {
  std::optional<int64_t> known = getConstantIntValue(numGroups);
  unsigned numRows = llvm::divideCeil(tileRows, known.value_or(1));
  Value share = r;
  if (known)
    share = b.add(b.mul(group.number, blockRows / *known),
                  b.div(r, b.index(*known)));
  Value last = b.sub(range.length, b.index(1));
  Value here = b.add(block.begin, share);

  struct Line {
    StoredRows rows;
    Value start;
  };
  SmallVector<Line> lines;
  auto append = [&](ArrayRef<StoredRows> stored, Value first) {
    for (const StoredRows &rows : stored)
      for (unsigned i = 0; i < numRows; ++i)
        lines.push_back({rows, rows.start(b, b.min(b.add(first, i), last))});
  };
  append(range.rows.getStoredKeys(item.scratch, piece), b.add(here, blockRows));
  if (piece == 0)
    append(range.rows.getStoredValues(item.scratch), here);
  return [this, lines, numSteps](Value step) {
    for (const Line &line : lines) {
      // Stored elements that a step stands for, so that all lines are named.
      Value perStep = b.ceilDiv(line.rows.count, b.max(numSteps, b.index(1)));
      unsigned bits =
          getElementTypeOrSelf(line.rows.memref).getIntOrFloatBitWidth();
      int64_t known = getConstantIntValue(perStep).value_or(1);
      int64_t numLines =
          llvm::divideCeil(known * lineSteps * bits / 8, int64_t(64));
      Value end = b.sub(line.rows.count, b.index(1));
      for (int64_t i = 0; i < numLines; ++i) {
        Value element = b.add(b.mul(step, perStep), i * 64 * 8 / bits);
        b.prefetch(line.rows.memref, b.add(line.start, b.min(element, end)),
                   /*locality=*/2);
      }
    }
  };
}

/// Where the `count` rows from `r` on begin.
static SmallVector<Value> getStarts(KernelBuilder &b,
                                    const BlockColumns &columns, Value r,
                                    unsigned count) {
  SmallVector<Value> starts;
  for (unsigned i = 0; i < count; ++i)
    starts.push_back(columns.start(b, b.add(r, i)));
  return starts;
}

/// Marks the dot products behind the block's last key as those of no key.
static void fillUpDots(KernelBuilder &b, Value dots, const RowBlock &block,
                       Value end, unsigned vectors) {
  Value nothing = b.splat(b.f32s(), -std::numeric_limits<double>::infinity());
  b.forLoop(block.count, end, 1, [&](Value r) {
    for (unsigned v = 0; v < vectors; ++v)
      b.storeVector(nothing, dots, {r, b.index(v * b.lanes())});
  });
}

/// Heads in lanes: tiles of `tileRows` keys by the vectors of the group. Tiles
/// go beyond the end of the block, on rows that exist.
void AttentionKernel::emitScores(const Item &item, const Group &group,
                                 const Range &range, const RowBlock &block) {
  unsigned lanes = b.lanes();
  RegisterTile tile = {tileRows, group.kind.vectors};
  Value dots = viewDots(item), transposed = viewQuery(item);
  Value panel = b.mul(b.mul(group.number, paddedSteps), groupLanes);
  SmallVector<BlockColumns, 2> pieces = range.rows.getKeys(item.scratch, block);
  Value end = b.alignUp(block.count, tileRows);
  b.forLoop(b.index(0), end, tileRows, [&](Value r) {
    SmallVector<Value> sums = getZeroSums(b, tile);
    Value firstStep = b.index(0);
    for (auto [p, piece] : llvm::enumerate(pieces)) {
      SmallVector<Value> starts = getStarts(b, piece, r, tileRows);
      Value numSteps = arithmetic.getNumSteps(b, piece.count);
      TileLoop loop;
      loop.tile = tile;
      auto loadColumn = [&](unsigned v, Value step) {
        Value at = b.add(b.mul(b.add(firstStep, step), groupLanes), v * lanes);
        return b.loadVector(b.vectorOf(stepType), transposed, b.add(panel, at));
      };
      auto loadRow = [&, memref = piece.memref](unsigned i, Value step) {
        return b.broadcast(
            arithmetic.loadStepAt(
                b, memref,
                b.add(starts[i], b.mul(step, arithmetic.getWidth()))),
            b.vectorOf(stepType));
      };
      loop.loadColumn = loadColumn;
      loop.loadRow = loadRow;
      loop.from = b.index(0);
      std::function<void(Value)> prefetch =
          makePrefetch(item, group, range, block, r, p, numSteps);
      loop.to = b.alignDown(numSteps, lineSteps);
      loop.chunk = lineSteps;
      loop.beforeChunk = prefetch;
      sums = accumulateTile(b, arithmetic, loop, sums);
      loop.from = loop.to;
      loop.to = numSteps;
      loop.beforeChunk = nullptr;
      if (!isEqualConstantIntOrValue(loop.from, loop.to))
        sums = accumulateTile(b, arithmetic, loop, sums);
      firstStep = b.add(firstStep, numSteps);
    }
    for (unsigned i = 0; i < tile.rows; ++i)
      for (unsigned v = 0; v < tile.columns; ++v)
        b.storeVector(sums[i * tile.columns + v], dots,
                      {b.add(r, i), b.index(v * lanes)});
  });
  fillUpDots(b, dots, block, end, group.kind.vectors);
}

/// Elements in lanes, for few heads: 16 dot products, of as many keys as that
/// gives, with vectors of q and of the rows themselves.
void AttentionKernel::emitScoresOfElements(const Item &item, const Group &group,
                                           const Range &range,
                                           const RowBlock &block) {
  unsigned lanes = b.lanes();
  auto perKey = static_cast<unsigned>(llvm::PowerOf2Ceil(group.kind.heads));
  unsigned numKeys = lanes / perKey, width = arithmetic.getWidth();
  // Lanes of a power of two, of which the last may have no head.
  RegisterTile tile = {numKeys, perKey};
  Value dots = viewDots(item), queries = viewQueryRows(item);
  SmallVector<BlockColumns, 2> pieces = range.rows.getKeys(item.scratch, block);
  Value lastHead = b.sub(getNumHeads(group), b.index(1));
  // Weights are made of two keys at a time.
  unsigned multiple = std::max(numKeys, 2u);
  Value end = b.alignUp(block.count, multiple);
  b.forLoop(b.index(0), end, numKeys, [&](Value r) {
    SmallVector<Value> sums = getZeroSums(b, tile);
    Value firstElement = b.index(0);
    for (auto [p, piece] : llvm::enumerate(pieces)) {
      SmallVector<Value> starts = getStarts(b, piece, r, numKeys);
      TileLoop loop;
      loop.tile = tile;
      auto loadColumn = [&](unsigned head, Value step) {
        Value row = b.min(b.index(head), lastHead);
        return arithmetic.loadSteps(
            b, queries, {row, b.add(firstElement, b.mul(step, width))});
      };
      auto loadRow = [&, memref = piece.memref](unsigned i, Value step) {
        return arithmetic.loadSteps(b, memref,
                                    b.add(starts[i], b.mul(step, width)));
      };
      loop.loadColumn = loadColumn;
      loop.loadRow = loadRow;
      loop.from = b.index(0);
      // Staged rows are filled up with zeros, the others are whole vectors.
      loop.to = b.alignUp(arithmetic.getNumSteps(b, piece.count), lanes);
      loop.stride = lanes;
      std::function<void(Value)> prefetch =
          makePrefetch(item, group, range, block, r, p, loop.to);
      loop.chunk = lanes;
      loop.beforeChunk = prefetch;
      sums = accumulateTile(b, arithmetic, loop, sums);
      firstElement = b.add(firstElement, piece.count);
    }
    Value all = addLanes(b, sums);
    for (unsigned i = 0; i < numKeys; ++i) {
      SmallVector<int64_t> rotated;
      for (unsigned lane = 0; lane < lanes; ++lane)
        rotated.push_back((lane + i * perKey) % lanes);
      b.storeVector(i ? b.shuffle(all, all, rotated) : all, dots,
                    {b.add(r, i), b.index(0)});
    }
  });
  fillUpDots(b, dots, block, end, /*vectors=*/1);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Of two vectors of weights, of adjacent keys, the steps.
static Value packWeights(KernelBuilder &b, Value even, Value odd) {
  unsigned lanes = b.lanes();
  Value packed = b.intrinsic("llvm.x86.avx512bf16.cvtne2ps2bf16.512",
                             b.vectorOf(b.getBF16Type(), 2), {odd, even});
  SmallVector<int64_t> mask;
  for (unsigned lane = 0; lane < lanes; ++lane)
    mask.append({lane, lanes + lane});
  return b.bitcast(b.shuffle(packed, packed, mask), b.getI32Type());
}

/// Dot products become weights. Sets by how much the sums of the blocks before
/// are to be scaled, and scales their sums of weights.
void AttentionKernel::emitWeights(const Item &item, const Group &group,
                                  const Range &range, const RowBlock &block) {
  Value dots = viewDots(item), weights = viewWeights(item);
  Value rescale = viewPerLane(item, rescaleAt);
  Value end = b.alignUp(block.count, 2);
  for (unsigned v = 0; v < group.kind.vectors; ++v) {
    Value lane = b.index(v * b.lanes());
    SmallVector<Value> at = {
        item.slot, range.number,
        b.add(b.mul(group.number, groupLanes), v * b.lanes())};
    Value before = b.loadVector(b.f32s(), maxima, at);
    auto load = [&](Value r) {
      return b.loadVector(b.f32s(), dots, {r, lane});
    };
    SmallVector<Value> greatest = b.forLoop(
        b.index(0), end, 2, {before, before}, [&](Value r, ValueRange maxima) {
          return SmallVector<Value>{
              takeMaximum(b, maxima[0], load(r)),
              takeMaximum(b, maxima[1], load(b.add(r, 1)))};
        });
    Value maximum = takeMaximum(b, greatest[0], greatest[1]);
    Value shift = getShift(maximum);
    auto weigh = [&](Value dot) {
      return exponentiate(arith::SubFOp::create(b, dot, shift));
    };
    Value scaled = weigh(before);
    Value total =
        arith::MulFOp::create(b, scaled, b.loadVector(b.f32s(), totals, at));
    SmallVector<Value> sums = b.forLoop(
        b.index(0), end, 2, {total, b.splat(b.f32s(), 0.0)},
        [&](Value r, ValueRange sums) {
          Value odd = b.add(r, 1);
          Value x = weigh(load(r)), y = weigh(load(odd));
          if (arithmetic.usesPairs()) {
            b.storeVector(packWeights(b, x, y), weights, {b.div(r, 2), lane});
          } else {
            b.storeVector(x, weights, {r, lane});
            b.storeVector(y, weights, {odd, lane});
          }
          return SmallVector<Value>{arith::AddFOp::create(b, sums[0], x),
                                    arith::AddFOp::create(b, sums[1], y)};
        });
    b.storeVector(maximum, maxima, at);
    b.storeVector(arith::AddFOp::create(b, sums[0], sums[1]), totals, at);
    b.storeVector(scaled, rescale, lane);
  }
}

/// e^(scale x) for dot products x of at most 0.
Value AttentionKernel::exponentiate(Value x) {
  constexpr double log2e = 1.4426950408889634;
  double scale = op.getScale().convertToFloat(), factor = scale * log2e;
  if (factor > std::numeric_limits<float>::max()) {
    x = arith::MulFOp::create(b, x, b.splat(b.f32s(), scale));
    factor = log2e;
  }
  return exp2OfNonPositive(
      b, arith::MulFOp::create(b, x, b.splat(b.f32s(), factor)));
}

/// What is subtracted before exponentiation: the maximum, or 0 where there is
/// nothing to weigh, as -inf less itself would be NaN.
Value AttentionKernel::getShift(Value maximum) {
  Value nothing = b.splat(b.f32s(), -std::numeric_limits<double>::infinity());
  Value isEmpty =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum, nothing);
  return arith::SelectOp::create(b, isEmpty, b.splat(b.f32s(), 0.0), maximum);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Adds the weighted values of a block to the scaled sums.
void AttentionKernel::emitValues(const Item &item, const Group &group,
                                 const Range &range, const RowBlock &block) {
  BlockColumns values = range.rows.getValues(item.scratch, block);
  if (!arithmetic.usesPairs()) {
    emitValueTiles(item, group, range, values, block.count, /*isHalf=*/false);
    return;
  }
  emitValueTiles(item, group, range, values, b.div(block.count, 2),
                 /*isHalf=*/false);
  b.ifThen(
      b.compare(CmpIPredicate::ne, b.rem(block.count, b.index(2)), b.index(0)),
      [&] {
        emitValueTiles(item, group, range, values, b.div(block.count, 2),
                       /*isHalf=*/true);
      });
}

/// The first `numSteps` steps of keys, on sums that are scaled; or, if
/// `isHalf`, the step behind them, which has one key only, on sums as they are.
void AttentionKernel::emitValueTiles(const Item &item, const Group &group,
                                     const Range &range,
                                     const BlockColumns &values, Value numSteps,
                                     bool isHalf) {
  unsigned lanes = b.lanes(), width = arithmetic.getWidth();
  Value weights = viewWeights(item), rescale = viewPerLane(item, rescaleAt);
  int64_t unit = static_cast<int64_t>(lanes) * width;
  Value firstHead = b.mul(group.number, groupLanes);

  auto emitTile = [&](Value element, unsigned columns, bool partial, Value lane,
                      unsigned numHeads) {
    RegisterTile tile = {numHeads, columns};
    auto at = [&](unsigned head, unsigned column) {
      return SmallVector<Value>{item.slot, range.number,
                                b.add(firstHead, b.add(lane, head)),
                                b.add(element, column * lanes)};
    };
    SmallVector<Value> sums;
    for (unsigned head = 0; head < numHeads; ++head) {
      Value scale;
      if (!isHalf)
        scale = b.broadcast(b.load(rescale, b.add(lane, head)), b.f32s());
      for (unsigned column = 0; column < columns; ++column) {
        Value sum = b.loadVector(b.f32s(), outputs, at(head, column));
        if (scale)
          sum = arith::MulFOp::create(b, sum, scale);
        sums.push_back(sum);
      }
    }
    auto loadRow = [&](Value r, unsigned vector) {
      Value start = b.add(values.start(b, r), b.add(element, vector * unit));
      Value mask;
      if (partial && (vector + 1) * width == columns)
        mask = b.lanesBelow(b.sub(b.index(dv), b.add(element, vector * unit)),
                            unit);
      return b.loadVector(b.vectorOf(elementType, width), values.memref, start,
                          mask);
    };
    TileLoop loop;
    loop.tile = tile;
    auto loadColumn = [&](unsigned column, Value step) -> Value {
      if (!arithmetic.usesPairs())
        return loadRow(step, column);
      Value r = b.mul(step, 2);
      Value even = loadRow(r, column / 2);
      Value odd = isHalf
                      ? Value(arith::ConstantOp::create(
                            b, even.getType(), b.getZeroAttr(even.getType())))
                      : loadRow(b.add(r, 1), column / 2);
      return pairRows(b, even, odd, column % 2);
    };
    auto loadWeight = [&](unsigned head, Value step) {
      return b.broadcast(b.load(weights, {step, b.add(lane, head)}),
                         b.vectorOf(stepType));
    };
    loop.loadColumn = loadColumn;
    loop.loadRow = loadWeight;
    loop.from = isHalf ? numSteps : b.index(0);
    loop.to = isHalf ? b.add(numSteps, 1) : numSteps;
    sums = accumulateTile(b, arithmetic, loop, sums);
    for (unsigned head = 0; head < numHeads; ++head)
      for (unsigned column = 0; column < columns; ++column)
        b.storeVector(sums[head * columns + column], outputs, at(head, column));
  };

  auto emitHeads = [&](Value element, unsigned columns, bool partial) {
    BalancedParts parts(group.kind.heads, valueTile.rows);
    Value middle = b.index(parts.numLarge * parts.large);
    if (parts.numLarge)
      b.forLoop(b.index(0), middle, parts.large, [&](Value lane) {
        emitTile(element, columns, partial, lane, parts.large);
      });
    if (parts.small)
      b.forLoop(middle, b.index(group.kind.heads), parts.small,
                [&](Value lane) {
                  emitTile(element, columns, partial, lane, parts.small);
                });
  };
  int64_t wide = valueTile.columns * lanes;
  int64_t full = llvm::alignDown(dv, wide);
  b.forLoop(b.index(0), b.index(full), wide, [&](Value element) {
    emitHeads(element, valueTile.columns, /*partial=*/false);
  });
  if (full < dv)
    emitHeads(b.index(full), llvm::divideCeil(dv - full, unit) * width,
              /*partial=*/(dv - full) % unit != 0);
}
