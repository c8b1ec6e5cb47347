//===- AttentionKernel.h - The parts of the attention kernel ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_ATTENTIONKERNEL_H
#define DSA_LIB_CONVERSION_DSATOCPU_ATTENTIONKERNEL_H

#include "RegisterTile.h"
#include "SelectedRows.h"

#include "dsa/IR/DSA.h"

namespace mlir::dsa {

/// Emits the kernel of `dsa.sparse_attention`; SparseAttention.cpp says how it
/// works. Its methods stand there (choices, loops), in AttentionTiles.cpp (the
/// keys of a block) and in AttentionResults.cpp (what becomes of the sums).
class AttentionKernel {
public:
  AttentionKernel(KernelBuilder &b, SparseAttentionOp op, Value threads);
  void emit();
  std::string describe() const;

private:
  /// Groups of as many heads each, whose scores are computed together.
  struct GroupKind {
    /// The groups are [first, end), and their heads begin at `firstHead`.
    Value first, end, firstHead;
    /// Heads of a group; of the last one fewer if they are not known.
    int64_t heads;
    /// Vectors of scores.
    unsigned vectors;
    /// A lane holds elements of the rows, not a head.
    bool elementsInLanes;
  };
  /// Where in scratch memory results are made: factors of the sums of each
  /// range [range][lane], and a number for each lane of a vector.
  struct ResultPlan {
    Value factorsAt, perLaneAt;
  };
  /// What one thread works on: groups of heads and ranges of the lists of a
  /// row; `slot` is where its sums are.
  struct Item {
    Value batch, t, slot, firstGroup, endGroup, firstRange, endRange;
    Scratch scratch;
    ResultPlan results;
  };
  /// One group of heads of an item.
  struct Group {
    const GroupKind &kind;
    Value number;
    /// The first of its heads.
    Value head;
  };
  /// A range of the list of one key set.
  struct Range {
    /// Among those of all sets.
    Value number;
    SelectedRows &rows;
    Value length;
  };

  // Choices.
  void chooseGroups();
  void chooseRanges();
  void planScratch();
  ResultPlan planResults(ScratchPlan &plan);

  // Loops.
  void emitItem(const Item &item);
  std::pair<Value, Value> getEntries(unsigned set, Value range, Value length);
  void emitRange(const Item &item, const Range &range, Value begin, Value end);
  void forEachGroup(const Item &item,
                    function_ref<void(const Group &group)> body);
  SmallVector<Value> atRow(const Item &item, ArrayRef<Value> indices) const;

  // The keys of a block.
  void transposeQuery(const Item &item, const Group &group);
  void emitScores(const Item &item, const Group &group, const Range &range,
                  const RowBlock &block);
  void emitScoresOfElements(const Item &item, const Group &group,
                            const Range &range, const RowBlock &block);
  void emitWeights(const Item &item, const Group &group, const Range &range,
                   const RowBlock &block);
  void emitValues(const Item &item, const Group &group, const Range &range,
                  const RowBlock &block);
  void emitValueTiles(const Item &item, const Group &group, const Range &range,
                      const BlockColumns &values, Value numSteps, bool isHalf);
  std::function<void(Value)> makePrefetch(const Item &item, const Group &group,
                                          const Range &range,
                                          const RowBlock &block, Value r,
                                          unsigned piece, Value numSteps);

  // Sums, and what becomes of them.
  Value getShift(Value maximum);
  Value exponentiate(Value x);
  void emitZeroSums(const Item &item, Value range);
  void emitResults(const Item &item);
  void emitFactors(const Item &item, const Group &group);
  void storeLse(const Item &item, const Group &group, unsigned vector,
                Value lse);
  Value loadSinks(const Item &item, const Group &group, unsigned vector);
  void emitOutput(const Item &item, const Group &group, Value lane);
  Value getNumHeads(const Group &group);

  Value view(const Item &item, Value offset, ArrayRef<Value> extents,
             Type type) {
    return item.scratch.view(b, offset, extents, type);
  }
  /// Steps of q of all groups, one after the other: [group][step][lane].
  Value viewQuery(const Item &item) {
    return view(item, queryAt, b.mul(b.mul(numGroups, paddedSteps), groupLanes),
                stepType);
  }
  Value viewQueryRows(const Item &item) {
    return view(item, stagedAt, {b.index(b.lanes()), paddedElements},
                elementType);
  }
  /// Dot products of the keys of a block: [key][lane].
  Value viewDots(const Item &item) {
    return view(item, dotsAt, {b.index(blockRows), b.index(groupLanes)},
                b.getF32Type());
  }
  /// Their weights as steps: [step][lane].
  Value viewWeights(const Item &item) {
    return view(
        item, weightsAt,
        {b.index(blockRows / arithmetic.getWidth()), b.index(groupLanes)},
        stepType);
  }
  /// A number for each lane of a group.
  Value viewPerLane(const Item &item, Value offset) {
    return view(item, offset, b.index(groupLanes), b.getF32Type());
  }

  KernelBuilder &b;
  SparseAttentionOp op;
  Value threads;
  SmallVector<KeySet> sets;
  bool batched;
  Type computeType;
  Arithmetic arithmetic;
  Type elementType, stepType;
  SmallVector<RowPiece, 2> query;
  SmallVector<std::unique_ptr<SelectedRows>> rows;

  Value batches, numRows, plannedRows, heads, elements, steps;
  std::optional<int64_t> knownHeads;
  int64_t dv, paddedDv;
  /// Keys whose weights share one maximum. Part of what bits depend on.
  int64_t blockRows;
  /// Rows that end a block are filled up to this many.
  unsigned tileRows;
  RegisterTile valueTile;
  /// Lanes that a group has in all arrays.
  int64_t groupLanes;
  SmallVector<GroupKind, 3> groups;
  Value numGroups;
  /// The ranges of each set: their length, and the number of the first one.
  SmallVector<Value> rangeLengths, firstRanges;
  Value numRanges;
  /// As many or more, the same ones in each iteration of a loop around the op.
  Value plannedGroups, plannedRanges;
  Value paddedElements, paddedSteps;
  // Offsets in scratch memory.
  ScratchPlan plan;
  Value queryAt, stagedAt, dotsAt, weightsAt, rescaleAt;
  ResultPlan results;
  // Sums of all slots: weighted values [slot, range, head, element], sums of
  // weights and greatest dot products [slot, range, head].
  Value outputs, totals, maxima;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_ATTENTIONKERNEL_H
