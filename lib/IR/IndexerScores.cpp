//===- IndexerScores.cpp - dsa.indexer_scores ---------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void IndexerScoresOp::build(OpBuilder &b, OperationState &state, Value query,
                            const KeySource &source, Value weights, Value lo,
                            Value hi, Value init, Activation activation) {
  SmallVector<Type> results = getTensorTypes(init);
  build(b, state, results, query, source.queryTail, source.keys, source.keyTail,
        source.blockTable, source.rowIds, source.keyScale, weights, lo, hi,
        ValueRange(init), activation, source.paged,
        cast_if_present<KVLayoutAttr>(source.layout));
}

KeySource IndexerScoresOp::getKeySource() { return makeKeySource(*this); }

void IndexerScoresOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"scores"}, setName);
}

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool IndexerScoresOp::isBatched() { return getRank(getQuery()) == 4; }

DimTable IndexerScoresOp::getDimTable() {
  DimTable table;
  SourceDims source = addScoreRows(*this, table);
  table.add(getInitsMutable(), "outs",
            withBatch(isBatched(), {"T", source.positions}), Stride::Unit);
  return table;
}

SmallVector<Dim, 4> IndexerScoresOp::getIterationDims() {
  DimTable table = getDimTable();
  return table.find(*getInitsMutable().begin())->dims;
}

LogicalResult IndexerScoresOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 1)
    return ConstraintError(*this, 2)
           << "expected 1 init, the scores, but got " << getInits().size();
  if (!getElementType(getInits()[0]).isF32())
    return ConstraintError(*this, 2)
           << "'outs' are of element type " << getElementType(getInits()[0])
           << ", but scores are f32";
  if (getRank(getQuery()) != 3 && getRank(getQuery()) != 4)
    return ConstraintError(*this, 2)
           << "'query' must have shape TxHixD or BxTxHixD, but is "
           << getQuery().getType();
  if (failed(verifyScoreSource(*this, getQuery(), getKeySource(), isBatched())))
    return failure();
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult IndexerScoresOp::fold(FoldAdaptor adaptor,
                                    SmallVectorImpl<OpFoldResult> &) {
  bool dropped = dropWideBounds(*this, adaptor, getStaticPositions(*this));
  return success(dropUnitKeyScale(*this, adaptor) || dropped);
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//

/// One element of a key as SCORE multiplies it, in the type of sums: as stored,
/// or, with `unpack`, as `dsa.unpack` reads it to bf16.
static Value readScoreElement(ImplicitLocOpBuilder &b, const Columns &columns,
                              ValueRange coordinates, Value column, bool unpack,
                              Type sumType) {
  auto [element, scale] = columns.read(coordinates, column);
  if (!unpack)
    return convertFloat(b, element, sumType);
  if (scale)
    element = arith::MulFOp::create(b, convertFloat(b, element, b.getF32Type()),
                                    scale);
  return convertFloat(b, convertFloat(b, element, b.getBF16Type()), sumType);
}

/// `sum + <q[row, head, :], k[coordinates, :]>` over one piece or field.
static Value addDotProduct(ImplicitLocOpBuilder &b, Value sum, Value query,
                           OpFoldResult queryStart, ValueRange row, Value head,
                           const Columns &columns, ValueRange coordinates,
                           bool unpack) {
  Type sumType = sum.getType();
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), columns.count);
  return forLoop(b, count, sum, [&](Value column, ValueRange carried) {
    SmallVector<Value> at(row);
    at.push_back(head);
    at.push_back(b.createOrFold<arith::AddIOp>(
        column, getValueOrCreateConstantIndexOp(b, b.getLoc(), queryStart)));
    Value q = convertFloat(b, extract(b, query, at), sumType);
    Value k =
        readScoreElement(b, columns, coordinates, column, unpack, sumType);
    Value next =
        arith::AddFOp::create(b, carried[0], arith::MulFOp::create(b, q, k));
    return SmallVector<Value>{next};
  })[0];
}

/// `relu` keeps NaN: 0 > NaN is false.
static Value activate(ImplicitLocOpBuilder &b, Value value,
                      Activation activation) {
  if (activation == Activation::None)
    return value;
  Value zero = constantFloat(b, value.getType(), 0.0);
  Value negative =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, zero, value);
  return arith::SelectOp::create(b, negative, zero, value);
}

/// I[t,s] of the definition for the key row at `coordinates`, as f32.
static Value scoreKey(ImplicitLocOpBuilder &b, const ScoreOperands &operands,
                      const KeyReader &reader, ValueRange row,
                      ValueRange coordinates, Type sumType) {
  const KeySource &source = operands.source;
  auto layout = cast_if_present<KVLayoutAttr>(source.layout);
  bool scaleAfterSum = layout && layout.hasOneScalePerRow();
  bool unpack = layout && !scaleAfterSum;
  Value zero = constantFloat(b, sumType, 0.0);
  Value heads = getExtent(b, operands.weights, row.size());

  Value sum = forLoop(b, heads, zero, [&](Value head, ValueRange carried) {
    Value dot = zero;
    for (auto [i, columns] : llvm::enumerate(reader.getColumns())) {
      bool inTail = source.queryTail && i == 1;
      dot = addDotProduct(b, dot, inTail ? source.queryTail : operands.query,
                          inTail ? b.getIndexAttr(0) : columns.start, row, head,
                          columns, coordinates, unpack);
    }
    SmallVector<Value> at(row);
    at.push_back(head);
    Value weight = convertFloat(b, extract(b, operands.weights, at), sumType);
    Value term =
        arith::MulFOp::create(b, weight, activate(b, dot, operands.activation));
    return SmallVector<Value>{arith::AddFOp::create(b, carried[0], term)};
  })[0];

  Value scale;
  if (source.keyScale)
    scale = extract(b, source.keyScale, coordinates);
  else if (scaleAfterSum)
    scale =
        reader.getColumns()[0].read(coordinates, constantIndex(b, 0)).second;
  if (scale)
    sum = arith::MulFOp::create(b, sum, convertFloat(b, scale, sumType));
  return convertFloat(b, sum, b.getF32Type());
}

Value oracle::scoreRow(ImplicitLocOpBuilder &b, const ScoreOperands &operands,
                       const KeyReader &reader, ValueRange row,
                       const DecomposeOptions &options) {
  Type f32 = b.getF32Type();
  Value masked = negativeInfinity(b, f32);
  TableRow tableRow =
      getTableRow(b, operands.source.blockTable, operands.source.rowIds, row,
                  operands.batched);
  return generate(b, getAsOpFoldResult(reader.getNumPositions()), f32,
                  [&](ValueRange indices) {
                    Value s = indices[0];
                    return select(
                        b, inBounds(b, operands.lo, operands.hi, row, s),
                        [&] {
                          return reader.readRow(
                              tableRow, row, s,
                              [&](ValueRange coordinates) {
                                return scoreKey(b, operands, reader, row,
                                                coordinates,
                                                getSumType(b, options));
                              },
                              masked);
                        },
                        masked);
                  });
}

SmallVector<Value>
IndexerScoresOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                    const DecomposeOptions &options) {
  ScoreOperands operands = makeScoreOperands(*this);
  KeyReader reader(b, operands.source, operands.batched);
  return forEachRow(
      b, getRowExtents(b, getQuery(), isBatched()), getInits(),
      [&](ValueRange row, ValueRange results) {
        Value scores = scoreRow(b, operands, reader, row, options);
        return SmallVector<Value>{insertRow(b, scores, results[0], row)};
      });
}
