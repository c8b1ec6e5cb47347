//===- MergeAttention.cpp - dsa.merge_attention -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void MergeAttentionOp::build(OpBuilder &b, OperationState &state,
                             ValueRange parts, ValueRange lses, Value sink,
                             ValueRange inits) {
  SmallVector<Type> results = getTensorTypes(inits);
  build(b, state, results, parts, lses, sink, inits);
}

void MergeAttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"out", "lse"}, setName);
}

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool MergeAttentionOp::isBatched() {
  return !getParts().empty() && getRank(getParts()[0]) == 5;
}

DimTable MergeAttentionOp::getDimTable() {
  DimTable table;
  bool batched = isBatched();
  auto leading = [&](unsigned i, ArrayRef<Dim> dims) {
    SmallVector<Dim, 4> all = {Dim("N" + std::to_string(i))};
    llvm::append_range(all, withBatch(batched, dims));
    return all;
  };
  table.addPerSet(
      getPartsMutable(), "parts",
      [&](unsigned i) { return leading(i, {"T", "H", "Dv"}); }, Stride::Unit);
  table.addPerSet(
      getLsesMutable(), "lses",
      [&](unsigned i) { return leading(i, {"T", "H"}); }, Stride::Any);
  table.add(getSinkMutable(), "sink", {"H"}, Stride::Any);
  table.add(getInitsMutable().slice(0, 1), "out",
            withBatch(batched, {"T", "H", "Dv"}), Stride::Unit);
  table.add(getInitsMutable().slice(1, 1), "lse",
            withBatch(batched, {"T", "H"}), Stride::Any);
  return table;
}

SmallVector<Dim, 4> MergeAttentionOp::getIterationDims() {
  return withBatch(isBatched(), {"T", "H"});
}

LogicalResult MergeAttentionOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 2)
    return ConstraintError(*this, 2)
           << "expected 2 inits (out, lse), but got " << getInits().size();
  if (getParts().empty())
    return ConstraintError(*this, 3) << "expected at least one part";
  if (getParts().size() != getLses().size())
    return ConstraintError(*this, 3)
           << "got " << getLses().size() << " 'lses' for " << getParts().size()
           << " 'parts'";
  if (getRank(getParts()[0]) != 4 && getRank(getParts()[0]) != 5)
    return ConstraintError(*this, 2)
           << "'parts' must have shape NxTxHxDv or NxBxTxHxDv, but are "
           << getParts()[0].getType();
  Type partType = getElementType(getParts()[0]);
  for (Value part : getParts())
    if (getElementType(part) != partType ||
        !isa<Float32Type, Float16Type, BFloat16Type>(partType))
      return ConstraintError(*this, 4)
             << "'parts' are of element type " << getElementType(part)
             << ", but must all be f32, all f16 or all bf16";
  Type outType = getElementType(getInits()[0]);
  if (!outType.isF32() && outType != partType)
    return ConstraintError(*this, 5)
           << "'out' is of element type " << outType
           << ", but must be f32 or as the parts " << partType;
  if (!getElementType(getInits()[1]).isF32())
    return ConstraintError(*this, 5)
           << "'lse' is of element type " << getElementType(getInits()[1])
           << ", but must be f32";
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult MergeAttentionOp::fold(FoldAdaptor adaptor,
                                     SmallVectorImpl<OpFoldResult> &) {
  return success(dropEmptySink(*this, adaptor));
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//

namespace {
/// Merges the partials of one (row, head).
struct HeadMerger {
  ImplicitLocOpBuilder &b;
  MergeAttentionOp op;
  Type sumType;
  /// [b, t, h] or [t, h]
  ValueRange at;

  /// `body(lse of a partial, part, n, carried)` over all partials in order.
  Value forEachPartial(Value init,
                       function_ref<Value(Value, Value, Value, Value)> body);
};
} // namespace

Value HeadMerger::forEachPartial(
    Value init, function_ref<Value(Value, Value, Value, Value)> body) {
  for (unsigned i = 0, e = op.getParts().size(); i < e; ++i) {
    Value part = op.getParts()[i], lses = op.getLses()[i];
    init = forLoop(
        b, getExtent(b, lses, 0), init, [&](Value n, ValueRange carried) {
          SmallVector<Value> index = {n};
          llvm::append_range(index, at);
          Value lse = convertFloat(b, extract(b, lses, index), sumType);
          return SmallVector<Value>{body(lse, part, n, carried[0])};
        })[0];
  }
  return init;
}

SmallVector<Value>
MergeAttentionOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                     const DecomposeOptions &options) {
  Type sumType = getSumType(b, options), f32 = b.getF32Type();
  Value zero = constantFloat(b, sumType, 0.0);
  Value minusInfinity = negativeInfinity(b, sumType);
  Value outInit = getInits()[0], lseInit = getInits()[1];
  Type outType = getElementType(outInit);
  SmallVector<OpFoldResult> headShape =
      tensor::getMixedSizes(b, b.getLoc(), lseInit);
  auto shiftOf = [&](Value maximum) -> Value {
    return arith::SelectOp::create(b, isNegativeInfinity(b, maximum), zero,
                                   maximum);
  };

  // max over the partials of each head, NaN if one is
  Value maxima = generate(b, headShape, sumType, [&](ValueRange at) {
    return HeadMerger{b, *this, sumType, at}.forEachPartial(
        minusInfinity, [&](Value lse, Value, Value, Value maximum) -> Value {
          return arith::MaximumFOp::create(b, maximum, lse);
        });
  });
  // sum of exp(lse - max)
  Value sums = generate(b, headShape, sumType, [&](ValueRange at) {
    Value shift = shiftOf(extract(b, maxima, at));
    return HeadMerger{b, *this, sumType, at}.forEachPartial(
        zero, [&](Value lse, Value, Value, Value sum) -> Value {
          return arith::AddFOp::create(
              b, sum,
              math::ExpOp::create(b, arith::SubFOp::create(b, lse, shift)));
        });
  });
  Value lse = generate(b, headShape, f32, [&](ValueRange at) {
    Value maximum = extract(b, maxima, at);
    Value sum = arith::AddFOp::create(
        b, shiftOf(maximum), math::LogOp::create(b, extract(b, sums, at)));
    return convertFloat(b,
                        arith::SelectOp::create(b,
                                                isNegativeInfinity(b, maximum),
                                                minusInfinity, sum),
                        f32);
  });
  Value out = generate(
      b, tensor::getMixedSizes(b, b.getLoc(), outInit), outType,
      [&](ValueRange at) {
        ValueRange head = at.drop_back();
        Value maximum = extract(b, maxima, head);
        Value shift = shiftOf(maximum);
        Value weighted = HeadMerger{b, *this, sumType, head}.forEachPartial(
            zero, [&](Value lse, Value part, Value n, Value sum) {
              // An empty partial is left out, whatever its out holds.
              Value contributes = arith::CmpFOp::create(
                  b, arith::CmpFPredicate::UNE, lse, minusInfinity);
              return select(
                  b, contributes,
                  [&]() -> Value {
                    SmallVector<Value> index = {n};
                    llvm::append_range(index, at);
                    Value value =
                        convertFloat(b, extract(b, part, index), sumType);
                    Value weight = math::ExpOp::create(
                        b, arith::SubFOp::create(b, lse, shift));
                    return arith::AddFOp::create(
                        b, sum, arith::MulFOp::create(b, weight, value));
                  },
                  sum);
            });
        Value denominator = extract(b, sums, head);
        if (getSink()) {
          Value sink =
              convertFloat(b, extract(b, getSink(), head.back()), sumType);
          denominator = arith::AddFOp::create(
              b, denominator,
              math::ExpOp::create(b, arith::SubFOp::create(b, sink, shift)));
        }
        Value quotient = arith::DivFOp::create(b, weighted, denominator);
        Value value = arith::SelectOp::create(b, isNegativeInfinity(b, maximum),
                                              zero, quotient);
        return convertFloat(b, convertFloat(b, value, f32), outType);
      });

  auto store = [&](Value value, Value init) -> Value {
    SmallVector<OpFoldResult> offsets(getRank(init), b.getIndexAttr(0));
    return insertSlice(b, value, init, offsets);
  };
  return SmallVector<Value>{store(out, outInit), store(lse, lseInit)};
}
