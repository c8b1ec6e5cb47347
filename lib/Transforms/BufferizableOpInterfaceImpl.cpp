//===- BufferizableOpInterfaceImpl.cpp - dsa ops on buffers ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/ExternalModels.h"

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::bufferization;

namespace {
template <typename OpTy>
struct BufferizableModel
    : DstBufferizableOpInterfaceExternalModel<BufferizableModel<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dst = cast<DestinationStyleOpInterface>(op);
    if (!dst.hasPureTensorSemantics())
      return success();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> buffers, inits;
    for (OpOperand &operand : op->getOpOperands()) {
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
      if (dst.isDpsInit(&operand))
        inits.push_back(*buffer);
    }
    cloneOnOperands(rewriter, op, buffers);
    replaceOpWithBufferizedValues(rewriter, op, inits);
    return success();
  }
};

template <typename... OpTys>
struct Models {
  static void attach(MLIRContext *context) {
    (OpTys::template attachInterface<BufferizableModel<OpTys>>(*context), ...);
  }
};
} // namespace

void dsa::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DSADialect *) {
    Models<
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
        >::attach(context);
  });
}
