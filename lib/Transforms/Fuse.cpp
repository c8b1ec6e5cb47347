//===- Fuse.cpp - Scores that only a selection reads ----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RewriteRemarks.h"

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_FUSEPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

/// The bound of the rows that both bounds allow: `OpTy` is the signed maximum
/// of begins and the minimum of ends. Clamping commutes with both. Null bounds
/// do not bound.
template <typename OpTy>
static Value combineBounds(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  if (!lhs || !rhs || lhs == rhs)
    return lhs ? lhs : rhs;
  Value init =
      tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, lhs),
                              getElementTypeOrSelf(lhs.getType()));
  return OpTy::create(b, loc, ValueRange{lhs, rhs}, ValueRange{init})
      .getResult(0);
}

FailureOr<LightningIndexerOp> dsa::fuseIndexer(RewriterBase &rewriter,
                                               TopKOp op) {
  if (!op.hasPureTensorSemantics())
    return rewriter.notifyMatchFailure(
        op, "is on memrefs: fuse before bufferization");
  auto scores = op.getScores().getDefiningOp<IndexerScoresOp>();
  if (!scores)
    return rewriter.notifyMatchFailure(
        op, "selects from scores that no dsa.indexer_scores computes");
  if (!op.getScores().hasOneUse())
    return rewriter.notifyMatchFailure(
        op, "selects from scores that have other uses");
  if (scores->getBlock() != op->getBlock())
    return rewriter.notifyMatchFailure(
        op, "selects from scores of another block, which may run less often");
  if (op.getIds() &&
      op.getDimTable().find(*op.getIdsMutable().begin())->dims.size() >
          (op.isBatched() ? 2 : 1))
    return rewriter.notifyMatchFailure(
        op, "has 'ids' for each row, which need the memory of the scores");

  DimTable made = scores.getDimTable(), read = op.getDimTable();
  for (auto [from, to] :
       llvm::zip_equal(made.find(scores.getInitsMutable()[0])->dims,
                       read.find(op.getScoresMutable())->dims)) {
    std::optional<int64_t> found = made.getStaticExtent(from);
    std::optional<int64_t> expected = read.getStaticExtent(to);
    if (found && expected && *found != *expected)
      return rewriter.notifyMatchFailure(
          op, "selects from " + to.str() + " = " + Twine(*expected) +
                  " scores where " + Twine(*found) + " are computed");
  }

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Value lo =
      combineBounds<linalg::MaxOp>(rewriter, loc, scores.getLo(), op.getLo());
  Value hi =
      combineBounds<linalg::MinOp>(rewriter, loc, scores.getHi(), op.getHi());
  auto fused = rewriter.replaceOpWithNewOp<LightningIndexerOp>(
      op, scores.getQuery(), scores.getKeySource(), scores.getWeights(), lo, hi,
      op.getK(), op.getInits(), op.getTranslation(), op.getIds(),
      scores.getActivation(), op.getOrder());
  Operation *matrix = scores.getInits()[0].getDefiningOp();
  rewriter.eraseOp(scores);
  // Bufferization would allocate it still.
  if (matrix && isOpTriviallyDead(matrix))
    rewriter.eraseOp(matrix);
  return fused;
}

namespace {
struct Fuse : dsa::impl::FusePassBase<Fuse> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<TopKOp> ops;
    getOperation()->walk([&](TopKOp op) { ops.push_back(op); });
    RewriteRemarks remarks(getArgument());
    IRRewriter rewriter(&getContext(), &remarks);
    for (TopKOp op : ops) {
      Location loc = op.getLoc();
      if (succeeded(fuseIndexer(rewriter, op)))
        remarks.notifyDone(loc, "fused with the scores it selects from");
    }
  }
};
} // namespace
