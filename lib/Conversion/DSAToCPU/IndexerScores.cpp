//===- IndexerScores.cpp - dsa.indexer_scores on CPUs ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel of ScoreKernel.h with stores behind it. Each score is written
// once, -inf where there is none.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "ScoreKernel.h"

#include <limits>

using namespace mlir;
using namespace mlir::dsa;

namespace {
class StoreScores : public ScoreSink {
public:
  StoreScores(Value scores, bool batched) : scores(scores), batched(batched) {}

  void take(KernelBuilder &b, const ScoreRow &row, Value position, Value vector,
            Value mask) override {
    store(b, row, position,
          arith::SelectOp::create(b, mask, vector, getMissing(b)));
  }

  void skip(KernelBuilder &b, const ScoreRow &row, Value from,
            Value to) override {
    b.forLoop(from, to, b.lanes(),
              [&](Value position) { store(b, row, position, getMissing(b)); });
  }

private:
  static Value getMissing(KernelBuilder &b) {
    return b.splat(b.f32s(), -std::numeric_limits<double>::infinity());
  }

  void store(KernelBuilder &b, const ScoreRow &row, Value position,
             Value vector) {
    SmallVector<Value> at = {row.t, position};
    if (batched)
      at.insert(at.begin(), row.batch);
    Value left = b.sub(b.dim(scores, batched ? 2 : 1), position);
    b.storeFirst(vector, scores, at, left);
  }

  Value scores;
  bool batched;
};
} // namespace

KernelChoice dsa::emitIndexerScores(KernelBuilder &b, IndexerScoresOp op,
                                    Value threads) {
  StoreScores sink(op.getInits()[0], op.isBatched());
  return emitScores(b, oracle::makeScoreOperands(op), threads, sink);
}
