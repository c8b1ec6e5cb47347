//===- BufferCleanup.cpp - What bufferization leaves behind ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_BUFFERCLEANUPPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;

namespace {
struct BufferCleanup : dsa::impl::BufferCleanupPassBase<BufferCleanup> {
  void runOnOperation() override {
    // A slice is read and written through two subviews that are equal; only as
    // one value can the patterns see that a copy has one end.
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());

    RewritePatternSet patterns(&getContext());
    scf::ForOp::getCanonicalizationPatterns(patterns, &getContext());
    memref::CopyOp::getCanonicalizationPatterns(patterns, &getContext());
    // Greedy rewriting may stop before the fixed point; what is left is slower
    // and still right.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};
} // namespace
