//===- ValueBoundsOpInterfaceImpl.cpp - Bounds of extents -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/ExternalModels.h"

#include "dsa/IR/DSA.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::dsa;

/// `dim` in terms of the extents of operands; null if that is no linear
/// expression.
static AffineExpr getExpr(const DimTable &table, const Dim &dim,
                          ValueBoundsConstraintSet &cstr) {
  AffineExpr product = cstr.getExpr(dim.factor);
  for (const std::string &symbol : dim.symbols) {
    AffineExpr next;
    if (std::optional<int64_t> extent = table.getStaticExtent(symbol)) {
      next = cstr.getExpr(*extent);
    } else {
      DimPlace place = table.findFirst(symbol);
      next = cstr.getExpr(place.row->operand->get(), place.position);
    }
    if (!isa<AffineConstantExpr>(product) && !isa<AffineConstantExpr>(next))
      return {};
    product = product * next;
  }
  return product;
}

namespace {
template <typename OpTy>
struct ValueBoundsModel
    : ValueBoundsOpInterface::ExternalModel<ValueBoundsModel<OpTy>, OpTy> {
  void populateBoundsForShapedValueDim(Operation *op, Value value, int64_t dim,
                                       ValueBoundsConstraintSet &cstr) const {
    OpOperand *init = cast<DestinationStyleOpInterface>(op).getTiedOpOperand(
        cast<OpResult>(value));
    cstr.bound(value)[dim] == cstr.getExpr(init->get(), dim);
    DimTable table = cast<DSAOpInterface>(op).getDimTable();
    if (AffineExpr expr = getExpr(table, table.find(*init)->dims[dim], cstr))
      cstr.bound(value)[dim] == expr;
  }
};

template <typename... OpTys>
struct Models {
  static void attach(MLIRContext *context) {
    (OpTys::template attachInterface<ValueBoundsModel<OpTys>>(*context), ...);
  }
};
} // namespace

void dsa::registerValueBoundsOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DSADialect *) {
    Models<
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
        >::attach(context);
  });
}
