//===- ExtentChecks.cpp - What a dimension table leaves to the run --------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExtentChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::dsa;

static std::string describe(const DimRow &row, unsigned i) {
  return "dimension " + std::to_string(i) + " of '" + row.name + "'";
}

namespace {
/// Extents of the dimensions of a table, as values before an op.
class TableExtents {
public:
  TableExtents(OpBuilder &b, Location loc, const DimTable &table)
      : b(b), loc(loc) {
    // A static extent, where there is one, is what the others are compared to.
    for (bool isStatic : {true, false})
      for (const DimRow &row : table.rows)
        for (auto [i, dim] : llvm::enumerate(row.dims))
          if (dim.isSymbol() && row.getType().isDynamicDim(i) != isStatic)
            first.try_emplace(dim.symbols[0], &row, i);
  }

  OpFoldResult get(const DimRow &row, unsigned i) {
    Value operand = row.operand->get();
    if (isa<MemRefType>(operand.getType()))
      return memref::getMixedSize(b, loc, operand, i);
    return tensor::getMixedSize(b, loc, operand, i);
  }
  bool isFirst(const DimRow &row, unsigned i) const {
    auto it = first.find(row.dims[i].symbols[0]);
    return it->second == std::pair(&row, i);
  }
  /// Null if a symbol stands nowhere on its own.
  OpFoldResult get(const Dim &dim) {
    OpFoldResult product = b.getIndexAttr(dim.factor);
    for (const std::string &symbol : dim.symbols) {
      auto it = first.find(symbol);
      if (it == first.end())
        return {};
      OpFoldResult extent = get(*it->second.first, it->second.second);
      std::optional<int64_t> lhs = getConstantIntValue(product);
      std::optional<int64_t> rhs = getConstantIntValue(extent);
      if (lhs == 1)
        product = extent;
      else if (lhs && rhs)
        product = b.getIndexAttr(*lhs * *rhs);
      else
        product = b.createOrFold<arith::MulIOp>(loc, materialize(product),
                                                materialize(extent));
    }
    return product;
  }
  Value materialize(OpFoldResult extent) {
    return getValueOrCreateConstantIndexOp(b, loc, extent);
  }
  /// `dim`, and where its symbols are read.
  std::string describe(const Dim &dim) const {
    std::string text = dim.str();
    for (auto [i, symbol] : llvm::enumerate(dim.symbols)) {
      auto [row, position] = first.lookup(symbol);
      text += (i == 0 ? ", where " : " and ") + symbol + " is " +
              ::describe(*row, position);
    }
    return text;
  }

private:
  OpBuilder &b;
  Location loc;
  llvm::StringMap<std::pair<const DimRow *, unsigned>> first;
};
} // namespace

static bool isStatic(OpFoldResult extent) {
  return getConstantIntValue(extent).has_value();
}

SmallVector<ExtentCheck> dsa::buildExtentChecks(OpBuilder &b, Location loc,
                                                const DimTable &table) {
  TableExtents extents(b, loc, table);
  SmallVector<ExtentCheck> checks;
  for (const DimRow &row : table.rows)
    for (auto [i, dim] : llvm::enumerate(row.dims)) {
      if (dim.isSymbol() && extents.isFirst(row, i))
        continue;
      OpFoldResult found = extents.get(row, i), expected = extents.get(dim);
      if (!expected || (isStatic(found) && isStatic(expected)))
        continue; // The verifier has compared them.
      checks.push_back({&row, static_cast<unsigned>(i), describe(row, i),
                        extents.describe(dim), extents.materialize(found),
                        extents.materialize(expected)});
    }
  for (const DimMinimum &limit : table.minimums) {
    OpFoldResult found = extents.get(limit.dim);
    if (!found || isStatic(found))
      continue;
    checks.push_back({/*row=*/nullptr, /*dimension=*/0,
                      "dimension " + limit.dim.str(),
                      std::to_string(limit.minimum), extents.materialize(found),
                      extents.materialize(b.getIndexAttr(limit.minimum)),
                      /*atLeast=*/true});
  }
  return checks;
}
