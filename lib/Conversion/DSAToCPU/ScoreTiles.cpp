//===- ScoreTiles.cpp - The scores of a group of positions --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreKernelImpl.h"
#include "Shuffles.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

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

/// The dot products of a tile from +0, with the scalars of its rows broadcast.
SmallVector<Value>
ScoreKernel::multiplyTile(RegisterTile tile,
                          function_ref<Value(unsigned, Value)> loadVector,
                          function_ref<Value(unsigned, Value)> loadScalar) {
  TileLoop loop;
  loop.tile = tile;
  loop.from = b.index(0);
  loop.to = steps;
  loop.loadColumn = loadVector;
  auto loadRow = [&](unsigned row, Value step) {
    return b.broadcast(loadScalar(row, step), b.vectorOf(stepType));
  };
  loop.loadRow = loadRow;
  return accumulateTile(b, arithmetic, loop, getZeroSums(b, tile));
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
    SmallVector<Value> dots = multiplyTile(
        tile,
        [&](unsigned v, Value step) {
          return b.loadVector(b.vectorOf(stepType), transposed,
                              {i, step, firstHeads[v]});
        },
        [&](unsigned key, Value step) {
          return loadKey(firstKey + key, step);
        });
    for (unsigned key = 0; key < tile.rows; ++key) {
      Value at = b.index(firstKey + key);
      Value sum = isOnly ? b.splat(b.f32s(), 0.0)
                         : b.loadVector(b.f32s(), sums, {at, b.index(0)});
      for (unsigned v = 0; v < numVectors; ++v) {
        Value active = activate(dots[key * numVectors + v]);
        if (isLast && v + 1 == numVectors)
          active = maskHeads(active, vectorNumbers[v]);
        sum = b.fma(active, weightVectors[v], sum);
      }
      b.storeVector(sum, sums, {at, b.index(0)});
    }
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
    for (unsigned r = 0; r < lanes; ++r) {
      b.storeVector(b.splat(b.f32s(), 0.0), sums, {b.index(r), zero});
      if (prefetchKey)
        prefetchKey(r);
    }
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
  assert((!inTree || knownHeads.value_or(17) <= 16) &&
         "more heads than lanes are in lanes");
  Value sums =
      inTree ? view(item, sumsAt, {b.index(16), b.index(group)}, b.getF32Type())
             : Value();
  SmallVector<Value> zeros(keyVectors, b.splat(b.f32s(), 0.0));

  /// Adds the terms of `count` heads; those from `heads` on do not exist.
  auto addHeads = [&](Value firstHead, unsigned count, bool partial,
                      ValueRange before) {
    SmallVector<Value> after(before);
    SmallVector<Value> dots = multiplyTile(
        {count, keyVectors},
        [&](unsigned v, Value step) {
          return b.loadVector(b.vectorOf(stepType), panels,
                              {panel, step, b.index(v * lanes)});
        },
        [&](unsigned h, Value step) {
          return arithmetic.loadStep(b, copied, {i, b.add(firstHead, h)}, step);
        });
    for (unsigned h = 0; h < count; ++h) {
      Value head = b.add(firstHead, h);
      Value weight = b.broadcast(b.load(weights, {i, head}), b.f32s());
      for (unsigned v = 0; v < keyVectors; ++v) {
        Value sum = b.fma(activate(dots[h * keyVectors + v]), weight,
                          inTree ? zeros[v] : after[v]);
        if (inTree) {
          b.storeVector(sum, sums, {head, b.index(v * lanes)});
          continue;
        }
        if (partial)
          sum = b.select(b.compare(CmpIPredicate::slt, head, heads), sum,
                         after[v]);
        after[v] = sum;
      }
    }
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
  // As lanes of this vector: positions themselves may reach 2^31.
  auto toLanes = [&](Value bound) {
    Value lane = b.max(b.sub(bound, position), b.index(0));
    return b.broadcast(b.toI32(b.min(lane, b.index(b.lanes()))), b.i32s());
  };
  Value lane = b.iota();
  Value mask = b.logicalAnd(b.compare(CmpIPredicate::sge, lane, toLanes(lo)),
                            b.compare(CmpIPredicate::slt, lane, toLanes(hi)));
  sink.take(b, getRow(item, i), position, scores, b.logicalAnd(mask, valid));
}
