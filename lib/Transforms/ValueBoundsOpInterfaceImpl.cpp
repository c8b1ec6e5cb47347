//===- ValueBoundsOpInterfaceImpl.cpp - What bounds the extents -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttachModel.h"

#include "dsa/InterfaceModels.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

/// The operands' dimensions that are `symbol` alone.
static ValueDimList getDimensions(const DimTable &table, StringRef symbol) {
  ValueDimList dimensions;
  for (const DimRow &row : table.rows)
    for (auto [i, dim] : llvm::enumerate(row.dims))
      if (dim.isSymbol() && dim.symbols[0] == symbol)
        dimensions.emplace_back(row.operand->get(), i);
  return dimensions;
}

namespace {
template <typename OpTy>
struct Model : ValueBoundsOpInterface::ExternalModel<Model<OpTy>, OpTy> {
  void populateBoundsForShapedValueDim(Operation *op, Value value,
                                       int64_t dimension,
                                       ValueBoundsConstraintSet &set) const {
    auto dsaOp = cast<OpTy>(op);
    DimTable table = dsaOp.getDimTable();
    OpOperand *init = dsaOp.getTiedOpOperand(cast<OpResult>(value));
    set.bound(value)[dimension] == set.getExpr(init->get(), dimension);

    const Dim &dim = table.find(*init)->dims[dimension];
    int64_t factor = dim.factor;
    std::optional<StringRef> unknown;
    for (const std::string &symbol : dim.symbols) {
      std::optional<int64_t> extent = table.getStaticExtent(Dim(symbol));
      if (!extent && unknown)
        return; // A product of two unknowns is not affine.
      if (!extent)
        unknown = symbol;
      else if (llvm::MulOverflow(factor, *extent, factor))
        return;
    }
    if (!unknown) {
      set.bound(value)[dimension] == factor;
      return;
    }
    for (auto [operand, i] : getDimensions(table, *unknown))
      set.bound(value)[dimension] == set.getExpr(operand, i) * factor;
  }
};
} // namespace

void dsa::registerValueBoundsOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DSADialect *) {
    attachToAllOps<Model>(context);
  });
}
