//===- MergeAttention.cpp - dsa.merge_attention on CPUs -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row is one (batch, t, head); a thread takes 16 at a time. For each: the
// largest lse, then the weights exp(lse - largest), their sum and the sink's
// term, then the weighted sum of the partials' outs, eight vectors of columns
// at a time, which stay in registers over all partials. Partials are added in
// operand, then in index order, whatever the tile or the thread.
//
// Each out is read once and each result written once; lses are read a few
// times, from the first cache. Scratch memory: an f32 for each partial. Any
// number and sizes of parts; no operand but parts and out needs a stride of 1.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpFPredicate;

/// Rows that a thread takes at a time.
static constexpr int64_t tileRows = 16;
/// Vectors of columns that are summed at a time.
static constexpr unsigned tileVectors = 8;
static constexpr double log2OfE = 0x1.715476p+0;

namespace {
/// One of the partials of a row.
struct Partial {
  Value part;
  /// Of its out, without the column.
  SmallVector<Value> at;
  /// An f32.
  Value lse;
  /// Its place among all partials.
  Value index;
};

/// Merges the partials of a row, [b, t, h] or [t, h].
class RowMerger {
public:
  /// `weights` has an f32 for each partial.
  RowMerger(KernelBuilder &b, MergeAttentionOp op, ArrayRef<Value> row,
            Value weights)
      : b(b), op(op), row(row), weights(weights) {}

  void merge();

private:
  using Body = function_ref<SmallVector<Value>(const Partial &, ValueRange)>;
  /// carried = body(partial, carried) in order.
  SmallVector<Value> forEachPartial(ValueRange carried, Body body);

  Value splat(double value) { return b.splat(b.f32s(), value); }
  Value broadcast(Value scalar) { return b.broadcast(scalar, b.f32s()); }
  /// exp(x - shift) for x <= shift, with vectors and a scalar x.
  Value expBelow(Value x);
  /// exp(sink - shift), of which either may be larger.
  Value getSinkTerm();

  Value findLargest();
  Value sumWeights();
  /// The merged columns from `column` on.
  void mergeColumns(Value column, unsigned numVectors, Value mask);

  KernelBuilder &b;
  MergeAttentionOp op;
  ArrayRef<Value> row;
  Value weights;
  /// Vectors of equal lanes: the largest lse, or 0 if that is -inf; whether it
  /// is, and all partials are empty; what weighted sums are multiplied by.
  Value shift, isEmpty, factor;
};
} // namespace

static Value isMinusInfinity(KernelBuilder &b, Value x) {
  Value minusInfinity = arith::ConstantOp::create(
      b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  return arith::CmpFOp::create(b, CmpFPredicate::OEQ, x, minusInfinity);
}

SmallVector<Value> RowMerger::forEachPartial(ValueRange carried, Body body) {
  SmallVector<Value> values(carried);
  Value first = b.index(0);
  for (auto [part, lses] : llvm::zip(op.getParts(), op.getLses())) {
    Value count = b.dim(lses, 0);
    values = b.forLoop(b.index(0), count, 1, values,
                       [&, part = part, lses = lses](Value n, ValueRange now) {
                         Partial partial{part, {n}, {}, b.add(first, n)};
                         llvm::append_range(partial.at, row);
                         partial.lse = b.load(lses, partial.at);
                         return body(partial, now);
                       });
    first = b.add(first, count);
  }
  return values;
}

Value RowMerger::findLargest() {
  Value none = arith::ConstantOp::create(
      b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  // NaN if one is.
  return forEachPartial(none, [&](const Partial &partial, ValueRange largest) {
    return SmallVector<Value>{
        arith::MaximumFOp::create(b, largest[0], partial.lse)};
  })[0];
}

Value RowMerger::expBelow(Value x) {
  Value distance = arith::SubFOp::create(b, broadcast(x), shift);
  return exp2OfNonPositive(b,
                           arith::MulFOp::create(b, distance, splat(log2OfE)));
}

Value RowMerger::getSinkTerm() {
  Value sink = broadcast(b.load(op.getSink(), row.back()));
  Value exponent = arith::MulFOp::create(
      b, arith::SubFOp::create(b, sink, shift), splat(log2OfE));
  Value below = exp2OfNonPositive(
      b, arith::NegFOp::create(b, math::AbsFOp::create(b, exponent)));
  Value above = arith::DivFOp::create(b, splat(1.0), below);
  Value isAbove =
      arith::CmpFOp::create(b, CmpFPredicate::OGT, exponent, splat(0.0));
  return arith::SelectOp::create(b, isAbove, above, below);
}

Value RowMerger::sumWeights() {
  return forEachPartial(splat(0.0), [&](const Partial &partial,
                                        ValueRange sum) {
    Value weight = expBelow(partial.lse);
    b.store(vector::ExtractOp::create(b, weight, 0), weights, partial.index);
    return SmallVector<Value>{arith::AddFOp::create(b, sum[0], weight)};
  })[0];
}

void RowMerger::mergeColumns(Value column, unsigned numVectors, Value mask) {
  auto getPlace = [&](ArrayRef<Value> leading, unsigned vector) {
    SmallVector<Value> at(leading);
    at.push_back(b.add(column, b.index(vector * b.lanes())));
    return at;
  };
  auto addPartial = [&](const Partial &partial, ValueRange sums) {
    Value weight = broadcast(b.load(weights, partial.index));
    SmallVector<Value> next;
    for (unsigned v = 0; v < numVectors; ++v) {
      Value out = b.loadVector(b.vectorOf(getElementTypeOrSelf(partial.part)),
                               partial.part, getPlace(partial.at, v), mask);
      if (!getElementTypeOrSelf(out).isF32())
        out = arith::ExtFOp::create(b, b.f32s(), out);
      next.push_back(b.fma(weight, out, sums[v]));
    }
    return next;
  };
  SmallVector<Value> sums(numVectors, splat(0.0));
  sums = forEachPartial(sums, [&](const Partial &partial, ValueRange sums) {
    // An empty one is left out, whatever its out holds.
    return b.ifElse(
        isMinusInfinity(b, partial.lse),
        [&] { return SmallVector<Value>(sums); },
        [&] { return addPartial(partial, sums); });
  });
  Value out = op.getInits()[0];
  for (auto [v, sum] : llvm::enumerate(sums)) {
    Value value = arith::SelectOp::create(
        b, isEmpty, splat(0.0), arith::MulFOp::create(b, sum, factor));
    if (!getElementTypeOrSelf(out).isF32())
      value = arith::TruncFOp::create(b, b.vectorOf(getElementTypeOrSelf(out)),
                                      value);
    b.storeVector(value, out, getPlace(row, v), mask);
  }
}

void RowMerger::merge() {
  Value largest = findLargest();
  Value empty = isMinusInfinity(b, largest);
  isEmpty = b.broadcast(empty, b.vectorOf(b.getI1Type()));
  shift = arith::SelectOp::create(b, isEmpty, splat(0.0), broadcast(largest));
  Value sum = sumWeights();
  Value lse = vector::ExtractOp::create(
      b, arith::AddFOp::create(b, shift, log(b, sum)), 0);
  b.store(arith::SelectOp::create(b, empty, largest, lse), op.getInits()[1],
          row);
  if (op.getSink())
    sum = arith::AddFOp::create(b, sum, getSinkTerm());
  factor = arith::DivFOp::create(b, splat(1.0), sum);

  Value columns = b.dim(op.getParts()[0], row.size() + 1);
  int64_t width = tileVectors * b.lanes();
  Value tiles = b.alignDown(columns, width);
  Value vectors = b.alignDown(columns, b.lanes());
  b.forLoop(b.index(0), tiles, width, [&](Value column) {
    mergeColumns(column, tileVectors, /*mask=*/Value());
  });
  b.forLoop(tiles, vectors, b.lanes(), [&](Value column) {
    mergeColumns(column, /*numVectors=*/1, /*mask=*/Value());
  });
  b.ifThen(b.compare(arith::CmpIPredicate::ne, vectors, columns), [&] {
    mergeColumns(vectors, /*numVectors=*/1,
                 b.lanesBelow(b.sub(columns, vectors)));
  });
}

KernelChoice dsa::emitMergeAttention(KernelBuilder &b, MergeAttentionOp op,
                                     Value threads) {
  Value lses = op.getLses()[0];
  SmallVector<Value> extents;
  Value numRows = b.index(1), planned = b.index(1), partials = b.index(0);
  for (int64_t d = 1; d < cast<ShapedType>(lses.getType()).getRank(); ++d) {
    extents.push_back(b.dim(lses, d));
    numRows = b.mul(numRows, extents.back());
    planned = b.mulSize(planned, b.getPlanned(extents.back()));
  }
  for (Value part : op.getLses())
    partials = b.add(partials, b.dim(part, 0));

  ScratchPlan plan(b);
  Value weightsAt = plan.reserve(partials, b.getF32Type());
  WorkCount work = {b.ceilDiv(numRows, tileRows), b.ceilDiv(planned, tileRows)};
  parallelFor(b, work, threads, plan, [&](Value tile, const Scratch &scratch) {
    Value weights = scratch.view(b, weightsAt, partials, b.getF32Type());
    Value first = b.mul(tile, tileRows);
    Value end = b.min(b.add(first, tileRows), numRows);
    b.forLoop(first, end, 1, [&](Value i) {
      SmallVector<Value> row(extents.size());
      for (size_t d = extents.size(); d-- > 0;) {
        row[d] = d == 0 ? i : b.rem(i, extents[d]);
        i = b.div(i, extents[d]);
      }
      RowMerger(b, op, row, weights).merge();
    });
  });
  return "partials merged row by row";
}
