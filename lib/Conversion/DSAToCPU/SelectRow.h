//===- SelectRow.h - A row of an op that selects ----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operands that dsa.top_k and dsa.lightning_indexer share: bounds, ids and
// the translation table, and the results.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_SELECTROW_H
#define DSA_LIB_CONVERSION_DSATOCPU_SELECTROW_H

#include "RadixSelect.h"

#include "../../IR/Oracle.h"

namespace mlir::dsa {

/// What selecting takes of each thread's scratch memory besides candidates.
struct SelectScratch {
  Value counters;
  /// Only for `order = score_descending`.
  std::optional<Candidates> spare;
};

class SelectPlan {
public:
  /// `capacity` is of candidates that a row is written from: min(K, S) will do.
  SelectPlan(KernelBuilder &b, ScratchPlan &plan, Value capacity,
             SlotOrder order);
  SelectScratch view(KernelBuilder &b, const Scratch &scratch) const;

private:
  Value counters;
  std::optional<CandidatePlan> spare;
};

/// Emits code where it is made and called, so it belongs into the body of the
/// loop over rows.
class SelectRow {
public:
  /// `inits` are those of the op: indices, count and perhaps values. `row` is
  /// [t], or [b, t].
  SelectRow(KernelBuilder &b, const oracle::SelectOperands &operands,
            ValueRange inits, ArrayRef<Value> row);

  /// The first position and the end of the range that is selected from, of the
  /// positions [0, numPositions); 0 and 0 if it is empty, as it is where the
  /// table has no such row. Ids and slots outside are not to be asked for.
  std::pair<Value, Value> getRange(Value numPositions);

  /// Whether a position of the range has something to stand for it in the
  /// results: an id that is not negative, a slot. An i1, a constant where
  /// neither ids nor a table can exclude it.
  Value isSelectable(Value position);

  /// Writes the first `count` candidates as results, in the order that the op
  /// asks for, and the padding behind them. All are selectable; they are not
  /// kept. `getValue` makes the f32 of one of its position, an index, and key.
  void write(const Candidates &candidates, Value count,
             const SelectScratch &scratch,
             function_ref<Value(Value position, Value key)> getValue);

  /// The indices of an element of `ids`, and of an entry of the table.
  SmallVector<Value> getIdIndices(Value position);
  SmallVector<Value> getTableIndices(Value block) { return {tableRow, block}; }

private:
  Value getId(Value position);
  /// The slot of a position, as an index; one beyond an i32 if there is none.
  Value translate(Value position);
  void writeIndices(const Candidates &candidates, Value count);
  void pad(Value init, Value count, Value padding);
  SmallVector<Value> at(Value slot);

  KernelBuilder &b;
  const oracle::SelectOperands &operands;
  Value indices, count, values;
  SmallVector<Value> row;
  Value tableRow;
  /// Null if the table has the row for certain.
  Value hasTableRow;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_SELECTROW_H
