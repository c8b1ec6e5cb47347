//===- ExpandCopies.cpp - memref.copy to linalg.generic -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_EXPANDCOPIESPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;

namespace {
struct ExpandCopies : dsa::impl::ExpandCopiesPassBase<ExpandCopies> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    WalkResult walk = getOperation()->walk([&](memref::CopyOp copy) {
      if (!isa<MemRefType>(copy.getSource().getType()) ||
          !isa<MemRefType>(copy.getTarget().getType())) {
        copy.emitOpError() << "from " << copy.getSource().getType() << " to "
                           << copy.getTarget().getType()
                           << " has an unknown rank and cannot become a loop";
        return WalkResult::interrupt();
      }
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      rewriter.eraseOp(copy);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
