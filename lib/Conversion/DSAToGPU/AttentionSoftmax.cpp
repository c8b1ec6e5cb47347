//===- AttentionSoftmax.cpp - Weights of keys, and results ----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBlock.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// The head of the block that this thread has in the softmax: eight lanes share
/// one.
Value AttentionBlock::getSoftmaxRow(int64_t pass) {
  int64_t rowsOfWarp = plan.schedule.heads / plan.schedule.warps;
  return b.add(b.mul(warp, rowsOfWarp), b.add(b.div(lane, 8), 4 * pass));
}

/// What is subtracted from logits: their maximum, unless there is none.
Value AttentionBlock::getShift(Value maximum) {
  return b.select(b.comparef(CmpFPredicate::OEQ, maximum, b.f32(-infinity)),
                  b.f32(0), maximum);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Weights of the keys of a tile, and the factor that older sums count less by.
/// A lane has four keys of every 32.
void AttentionBlock::emitWeights(Value stage, State &state) {
  const AttentionSchedule &s = plan.schedule;
  Type f32s = VectorType::get({4}, b.getF32Type());
  Value position = b.rem(lane, 8);
  int64_t quads = s.keys / 32;
  SmallVector<Value> valid;
  for (int64_t quad = 0; quad < quads; ++quad) {
    Value key =
        b.add(b.mul(stage, s.keys), b.add(b.mul(position, 4), 32 * quad));
    Value flags = b.load(VectorType::get({4}, b.getI32Type()),
                         at(validAt, b.mul(key, 4)), 16);
    for (int64_t i = 0; i < 4; ++i)
      valid.push_back(b.compare(CmpIPredicate::ne, b.extract(flags, i), 0));
  }
  for (int64_t pass = 0; pass < plan.softmaxPasses; ++pass) {
    Value row = getSoftmaxRow(pass);
    Value scores = at(
        scoresAt, b.add(b.mul(row, plan.scoreRowBytes), b.mul(position, 16)));
    SmallVector<Value> logits;
    for (int64_t quad = 0; quad < quads; ++quad) {
      // Partial sums in the order of their columns.
      Value sum;
      for (int64_t group = 0; group < plan.depthGroups; ++group) {
        Value part =
            b.load(f32s,
                   b.advance(scores,
                             group * s.heads * plan.scoreRowBytes + quad * 128),
                   16);
        sum = sum ? b.addf(sum, part) : part;
      }
      for (int64_t i = 0; i < 4; ++i)
        logits.push_back(
            b.select(valid[4 * quad + i],
                     b.mulf(b.extract(sum, i), b.f32(arguments.scale)),
                     b.f32(-infinity)));
    }
    auto maximum = [&](Value x, Value y) { return b.maxf(x, y); };
    Value tileMaximum = logits[0];
    for (Value logit : ArrayRef(logits).drop_front())
      tileMaximum = maximum(tileMaximum, logit);
    Value newMaximum =
        maximum(b.reduce(tileMaximum, 8, maximum), state.maxima[pass]);
    Value shift = getShift(newMaximum);
    // Subtracted before it is scaled to base 2: logits may be near the largest
    // number there is.
    auto weight = [&](Value logit) { return b.exp(b.subf(logit, shift)); };
    Value factor = weight(state.maxima[pass]);
    SmallVector<Value> weights = llvm::map_to_vector(logits, weight);
    Value sum = weights[0];
    for (Value x : ArrayRef(weights).drop_front())
      sum = b.addf(sum, x);
    state.sums[pass] = b.addf(b.mulf(state.sums[pass], factor), sum);
    state.maxima[pass] = newMaximum;

    for (int64_t quad = 0; quad < quads; ++quad) {
      auto pack = [&](int64_t i) {
        return b.pack(arguments.computeType, weights[4 * quad + i],
                      weights[4 * quad + i + 1]);
      };
      Value offset = b.add(
          weightTile->getOffset(b, row, b.add(b.div(position, 2), 4 * quad)),
          b.mul(b.rem(position, 2), 8));
      b.store(b.vector({pack(0), pack(2)}), b.advance(memory, offset), 8);
    }
    b.ifThen(b.compare(CmpIPredicate::eq, position, 0),
             [&] { b.store(factor, at(factorsAt, b.mul(row, 4)), 4); });
  }
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// lse, and in shared memory what sums are multiplied with: the reciprocal of
/// the denominator, or -1 where out is 0. Of a split, whose row may have
/// weights elsewhere, maxima and sums as they are.
void AttentionBlock::emitResults(State &state) {
  Value position = b.rem(lane, 8);
  for (int64_t pass = 0; pass < plan.softmaxPasses; ++pass) {
    Value row = getSoftmaxRow(pass);
    Value head = b.add(firstHead, row);
    Value sum = b.reduce(state.sums[pass], 8,
                         [&](Value x, Value y) { return b.addf(x, y); });
    Value maximum = state.maxima[pass];
    Value isEmpty = b.comparef(CmpFPredicate::OEQ, sum, b.f32(0));
    Value lse = b.select(
        isEmpty, b.f32(-infinity),
        b.addf(maximum, b.mulf(b.log2(sum), b.f32(0.6931471805599453))));
    Value denominator = sum;
    if (arguments.sink) {
      Value sink =
          b.load(b.getF32Type(), arguments.sink.at(kernel, clampHead(head)), 4);
      denominator = b.addf(sum, b.exp(b.subf(sink, maximum)));
    }
    Value factor = b.select(isEmpty, b.f32(-1), b.divf(b.f32(1), denominator));
    b.ifThen(b.compare(CmpIPredicate::eq, position, 0), [&] {
      b.store(b.select(isSplit, b.f32(1), factor), at(factorsAt, b.mul(row, 4)),
              4);
      b.ifThen(b.compare(CmpIPredicate::slt, head, numHeads), [&] {
        b.ifThen(
            isSplit,
            [&] {
              SmallVector<Value> part = {split, rowInLaunch, head};
              b.store(maximum, arguments.partialMaxima.at(kernel, part), 4);
              b.store(sum, arguments.partialSums.at(kernel, part), 4);
            },
            [&] {
              b.store(lse, arguments.lse.at(kernel, atRow({t, head})), 4);
            });
      });
    });
  }
  b.barrier();
  b.ifThen(
      isSplit, [&] { storeOutput(state, /*isPartial=*/true); },
      [&] { storeOutput(state, /*isPartial=*/false); });
}

/// Zeros get the sign +: a sum of zeros has that of whether there were tiles,
/// or splits, beside those of its keys.
void AttentionBlock::storeOutput(const State &state, bool isPartial) {
  const GlobalTensor &out = isPartial ? arguments.partialOut : arguments.out;
  Type type = out.getElementType();
  int64_t tiles = plan.columnTilesOfWarp;
  Value firstColumn = b.add(b.mul(warp, 16), b.mul(b.rem(lane, 4), 2));
  for (int64_t i = 0; i < plan.schedule.heads / 16; ++i)
    for (int64_t side = 0; side < 2; ++side) {
      Value row = b.add(b.div(lane, 4), i * 16 + side * 8);
      Value head = b.add(firstHead, row);
      Value factor = b.load(b.getF32Type(), at(factorsAt, b.mul(row, 4)), 4);
      Value isEmpty = b.comparef(CmpFPredicate::OLT, factor, b.f32(0));
      b.ifThen(b.compare(CmpIPredicate::slt, head, numHeads), [&] {
        Value address = isPartial ? out.at(kernel, {split, rowInLaunch, head})
                                  : out.at(kernel, atRow({t, head}));
        address = b.advance(address,
                            b.mul(b.toI64(firstColumn), out.getElementBytes()));
        auto store = [&](int64_t tile) {
          for (int64_t half = 0; half < 2; ++half) {
            auto result = [&](int64_t e) {
              const Fragment &sums =
                  state.output[(i * tiles + tile) * 2 + half];
              Value scaled = b.mulf(sums[2 * side + e], factor);
              if (!isPartial)
                scaled = b.addf(scaled, b.f32(0));
              return b.select(isEmpty, b.f32(0), scaled);
            };
            int64_t column = 16 * tile * plan.schedule.warps + 8 * half;
            Value to = b.advance(address, column * out.getElementBytes());
            if (type.isF32())
              b.store(b.vector({result(0), result(1)}), to, 8);
            else
              b.store(b.pack(type, result(0), result(1)), to, 4);
          }
        };
        for (int64_t tile = 0; tile < tiles; ++tile) {
          if (Value has = hasColumns(tile))
            b.ifThen(has, [&] { store(tile); });
          else
            store(tile);
        }
      });
    }
}
