//===- AttentionBlock.h - The block of the attention kernel -----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONBLOCK_H
#define DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONBLOCK_H

#include "AttentionSchedule.h"
#include "SelectedKeys.h"

#include "dsa/GPU/CopyRing.h"
#include "dsa/GPU/SharedTile.h"

namespace mlir::dsa {

/// What the kernel of `dsa.sparse_attention` works on; all of the host.
struct AttentionArguments {
  GlobalTensor query, queryTail, sink, out, lse;
  /// Of splits, what merge_attention's kernel takes: weighted sums of values,
  /// `splits x rows x heads x dv` f32; and without `dv`, the maxima of logits
  /// and the sums of weights.
  GlobalTensor partialOut, partialMaxima, partialSums;
  /// Index values: query rows of a batch entry, heads, the first of the rows
  /// that are launched, and how many splits there are.
  Value numRows, numHeads, firstRow, numSplits;
  double scale;
  Type computeType;
};

/// Emits what one block of the schedule `mma` does. SparseAttention.cpp says
/// how it works; its methods stand in AttentionBlock.cpp (loop, scores and
/// values) and AttentionSoftmax.cpp (weights and results).
class AttentionBlock {
public:
  AttentionBlock(Kernel &kernel, const AttentionPlan &plan,
                 const AttentionExtents &extents,
                 const AttentionArguments &arguments, SelectedKeys &keys);
  void emit();
  int64_t getSharedBytes() const { return sharedPlan.getBytes(); }

private:
  /// What is carried from tile to tile.
  struct State {
    /// Sums of weighted values: [head tile][column tile][side] fragments, of
    /// 8 columns each.
    SmallVector<Fragment> output;
    /// Of each softmax row of this thread: its maximum, and this lane's part of
    /// the sum of weights.
    SmallVector<Value> maxima, sums;
    /// The rows that this thread will ask for next.
    SmallVector<SelectedKeys::Row> next;
  };
  SmallVector<Value> pack(const State &state) const;
  State unpack(const State &model, ValueRange packed) const;

  // The loop.
  void findWork();
  State makeInitialState();
  void emitTile(Value number, State &state);
  SmallVector<SelectedKeys::Row> resolveRows(Value tile);
  void issue(Value stage, const State &state);
  void copyRow(const SharedTile &tile, Value row, Value stage, Value address,
               Value tail, Value valid, int64_t columns, int64_t firstColumns);

  // Scores and values.
  void loadQuery();
  Value getQueryPiece(Value row, Value column, Value *inRange);
  Fragment getQueryFragment(int64_t headTile, int64_t step);
  void emitScores(Value stage);
  void emitValues(Value stage, State &state);
  Value hasColumns(int64_t number);

  // Weights and results.
  void emitWeights(Value stage, State &state);
  void emitResults(State &state);
  void storeOutput(const State &state, bool isPartial);
  Value getSoftmaxRow(int64_t pass);
  Value getShift(Value maximum);

  Value at(int64_t offset, Value bytes) {
    return b.advance(memory, b.add(bytes, offset));
  }
  /// Of a row of results or queries: with the batch entry if there is one.
  SmallVector<Value> atRow(ArrayRef<Value> indices) const;
  Value clampHead(Value head) { return b.min(head, b.sub(numHeads, b.i32(1))); }

  Kernel &kernel;
  DeviceBuilder &b;
  const AttentionPlan &plan;
  const AttentionExtents &extents;
  const AttentionArguments &arguments;
  SelectedKeys &keys;
  CopyRing ring;

  SharedPlan sharedPlan;
  std::optional<SharedTile> queryTile, keyTile, valueTile, weightTile;
  int64_t scoresAt, factorsAt, validAt;

  // In the kernel.
  Value memory, thread, lane, warp;
  Value batch, t, rowInLaunch, firstHead, numHeads, split, isSplit;
  Value firstTile, lastTile;
  /// Of a warp, in QK.
  Value depthGroup, headGroup, keyGroup;
  /// [head tile][step] of the query.
  SmallVector<SmallVector<Fragment>> queryRegisters;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONBLOCK_H
