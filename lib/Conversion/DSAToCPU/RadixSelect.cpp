//===- RadixSelect.cpp - The K best of many candidates --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RadixSelect.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

// All of it in integers: a comparison of floats would take denormals for zeros
// in a process that flushes them.
static constexpr int64_t signBit = INT64_C(1) << 31;
static constexpr int64_t keyOfMinusZero = 0x7fffffff;
static constexpr int64_t keyOfZero = 0x80000000;
static constexpr int64_t keyOfLowest = 0x00800000;
static constexpr int64_t keyOfInfinity = 0xff800000;

Value dsa::getKeys(KernelBuilder &b, Value scores, Value mask) {
  VectorType i32s = b.i32s();
  auto constant = [&](int64_t value) { return b.splat(i32s, value); };
  Value bits = b.bitcast(scores, b.getI32Type());
  // Negative numbers order backwards: flip all their bits, else the sign only.
  Value sign = arith::ShRSIOp::create(b, bits, constant(31));
  Value flip = arith::OrIOp::create(b, sign, constant(signBit));
  Value keys = arith::XOrIOp::create(b, bits, flip);
  Value isMinusZero =
      b.compare(CmpIPredicate::eq, keys, constant(keyOfMinusZero));
  keys = b.select(isMinusZero, constant(keyOfZero), keys);
  // NaN and -inf lie on both sides of what can be selected.
  Value selectable =
      b.compare(CmpIPredicate::ule, b.sub(keys, constant(keyOfLowest)),
                constant(keyOfInfinity - keyOfLowest));
  return b.select(b.logicalAnd(selectable, mask), keys, constant(0));
}

Value dsa::getScore(KernelBuilder &b, Value key) {
  Value isNegative = b.compare(CmpIPredicate::sge, key, b.i32(0));
  Value flip = b.select(isNegative, b.i32(-1), b.i32(-signBit));
  Value bits = arith::XOrIOp::create(b, key, flip);
  return arith::BitcastOp::create(b, b.getF32Type(), bits);
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

CandidatePlan::CandidatePlan(KernelBuilder &b, ScratchPlan &plan,
                             Value capacity)
    : extent(b.add(capacity, b.lanes())),
      keys(plan.reserve(extent, b.getI32Type())),
      positions(plan.reserve(extent, b.getI32Type())) {}

Candidates CandidatePlan::view(KernelBuilder &b, const Scratch &scratch) const {
  return {scratch.view(b, keys, extent, b.getI32Type()),
          scratch.view(b, positions, extent, b.getI32Type())};
}

//===----------------------------------------------------------------------===//
// Digits
//===----------------------------------------------------------------------===//

namespace {
struct Digit {
  unsigned shift;
  unsigned bits;
  int64_t numValues() const { return INT64_C(1) << bits; }
};
} // namespace

// From the most significant one.
static constexpr Digit digits[] = {{21, 11}, {10, 11}, {0, 10}};

// A counter waits for the store of its last increment, so neighbouring lanes,
// which often agree, count in different sets.
static constexpr int64_t numSets = 4;
// The value of keys that are not to be counted.
static constexpr int64_t noDigit = INT64_C(1) << digits[0].bits;
// The counters of one value are no multiple of 4096 bytes apart.
static constexpr int64_t setExtent = noDigit + 16;

Value dsa::reserveCounters(KernelBuilder &b, ScratchPlan &plan) {
  return plan.reserve(b.index(numSets * setExtent), b.getI32Type());
}

Value dsa::viewCounters(KernelBuilder &b, const Scratch &scratch,
                        Value offset) {
  return scratch.view(b, offset, b.index(numSets * setExtent), b.getI32Type());
}

static void clearCounters(KernelBuilder &b, Value counters, int64_t count) {
  b.forLoop(b.index(0), b.index(count), b.lanes(), [&](Value i) {
    b.storeVector(b.splat(b.i32s(), INT64_C(0)), counters, i);
  });
}

static void increase(KernelBuilder &b, Value counters, Value at, Value by) {
  b.store(b.add(b.load(counters, at), by), counters, at);
}

/// Counts the digits of the lanes in `mask` (null for all).
static void countDigits(KernelBuilder &b, Value vector, Value mask,
                        Value counters) {
  auto toIndex = [&](Value digit) -> Value {
    return arith::IndexCastUIOp::create(b, b.getIndexType(), digit);
  };
  auto count = [&](Value digit, int64_t set, Value by) {
    increase(b, counters, b.add(digit, set * setExtent), by);
  };
  Value firstLane = vector::ExtractOp::create(b, vector, 0);
  Value differs =
      b.compare(CmpIPredicate::ne, vector, b.broadcast(firstLane, b.i32s()));
  b.ifThen(
      b.anyLane(b.logicalAnd(differs, mask)),
      [&] {
        // Two digits at a time, as 64 bits. Lanes that are extracted one by one
        // reach the counters out of order, and on Zen 4 a load that overtakes
        // the store it depends on costs more than all else here.
        Type i64 = b.getI64Type();
        Value counted = vector;
        if (mask)
          counted = b.select(mask, vector, b.splat(b.i32s(), noDigit));
        Value pairs = b.bitcast(counted, i64);
        Value half = arith::ConstantIntOp::create(b, i64, 32);
        Value low = arith::ConstantIntOp::create(b, i64, 0xffffffff);
        Value one = b.i32(1);
        for (int64_t i = 0; i < b.lanes(); i += 2) {
          Value pair = vector::ExtractOp::create(b, pairs, i / 2);
          count(toIndex(arith::AndIOp::create(b, pair, low)), i % numSets, one);
          count(toIndex(arith::ShRUIOp::create(b, pair, half)),
                (i + 1) % numSets, one);
        }
      },
      // Ties, scores that ascend, masked rows.
      [&] {
        Value number = mask ? b.toI32(b.countLanes(mask)) : b.i32(b.lanes());
        count(toIndex(firstLane), numSets - 1, number);
      });
}

/// Finds the value of the `rank`-th greatest of the digits that were counted,
/// at least `rank`, and its rank among those of that value.
static FirstDigit findDigit(KernelBuilder &b, const Digit &digit, Value rank,
                            Value counters) {
  auto isBeyond = [&](Value counted, Value rank) {
    // Unsigned: with the K more of findFirstDigit, up to 2^32.
    return b.compare(CmpIPredicate::ult, counted, rank);
  };
  // As many values at a time as there are lanes.
  auto countBlock = [&](Value block) -> Value {
    Value sum = b.loadVector(b.i32s(), counters, block);
    for (int64_t set = 1; set < numSets; ++set)
      sum = b.add(
          sum, b.loadVector(b.i32s(), counters, b.add(block, set * setExtent)));
    return vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
  };
  SmallVector<Value> block = b.whileLoop(
      {b.index(digit.numValues() - b.lanes()), rank},
      [&](ValueRange at) { return isBeyond(countBlock(at[0]), at[1]); },
      [&](ValueRange at) {
        return SmallVector<Value>{b.sub(at[0], b.index(b.lanes())),
                                  b.sub(at[1], countBlock(at[0]))};
      });
  auto count = [&](Value value) {
    Value sum = b.load(counters, value);
    for (int64_t set = 1; set < numSets; ++set)
      sum = b.add(sum, b.load(counters, b.add(value, set * setExtent)));
    return sum;
  };
  SmallVector<Value> value = b.whileLoop(
      {b.add(block[0], b.lanes() - 1), block[1]},
      [&](ValueRange at) { return isBeyond(count(at[0]), at[1]); },
      [&](ValueRange at) {
        return SmallVector<Value>{b.sub(at[0], b.index(1)),
                                  b.sub(at[1], count(at[0]))};
      });
  return {b.toI32(value[0]), value[1]};
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

static Value shiftRight(KernelBuilder &b, Value vector, unsigned bits) {
  return arith::ShRUIOp::create(b, vector,
                                b.splat(b.i32s(), static_cast<int64_t>(bits)));
}

FirstDigit dsa::findFirstDigit(KernelBuilder &b, VisitKeys visitKeys, int64_t k,
                               Value counters) {
  clearCounters(b, counters, numSets * setExtent);
  visitKeys([&](Value keys) {
    countDigits(b, shiftRight(b, keys, digits[0].shift), Value(), counters);
  });
  // Where fewer than K are selectable, 0 is found, which no other key has.
  increase(b, counters, b.index(0), b.i32(k));
  return findDigit(b, digits[0], b.i32(k), counters);
}

Value dsa::getLeastKey(KernelBuilder &b, const FirstDigit &first) {
  Value least = arith::ShLIOp::create(b, first.digit, b.i32(digits[0].shift));
  return arith::MaxUIOp::create(b, least, b.i32(1));
}

/// Calls `visit(i, keys, live)` for every vector of the first `count` keys.
static void visitCandidates(KernelBuilder &b, Value keys, Value count,
                            function_ref<void(Value, Value)> visit) {
  b.forLoop(b.index(0), count, b.lanes(), [&](Value i) {
    visit(b.loadVector(b.i32s(), keys, i), b.lanesBelow(b.sub(count, i)));
  });
}

/// The `k`-th greatest of more than `k` keys, and how many that are equal to it
/// are among the `k` greatest.
static SmallVector<Value> findThreshold(KernelBuilder &b, Value keys,
                                        Value count, int64_t k, Value counters,
                                        std::optional<FirstDigit> first) {
  if (!first)
    first = findFirstDigit(
        b,
        [&](function_ref<void(Value)> visit) {
          visitCandidates(b, keys, count, [&](Value vector, Value live) {
            visit(b.select(live, vector, b.splat(b.i32s(), INT64_C(0))));
          });
        },
        k, counters);
  Value prefix = first->digit, rank = first->rank;
  for (const Digit &digit : ArrayRef(digits).drop_front()) {
    clearCounters(b, counters, numSets * setExtent);
    Value prefixes = b.broadcast(prefix, b.i32s());
    visitCandidates(b, keys, count, [&](Value vector, Value live) {
      Value agrees =
          b.compare(CmpIPredicate::eq,
                    shiftRight(b, vector, digit.shift + digit.bits), prefixes);
      Value values =
          arith::AndIOp::create(b, shiftRight(b, vector, digit.shift),
                                b.splat(b.i32s(), digit.numValues() - 1));
      countDigits(b, values, b.logicalAnd(agrees, live), counters);
    });
    FirstDigit found = findDigit(b, digit, rank, counters);
    prefix = arith::OrIOp::create(
        b, arith::ShLIOp::create(b, prefix, b.i32(digit.bits)), found.digit);
    rank = found.rank;
  }
  // Candidates that cannot be selected are no ties.
  Value isKey = b.compare(CmpIPredicate::ne, prefix, b.i32(0));
  return {prefix, b.select(isKey, rank, b.i32(0))};
}

/// The first `count` (an i32) lanes that are set in `mask`.
static Value takeLanes(KernelBuilder &b, Value mask, Value count) {
  int64_t lanes = b.lanes();
  Value zeros = b.splat(b.i32s(), INT64_C(0));
  Value ranks = arith::ExtUIOp::create(b, b.i32s(), mask);
  for (int64_t step = 1; step < lanes; step *= 2) {
    SmallVector<int64_t> shifted;
    for (int64_t i = 0; i < lanes; ++i)
      shifted.push_back(i < step ? i : lanes + i - step);
    ranks = b.add(ranks, b.shuffle(zeros, ranks, shifted));
  }
  Value within =
      b.compare(CmpIPredicate::sle, ranks, b.broadcast(count, b.i32s()));
  return b.logicalAnd(mask, within);
}

Kept dsa::compactBest(KernelBuilder &b, const Candidates &candidates,
                      Value count, int64_t k, Value counters,
                      std::optional<FirstDigit> first) {
  SmallVector<Value> threshold = b.ifElse(
      b.compare(CmpIPredicate::sgt, count, b.index(k)),
      [&] {
        return findThreshold(b, candidates.keys, count, k, counters, first);
      },
      [&] { return SmallVector<Value>{b.i32(0), b.i32(0)}; });
  Value least = b.broadcast(threshold[0], b.i32s());
  // Stored vectors end where the vector that was read ends, or before.
  SmallVector<Value> kept = b.whileLoop(
      {b.index(0), b.index(0), threshold[1]},
      [&](ValueRange at) {
        return b.logicalAnd(b.compare(CmpIPredicate::slt, at[0], count),
                            b.compare(CmpIPredicate::slt, at[1], b.index(k)));
      },
      [&](ValueRange at) {
        Value i = at[0], end = at[1], ties = at[2];
        Value keys = b.loadVector(b.i32s(), candidates.keys, i);
        Value positions = b.loadVector(b.i32s(), candidates.positions, i);
        Value live = b.lanesBelow(b.sub(count, i));
        Value tiesLeft =
            b.broadcast(b.compare(CmpIPredicate::ne, ties, b.i32(0)),
                        cast<VectorType>(live.getType()));
        Value greater =
            b.logicalAnd(live, b.compare(CmpIPredicate::ugt, keys, least));
        Value equal = b.logicalAnd(b.logicalAnd(live, tiesLeft),
                                   b.compare(CmpIPredicate::eq, keys, least));
        Value numEqual = b.toI32(b.countLanes(equal));
        equal = b.ifElse(
            b.compare(CmpIPredicate::sgt, numEqual, ties),
            [&] { return SmallVector<Value>{takeLanes(b, equal, ties)}; },
            [&] { return SmallVector<Value>{equal}; })[0];
        Value taken = arith::OrIOp::create(b, greater, equal);
        b.storeCompressed(keys, taken, candidates.keys, end);
        b.storeCompressed(positions, taken, candidates.positions, end);
        return SmallVector<Value>{b.add(i, b.lanes()),
                                  b.add(end, b.countLanes(taken)),
                                  b.sub(ties, b.min(numEqual, ties))};
      });
  return {kept[1], threshold[0]};
}

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

/// Moves candidates from one pair of arrays to another, by the 8 bits of their
/// keys from `shift` on: the greatest first, equal ones in order.
static void scatterByByte(KernelBuilder &b, const Candidates &from,
                          const Candidates &to, Value count, Value shift,
                          Value counters) {
  constexpr int64_t numValues = 256;
  auto getBucket = [&](Value key) -> Value {
    Value byte = arith::ShRUIOp::create(b, key, shift);
    // The greatest byte is in bucket 0.
    byte = arith::XOrIOp::create(b, byte, b.i32(-1));
    byte = arith::AndIOp::create(b, byte, b.i32(numValues - 1));
    return arith::IndexCastUIOp::create(b, b.getIndexType(), byte);
  };
  clearCounters(b, counters, numValues);
  b.forLoop(b.index(0), count, 1, [&](Value i) {
    increase(b, counters, getBucket(b.load(from.keys, i)), b.i32(1));
  });
  // Counters become the places of the next candidates.
  b.forLoop(b.index(0), b.index(numValues), 1, b.i32(0),
            [&](Value bucket, ValueRange carried) {
              Value size = b.load(counters, bucket);
              b.store(carried[0], counters, bucket);
              return SmallVector<Value>{b.add(carried[0], size)};
            });
  b.forLoop(b.index(0), count, 1, [&](Value i) {
    Value key = b.load(from.keys, i), bucket = getBucket(key);
    Value at = b.load(counters, bucket);
    b.store(b.add(at, b.i32(1)), counters, bucket);
    at = b.toIndex(at);
    b.store(key, to.keys, at);
    b.store(b.load(from.positions, i), to.positions, at);
  });
}

void dsa::sortDescending(KernelBuilder &b, const Candidates &candidates,
                         Value count, const Candidates &spare, Value counters) {
  // Bytes, not digits: few candidates should not pay for many counters.
  b.forLoop(b.index(0), b.index(32), 16, [&](Value shift) {
    shift = b.toI32(shift);
    scatterByByte(b, candidates, spare, count, shift, counters);
    scatterByByte(b, spare, candidates, count, b.add(shift, b.i32(8)),
                  counters);
  });
}
