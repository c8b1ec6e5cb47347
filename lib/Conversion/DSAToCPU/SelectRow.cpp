//===- SelectRow.cpp - A row of an op that selects ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectRow.h"

#include "../../IR/OpRules.h"

#include <limits>

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

// Slots are below.
static constexpr int64_t slotLimit = INT64_C(1) << 31;

SelectPlan::SelectPlan(KernelBuilder &b, ScratchPlan &plan, Value capacity,
                       SlotOrder order)
    : counters(reserveCounters(b, plan)) {
  if (order == SlotOrder::ScoreDescending)
    spare.emplace(b, plan, capacity);
}

SelectScratch SelectPlan::view(KernelBuilder &b, const Scratch &scratch) const {
  SelectScratch views = {viewCounters(b, scratch, counters), std::nullopt};
  if (spare)
    views.spare = spare->view(b, scratch);
  return views;
}

SelectRow::SelectRow(KernelBuilder &b, const oracle::SelectOperands &operands,
                     ValueRange inits, ArrayRef<Value> row)
    : b(b), operands(operands), indices(inits[0]), count(inits[1]),
      values(inits.size() == 3 ? inits[2] : Value()), row(row) {
  const Translation &translation = operands.translation;
  if (!translation.table)
    return;
  tableRow = operands.batched ? row[0] : b.index(0);
  if (translation.rowIds) {
    tableRow = b.toIndex(b.load(translation.rowIds, row));
    // A negative id is a huge unsigned one.
    hasTableRow =
        b.compare(CmpIPredicate::ult, tableRow, b.dim(translation.table, 0));
  }
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

std::pair<Value, Value> SelectRow::getRange(Value numPositions) {
  Value begin = b.index(0), end = numPositions;
  if (operands.lo)
    begin = b.max(b.toIndex(b.load(operands.lo, row)), begin);
  if (operands.hi)
    end = b.min(b.toIndex(b.load(operands.hi, row)), end);
  Value hasAny =
      b.logicalAnd(b.compare(CmpIPredicate::slt, begin, end), hasTableRow);
  return {b.select(hasAny, begin, b.index(0)),
          b.select(hasAny, end, b.index(0))};
}

SmallVector<Value> SelectRow::getIdIndices(Value position) {
  // The trailing dimensions of BxTxS or TxS; BxS lacks T.
  int64_t rank = getRank(operands.ids);
  SmallVector<Value> indices;
  if (rank == static_cast<int64_t>(row.size()) + 1)
    indices = row;
  else if (rank == 2)
    indices = {row[0]};
  indices.push_back(position);
  return indices;
}

Value SelectRow::getId(Value position) {
  if (!operands.ids)
    return position;
  return b.toIndex(b.load(operands.ids, getIdIndices(position)));
}

Value SelectRow::translate(Value position) {
  const Translation &translation = operands.translation;
  if (!translation.table)
    return position;
  Value block = b.div(position, translation.page);
  Value entry = b.toIndex(b.load(translation.table, getTableIndices(block)));
  return b.add(b.mul(entry, translation.page),
               b.rem(position, b.index(translation.page)));
}

Value SelectRow::isSelectable(Value position) {
  auto constant = [&](bool value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI1Type(), value);
  };
  if (!operands.ids && !operands.translation.table)
    return constant(true);
  Value id = getId(position);
  if (!operands.translation.table)
    return b.compare(CmpIPredicate::sge, id, b.index(0));
  // A negative id is a huge unsigned one, and its block beyond all others.
  Value block = b.div(id, operands.translation.page);
  Value inTable = b.compare(CmpIPredicate::ult, block,
                            b.dim(operands.translation.table, 1));
  inTable = b.logicalAnd(inTable, hasTableRow);
  return b.ifElse(
      inTable,
      [&] {
        // Also false for a negative entry: its slots are negative.
        return SmallVector<Value>{
            b.compare(CmpIPredicate::ult, translate(id), b.index(slotLimit))};
      },
      [&] { return SmallVector<Value>{constant(false)}; })[0];
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

SmallVector<Value> SelectRow::at(Value slot) {
  SmallVector<Value> indices = row;
  indices.push_back(slot);
  return indices;
}

void SelectRow::writeIndices(const Candidates &candidates, Value count) {
  if (operands.ids || operands.translation.table) {
    b.forLoop(b.index(0), count, 1, [&](Value slot) {
      Value position = b.toIndex(b.load(candidates.positions, slot));
      b.store(b.toI32(translate(getId(position))), indices, at(slot));
    });
    return;
  }
  b.forLoop(b.index(0), count, b.lanes(), [&](Value slot) {
    b.storeFirst(b.loadVector(b.i32s(), candidates.positions, slot), indices,
                 at(slot), b.sub(count, slot));
  });
}

/// Fills a row from `count` on.
void SelectRow::pad(Value init, Value count, Value padding) {
  Value end = b.index(operands.k);
  b.forLoop(count, end, b.lanes(), [&](Value slot) {
    b.storeFirst(padding, init, at(slot), b.sub(end, slot));
  });
}

void SelectRow::write(const Candidates &candidates, Value numSelected,
                      const SelectScratch &scratch,
                      function_ref<Value(Value, Value)> getValue) {
  if (operands.order == SlotOrder::ScoreDescending)
    sortDescending(b, candidates, numSelected, *scratch.spare,
                   scratch.counters);
  writeIndices(candidates, numSelected);
  pad(indices, numSelected, b.splat(b.i32s(), INT64_C(-1)));
  b.store(b.toI32(numSelected), count, row);
  if (!values)
    return;
  b.forLoop(b.index(0), numSelected, 1, [&](Value slot) {
    Value position = b.toIndex(b.load(candidates.positions, slot));
    b.store(getValue(position, b.load(candidates.keys, slot)), values,
            at(slot));
  });
  pad(values, numSelected,
      b.splat(b.f32s(), -std::numeric_limits<double>::infinity()));
}
