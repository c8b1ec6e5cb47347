//===- TopK.cpp - dsa.top_k on CPUs ---------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One thread selects a row, in two passes over its scores and then on what is
// left of them (RadixSelect.h):
//
//   1. counts the first digit, 11 bits, of all keys and finds that of the K-th
//      greatest; not for rows of at most K positions;
//   2. packs the candidates with that digit or a greater one, in order.
//
// Memory: scores are read twice. Candidates are few, K and those that share 11
// bits with the K-th, unless scores are all alike; so of a thread's scratch
// memory, 8 bytes for each position, most is not touched.
//
// Positions that ids or the translation table exclude cost little where it
// shows without a look at each: ids side by side, and a table of pages of one
// slot, are compared as vectors; blocks of at least a vector are walked over
// one by one, up to their last slot. Else each position is asked for, and the
// keys written to scratch memory before.
//
// Limits: a row is not divided among threads. Rows of scores and of results
// have to be contiguous.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "SelectRow.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

static bool isContiguous(Value memref) {
  return cast<MemRefType>(memref.getType()).isLastDimUnitStride();
}

// Every form of the op is covered.
namespace {
/// How to tell the positions that are not selectable whatever their score.
enum class Exclusion {
  /// There are none.
  None,
  /// Each position has an i32, side by side, that is negative for those.
  Marks,
  /// By blocks of the translation table.
  Blocks,
  /// One by one.
  Positions,
};

/// The keys of the positions of a row.
class RowKeys {
public:
  /// `scratch` has room for the keys of all positions, and may hold them from
  /// then on. A visitor may overwrite it from its start up to the end of the
  /// vector that it is given.
  RowKeys(KernelBuilder &b, TopKOp op, SelectRow &select, ArrayRef<Value> row,
          Value scratch);

  /// How many positions are in range at most.
  Value getNumPositions() { return b.sub(end, begin); }

  /// carried = body(i, keys, carried) for vectors of keys: those of the
  /// positions from i on, 0 for what is not selectable. Positions ascend.
  using Body = function_ref<SmallVector<Value>(Value, Value, ValueRange)>;
  SmallVector<Value> visit(ValueRange carried, Body body);

private:
  SmallVector<Value> at(Value position);
  Value load(Value position, Value mask);
  SmallVector<Value> visitRange(Value from, Value to, ValueRange carried,
                                Body body);
  Value getBlockEnd(Value block);
  void fillScratch(Value memory);

  KernelBuilder &b;
  TopKOp op;
  SelectRow &select;
  SmallVector<Value> row;
  Exclusion exclusion;
  Value begin, end;
  /// The scratch memory, if keys were computed before.
  Value ready;
};
} // namespace

static Exclusion getExclusion(TopKOp op, const CPUTarget &target) {
  Value ids = op.getIds(), table = op.getTranslateTable();
  if (!ids && !table)
    return Exclusion::None;
  uint64_t page = op.getTranslatePage().value_or(0);
  if (ids && table)
    return Exclusion::Positions;
  if ((ids && isContiguous(ids)) || (page == 1 && isContiguous(table)))
    return Exclusion::Marks;
  return page >= target.lanes ? Exclusion::Blocks : Exclusion::Positions;
}

RowKeys::RowKeys(KernelBuilder &b, TopKOp op, SelectRow &select,
                 ArrayRef<Value> row, Value scratch)
    : b(b), op(op), select(select), row(row),
      exclusion(getExclusion(op, b.target)) {
  Value numPositions = b.dim(op.getScores(), row.size());
  if (op.getTranslateTable() && !op.getIds())
    // Later positions have no entry.
    numPositions =
        b.min(numPositions, b.mul(b.dim(op.getTranslateTable(), 1),
                                  op.getTranslatePage().value_or(0)));
  std::tie(begin, end) = select.getRange(numPositions);
  if (exclusion == Exclusion::Positions)
    fillScratch(scratch);
}

SmallVector<Value> RowKeys::at(Value position) {
  SmallVector<Value> indices = row;
  indices.push_back(position);
  return indices;
}

/// The keys of the positions from `position` on that are in `mask` (null for
/// all).
Value RowKeys::load(Value position, Value mask) {
  if (ready)
    return b.loadVector(b.i32s(), ready, position, mask);
  Value scores = b.loadVector(b.f32s(), op.getScores(), at(position), mask);
  if (exclusion == Exclusion::Marks) {
    Value ids = op.getIds();
    Value marks =
        ids ? b.loadVector(b.i32s(), ids, select.getIdIndices(position), mask)
            : b.loadVector(b.i32s(), op.getTranslateTable(),
                           select.getTableIndices(position), mask);
    Value zeros = b.splat(b.i32s(), INT64_C(0));
    mask = b.logicalAnd(mask, b.compare(CmpIPredicate::sge, marks, zeros));
  }
  return getKeys(b, scores, mask);
}

SmallVector<Value> RowKeys::visitRange(Value from, Value to, ValueRange carried,
                                       Body body) {
  Value rest = b.add(from, b.alignDown(b.sub(to, from), b.lanes()));
  SmallVector<Value> whole = b.forLoop(
      from, rest, b.lanes(), carried, [&](Value position, ValueRange carried) {
        return body(position, load(position, Value()), carried);
      });
  return b.ifElse(
      b.compare(CmpIPredicate::slt, rest, to),
      [&] {
        Value mask = b.lanesBelow(b.sub(to, rest));
        return body(rest, load(rest, mask), whole);
      },
      [&] { return whole; });
}

/// The end of the positions of a block that have a slot.
Value RowKeys::getBlockEnd(Value block) {
  int64_t page = op.getTranslatePage().value_or(0);
  Value entry =
      b.toIndex(b.load(op.getTranslateTable(), select.getTableIndices(block)));
  Value numSlots = b.sub(b.index(INT64_C(1) << 31), b.mul(entry, page));
  numSlots = b.min(b.max(numSlots, b.index(0)), b.index(page));
  Value isNegative = b.compare(CmpIPredicate::slt, entry, b.index(0));
  numSlots = b.select(isNegative, b.index(0), numSlots);
  return b.add(b.mul(block, page), numSlots);
}

SmallVector<Value> RowKeys::visit(ValueRange carried, Body body) {
  if (exclusion != Exclusion::Blocks)
    return visitRange(begin, end, carried, body);
  int64_t page = op.getTranslatePage().value_or(0);
  return b.forLoop(b.div(begin, page), b.ceilDiv(end, page), 1, carried,
                   [&](Value block, ValueRange carried) {
                     Value from = b.max(begin, b.mul(block, page));
                     Value to = b.max(from, b.min(end, getBlockEnd(block)));
                     return visitRange(from, to, carried, body);
                   });
}

void RowKeys::fillScratch(Value memory) {
  visitRange(begin, end, {}, [&](Value position, Value keys, ValueRange) {
    b.storeVector(keys, memory, position);
    return SmallVector<Value>();
  });
  b.forLoop(begin, end, 1, [&](Value position) {
    b.ifThen(
        select.isSelectable(position), [] {},
        [&] { b.store(b.i32(0), memory, position); });
  });
  ready = memory;
}

/// Packs the positions that may be among the K best, and says how many and
/// where the K-th is among them.
static std::pair<Value, FirstDigit> collect(KernelBuilder &b, RowKeys &keys,
                                            int64_t k,
                                            const Candidates &candidates,
                                            Value counters) {
  // Few enough to look at them all.
  Value fewer =
      b.compare(CmpIPredicate::sle, keys.getNumPositions(), b.index(k));
  SmallVector<Value> found = b.ifElse(
      fewer, [&] { return SmallVector<Value>{b.i32(0), b.i32(k)}; },
      [&] {
        FirstDigit first = findFirstDigit(
            b,
            [&](function_ref<void(Value)> visit) {
              keys.visit({}, [&](Value, Value vector, ValueRange) {
                visit(vector);
                return SmallVector<Value>();
              });
            },
            k, counters);
        return SmallVector<Value>{first.digit, first.rank};
      });
  FirstDigit first = {found[0], found[1]};
  Value least = b.broadcast(getLeastKey(b, first), b.i32s());
  Value count = keys.visit(
      b.index(0), [&](Value position, Value vector, ValueRange carried) {
        Value end = carried[0];
        Value taken = b.compare(CmpIPredicate::uge, vector, least);
        auto append = [&] {
          Value positions =
              b.add(b.iota(), b.broadcast(b.toI32(position), b.i32s()));
          b.storeCompressed(vector, taken, candidates.keys, end);
          b.storeCompressed(positions, taken, candidates.positions, end);
          return SmallVector<Value>{b.add(end, b.countLanes(taken))};
        };
        // Where packing is cheap, a branch that nothing predicts is not.
        if (b.target.compress)
          return append();
        return b.ifElse(b.anyLane(taken), append,
                        [&] { return SmallVector<Value>{end}; });
      })[0];
  return {count, first};
}

static KernelChoice describe(Exclusion exclusion) {
  switch (exclusion) {
  case Exclusion::None:
    return "selected by radix";
  case Exclusion::Marks:
    return "selected by radix, positions excluded a vector at a time";
  case Exclusion::Blocks:
    return "selected by radix, positions excluded a block at a time";
  case Exclusion::Positions:
    return "selected by radix, positions excluded one by one";
  }
  llvm_unreachable("all cases are handled");
}

KernelChoice dsa::emitTopK(KernelBuilder &b, TopKOp op, Value threads) {
  oracle::SelectOperands operands = oracle::makeSelectOperands(op);
  Value scores = op.getScores();
  unsigned rank = cast<ShapedType>(scores.getType()).getRank();
  Value numPositions = b.dim(scores, rank - 1);
  Value numRows = b.dim(scores, rank - 2);

  ScratchPlan plan(b);
  SelectPlan selectPlan(b, plan, b.min(numPositions, b.index(operands.k)),
                        operands.order);
  CandidatePlan candidatePlan(b, plan, numPositions);
  Value batches = operands.batched ? b.dim(scores, 0) : b.index(1);
  WorkCount work = {b.mul(batches, numRows),
                    b.mul(batches, b.getPlanned(numRows))};
  parallelFor(b, work, threads, plan, [&](Value i, const Scratch &scratch) {
    SmallVector<Value> row = {i};
    if (operands.batched)
      row = {b.div(i, numRows), b.rem(i, numRows)};
    SelectRow select(b, operands, op.getInits(), row);
    SelectScratch selectScratch = selectPlan.view(b, scratch);
    Candidates candidates = candidatePlan.view(b, scratch);
    // Candidates are packed in place.
    RowKeys keys(b, op, select, row, candidates.keys);
    auto [count, first] =
        collect(b, keys, operands.k, candidates, selectScratch.counters);
    Kept kept = compactBest(b, candidates, count, operands.k,
                            selectScratch.counters, first);
    select.write(candidates, kept.count, selectScratch,
                 [&](Value position, Value) {
                   SmallVector<Value> at = row;
                   at.push_back(position);
                   return b.load(scores, at);
                 });
  });
  return describe(getExclusion(op, b.target));
}
