//===- RuntimeVerifiableOpInterfaceImpl.cpp - Assertions about extents ----===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttachModel.h"
#include "ExtentChecks.h"

#include "dsa/InterfaceModels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"

using namespace mlir;

namespace {
template <typename OpTy>
struct Model : RuntimeVerifiableOpInterface::ExternalModel<Model<OpTy>, OpTy> {
  void
  generateRuntimeVerification(Operation *op, OpBuilder &b, Location loc,
                              function_ref<std::string(Operation *, StringRef)>
                                  generateErrorMessage) const {
    dsa::DimTable table = cast<OpTy>(op).getDimTable();
    for (const dsa::ExtentCheck &check :
         dsa::buildExtentChecks(b, loc, table)) {
      auto predicate =
          check.atLeast ? arith::CmpIPredicate::sge : arith::CmpIPredicate::eq;
      Value holds =
          arith::CmpIOp::create(b, loc, predicate, check.found, check.expected);
      std::string rule = check.what + " must be " +
                         (check.atLeast ? "at least " : "") + check.limit;
      cf::AssertOp::create(b, loc, holds, generateErrorMessage(op, rule));
    }
  }
};
} // namespace

void dsa::registerRuntimeVerifiableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DSADialect *) {
    // The pass cannot know what the model builds.
    context->loadDialect<cf::ControlFlowDialect>();
    attachToAllOps<Model>(context);
  });
}
