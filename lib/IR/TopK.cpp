//===- TopK.cpp - dsa.top_k ---------------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void TopKOp::build(OpBuilder &b, OperationState &state, Value scores, int64_t k,
                   Value lo, Value hi, ValueRange inits,
                   const Translation &translation, Value ids, SlotOrder order) {
  SmallVector<Type> results = getTensorTypes(inits);
  build(b, state, results, scores, lo, hi, ids, translation.table,
        translation.rowIds, inits, b.getI64IntegerAttr(k),
        SlotOrderAttr::get(b.getContext(), order),
        translation.table ? b.getI64IntegerAttr(translation.page)
                          : IntegerAttr());
}

Translation TopKOp::getTranslation() { return makeTranslation(*this); }

void TopKOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"indices", "count", "values"}, setName);
}

Dim TopKOp::getPositionsDim() { return "S"; }

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool TopKOp::isBatched() { return getRank(getScores()) == 3; }

DimTable TopKOp::getDimTable() {
  DimTable table;
  bool batched = isBatched();
  table.add(getScoresMutable(), "scores", withBatch(batched, {"T", "S"}),
            Stride::Unit);
  table.add(getLoMutable(), "lo", withBatch(batched, {"T"}), Stride::Any);
  table.add(getHiMutable(), "hi", withBatch(batched, {"T"}), Stride::Any);
  table.setPositions(getLoMutable(), "S");
  table.setPositions(getHiMutable(), "S");
  if (Value ids = getIds()) {
    // The trailing dimensions of BxTxS or TxS; BxS lacks T.
    int64_t rank = getRank(ids);
    SmallVector<Dim, 4> dims = withBatch(batched, {"T", "S"});
    if (rank == 1)
      dims = {"S"};
    else if (batched && rank == 2)
      dims = {"B", "S"};
    table.add(getIdsMutable(), "ids", dims,
              rank == static_cast<int64_t>(batched) + 2 ? Stride::Unit
                                                        : Stride::Any);
  }
  addSelectionRows(*this, table);
  return table;
}

SmallVector<Dim, 4> TopKOp::getIterationDims() {
  return withBatch(isBatched(), {"T"});
}

LogicalResult TopKOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 2 && getInits().size() != 3)
    return ConstraintError(*this, 2) << "expected 2 or 3 inits (indices, "
                                        "count, optional values), but got "
                                     << getInits().size();
  if (getRank(getScores()) != 2 && getRank(getScores()) != 3)
    return ConstraintError(*this, 2)
           << "'scores' must have shape TxS or BxTxS, but are "
           << getScores().getType();
  if (getIds() &&
      (getRank(getIds()) < 1 || getRank(getIds()) > (isBatched() ? 3 : 2)))
    return ConstraintError(*this, 4)
           << "'ids' must have shape "
           << (isBatched() ? "S, BxS or BxTxS" : "S or TxS") << ", but are "
           << getIds().getType();
  if (failed(verifySelection(*this, getK(), getTranslation(),
                             getTranslatePage(), isBatched(), getInits(),
                             /*kLabel=*/3, /*pageLabel=*/5, /*rowIdsLabel=*/6,
                             /*initsLabel=*/7)))
    return failure();
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult TopKOp::fold(FoldAdaptor adaptor,
                           SmallVectorImpl<OpFoldResult> &) {
  auto scores = cast<ShapedType>(getScores().getType());
  return success(dropWideBounds(*this, adaptor, scores.getShape().back()));
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//
//
// A row is selected in four steps that share nothing with any kernel: each
// position gets an unsigned key that orders as its score does, 0 if it is not
// selectable; the K-th largest key is found bit by bit; the positions above it,
// and the first ones equal to it, are compacted in order; each is written to
// its slot.

/// The slot of a position (an index), an i32, or -1 if it has none.
static Value translatePosition(ImplicitLocOpBuilder &b,
                               const Translation &translation,
                               const TableRow &tableRow, Value position) {
  Type i32 = b.getI32Type();
  Value none = constantI32(b, -1);
  Value page = constantIndex(b, translation.page);
  Value block = arith::DivUIOp::create(b, position, page);
  // A negative position is a huge unsigned one, and its block one beyond N.
  Value known = logicalAnd(
      b,
      logicalAnd(b, tableRow.valid,
                 inRange(b, position, constantIndex(b, INT64_C(1) << 31))),
      inRange(b, block, getExtent(b, translation.table, 1)));
  return select(
      b, known,
      [&]() -> Value {
        Value entry =
            toIndex(b, extract(b, translation.table, {tableRow.index, block}));
        Value translated =
            arith::AddIOp::create(b, arith::MulIOp::create(b, entry, page),
                                  arith::RemUIOp::create(b, position, page));
        // Also false for a negative entry: its slots are negative.
        Value fits = inRange(b, translated, constantIndex(b, INT64_C(1) << 31));
        return arith::SelectOp::create(
            b, fits, arith::IndexCastOp::create(b, i32, translated), none);
      },
      none);
}

namespace {
/// Builds the selection of one row.
struct RowSelector {
  ImplicitLocOpBuilder &b;
  const SelectOperands &operands;
  Value scores;
  ValueRange row;
  TableRow tableRow;

  Value id(Value s);
  Value slot(Value s);
  Value key(Value s);
  Value countKeys(Value keys, arith::CmpIPredicate predicate, Value bound);
  Value threshold(Value keys);
  Value compact(Value keys, Value threshold, Value count);
  Value rank(Value keys, Value positions, Value count, Value i);
};
} // namespace

/// What results hold for position `s`, as an index: its id, or itself.
Value RowSelector::id(Value s) {
  if (!operands.ids)
    return s;
  int64_t rank = getRank(operands.ids);
  SmallVector<Value> at;
  if (rank == static_cast<int64_t>(row.size()) + 1)
    llvm::append_range(at, row);
  else if (rank == 2)
    at.push_back(row[0]);
  at.push_back(s);
  return toIndex(b, extract(b, operands.ids, at));
}

/// The i32 that results hold for position `s`, or -1 if there is none.
Value RowSelector::slot(Value s) {
  Type i32 = b.getI32Type();
  Value position = id(s), none = constantI32(b, -1);
  if (!operands.translation.table) {
    // A negative id is the only one that is not a result.
    Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                           position, constantIndex(b, 0));
    return arith::SelectOp::create(
        b, negative, none, arith::IndexCastOp::create(b, i32, position));
  }
  return translatePosition(b, operands.translation, tableRow, position);
}

/// An unsigned i32 that orders as the score at `s` does, -0 as +0; 0 where `s`
/// cannot be selected.
Value RowSelector::key(Value s) {
  Type i32 = b.getI32Type();
  Value score = extract(b, scores, s);
  Value minusInfinity = negativeInfinity(b, b.getF32Type());
  // An ordered comparison: false for NaN too.
  Value scored =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, score, minusInfinity);
  Value selectable =
      logicalAnd(b, scored, inBounds(b, operands.lo, operands.hi, row, s));
  Value hasSlot = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, slot(s),
                                        constantI32(b, 0));
  selectable = logicalAnd(b, selectable, hasSlot);

  Value zero = constantFloat(b, b.getF32Type(), 0.0);
  Value isZero =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, score, zero);
  Value bits = arith::BitcastOp::create(
      b, i32, arith::SelectOp::create(b, isZero, zero, score));
  // Negative numbers order backwards: flip all their bits, else the sign only.
  Value sign = arith::ShRSIOp::create(b, bits, constantI32(b, 31));
  Value flip = arith::OrIOp::create(
      b, sign, constantI32(b, std::numeric_limits<int32_t>::min()));
  return arith::SelectOp::create(
      b, selectable, arith::XOrIOp::create(b, bits, flip), constantI32(b, 0));
}

/// How many keys compare to `bound` as `predicate` says.
Value RowSelector::countKeys(Value keys, arith::CmpIPredicate predicate,
                             Value bound) {
  return forLoop(
      b, getExtent(b, keys, 0), constantIndex(b, 0),
      [&](Value s, ValueRange carried) {
        Value hit =
            arith::CmpIOp::create(b, predicate, extract(b, keys, s), bound);
        Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), hit);
        return SmallVector<Value>{arith::AddIOp::create(b, carried[0], one)};
      })[0];
}

/// The largest bound that at least K keys reach; 0 if fewer than K keys are
/// positive.
Value RowSelector::threshold(Value keys) {
  Value k = constantIndex(b, operands.k);
  return forLoop(
      b, constantIndex(b, 32), constantI32(b, 0),
      [&](Value i, ValueRange carried) {
        Value shift = arith::IndexCastOp::create(b, b.getI32Type(), i);
        Value bit = arith::ShRUIOp::create(
            b, constantI32(b, std::numeric_limits<int32_t>::min()), shift);
        Value candidate = arith::OrIOp::create(b, carried[0], bit);
        Value reached = arith::CmpIOp::create(
            b, arith::CmpIPredicate::uge,
            countKeys(keys, arith::CmpIPredicate::uge, candidate), k);
        return SmallVector<Value>{
            arith::SelectOp::create(b, reached, candidate, carried[0])};
      })[0];
}

/// The `count` selected positions, ascending, in a tensor of K indices.
Value RowSelector::compact(Value keys, Value threshold, Value count) {
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1);
  Value above = countKeys(keys, arith::CmpIPredicate::ugt, threshold);
  Value ties = arith::SubIOp::create(b, count, above);
  Value last = constantIndex(b, operands.k - 1);
  Value positions = filled(b, OpFoldResult(b.getIndexAttr(operands.k)), zero);
  return forLoop(
      b, getExtent(b, keys, 0), {positions, zero, zero},
      [&](Value s, ValueRange carried) {
        Value positions = carried[0], taken = carried[1], tied = carried[2];
        Value key = extract(b, keys, s);
        Value isAbove =
            arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, key, threshold);
        Value isTie = logicalAnd(
            b,
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, key, threshold),
            arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tied, ties));
        Value take = arith::OrIOp::create(b, isAbove, isTie);
        // Rewrites an entry with itself where nothing is taken: a store without
        // a branch, and never past the end.
        Value at = arith::MinUIOp::create(b, taken, last);
        Value entry =
            arith::SelectOp::create(b, take, s, extract(b, positions, at));
        return SmallVector<Value>{
            tensor::InsertOp::create(b, entry, positions, at),
            arith::SelectOp::create(
                b, take, arith::AddIOp::create(b, taken, one), taken),
            arith::SelectOp::create(b, isTie,
                                    arith::AddIOp::create(b, tied, one), tied)};
      })[0];
}

/// How many selected positions come before the `i`-th by score descending,
/// position ascending.
Value RowSelector::rank(Value keys, Value positions, Value count, Value i) {
  Value mine = extract(b, keys, extract(b, positions, i));
  return forLoop(
      b, count, constantIndex(b, 0), [&](Value j, ValueRange carried) {
        Value other = extract(b, keys, extract(b, positions, j));
        Value better =
            arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, other, mine);
        Value earlier = logicalAnd(
            b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, other, mine),
            arith::CmpIOp::create(b, arith::CmpIPredicate::ult, j, i));
        Value one = arith::IndexCastUIOp::create(
            b, b.getIndexType(), arith::OrIOp::create(b, better, earlier));
        return SmallVector<Value>{arith::AddIOp::create(b, carried[0], one)};
      })[0];
}

SmallVector<Value> oracle::selectRow(ImplicitLocOpBuilder &b,
                                     const SelectOperands &operands,
                                     Value scores, ValueRange row,
                                     ValueRange results) {
  RowSelector selector{b, operands, scores, row,
                       getTableRow(b, operands.translation.table,
                                   operands.translation.rowIds, row,
                                   operands.batched)};
  OpFoldResult positionsExtent = tensor::getMixedSize(b, b.getLoc(), scores, 0);
  Value keys = generate(b, positionsExtent, b.getI32Type(),
                        [&](ValueRange s) { return selector.key(s[0]); });
  Value threshold = selector.threshold(keys);
  Value selectable =
      selector.countKeys(keys, arith::CmpIPredicate::ugt, constantI32(b, 0));
  Value count =
      arith::MinUIOp::create(b, selectable, constantIndex(b, operands.k));
  Value positions = selector.compact(keys, threshold, count);

  OpFoldResult k = b.getIndexAttr(operands.k);
  SmallVector<Value> carried = {filled(b, k, constantI32(b, -1))};
  if (results.size() == 3)
    carried.push_back(filled(b, k, negativeInfinity(b, b.getF32Type())));
  carried = forLoop(b, count, carried, [&](Value i, ValueRange carried) {
    Value at = operands.order == SlotOrder::IndexAscending
                   ? i
                   : selector.rank(keys, positions, count, i);
    Value position = extract(b, positions, i);
    SmallVector<Value> next = {
        tensor::InsertOp::create(b, selector.slot(position), carried[0], at)};
    if (carried.size() == 2)
      next.push_back(tensor::InsertOp::create(b, extract(b, scores, position),
                                              carried[1], at));
    return next;
  });

  Value count32 = arith::IndexCastOp::create(b, b.getI32Type(), count);
  SmallVector<Value> filledIn = {
      insertRow(b, carried[0], results[0], row),
      tensor::InsertOp::create(b, count32, results[1], row)};
  if (results.size() == 3)
    filledIn.push_back(insertRow(b, carried[1], results[2], row));
  return filledIn;
}

SmallVector<Value> TopKOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                              const DecomposeOptions &) {
  SelectOperands operands = makeSelectOperands(*this);
  return forEachRow(b, getRowExtents(b, getScores(), isBatched()), getInits(),
                    [&](ValueRange row, ValueRange results) {
                      return selectRow(b, operands,
                                       extractRow(b, getScores(), row), row,
                                       results);
                    });
}

//===----------------------------------------------------------------------===//
// Ids of a part
//===----------------------------------------------------------------------===//

Value dsa::createIds(OpBuilder &builder, Location loc, Value ids,
                     OpFoldResult offset, OpFoldResult size,
                     const Translation &translation, bool batched) {
  if (ids && !translation.table)
    return ids;
  ImplicitLocOpBuilder b(loc, builder);
  SmallVector<OpFoldResult> shape;
  bool perEntry = batched && translation.table;
  if (ids)
    shape = tensor::getMixedSizes(b, loc, ids);
  else
    shape = {size};
  if (perEntry && shape.size() == 1)
    shape.insert(shape.begin(),
                 tensor::getMixedSize(b, loc, translation.table, 0));
  Value start = getValueOrCreateConstantIndexOp(b, loc, offset);
  return generate(b, shape, b.getI32Type(), [&](ValueRange indices) {
    Value id =
        ids ? toIndex(b, extract(b, ids, indices.take_back(getRank(ids))))
            : arith::AddIOp::create(b, start, indices.back()).getResult();
    Value id32 = arith::IndexCastOp::create(b, b.getI32Type(), id);
    if (!translation.table)
      return id32;
    // As the batch entry, or row 0, of an op without row ids.
    TableRow tableRow =
        getTableRow(b, translation.table, /*rowIds=*/Value(), indices, batched);
    Value hasSlot = arith::CmpIOp::create(
        b, arith::CmpIPredicate::sge,
        translatePosition(b, translation, tableRow, id), constantI32(b, 0));
    return arith::SelectOp::create(b, hasSlot, id32, constantI32(b, -1))
        .getResult();
  });
}
