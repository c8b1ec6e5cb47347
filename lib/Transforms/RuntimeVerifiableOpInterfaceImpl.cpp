//===- RuntimeVerifiableOpInterfaceImpl.cpp - Extents at run time ---------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/ExternalModels.h"

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"

using namespace mlir;
using namespace mlir::dsa;

namespace {
template <typename OpTy>
struct RuntimeVerifiableModel
    : RuntimeVerifiableOpInterface::ExternalModel<RuntimeVerifiableModel<OpTy>,
                                                  OpTy> {
  void generateRuntimeVerification(
      Operation *op, OpBuilder &b, Location loc,
      function_ref<std::string(Operation *, StringRef)> message) const {
    DimTable table = cast<DSAOpInterface>(op).getDimTable();
    auto require = [&](arith::CmpIPredicate predicate, Value found,
                       OpFoldResult expected, const Twine &what) {
      Value holds = arith::CmpIOp::create(
          b, loc, predicate, found,
          getValueOrCreateConstantIndexOp(b, loc, expected));
      cf::AssertOp::create(b, loc, holds, message(op, what.str()));
    };
    for (const DimRow &row : table.rows)
      for (auto [i, dim] : llvm::enumerate(row.dims)) {
        // Static extents are the verifier's; the first operand that has a
        // symbol is what the others are compared with.
        std::optional<int64_t> extent = table.getStaticExtent(dim);
        if (!row.getType().isDynamicDim(i) && extent)
          continue;
        DimPlace first = table.findFirst(dim);
        if (!extent && dim.isSymbol() && first.row == &row &&
            first.position == i)
          continue;
        Value operand = row.operand->get();
        Value found =
            isa<MemRefType>(operand.getType())
                ? memref::DimOp::create(b, loc, operand, i).getResult()
                : tensor::DimOp::create(b, loc, operand, i).getResult();
        require(arith::CmpIPredicate::eq, found, getExtent(b, loc, table, dim),
                "dimension " + Twine(i) + " of '" + row.name + "' is not " +
                    dim.str() +
                    (extent && !dim.isLiteral() ? " = " + Twine(*extent).str()
                                                : ""));
      }
    for (const DimMinimum &limit : table.minimums) {
      if (table.getStaticExtent(limit.dim))
        continue;
      Value found = getValueOrCreateConstantIndexOp(
          b, loc, getExtent(b, loc, table, limit.dim));
      require(arith::CmpIPredicate::sge, found, b.getIndexAttr(limit.minimum),
              "dimension " + limit.dim.str() + " is less than " +
                  Twine(limit.minimum));
    }
  }
};

template <typename... OpTys>
struct Models {
  static void attach(MLIRContext *context) {
    (OpTys::template attachInterface<RuntimeVerifiableModel<OpTys>>(*context),
     ...);
  }
};
} // namespace

void dsa::registerRuntimeVerifiableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DSADialect *) {
    Models<
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
        >::attach(context);
    context->loadDialect<cf::ControlFlowDialect>();
  });
}
