//===- OpRules.h - Rules that several ops share -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_IR_OPRULES_H
#define DSA_LIB_IR_OPRULES_H

#include "dsa/IR/DSA.h"

namespace mlir::dsa {

inline Type getElementType(Value value) {
  return getElementTypeOrSelf(value.getType());
}
inline int64_t getRank(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

//===----------------------------------------------------------------------===//
// Interface methods of every op
//===----------------------------------------------------------------------===//

/// The types of the results: those of the inits on tensors, none on memrefs.
SmallVector<Type> getTensorTypes(ValueRange inits);
/// Names the results of an op, which may not be verified yet, in order.
void nameResults(Operation *op, ArrayRef<StringRef> names,
                 OpAsmSetValueNameFn setName);

/// Reads the inputs, writes the inits; nothing on tensors.
void getOperandEffects(
    Operation *op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects);
Speculation::Speculatability getOperandSpeculatability(Operation *op);
/// The extents of the results: constants where the table has them, else of
/// inputs, else of the inits.
LogicalResult reifyFromDimTable(Operation *op, OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes);

//===----------------------------------------------------------------------===//
// Folds: operands that are constant and say nothing are dropped
//===----------------------------------------------------------------------===//

/// Whether all elements of a constant are `holds`; false if it is not known.
bool allElements(Attribute constant, function_ref<bool(const APInt &)> holds);
bool allElements(Attribute constant, function_ref<bool(const APFloat &)> holds);

/// Clears `operand`, if it is there and says nothing; whether it did.
bool dropIf(bool saysNothing, MutableOperandRange operand);

/// Bounds of a row that exclude none of its `positions` (dynamic: unknown).
template <typename OpTy, typename AdaptorTy>
bool dropWideBounds(OpTy op, AdaptorTy adaptor, int64_t positions) {
  bool lo = allElements(adaptor.getLo(),
                        [](const APInt &bound) { return bound.sle(0); });
  bool hi = !ShapedType::isDynamic(positions) &&
            allElements(adaptor.getHi(), [&](const APInt &bound) {
              return bound.getSExtValue() >= positions;
            });
  bool dropped = dropIf(lo, op.getLoMutable());
  return dropIf(hi, op.getHiMutable()) || dropped;
}

/// A factor of 1 for every key.
template <typename OpTy, typename AdaptorTy>
bool dropUnitKeyScale(OpTy op, AdaptorTy adaptor) {
  bool unit = allElements(adaptor.getKeyScale(), [](const APFloat &scale) {
    return scale.isExactlyValue(1.0);
  });
  return dropIf(unit, op.getKeyScaleMutable());
}

/// A sink that adds nothing to any denominator.
template <typename OpTy, typename AdaptorTy>
bool dropEmptySink(OpTy op, AdaptorTy adaptor) {
  bool nothing = allElements(adaptor.getSink(), [](const APFloat &sink) {
    return sink.isInfinity() && sink.isNegative();
  });
  return dropIf(nothing, op.getSinkMutable());
}

/// The positions of dense keys; dynamic for paged ones.
template <typename OpTy>
int64_t getStaticPositions(OpTy op) {
  if (op.getPaged())
    return ShapedType::kDynamic;
  return cast<ShapedType>(op.getKeys().getType())
      .getDimSize(op.isBatched() ? 1 : 0);
}

//===----------------------------------------------------------------------===//
// Key sources
//===----------------------------------------------------------------------===//

/// The dimensions of a key source. `rows` are those of its rows alone, `keys`
/// with the columns, and `positions` counts what an index can name.
struct SourceDims {
  SmallVector<Dim, 4> rows;
  SmallVector<Dim, 4> keys;
  Dim positions;
};

/// `suffix` numbers the symbols of a key set; `layout` may be null. Pages that
/// are not packed get the lower limit 1, under `pageLabel`.
SourceDims getSourceDims(DimTable &table, bool batched, bool paged,
                         bool hasTable, KVLayoutAttr layout, Dim columns,
                         const std::string &suffix, unsigned pageLabel);

/// The dimensions of a block table or translation table; `suffix` tells their
/// symbols apart.
SmallVector<Dim, 4> getTableDims(bool batched, bool hasRowIds,
                                 const std::string &suffix);

/// That a table's row ids have a table and no batch, and that a table without
/// row ids has one row where there is no batch.
LogicalResult verifyTableRows(Operation *op, Value table, Value rowIds,
                              bool batched, StringRef tableName,
                              StringRef rowIdsName, unsigned label);

/// That `layout` (null if absent) and the element type of `keys` belong
/// together, and that pages and scales fit `paged`.
LogicalResult verifyLayout(Operation *op, Type keyType, KVLayoutAttr layout,
                           bool paged, const Twine &keysName, unsigned label);

/// C3 to C8 of the ops that score.
LogicalResult verifyScoreSource(Operation *op, Value query,
                                const KeySource &source, bool batched);

/// The key source of an op that scores.
template <typename OpTy>
KeySource makeKeySource(OpTy op) {
  return {op.getKeys(),     op.getKeyTail(),    op.getQueryTail(),
          op.getKeyScale(), op.getBlockTable(), op.getRowIds(),
          op.getPaged(),    op.getLayoutAttr()};
}

/// The rows of the table that the ops that score have in common.
template <typename OpTy>
SourceDims addScoreRows(OpTy op, DimTable &table) {
  bool batched = op.isBatched();
  KVLayoutAttr layout = op.getLayoutAttr();
  bool pieces = static_cast<bool>(op.getKeyTail());
  Dim columns = layout   ? Dim(layout.getRowElements())
                : pieces ? Dim("D1")
                         : Dim("D");
  SourceDims source =
      getSourceDims(table, batched, op.getPaged(), /*hasTable=*/true, layout,
                    columns, /*suffix=*/"", /*pageLabel=*/2);
  table.add(op.getQueryMutable(), "query",
            withBatch(batched, {"T", "Hi", columns}), Stride::Unit);
  table.add(op.getQueryTailMutable(), "query_tail",
            withBatch(batched, {"T", "Hi", "D2"}), Stride::Unit);
  table.add(op.getKeysMutable(), "keys", source.keys, Stride::Unit);
  SmallVector<Dim, 4> tail = source.rows;
  tail.push_back("D2");
  table.add(op.getKeyTailMutable(), "key_tail", tail, Stride::Unit);
  table.add(op.getBlockTableMutable(), "block_table",
            getTableDims(batched, static_cast<bool>(op.getRowIds()), ""),
            Stride::Unit);
  table.add(op.getRowIdsMutable(), "row_ids", {"T"}, Stride::Any);
  table.add(op.getKeyScaleMutable(), "key_scale", source.rows, Stride::Any);
  table.add(op.getWeightsMutable(), "weights", withBatch(batched, {"T", "Hi"}),
            Stride::Any);
  table.add(op.getLoMutable(), "lo", withBatch(batched, {"T"}), Stride::Any);
  table.add(op.getHiMutable(), "hi", withBatch(batched, {"T"}), Stride::Any);
  table.setPositions(op.getLoMutable(), source.positions);
  table.setPositions(op.getHiMutable(), source.positions);
  return source;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

/// That `0 < k < 2^31`, that a translation has a page, row ids a table, and
/// that the inits hold indices, counts and scores.
LogicalResult verifySelection(Operation *op, int64_t k,
                              const Translation &translation,
                              std::optional<int64_t> page, bool batched,
                              OperandRange inits, unsigned kLabel,
                              unsigned pageLabel, unsigned rowIdsLabel,
                              unsigned initsLabel);

/// The translation of an op that selects.
template <typename OpTy>
Translation makeTranslation(OpTy op) {
  return {op.getTranslateTable(),
          static_cast<int64_t>(op.getTranslatePage().value_or(0)),
          op.getTranslateRowIds()};
}

/// The rows of the table that the ops that select have in common.
template <typename OpTy>
void addSelectionRows(OpTy op, DimTable &table) {
  bool batched = op.isBatched();
  bool hasRowIds = static_cast<bool>(op.getTranslateRowIds());
  table.add(op.getTranslateTableMutable(), "translate",
            getTableDims(batched, hasRowIds, "'"), Stride::Unit);
  table.add(op.getTranslateRowIdsMutable(), "translate_row_ids", {"T"},
            Stride::Any);
  const char *names[] = {"indices", "count", "values"};
  Dim k(static_cast<int64_t>(op.getK()));
  for (auto [i, init] : llvm::enumerate(op.getInitsMutable()))
    table.rows.push_back(
        {&init, names[i],
         i == 1 ? withBatch(batched, {"T"}) : withBatch(batched, {"T", k}),
         /*unitStride=*/i != 1});
}

} // namespace mlir::dsa

#endif // DSA_LIB_IR_OPRULES_H
