//===- SelectedRows.h - The key rows that a query attends to ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slots that name no key are dropped before anything else, so kernels see a
// list of rows without holes, and holes cost nothing. Rows that are stored as
// the arithmetic reads them are read where they are; others are copied, block
// by block, on their way.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_SELECTEDROWS_H
#define DSA_LIB_CONVERSION_DSATOCPU_SELECTEDROWS_H

#include "Dequantize.h"
#include "KeyRows.h"
#include "Parallel.h"

namespace mlir::dsa {

/// Entries [begin, begin + count) of the list, which are worked on together.
struct RowBlock {
  Value begin, count;
};

/// Columns of the rows of a block as tiles read them: row r begins at
/// `memref[start(r)]` and its elements lie side by side.
struct BlockColumns {
  Value memref;
  /// Number of elements.
  Value count;
  std::function<Value(KernelBuilder &b, Value r)> start;
};

/// Rows where the caller keeps them: the row that stands at `position` of the
/// list begins at `memref[start(position)]` and has `count` elements there.
struct StoredRows {
  Value memref;
  Value count;
  std::function<Value(KernelBuilder &b, Value position)> start;
};

/// The rows of one key set: the keys, and the values if they lie elsewhere.
class SelectedRows {
public:
  /// How the rows are read.
  struct Options {
    bool batched;
    Type computeType;
    /// Entries of a block, and behind the list: at least as many as tiles read
    /// beyond a block.
    int64_t blockRows, padding;
    /// Whether tiles read whole vectors of steps along a row.
    bool wholeVectors;
  };

  SelectedRows(KernelBuilder &b, const KeySet &set, Value rowIds, bool paged,
               int64_t dv, const Arithmetic &arithmetic,
               const Options &options);

  void reserve(ScratchPlan &plan);

  /// Number of slots of a row, and for how many memory is planned.
  Value getNumSlots() const { return numSlots; }
  Value getPlannedSlots() const { return plannedSlots; }

  /// Makes the list of row [batch,] t, in the order of the slots, and behind it
  /// its last entry again. Returns how many entries it has.
  Value select(const Scratch &scratch, Value batch, Value t);

  /// Asks for all rows of a block at once.
  void prefetch(const Scratch &scratch, const RowBlock &block);

  /// Copies what of the rows of a block is not read in place.
  void stage(const Scratch &scratch, Value batch, const RowBlock &block);

  /// The columns of keys, in order.
  SmallVector<BlockColumns, 2> getKeys(const Scratch &scratch,
                                       const RowBlock &block);
  BlockColumns getValues(const Scratch &scratch, const RowBlock &block);

  /// What to prefetch of keys while `piece` of their columns is read, and of
  /// values if they lie elsewhere.
  SmallVector<StoredRows, 2> getStoredKeys(const Scratch &scratch,
                                           unsigned piece);
  SmallVector<StoredRows, 2> getStoredValues(const Scratch &scratch);

  /// Whether keys are read in place.
  bool inPlace() const { return keys.inPlace; }

private:
  /// Rows of one kind, keys or values.
  struct Source {
    SmallVector<RowPiece, 2> pieces;
    /// In place of pieces that are read as they are.
    std::optional<PackedRows> packed;
    Value elements, paddedElements;
    bool inPlace;
    // In scratch memory: where rows begin, for each piece, or of packed rows;
    // copied rows.
    SmallVector<Value, 2> offsetsAt;
    Value stagedAt;

    unsigned getNumStored() const { return packed ? 1 : pieces.size(); }
    Value getMemRef(unsigned i) const {
      return packed ? packed->memref : pieces[i].memref;
    }
  };

  Source makeSource(SmallVector<RowPiece, 2> pieces);
  void stagePacked(const PackedRows &packed, Value elements, ValueRange row,
                   Value staged, Value slot);
  Value appendBlockwise(const Scratch &scratch, Value batch, Value t,
                        Value limit);
  Value appendOneByOne(const Scratch &scratch, Value batch, Value tableRow,
                       Value t, Value limit);
  SmallVector<Value> getRow(const Scratch &scratch, Value batch,
                            Value position);
  void storeOffsets(const Scratch &scratch, Value batch, const Source &source,
                    Value length);
  StoredRows getStored(const Scratch &scratch, const Source &source,
                       unsigned i);
  BlockColumns getColumns(const Scratch &scratch, const Source &source,
                          unsigned piece, const RowBlock &block);
  Value viewList(const Scratch &scratch, Value offset, Type type) const;
  Value viewStaged(const Scratch &scratch, const Source &source) const;
  SmallVector<Value> atRow(Value batch, ArrayRef<Value> indices) const;

  KernelBuilder &b;
  const KeySet &set;
  Value rowIds;
  const Arithmetic &arithmetic;
  Options options;
  KeyRows rows;
  bool paged;
  Source keys, values;
  Value numSlots, plannedSlots, listExtent;
  // In scratch memory: the coordinates of each entry, i32.
  Value pagesAt, rowsAt;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_SELECTEDROWS_H
