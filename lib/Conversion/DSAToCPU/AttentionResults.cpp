//===- AttentionResults.cpp - What becomes of the sums of attention -------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "Shuffles.h"
#include "VectorMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static constexpr double infinity = std::numeric_limits<double>::infinity();

void AttentionKernel::emitZeroSums(const Item &item, Value range) {
  forEachGroup(item, [&](const Group &group) {
    Value first = b.mul(group.number, groupLanes);
    for (unsigned v = 0; v < group.kind.vectors; ++v) {
      SmallVector<Value> at = {item.slot, range, b.add(first, v * b.lanes())};
      b.storeVector(b.splat(b.f32s(), -infinity), maxima, at);
      b.storeVector(b.splat(b.f32s(), 0.0), totals, at);
    }
    b.forLoop(first, b.add(first, group.kind.heads), 1, [&](Value head) {
      b.forLoop(b.index(0), b.index(paddedDv), b.lanes(), [&](Value element) {
        b.storeVector(b.splat(b.f32s(), 0.0), outputs,
                      {item.slot, range, head, element});
      });
    });
  });
}

Value AttentionKernel::getNumHeads(const Group &group) {
  Value count = b.index(group.kind.heads);
  return knownHeads ? count : b.min(count, b.sub(heads, group.head));
}

void AttentionKernel::emitResults(const Item &item) {
  forEachGroup(item, [&](const Group &group) {
    emitFactors(item, group);
    b.forLoop(b.index(0), getNumHeads(group), 1,
              [&](Value lane) { emitOutput(item, group, lane); });
  });
}

/// What the sums of each range are multiplied by, and lse:
///
///   M      = greatest m[r]          e[r] = 2^((m[r] - M) scale log2(e))
///   L      = sum of l[r] e[r]       z    = scale M, the greatest logit
///   lse    = z + ln(L)
///   f[r]   = e[r] / (L + e^(sink - z))
///
/// with both terms of the divisor relative to the greater of z and the sink.
/// An infinite z makes all of it NaN, as the logit itself would.
void AttentionKernel::emitFactors(const Item &item, const Group &group) {
  Value factors = view(item, item.results.factorsAt,
                       {numRanges, b.index(groupLanes)}, b.getF32Type());
  VectorType f32s = b.f32s();
  float scale = op.getScale().convertToFloat();
  constexpr double log2e = 1.4426950408889634;
  auto exponentiateLogit = [&](Value difference) {
    return exp2OfNonPositive(
        b, arith::MulFOp::create(b, difference, b.splat(f32s, log2e)));
  };
  for (unsigned v = 0; v < group.kind.vectors; ++v) {
    Value lane = b.index(v * b.lanes());
    Value first = b.add(b.mul(group.number, groupLanes), v * b.lanes());
    auto load = [&](Value memref, Value range) {
      return b.loadVector(f32s, memref, {item.slot, range, first});
    };
    Value zero = b.splat(f32s, 0.0);
    Value maximum =
        b.forLoop(b.index(0), numRanges, 1, b.splat(f32s, -infinity),
                  [&](Value range, ValueRange before) -> SmallVector<Value> {
                    return {takeMaximum(b, before[0], load(maxima, range))};
                  })[0];
    Value shift = getShift(maximum);
    Value total =
        b.forLoop(b.index(0), numRanges, 1, zero,
                  [&](Value range, ValueRange before) -> SmallVector<Value> {
                    Value weight = exponentiate(
                        arith::SubFOp::create(b, load(maxima, range), shift));
                    b.storeVector(weight, factors, {range, lane});
                    return {b.fma(load(totals, range), weight, before[0])};
                  })[0];
    Value logit =
        arith::MulFOp::create(b, maximum, b.splat(f32s, double(scale)));
    // Infinite for a logit that is: of +inf the total is NaN, unless it came by
    // scaling.
    Value isInfinite = arith::CmpFOp::create(b, CmpFPredicate::OEQ, logit,
                                             b.splat(f32s, infinity));
    Value poison = arith::SelectOp::create(
        b, isInfinite, b.splat(f32s, std::numeric_limits<double>::quiet_NaN()),
        zero);
    total = arith::AddFOp::create(b, total, poison);
    Value isEmpty = arith::CmpFOp::create(b, CmpFPredicate::OEQ, logit,
                                          b.splat(f32s, -infinity));
    storeLse(item, group, v, arith::AddFOp::create(b, logit, log(b, total)));

    Value numerator = b.splat(f32s, 1.0), divisor = total;
    if (op.getSink()) {
      Value sinks = loadSinks(item, group, v);
      // Of a NaN sink, the logit; the NaN gets in by its own exponential.
      Value greater = takeMaximum(b, logit, sinks);
      numerator = exponentiateLogit(arith::SubFOp::create(b, logit, greater));
      Value sinkWeight =
          exponentiateLogit(arith::SubFOp::create(b, sinks, greater));
      divisor = b.fma(total, numerator, sinkWeight);
      // An infinite sink takes all weight: inf less inf would be NaN.
      Value takesAll = arith::CmpFOp::create(b, CmpFPredicate::OEQ, sinks,
                                             b.splat(f32s, infinity));
      numerator = arith::SelectOp::create(b, takesAll, zero, numerator);
      divisor = arith::SelectOp::create(b, takesAll, total, divisor);
    }
    Value quotient = arith::DivFOp::create(b, numerator, divisor);
    // Nothing to weigh: 0, or NaN if a logit is.
    quotient = arith::SelectOp::create(
        b, isEmpty, arith::MulFOp::create(b, total, zero), quotient);
    b.forLoop(b.index(0), numRanges, 1, [&](Value range) {
      Value weight = b.loadVector(f32s, factors, {range, lane});
      b.storeVector(arith::MulFOp::create(b, weight, quotient), factors,
                    {range, lane});
    });
  }
}

/// The sinks of a vector of heads, by way of the place of its factors.
Value AttentionKernel::loadSinks(const Item &item, const Group &group,
                                 unsigned vector) {
  Value staged = viewPerLane(item, item.results.perLaneAt);
  Value lanes = b.index(b.lanes());
  Value firstHead = b.add(group.head, vector * b.lanes());
  Value count = b.min(lanes, b.sub(heads, firstHead));
  b.forLoop(b.index(0), count, 1, [&](Value lane) {
    Value sink = b.load(op.getSink(), b.add(firstHead, lane));
    if (!sink.getType().isF32())
      sink = arith::ExtFOp::create(b, b.getF32Type(), sink);
    b.store(sink, staged, lane);
  });
  return b.loadVector(b.f32s(), staged, b.index(0));
}

void AttentionKernel::storeLse(const Item &item, const Group &group,
                               unsigned vector, Value lse) {
  Value staged = viewPerLane(item, item.results.perLaneAt);
  b.storeVector(lse, staged, b.index(0));
  Value first = b.index(vector * b.lanes());
  Value count = b.index(group.kind.heads);
  Value firstHead = b.add(group.head, first);
  count = b.min(b.min(b.sub(count, first), b.sub(heads, firstHead)),
                b.index(b.lanes()));
  b.forLoop(b.index(0), count, 1, [&](Value lane) {
    b.store(b.load(staged, lane), op.getInits()[1],
            atRow(item, {item.t, b.add(firstHead, lane)}));
  });
}

/// out of a head: its sums of all ranges times their factors; 0 if there is
/// nothing to weigh, whatever the values are.
void AttentionKernel::emitOutput(const Item &item, const Group &group,
                                 Value lane) {
  Value out = op.getInits()[0];
  Type outType = getElementTypeOrSelf(out);
  Value factors = view(item, item.results.factorsAt,
                       {numRanges, b.index(groupLanes)}, b.getF32Type());
  Value slotHead = b.add(b.mul(group.number, groupLanes), lane);
  Value head = b.add(group.head, lane);
  int64_t lanes = b.lanes(), width = arithmetic.getWidth();
  Value lse = b.load(op.getInits()[1], atRow(item, {item.t, head}));
  Value nothing = arith::ConstantOp::create(
      b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  Value isEmpty = arith::CmpFOp::create(b, CmpFPredicate::OEQ, lse, nothing);

  auto emitVectors = [&](Value element, int64_t left) {
    SmallVector<Value> zeros(width, b.splat(b.f32s(), 0.0));
    SmallVector<Value> sums = b.forLoop(
        b.index(0), numRanges, 1, zeros, [&](Value range, ValueRange before) {
          Value factor = b.broadcast(b.load(factors, {range, lane}), b.f32s());
          SmallVector<Value> after;
          for (int64_t i = 0; i < width; ++i) {
            Value sum = b.loadVector(
                b.f32s(), outputs,
                {item.slot, range, slotHead, b.add(element, i * lanes)});
            after.push_back(b.fma(sum, factor, before[i]));
          }
          return after;
        });
    if (arithmetic.usesPairs())
      sums = unpairColumns(b, sums[0], sums[1]);
    for (int64_t i = 0; i < width; ++i) {
      int64_t rest = left - i * lanes;
      if (rest <= 0)
        break;
      Value result = b.select(isEmpty, b.splat(b.f32s(), 0.0), sums[i]);
      if (!outType.isF32())
        result = arith::TruncFOp::create(b, b.vectorOf(outType), result);
      Value mask;
      if (rest < lanes)
        mask = b.lanesBelow(b.index(rest));
      b.storeVector(result, out,
                    atRow(item, {item.t, head, b.add(element, i * lanes)}),
                    mask);
    }
  };
  int64_t unit = lanes * width, full = dv / unit * unit;
  b.forLoop(b.index(0), b.index(full), unit,
            [&](Value element) { emitVectors(element, unit); });
  if (full < dv)
    emitVectors(b.index(full), dv - full);
}
