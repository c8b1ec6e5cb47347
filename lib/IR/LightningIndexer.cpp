//===- LightningIndexer.cpp - dsa.lightning_indexer ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void LightningIndexerOp::build(OpBuilder &b, OperationState &state, Value query,
                               const KeySource &source, Value weights, Value lo,
                               Value hi, int64_t k, ValueRange inits,
                               const Translation &translation, Value ids,
                               Activation activation, SlotOrder order) {
  SmallVector<Type> results = getTensorTypes(inits);
  build(b, state, results, query, source.queryTail, source.keys, source.keyTail,
        source.blockTable, source.rowIds, source.keyScale, weights, lo, hi, ids,
        translation.table, translation.rowIds, inits, b.getI64IntegerAttr(k),
        ActivationAttr::get(b.getContext(), activation),
        SlotOrderAttr::get(b.getContext(), order),
        source.paged ? b.getUnitAttr() : UnitAttr(),
        cast_if_present<KVLayoutAttr>(source.layout),
        translation.table ? b.getI64IntegerAttr(translation.page)
                          : IntegerAttr());
}

KeySource LightningIndexerOp::getKeySource() { return makeKeySource(*this); }

Translation LightningIndexerOp::getTranslation() {
  return makeTranslation(*this);
}

Dim LightningIndexerOp::getPositionsDim() {
  DimTable table;
  return addScoreRows(*this, table).positions;
}

void LightningIndexerOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"indices", "count", "values"}, setName);
}

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool LightningIndexerOp::isBatched() { return getRank(getQuery()) == 4; }

DimTable LightningIndexerOp::getDimTable() {
  DimTable table;
  SourceDims source = addScoreRows(*this, table);
  if (Value ids = getIds())
    table.add(getIdsMutable(), "ids",
              withBatch(isBatched() && getRank(ids) == 2, {source.positions}),
              Stride::Any);
  addSelectionRows(*this, table);
  return table;
}

SmallVector<Dim, 4> LightningIndexerOp::getIterationDims() {
  return withBatch(isBatched(), {"T"});
}

LogicalResult LightningIndexerOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 2 && getInits().size() != 3)
    return ConstraintError(*this, 2) << "expected 2 or 3 inits (indices, "
                                        "count, optional values), but got "
                                     << getInits().size();
  if (getRank(getQuery()) != 3 && getRank(getQuery()) != 4)
    return ConstraintError(*this, 2)
           << "'query' must have shape TxHixD or BxTxHixD, but is "
           << getQuery().getType();
  if (failed(verifyScoreSource(*this, getQuery(), getKeySource(), isBatched())))
    return failure();
  if (getIds() && getRank(getIds()) != 1 &&
      !(isBatched() && getRank(getIds()) == 2))
    return ConstraintError(*this, 10)
           << "'ids' must have shape " << (isBatched() ? "S or BxS" : "S")
           << ", but are " << getIds().getType();
  if (failed(verifySelection(*this, getK(), getTranslation(),
                             getTranslatePage(), isBatched(), getInits(),
                             /*kLabel=*/9, /*pageLabel=*/11,
                             /*rowIdsLabel=*/12, /*initsLabel=*/13)))
    return failure();
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult LightningIndexerOp::fold(FoldAdaptor adaptor,
                                       SmallVectorImpl<OpFoldResult> &) {
  bool dropped = dropWideBounds(*this, adaptor, getStaticPositions(*this));
  return success(dropUnitKeyScale(*this, adaptor) || dropped);
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//

// Holds the scores of one row at a time.
SmallVector<Value>
LightningIndexerOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                       const DecomposeOptions &options) {
  ScoreOperands score = makeScoreOperands(*this);
  SelectOperands selection = makeSelectOperands(*this);
  KeyReader reader(b, score.source, score.batched);
  return forEachRow(b, getRowExtents(b, getQuery(), isBatched()), getInits(),
                    [&](ValueRange row, ValueRange results) {
                      Value scores = scoreRow(b, score, reader, row, options);
                      return selectRow(b, selection, scores, row, results);
                    });
}
