//===- VerifyLowered.cpp - Only what LLVM translates is left --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_VERIFYLOWEREDPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;

namespace {
struct VerifyLowered : dsa::impl::VerifyLoweredPassBase<VerifyLowered> {
  void runOnOperation() override {
    bool lowered = true;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<ModuleOp>(op) ||
          isa_and_nonnull<LLVM::LLVMDialect, omp::OpenMPDialect>(
              op->getDialect()))
        return WalkResult::advance();
      lowered = false;
      InFlightDiagnostic error = op->emitOpError("has no lowering to LLVM");
      if (op->getNumOperands() || op->getNumResults())
        error << " for (" << op->getOperandTypes() << ") -> ("
              << op->getResultTypes() << ")";
      // Its regions would repeat the complaint.
      return WalkResult::skip();
    });
    if (!lowered)
      signalPassFailure();
  }
};
} // namespace
