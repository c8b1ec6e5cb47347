//===- Decompose.cpp - dsa ops to what they mean --------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Applies the decompositions of lib/IR to every dsa op. An op on memrefs is
// first put on tensors, between views of its inputs and copies to its inits.
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

/// `op` on tensors, its results stored to the inits of `op`, which is erased.
static Operation *putOnTensors(RewriterBase &rewriter, Operation *op) {
  auto dst = cast<DestinationStyleOpInterface>(op);
  Location loc = op->getLoc();
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands, destinations;
  SmallVector<Type> results;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memref = operand.get();
    auto type = cast<MemRefType>(memref.getType());
    if (dst.isDpsInit(&operand)) {
      destinations.push_back(memref);
      operands.push_back(tensor::EmptyOp::create(
          rewriter, loc, memref::getMixedSizes(rewriter, loc, memref),
          type.getElementType()));
      results.push_back(operands.back().getType());
      continue;
    }
    operands.push_back(bufferization::ToTensorOp::create(
        rewriter, loc, memref::getTensorTypeFromMemRefType(type), memref,
        /*restrict=*/true, /*writable=*/false));
  }
  Operation *onTensors = mlir::clone(rewriter, op, results, operands);
  for (auto [result, memref] :
       llvm::zip_equal(onTensors->getResults(), destinations))
    bufferization::MaterializeInDestinationOp::create(
        rewriter, loc, /*result=*/Type(), result, memref, /*restrict=*/true,
        /*writable=*/true);
  rewriter.eraseOp(op);
  return onTensors;
}

LogicalResult dsa::replaceByDefinition(RewriterBase &rewriter,
                                       DSAOpInterface op,
                                       const DecomposeOptions &options) {
  Operation *onTensors = op;
  if (cast<DestinationStyleOpInterface>(onTensors).hasPureBufferSemantics())
    onTensors = putOnTensors(rewriter, op);
  rewriter.setInsertionPoint(onTensors);
  FailureOr<SmallVector<Value>> values =
      decompose(rewriter, cast<DSAOpInterface>(onTensors), options);
  if (failed(values))
    return failure();
  rewriter.replaceOp(onTensors, *values);
  return success();
}

namespace {
struct Decompose : dsa::impl::DecomposePassBase<Decompose> {
  using Base::Base;

  void runOnOperation() override {
    if (accumulateType != "f32" && accumulateType != "f64") {
      emitError(getOperation()->getLoc())
          << "accumulate-type is '" << accumulateType
          << "', but must be f32 or f64";
      return signalPassFailure();
    }
    DecomposeOptions options;
    options.accumulateInF64 = accumulateType == "f64";

    SmallVector<DSAOpInterface> ops;
    getOperation()->walk([&](DSAOpInterface op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (DSAOpInterface op : ops)
      if (failed(replaceByDefinition(rewriter, op, options)))
        return signalPassFailure();
  }
};
} // namespace
