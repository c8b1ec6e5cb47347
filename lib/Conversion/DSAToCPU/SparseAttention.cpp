//===- SparseAttention.cpp - dsa.sparse_attention on CPUs -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over the selected rows of a query row, a block of keys at a time:
//
//   1. Slots that name no key are dropped (SelectedRows.h).
//   2. For each group of heads: dot products with the keys of the block, heads
//      in lanes, keys broadcast from where they are; their maximum so far;
//      weights, as steps of the arithmetic; weighted values, elements in lanes,
//      weights broadcast, added to the sums of the blocks before, which are
//      scaled to the new maximum as they are loaded.
//   3. Sums of the ranges of the list are put together, with the sink, and
//      divided.
//
// The order of the sums, per head:
//
//   s[k] = sum over d, in order, from +0 (Arithmetic.h), or where a lane holds
//          elements: each lane's, then `addLanes` (Shuffles.h)
//   m    = greatest s so far; block by block of `blockRows` keys
//   p[k] = 2^((s[k] - m) scale log2(e)), rounded to pairs of bf16 in that
//          arithmetic only for the products
//   l    = l 2^(...) + sum of p[k], even and odd keys apart
//   o[d] = o[d] 2^(...) + sum of p[k] v[k,d], in order
//   then the ranges in order.
//
// So bits depend on the list, H, K and the target: not on holes, T, other rows
// or threads. For few rows, groups of heads and ranges of the list are items of
// work of their own; ranges are there for any number of rows.
//
// Memory traffic: a selected row comes from memory once for all heads, in
// blocks that fit the second-level cache; the next block is asked for little by
// little while the dot products of this one are computed, the first one before
// the query is transposed. Scratch: O(K + H (Dk + Dv)) a thread. Limits: none
// of shape.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "Kernels.h"
#include "RowStaging.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

/// Key ranges of a row are made so that there are about this many items.
static constexpr int64_t wantedItems = 8;
/// A range has at least this many slots: each costs a pass over the sums.
static constexpr int64_t leastRange = 512;
/// Entries behind a list: more than any tile reads beyond the last one.
static constexpr int64_t padding = 16;

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

AttentionKernel::AttentionKernel(KernelBuilder &b, SparseAttentionOp op,
                                 Value threads)
    : b(b), op(op), threads(threads), sets(op.getKeySets()),
      batched(op.isBatched()), computeType(op.getComputeElementType()),
      arithmetic(Arithmetic::get(computeType, computeType, b.target)),
      elementType(arithmetic.getElementType(b.getContext())),
      stepType(arithmetic.getStepType(b.getContext())),
      query(getQueryPieces(b, op.getQuery(), op.getQueryTail())),
      dv(static_cast<int64_t>(op.getDv())), plan(b) {
  unsigned rank = cast<ShapedType>(op.getQuery().getType()).getRank();
  batches = batched ? b.dim(op.getQuery(), 0) : b.index(1);
  numRows = b.dim(op.getQuery(), rank - 3);
  plannedRows = b.mul(b.getPlanned(batches), b.getPlanned(numRows));
  heads = b.dim(op.getQuery(), rank - 2);
  knownHeads = getConstantIntValue(heads);
  for (RowPiece &piece : query)
    if (losesBits(piece.elementType, computeType))
      piece.roundedTo = computeType;
  elements = getNumElements(b, query);
  steps = arithmetic.getNumSteps(b, elements);

  bool manyRegisters = b.target.registers == 32;
  blockRows = manyRegisters ? 64 : 72;
  chooseGroups();
  // Sums, a vector of each column, and a broadcast are in registers. All of
  // these divide the block.
  tileRows = manyRegisters ? 8 : groupLanes == b.lanes() ? 12 : 6;
  valueTile = manyRegisters ? RegisterTile{4, 4} : RegisterTile{6, 2};
  paddedDv = llvm::alignTo(dv, arithmetic.getWidth() *
                                   static_cast<int64_t>(b.lanes()));
  bool inLanes = llvm::any_of(
      groups, [](const GroupKind &kind) { return kind.elementsInLanes; });
  for (const KeySet &set : sets)
    rows.push_back(std::make_unique<SelectedRows>(
        b, set, op.getRowIds(), op.getPaged(), dv, arithmetic,
        SelectedRows::Options{batched, computeType, blockRows, padding,
                              inLanes}));
  chooseRanges();
  planScratch();
}

/// Heads that fill vectors of 16 go by heads in lanes, and so does the rest, or
/// with elements in lanes if it would leave half of a vector empty: whether H
/// is known or not, as sums differ. Known ones go two vectors at a time.
void AttentionKernel::chooseGroups() {
  int64_t lanes = b.lanes();
  constexpr int64_t fewHeads = 8;
  if (!knownHeads) {
    groupLanes = lanes;
    Value all = b.ceilDiv(heads, lanes), inHeads = all;
    if (lanes == 16) {
      Value rest = b.rem(heads, b.index(lanes));
      Value isFew = b.compare(CmpIPredicate::sle, rest, b.index(fewHeads));
      inHeads = b.select(isFew, b.div(heads, lanes), all);
    }
    Value zero = b.index(0);
    groups.push_back({zero, inHeads, zero, lanes, 1, false});
    if (lanes == 16)
      groups.push_back(
          {inHeads, all, b.mul(inHeads, lanes), fewHeads, 1, true});
    numGroups = all;
  } else {
    groupLanes = *knownHeads > lanes ? 2 * lanes : lanes;
    int64_t group = 0, head = 0;
    auto append = [&](int64_t count, int64_t headsOfEach) {
      if (count == 0 || headsOfEach == 0)
        return;
      bool inLanes = lanes == 16 && headsOfEach <= fewHeads;
      auto vectors =
          static_cast<unsigned>(llvm::divideCeil(headsOfEach, lanes));
      groups.push_back({b.index(group), b.index(group + count), b.index(head),
                        headsOfEach, vectors, inLanes});
      group += count;
      head += count * headsOfEach;
    };
    append(*knownHeads / groupLanes, groupLanes);
    int64_t rest = *knownHeads % groupLanes;
    if (lanes == 16 && rest > lanes && rest <= lanes + fewHeads) {
      append(1, lanes);
      rest -= lanes;
    }
    append(1, rest);
    numGroups = b.index(group);
  }
}

/// Where a row has few heads, its list is split too.
void AttentionKernel::chooseRanges() {
  int64_t lanes = b.lanes();
  Value widest = b.max(b.ceilDiv(heads, 2 * lanes), b.index(1));
  Value wanted = b.ceilDiv(b.index(wantedItems), widest);
  Value least = b.index(llvm::alignTo(leastRange, blockRows));
  // Memory does not depend on what may vary in a loop around the op, nor on
  // divisions by it: of fewer heads there are more ranges.
  Value most = knownHeads ? wanted : b.index(wantedItems);
  plannedGroups =
      knownHeads ? numGroups : b.ceilDiv(b.getPlanned(heads), lanes);
  numRanges = plannedRanges = b.index(0);
  for (const std::unique_ptr<SelectedRows> &set : rows) {
    Value slots = set->getNumSlots(), planned = set->getPlannedSlots();
    Value length = b.max(b.alignUp(b.ceilDiv(slots, wanted), blockRows), least);
    rangeLengths.push_back(length);
    firstRanges.push_back(numRanges);
    numRanges = b.add(numRanges, b.max(b.ceilDiv(slots, length), b.index(1)));
    plannedRanges =
        b.add(plannedRanges,
              b.max(b.min(b.ceilDiv(planned, least), most), b.index(1)));
  }
}

void AttentionKernel::planScratch() {
  int64_t chunk = arithmetic.getMaxChunk(b.target);
  paddedElements = b.add(b.alignUp(elements, chunk), chunk);
  paddedSteps = b.alignUp(steps, chunk);
  Type f32 = b.getF32Type();
  Value lanes = b.index(groupLanes);
  queryAt = plan.reserve({plannedGroups, paddedSteps, lanes}, stepType);
  stagedAt = plan.reserve({b.index(b.lanes()), paddedElements}, elementType);
  dotsAt = plan.reserve({b.index(blockRows), lanes}, f32);
  weightsAt = plan.reserve({b.index(blockRows / arithmetic.getWidth()), lanes},
                           stepType);
  rescaleAt = plan.reserve(lanes, f32);
  results = planResults(plan);
  for (std::unique_ptr<SelectedRows> &set : rows)
    set->reserve(plan);
}

AttentionKernel::ResultPlan AttentionKernel::planResults(ScratchPlan &plan) {
  Value lanes = b.index(groupLanes);
  Type f32 = b.getF32Type();
  Value factorsAt = plan.reserve({plannedRanges, lanes}, f32);
  return {factorsAt, plan.reserve(lanes, f32)};
}

std::string AttentionKernel::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "attention by " << (arithmetic.usesPairs() ? "bf16 pairs" : "f32")
     << ", " << blockRows << " keys at a time, ";
  llvm::interleave(
      groups, os,
      [&](const GroupKind &kind) {
        os << (kind.elementsInLanes ? "elements" : "heads") << " in lanes for ";
        if (knownHeads)
          os << kind.heads << " heads";
        else
          os << "up to " << kind.heads << " heads";
      },
      ", then ");
  bool allInPlace =
      llvm::all_of(rows, [](auto &set) { return set->inPlace(); });
  os << ", keys " << (allInPlace ? "read in place" : "copied block by block");
  return text;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> AttentionKernel::atRow(const Item &item,
                                          ArrayRef<Value> indices) const {
  SmallVector<Value> at(indices);
  if (batched)
    at.insert(at.begin(), item.batch);
  return at;
}

void AttentionKernel::forEachGroup(const Item &item,
                                   function_ref<void(const Group &)> body) {
  for (const GroupKind &kind : groups)
    b.forLoop(b.max(item.firstGroup, kind.first),
              b.min(item.endGroup, kind.end), 1, [&](Value number) {
                Value head =
                    b.add(kind.firstHead,
                          b.mul(b.sub(number, kind.first), kind.heads));
                body({kind, number, head});
              });
}

void AttentionKernel::emit() {
  // Few rows are divided among threads. What is planned decides, so that sums
  // have a place in each iteration of a loop around the op.
  Value planned = b.max(plannedRows, b.index(1));
  Value team = b.max(b.toIndex(threads), b.index(1));
  Value several = b.compare(CmpIPredicate::sgt, team, b.index(1));
  Value divided = b.logicalAnd(
      several, b.compare(CmpIPredicate::slt, planned, b.mul(team, 2)));
  Value slots = b.select(divided, planned, b.min(team, planned));
  auto allocate = [&](ArrayRef<Value> extents) -> Value {
    auto type = MemRefType::get(
        SmallVector<int64_t>(extents.size(), ShapedType::kDynamic),
        b.getF32Type());
    return memref::AllocOp::create(b, type, extents, b.getI64IntegerAttr(64));
  };
  Value paddedHeads = b.mul(plannedGroups, groupLanes);
  outputs = allocate({slots, plannedRanges, paddedHeads, b.index(paddedDv)});
  totals = allocate({slots, plannedRanges, paddedHeads});
  maxima = allocate({slots, plannedRanges, paddedHeads});

  Value zero = b.index(0), one = b.index(1);
  Value count = b.mul(batches, numRows);
  auto getRow = [&](Item &item, Value number) {
    item.batch = b.div(number, b.max(numRows, one));
    item.t = b.rem(number, b.max(numRows, one));
  };
  Value groupItems = b.select(divided, b.max(numGroups, one), one);
  Value rangeItems = b.select(divided, numRanges, one);
  Value itemsPerRow = b.mul(groupItems, rangeItems);
  Value plannedGroupItems = b.select(divided, b.max(plannedGroups, one), zero);
  Value plannedItems =
      b.select(divided, b.mul(plannedGroupItems, plannedRanges), one);
  parallelFor(b, {b.mul(count, itemsPerRow), b.mul(planned, plannedItems)},
              threads, plan, [&](Value number, const Scratch &scratch) {
                Item item;
                item.scratch = scratch;
                item.results = results;
                Value row = b.div(number, itemsPerRow);
                Value part = b.rem(number, itemsPerRow);
                getRow(item, row);
                item.slot = b.select(divided, row, scratch.thread);
                item.firstGroup = b.div(part, rangeItems);
                item.endGroup =
                    b.select(divided, b.add(item.firstGroup, 1), numGroups);
                item.firstRange = b.rem(part, rangeItems);
                item.endRange =
                    b.select(divided, b.add(item.firstRange, 1), numRanges);
                emitItem(item);
                b.ifThen(divided, [] {}, [&] { emitResults(item); });
              });
  ScratchPlan apart(b);
  ResultPlan resultsApart = planResults(apart);
  Value rest = b.select(divided, groupItems, zero);
  parallelFor(b, {b.mul(count, rest), b.mul(planned, plannedGroupItems)},
              threads, apart, [&](Value number, const Scratch &scratch) {
                Item item;
                item.scratch = scratch;
                item.results = resultsApart;
                item.slot = b.div(number, groupItems);
                getRow(item, item.slot);
                item.firstGroup = b.rem(number, groupItems);
                item.endGroup = b.add(item.firstGroup, 1);
                item.firstRange = zero;
                item.endRange = numRanges;
                emitResults(item);
              });
}

void AttentionKernel::emitItem(const Item &item) {
  // The rows of the first block come while the query is transposed.
  SmallVector<Value> froms, tos, lengths;
  for (unsigned i = 0; i < rows.size(); ++i) {
    SelectedRows &set = *rows[i];
    Value next = i + 1 < rows.size() ? firstRanges[i + 1] : numRanges;
    froms.push_back(b.max(item.firstRange, firstRanges[i]));
    tos.push_back(b.min(item.endRange, next));
    Value used = b.compare(CmpIPredicate::slt, froms[i], tos[i]);
    lengths.push_back(b.ifElse(
        used,
        [&] {
          Value length = set.select(item.scratch, item.batch, item.t);
          auto [begin, end] = getEntries(i, froms[i], length);
          Value count = b.min(b.sub(end, begin), b.index(blockRows));
          set.prefetch(item.scratch, {begin, count});
          return SmallVector<Value>{length};
        },
        [&] { return SmallVector<Value>{b.index(0)}; })[0]);
  }
  forEachGroup(item, [&](const Group &group) { transposeQuery(item, group); });
  for (unsigned i = 0; i < rows.size(); ++i)
    b.forLoop(froms[i], tos[i], 1, [&](Value number) {
      Range range = {number, *rows[i], lengths[i]};
      auto [begin, end] = getEntries(i, number, lengths[i]);
      emitRange(item, range, begin, end);
    });
}

/// The entries of a range of a set: from the first to behind the last one.
std::pair<Value, Value> AttentionKernel::getEntries(unsigned set, Value range,
                                                    Value length) {
  Value begin = b.mul(b.sub(range, firstRanges[set]), rangeLengths[set]);
  return {begin, b.min(b.add(begin, rangeLengths[set]), length)};
}

void AttentionKernel::emitRange(const Item &item, const Range &range,
                                Value begin, Value end) {
  emitZeroSums(item, range.number);
  b.forLoop(begin, end, blockRows, [&](Value from) {
    RowBlock block = {from, b.min(b.sub(end, from), b.index(blockRows))};
    range.rows.stage(item.scratch, item.batch, block);
    forEachGroup(item, [&](const Group &group) {
      if (group.kind.elementsInLanes)
        emitScoresOfElements(item, group, range, block);
      else
        emitScores(item, group, range, block);
      emitWeights(item, group, range, block);
      emitValues(item, group, range, block);
    });
  });
}

KernelChoice dsa::emitSparseAttention(KernelBuilder &b, SparseAttentionOp op,
                                      Value threads) {
  AttentionKernel kernel(b, op, threads);
  kernel.emit();
  return kernel.describe();
}
