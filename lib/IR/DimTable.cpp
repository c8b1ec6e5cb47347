//===- DimTable.cpp - Which operand has which dimension ===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DimTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Dim and DimTable
//===----------------------------------------------------------------------===//

Dim Dim::operator*(const Dim &other) const {
  Dim product(*this);
  product.factor *= other.factor;
  llvm::append_range(product.symbols, other.symbols);
  return product;
}

std::string Dim::str() const {
  std::string text = llvm::join(symbols, "*");
  if (text.empty())
    return std::to_string(factor);
  return factor == 1 ? text : text + "*" + std::to_string(factor);
}

void DimTable::add(MutableOperandRange range, StringRef name,
                   ArrayRef<Dim> dims, Stride stride) {
  for (OpOperand &operand : range)
    rows.push_back({&operand, name.str(), SmallVector<Dim, 4>(dims),
                    stride == Stride::Unit});
}

void DimTable::addPerSet(MutableOperandRange range, StringRef name,
                         function_ref<SmallVector<Dim, 4>(unsigned)> dims,
                         Stride stride) {
  for (auto [i, operand] : llvm::enumerate(range))
    rows.push_back({&operand, (name + "[" + Twine(i) + "]").str(), dims(i),
                    stride == Stride::Unit});
}

const DimRow *DimTable::find(const OpOperand &operand) const {
  const auto *row = llvm::find_if(
      rows, [&](const DimRow &row) { return row.operand == &operand; });
  return row == rows.end() ? nullptr : row;
}

void DimTable::setPositions(const MutableOperandRange &range, const Dim &dim) {
  for (OpOperand &operand : range)
    for (DimRow &row : rows)
      if (row.operand == &operand)
        row.positionsAlong = dim;
}

/// The extent of `dim` if those of all its symbols are known and their product
/// fits.
static std::optional<int64_t>
evaluate(const Dim &dim,
         function_ref<std::optional<int64_t>(const std::string &)> extentOf) {
  int64_t product = dim.factor;
  for (const std::string &symbol : dim.symbols) {
    std::optional<int64_t> extent = extentOf(symbol);
    if (!extent || llvm::MulOverflow(product, *extent, product))
      return std::nullopt;
  }
  return product;
}

std::optional<int64_t> DimTable::getStaticExtent(const Dim &dim) const {
  return evaluate(
      dim, [&](const std::string &symbol) -> std::optional<int64_t> {
        for (const DimRow &row : rows)
          for (auto [i, other] : llvm::enumerate(row.dims))
            if (other == Dim(symbol) && !row.getType().isDynamicDim(i))
              return row.getType().getDimSize(i);
        return std::nullopt;
      });
}

/// The extent of `symbol`: static where any operand says so, else that of the
/// first operand that has it, inputs before inits.
static OpFoldResult getSymbolExtent(OpBuilder &b, Location loc,
                                    const DimTable &table,
                                    const std::string &symbol) {
  if (std::optional<int64_t> extent = table.getStaticExtent(symbol))
    return b.getIndexAttr(*extent);
  for (const DimRow &row : table.rows)
    for (auto [i, dim] : llvm::enumerate(row.dims))
      if (dim == Dim(symbol)) {
        Value operand = row.operand->get();
        if (isa<MemRefType>(operand.getType()))
          return memref::DimOp::create(b, loc, operand, i).getResult();
        return tensor::DimOp::create(b, loc, operand, i).getResult();
      }
  llvm_unreachable("every symbol is a dimension of an operand");
}

OpFoldResult dsa::createExtent(OpBuilder &b, Location loc,
                               const DimTable &table, const Dim &dim) {
  OpFoldResult product = b.getIndexAttr(dim.factor);
  for (const std::string &symbol : dim.symbols) {
    OpFoldResult next = getSymbolExtent(b, loc, table, symbol);
    if (isConstantIntValue(product, 1)) {
      product = next;
      continue;
    }
    product = b.createOrFold<arith::MulIOp>(
        loc, getValueOrCreateConstantIndexOp(b, loc, product),
        getValueOrCreateConstantIndexOp(b, loc, next));
  }
  return product;
}

SmallVector<Dim, 4> dsa::withBatch(bool batched, ArrayRef<Dim> dims) {
  SmallVector<Dim, 4> all;
  if (batched)
    all.push_back("B");
  llvm::append_range(all, dims);
  return all;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult dsa::verifyOneKind(Operation *op) {
  bool anyTensor = false, anyMemRef = false;
  for (Value operand : op->getOperands()) {
    if (auto tensor = dyn_cast<RankedTensorType>(operand.getType())) {
      anyTensor = true;
      if (tensor.getEncoding())
        return ConstraintError(op, 1)
               << "operands must have no encoding, but one is " << tensor;
    } else {
      anyMemRef = true;
    }
  }
  if (anyTensor && anyMemRef)
    return ConstraintError(op, 1)
           << "operands must be all ranked tensors or all memrefs";
  return success();
}

namespace {
/// The extent of a symbol and the operand it was first seen in.
struct Known {
  int64_t extent;
  StringRef operand;
};
} // namespace

LogicalResult dsa::verifyDimTable(Operation *op, const DimTable &table,
                                  unsigned label) {
  llvm::StringMap<Known> known;
  for (const DimRow &row : table.rows) {
    ShapedType type = row.getType();
    if (type.getRank() != static_cast<int64_t>(row.dims.size())) {
      ConstraintError error(op, label);
      error << "'" << row.name << "' must have shape ";
      error << llvm::join(
          llvm::map_range(row.dims, [](const Dim &d) { return d.str(); }), "x");
      return error << ", but is " << type;
    }
    for (auto [extent, dim] : llvm::zip_equal(type.getShape(), row.dims)) {
      if (ShapedType::isDynamic(extent) || !dim.isSymbol())
        continue;
      auto [it, fresh] =
          known.try_emplace(dim.symbols[0], Known{extent, row.name});
      if (!fresh && it->second.extent != extent)
        return ConstraintError(op, label)
               << "dimension " << dim.str() << " is " << it->second.extent
               << " in '" << it->second.operand << "' but " << extent << " in '"
               << row.name << "'";
    }
  }
  auto extentOf = [&](const std::string &symbol) -> std::optional<int64_t> {
    auto it = known.find(symbol);
    if (it == known.end())
      return std::nullopt;
    return it->second.extent;
  };
  for (const DimRow &row : table.rows)
    for (auto [i, dim] : llvm::enumerate(row.dims)) {
      int64_t extent = row.getType().getDimSize(i);
      std::optional<int64_t> expected = evaluate(dim, extentOf);
      if (!ShapedType::isDynamic(extent) && expected && extent != *expected)
        return ConstraintError(op, label)
               << "dimension " << i << " of '" << row.name << "' is " << extent
               << ", but must be " << dim.str()
               << (dim.isLiteral() ? "" : " = " + std::to_string(*expected));
    }
  for (const DimMinimum &limit : table.minimums) {
    std::optional<int64_t> extent = evaluate(limit.dim, extentOf);
    if (extent && *extent < limit.minimum)
      return ConstraintError(op, limit.label)
             << "dimension " << limit.dim.str() << " is " << *extent
             << ", but must be at least " << limit.minimum;
  }
  return success();
}
