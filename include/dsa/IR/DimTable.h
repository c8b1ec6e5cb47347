//===- DimTable.h - Which operand has which dimension -*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DIMTABLE_H
#define DSA_IR_DIMTABLE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/ValueRange.h"

namespace mlir::dsa {

/// One dimension of an operand: a constant times a product of symbols such as
/// `T`, or `N0` for the block table of key set 0. `N0*64` is the number of
/// positions of a paged set.
struct Dim {
  SmallVector<std::string, 2> symbols;
  int64_t factor = 1;

  Dim(const char *symbol) : symbols({symbol}) {}
  Dim(std::string symbol) : symbols({std::move(symbol)}) {}
  Dim(int64_t literal) : factor(literal) {}
  Dim operator*(const Dim &other) const;
  bool operator==(const Dim &other) const {
    return factor == other.factor && symbols == other.symbols;
  }

  bool isSymbol() const { return symbols.size() == 1 && factor == 1; }
  bool isLiteral() const { return symbols.empty(); }
  std::string str() const;
};

/// One operand and its dimensions, outermost first.
struct DimRow {
  OpOperand *operand;
  /// As the text of the op spells it: `keys`, or `keys[1]` for key set 1.
  std::string name;
  SmallVector<Dim, 4> dims;
  /// Entries of a function that gets this operand must have it contiguous in
  /// its innermost dimension.
  bool unitStride;
  /// Set where the values are positions along a dimension: bounds, counts.
  std::optional<Dim> positionsAlong = std::nullopt;

  ShapedType getType() const {
    return cast<ShapedType>(operand->get().getType());
  }
};

/// A dimension with a lower limit, and the label of the constraint that says
/// so: a page has a row, a key row holds a value row.
struct DimMinimum {
  Dim dim;
  int64_t minimum;
  unsigned label;
};

enum class Stride { Unit, Any };

/// The dimensions of all operands of an op.
struct DimTable {
  SmallVector<DimRow, 12> rows;
  SmallVector<DimMinimum, 2> minimums;

  /// Adds a row for each operand of `range`.
  void add(MutableOperandRange range, StringRef name, ArrayRef<Dim> dims,
           Stride stride);
  /// The same for operands that come one per key set or part: `dims(i)` tells
  /// the dimensions of operand `i`, whose name gets its number.
  void addPerSet(MutableOperandRange range, StringRef name,
                 function_ref<SmallVector<Dim, 4>(unsigned)> dims,
                 Stride stride);
  /// States that the values of `range` are positions along `dim`.
  void setPositions(const MutableOperandRange &range, const Dim &dim);

  const DimRow *find(const OpOperand &operand) const;
  /// The extent of `dim` if the types tell it.
  std::optional<int64_t> getStaticExtent(const Dim &dim) const;
};

/// The extent of `dim`: a constant where the types tell it, else computed from
/// the first operands that have its symbols, inputs before inits. Not folded,
/// so that it can be recognised as that extent.
OpFoldResult createExtent(OpBuilder &b, Location loc, const DimTable &table,
                          const Dim &dim);

/// `dims`, with `B` in front if `batched`.
SmallVector<Dim, 4> withBatch(bool batched, ArrayRef<Dim> dims);

/// An error of `op` that ends with its constraint's label, as in `[C3]`.
/// Converts to failure.
class ConstraintError {
public:
  ConstraintError(Operation *op, unsigned label)
      : diagnostic(op->emitOpError()), label(label) {}
  template <typename T>
  ConstraintError &operator<<(T &&value) {
    diagnostic << std::forward<T>(value);
    return *this;
  }
  operator LogicalResult() {
    diagnostic << " [C" << label << "]";
    return diagnostic;
  }

private:
  InFlightDiagnostic diagnostic;
  unsigned label;
};

/// C1 of every op: all tensors without encoding, or all memrefs.
LogicalResult verifyOneKind(Operation *op);

/// Ranks, and static extents wherever they are known, against the table.
LogicalResult verifyDimTable(Operation *op, const DimTable &table,
                             unsigned label);

} // namespace mlir::dsa

#endif // DSA_IR_DIMTABLE_H
