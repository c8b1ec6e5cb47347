//===- LightningIndexer.cpp - dsa.lightning_indexer on CPUs ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel of ScoreKernel.h with a selection behind it, so that no matrix of
// scores exists. Each chunk of a row has a list of candidates:
//
//   1. A score joins the list if it is better than the K-th best seen in the
//      chunk; an equal one is not, as positions ascend. A full list is cut to
//      its K best, whose least key is the new bound.
//   2. Then, for each row, the lists of its chunks are merged in order, and the
//      K best are written.
//
// Both are exact, so the result does not depend on chunks, hence threads.
//
// Memory: a list holds 2K candidates of 8 bytes, or K + 2048 where that is
// more; lists of more than 2^16 no more than there are positions. O(T K) for
// each chunk.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "ScoreKernel.h"
#include "SelectRow.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

namespace {
/// The candidates of a chunk of a row.
struct List {
  Value row, chunk;
};

/// The lists of candidates of all chunks of all rows. Behind its capacity each
/// has room for the vector that fills it, and for one that is read beyond that.
class CandidateLists {
public:
  CandidateLists(KernelBuilder &b, const ScoreWork &work, int64_t k)
      : chunks(work.chunks), capacity(getCapacity(b, work.positions, k)),
        extent(b.alignUp(b.add(capacity, 2 * b.lanes()), 16)) {
    // Extents are not multiplied here: the product may be more than there is.
    Type i8 = b.getI8Type();
    auto type =
        MemRefType::get(SmallVector<int64_t>(3, ShapedType::kDynamic), i8);
    Value perList = memref::AllocOp::create(
        b, type,
        ValueRange{work.plannedRows, work.plannedChunks, b.mul(extent, 8)},
        b.getI64IntegerAttr(64));
    SmallVector<ReassociationIndices> all = {{0, 1, 2}};
    memory = memref::CollapseShapeOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, i8), perList, all);
    auto state = MemRefType::get(
        {ShapedType::kDynamic, ShapedType::kDynamic, 2}, b.getI32Type());
    states = memref::AllocOp::create(
        b, state, ValueRange{work.plannedRows, work.plannedChunks},
        b.getI64IntegerAttr(64));
  }

  Value getCapacity() const { return capacity; }
  Candidates getCandidates(KernelBuilder &b, const List &list) const {
    Value number = b.add(b.mul(list.row, chunks), list.chunk);
    auto view = [&](int64_t half) {
      Value at = b.mul(b.add(b.mul(number, 2), half), b.mul(extent, 4));
      return Scratch{memory, at, Value()}.view(b, b.index(0), extent,
                                               b.getI32Type());
    };
    return {view(0), view(1)};
  }
  /// How many candidates the list has, an index, and the key that others have
  /// to exceed, an i32.
  Kept load(KernelBuilder &b, const List &list) const {
    return {b.toIndex(b.load(states, {list.row, list.chunk, b.index(0)})),
            b.load(states, {list.row, list.chunk, b.index(1)})};
  }
  void store(KernelBuilder &b, const List &list, const Kept &kept) const {
    b.store(b.toI32(kept.count), states, {list.row, list.chunk, b.index(0)});
    b.store(kept.bound, states, {list.row, list.chunk, b.index(1)});
  }

private:
  static Value getCapacity(KernelBuilder &b, Value positions, int64_t k) {
    Value enough = b.index(std::max(2 * k, k + 2048));
    // Small lists may be larger than the row, so that their size is constant.
    return k <= 1 << 16 ? enough : b.min(enough, positions);
  }

  Value chunks, capacity, extent, memory, states;
};

class SelectScores : public ScoreSink {
public:
  SelectScores(LightningIndexerOp op)
      : inits(op.getInits()), operands(oracle::makeSelectOperands(op)) {}

  void reserve(KernelBuilder &b, ScratchPlan &plan) override {
    counters = reserveCounters(b, plan);
  }
  void begin(KernelBuilder &b, const ScoreWork &work) override {
    this->work = work;
    lists.emplace(b, work, operands.k);
  }
  void beginRow(KernelBuilder &b, const ScoreRow &row) override {
    lists->store(b, List{row.number, row.chunk}, {b.index(0), b.i32(0)});
  }
  void take(KernelBuilder &b, const ScoreRow &row, Value position, Value scores,
            Value mask) override;

  /// Merges the lists of each row and writes its results.
  void finish(KernelBuilder &b, Value threads);

private:
  SmallVector<Value> getIndices(const ScoreRow &row) const {
    if (operands.batched)
      return {row.batch, row.t};
    return {row.t};
  }
  Value dropUnselectable(KernelBuilder &b, const ScoreRow &row,
                         const Candidates &candidates, Value from, Value to);

  ValueRange inits;
  oracle::SelectOperands operands;
  ScoreWork work;
  std::optional<CandidateLists> lists;
  Value counters;
};
} // namespace

void SelectScores::take(KernelBuilder &b, const ScoreRow &row, Value position,
                        Value scores, Value mask) {
  List list = {row.number, row.chunk};
  Kept kept = lists->load(b, list);
  Value keys = getKeys(b, scores, mask);
  Value taken =
      b.compare(CmpIPredicate::ugt, keys, b.broadcast(kept.bound, b.i32s()));
  b.ifThen(b.anyLane(taken), [&] {
    Candidates candidates = lists->getCandidates(b, list);
    Value positions = b.add(b.iota(), b.broadcast(b.toI32(position), b.i32s()));
    b.storeCompressed(keys, taken, candidates.keys, kept.count);
    b.storeCompressed(positions, taken, candidates.positions, kept.count);
    Value count = b.add(kept.count, b.countLanes(taken));
    if (operands.ids || operands.translation.table)
      count = dropUnselectable(b, row, candidates, kept.count, count);
    Value full = b.compare(CmpIPredicate::sge, count, lists->getCapacity());
    b.ifThen(
        full,
        [&] {
          lists->store(b, list,
                       compactBest(b, candidates, count, operands.k,
                                   viewCounters(b, row.scratch, counters)));
        },
        [&] { lists->store(b, list, {count, kept.bound}); });
  });
}

/// Few scores come this far: each is looked at on its own. Returns the new end
/// of the candidates.
Value SelectScores::dropUnselectable(KernelBuilder &b, const ScoreRow &row,
                                     const Candidates &candidates, Value from,
                                     Value to) {
  SelectRow select(b, operands, inits, getIndices(row));
  return b.forLoop(from, to, 1, from, [&](Value i, ValueRange end) {
    Value key = b.load(candidates.keys, i);
    Value position = b.load(candidates.positions, i);
    b.store(key, candidates.keys, end);
    b.store(position, candidates.positions, end);
    Value stays = select.isSelectable(b.toIndex(position));
    return SmallVector<Value>{b.select(stays, b.add(end[0], 1), end[0])};
  })[0];
}

void SelectScores::finish(KernelBuilder &b, Value threads) {
  ScratchPlan plan(b);
  SelectPlan selectPlan(b, plan, b.min(b.index(operands.k), work.positions),
                        operands.order);
  Value rowsPerBatch = b.dim(inits[1], operands.batched ? 1 : 0);
  parallelFor(
      b, {work.rows, work.plannedRows}, threads, plan,
      [&](Value number, const Scratch &scratch) {
        SelectScratch selectScratch = selectPlan.view(b, scratch);
        ScoreRow row = {b.div(number, rowsPerBatch),
                        b.rem(number, rowsPerBatch), number, b.index(0),
                        scratch};
        Candidates merged = lists->getCandidates(b, List{number, row.chunk});
        auto cut = [&](const Candidates &candidates, Value count) {
          return compactBest(b, candidates, count, operands.k,
                             selectScratch.counters)
              .count;
        };
        List first = {number, b.index(0)};
        Value count = cut(merged, lists->load(b, first).count);
        // K of each: two of them fit one list.
        count = b.forLoop(
            b.index(1), work.chunks, 1, count,
            [&](Value chunk, ValueRange before) {
              List list = {number, chunk};
              Candidates candidates = lists->getCandidates(b, list);
              Value more = cut(candidates, lists->load(b, list).count);
              b.forLoop(b.index(0), more, b.lanes(), [&](Value i) {
                Value to = b.add(before[0], i);
                b.storeVector(b.loadVector(b.i32s(), candidates.keys, i),
                              merged.keys, to);
                b.storeVector(b.loadVector(b.i32s(), candidates.positions, i),
                              merged.positions, to);
              });
              return SmallVector<Value>{cut(merged, b.add(before[0], more))};
            })[0];
        SelectRow select(b, operands, inits, getIndices(row));
        select.write(merged, count, selectScratch,
                     [&](Value, Value key) { return getScore(b, key); });
      });
}

KernelChoice dsa::emitLightningIndexer(KernelBuilder &b, LightningIndexerOp op,
                                       Value threads) {
  SelectScores sink(op);
  oracle::ScoreOperands operands = oracle::makeScoreOperands(op);
  std::string scores = emitScores(b, operands, threads, sink);
  sink.finish(b, threads);
  return scores + "; selected as they come";
}
