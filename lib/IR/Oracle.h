//===- Oracle.h - What the decompositions are made of -----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar code of the reference semantics: conversions, loops, guarded reads.
// Written to be read against the definitions, not to be fast.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_IR_ORACLE_H
#define DSA_LIB_IR_ORACLE_H

#include "dsa/IR/DSA.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::dsa::oracle {

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value constantIndex(ImplicitLocOpBuilder &b, int64_t value);
Value constantFloat(ImplicitLocOpBuilder &b, Type type, double value);
Value negativeInfinity(ImplicitLocOpBuilder &b, Type type);
Value constantI32(ImplicitLocOpBuilder &b, int64_t value);

/// `value` as `type`: exact to a wider type, rounded to nearest even, ties to
/// even, to a narrower one. f8 and f64 go through f32.
Value convertFloat(ImplicitLocOpBuilder &b, Value value, Type type);
/// The i32 `value` as an index.
Value toIndex(ImplicitLocOpBuilder &b, Value value);
/// `0 <= value < bound`, of indices.
Value inRange(ImplicitLocOpBuilder &b, Value value, Value bound);
Value logicalAnd(ImplicitLocOpBuilder &b, Value lhs, Value rhs);
Value isNegativeInfinity(ImplicitLocOpBuilder &b, Value value);
/// The type of sums.
Type getSumType(ImplicitLocOpBuilder &b, const DecomposeOptions &options);

//===----------------------------------------------------------------------===//
// Tensors and control flow
//===----------------------------------------------------------------------===//

Value getExtent(ImplicitLocOpBuilder &b, Value tensor, int64_t dim);
Value extract(ImplicitLocOpBuilder &b, Value tensor, ValueRange at);
/// An uninitialised tensor with the given extents.
Value empty(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape, Type type);
Value filled(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape,
             Value value);

/// for i in [0, bound): carried = body(i, carried)
SmallVector<Value>
forLoop(ImplicitLocOpBuilder &b, Value bound, ValueRange carried,
        function_ref<SmallVector<Value>(Value i, ValueRange carried)> body);

/// `then()` where `condition` holds, else `otherwise`.
Value select(ImplicitLocOpBuilder &b, Value condition,
             function_ref<Value()> then, Value otherwise);

/// A new tensor of the given extents: `element(i, j, ...)` at each point.
Value generate(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape,
               Type elementType,
               function_ref<Value(ValueRange indices)> element);

/// The extents of the rows of an op, [B, T] or [T], read from `tensor`.
SmallVector<Value> getRowExtents(ImplicitLocOpBuilder &b, Value tensor,
                                 bool batched);

/// Calls `body` once for each row, [b, t] or [t], with the results so far,
/// starting from `inits`; it returns them with the row filled in.
SmallVector<Value> forEachRow(
    ImplicitLocOpBuilder &b, ValueRange rowExtents, ValueRange inits,
    function_ref<SmallVector<Value>(ValueRange row, ValueRange results)> body);

/// `tensor` with `slice` at `offsets`; leading dimensions that the slice lacks
/// are of extent 1.
Value insertSlice(ImplicitLocOpBuilder &b, Value slice, Value tensor,
                  ArrayRef<OpFoldResult> offsets);
/// The first `sizes` elements of each dimension of `tensor`.
Value extractSlice(ImplicitLocOpBuilder &b, Value tensor,
                   ArrayRef<OpFoldResult> sizes);
/// `tensor[row, :, ...]`, without the leading dimensions.
Value extractRow(ImplicitLocOpBuilder &b, Value tensor, ValueRange row);
/// `tensor` with `slice` at [row, :, ...].
Value insertRow(ImplicitLocOpBuilder &b, Value slice, Value tensor,
                ValueRange row);

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The row of a block or translation table that serves a row of the op.
struct TableRow {
  Value index;
  /// False if a row id lies outside the table.
  Value valid;
};

/// `row` is [b, t] or [t]; `rowIds` may be null.
TableRow getTableRow(ImplicitLocOpBuilder &b, Value table, Value rowIds,
                     ValueRange row, bool batched);

//===----------------------------------------------------------------------===//
// Key rows
//===----------------------------------------------------------------------===//

/// Consecutive columns of a key row that are read alike: a column piece, or a
/// field of packed rows.
struct Columns {
  OpFoldResult start;
  OpFoldResult count;
  /// The element at `column` (from `start`) of the row at `coordinates`, as it
  /// is stored, and its scale in f32 (null if it has none).
  std::function<std::pair<Value, Value>(ValueRange coordinates, Value column)>
      read;
};

/// A key source that rows can be read from. `table`, `tail` and `layout` may be
/// null.
class KeyReader {
public:
  KeyReader(ImplicitLocOpBuilder &b, Value keys, Value tail, Value table,
            KVLayoutAttr layout, bool paged, bool batched);
  KeyReader(ImplicitLocOpBuilder &b, const KeySource &source, bool batched)
      : KeyReader(b, source.keys, source.keyTail, source.blockTable,
                  cast_if_present<KVLayoutAttr>(source.layout), source.paged,
                  batched) {}
  // The columns refer to their reader.
  KeyReader(const KeyReader &) = delete;
  KeyReader &operator=(const KeyReader &) = delete;

  /// How many positions or slots there are.
  Value getNumPositions() const { return numPositions; }

  /// `then(coordinates)` for the row at `position`, any index, or `otherwise`
  /// if there is none; nothing is read outside the source.
  Value readRow(const TableRow &tableRow, ValueRange row, Value position,
                function_ref<Value(ValueRange coordinates)> then,
                Value otherwise) const;

  /// The columns of each row in order.
  ArrayRef<Columns> getColumns() const { return columns; }

private:
  void addPiece(Value piece, OpFoldResult start);
  void addField(unsigned field, int64_t start);

  ImplicitLocOpBuilder &b;
  Value keys, table;
  KVLayoutAttr layout;
  bool paged, batched;
  Value page, numPages, numPositions;
  SmallVector<Columns> columns;
};

/// The bytes from `packed[coordinates..., byte]` on, as `type`.
Value readBytes(ImplicitLocOpBuilder &b, Value packed, ValueRange coordinates,
                Value byte, Type type);

//===----------------------------------------------------------------------===//
// What SCORE, SELECT and lightning_indexer share
//===----------------------------------------------------------------------===//

/// Operands of SCORE besides the inits.
struct ScoreOperands {
  Value query, weights, lo, hi;
  KeySource source;
  Activation activation;
  bool batched;
};

template <typename OpTy>
ScoreOperands makeScoreOperands(OpTy op) {
  return {op.getQuery(),     op.getWeights(),    op.getLo(),    op.getHi(),
          op.getKeySource(), op.getActivation(), op.isBatched()};
}

/// The scores of one row, `S` f32.
Value scoreRow(ImplicitLocOpBuilder &b, const ScoreOperands &operands,
               const KeyReader &reader, ValueRange row,
               const DecomposeOptions &options);

/// Operands of SELECT besides scores and inits.
struct SelectOperands {
  Value lo, hi, ids;
  Translation translation;
  int64_t k;
  SlotOrder order;
  bool batched;
};

template <typename OpTy>
SelectOperands makeSelectOperands(OpTy op) {
  return {op.getLo(),
          op.getHi(),
          op.getIds(),
          op.getTranslation(),
          static_cast<int64_t>(op.getK()),
          op.getOrder(),
          op.isBatched()};
}

/// Selects from the scores (`S` f32) of one row, and returns `results`, the
/// op's indices, count and perhaps values, with that row filled in.
SmallVector<Value> selectRow(ImplicitLocOpBuilder &b,
                             const SelectOperands &operands, Value scores,
                             ValueRange row, ValueRange results);

/// `lo[row] <= s < hi[row]` for a position in [0,S); null bounds do not bound.
Value inBounds(ImplicitLocOpBuilder &b, Value lo, Value hi, ValueRange row,
               Value s);

} // namespace mlir::dsa::oracle

#endif // DSA_LIB_IR_ORACLE_H
