//===- CheckInterfaces.cpp - Are the interface models registered? ---------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SubsetOpInterface.h"
#include "mlir/Transforms/InliningUtils.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_CHECKINTERFACESPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

namespace {
struct CheckInterfaces : dsa::impl::CheckInterfacesPassBase<CheckInterfaces> {
  /// Models are attached to all ops of a dialect at once, so one op stands for
  /// the dialect.
  template <typename OpTy, typename InterfaceTy>
  void requireModel(StringRef interface, StringRef registration) {
    StringRef name = OpTy::getOperationName();
    std::optional<RegisteredOperationName> op =
        RegisteredOperationName::lookup(name, &getContext());
    if (op && op->hasInterface<InterfaceTy>())
      return;
    complain() << "'" << name << "' has no model of "
               << interface << "; call mlir::dsa::registerDialect, or "
               << registration << ", on the registry of the context";
  }

  InFlightDiagnostic complain() {
    signalPassFailure();
    return emitError(getOperation()->getLoc());
  }

  void runOnOperation() override {
    using bufferization::BufferizableOpInterface;
    constexpr StringLiteral bufferizable = "BufferizableOpInterface";
    requireModel<TopKOp, BufferizableOpInterface>(
        bufferizable,
        "mlir::dsa::registerBufferizableOpInterfaceExternalModels");
    requireModel<arith::ConstantOp, BufferizableOpInterface>(
        bufferizable,
        "mlir::arith::registerBufferizableOpInterfaceExternalModels");
    requireModel<linalg::GenericOp, BufferizableOpInterface>(
        bufferizable,
        "mlir::linalg::registerBufferizableOpInterfaceExternalModels");
    requireModel<scf::ForOp, BufferizableOpInterface>(
        bufferizable,
        "mlir::scf::registerBufferizableOpInterfaceExternalModels");
    requireModel<tensor::ExtractSliceOp, BufferizableOpInterface>(
        bufferizable,
        "mlir::tensor::registerBufferizableOpInterfaceExternalModels");
    requireModel<tensor::InsertSliceOp, SubsetOpInterface>(
        "SubsetOpInterface",
        "mlir::tensor::registerSubsetOpInterfaceExternalModels");
    requireModel<linalg::CopyOp, SubsetOpInterface>(
        "SubsetOpInterface",
        "mlir::linalg::registerSubsetOpInterfaceExternalModels");
    requireModel<tensor::ExpandShapeOp, ReifyRankedShapedTypeOpInterface>(
        "ReifyRankedShapedTypeOpInterface",
        "mlir::tensor::registerInferTypeOpInterfaceExternalModels");
    if (!getContext()
             .getLoadedDialect<func::FuncDialect>()
             ->getRegisteredInterface<DialectInlinerInterface>())
      complain() << "the dialect 'func' has no model of "
                    "DialectInlinerInterface; call mlir::dsa::registerDialect, "
                    "or mlir::func::registerInlinerExtension, on the registry "
                    "of the context";
  }
};
} // namespace
