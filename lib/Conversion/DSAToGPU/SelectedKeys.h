//===- SelectedKeys.h - The key rows of a query, tile by tile ---*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOGPU_SELECTEDKEYS_H
#define DSA_LIB_CONVERSION_DSATOGPU_SELECTEDKEYS_H

#include "dsa/GPU/Kernel.h"
#include "dsa/IR/DSA.h"

namespace mlir::dsa {

/// The slots of all key sets of a query row, in tiles of as many keys each. A
/// tile has slots of one set; the last one of a set may have fewer.
class SelectedKeys {
public:
  SelectedKeys(OpBuilder &host, SparseAttentionOp op, int64_t keysPerTile);

  /// On the host: as many tiles as there are if every slot counts.
  Value getMaxTiles(FoldingBuilder &host) const;
  /// On the host: divides the tiles into ranges of `tiles`, and returns into
  /// how many. If `setsApart`, ranges begin anew with each set: what is in one
  /// does not depend on other sets.
  Value split(FoldingBuilder &host, Value tiles, bool setsApart);

  /// Everything that rows are copied from, with its name in the op's text.
  void forEachRows(
      function_ref<void(const GlobalTensor &tensor, const Twine &name)> body)
      const;

  /// Addresses of what a row consists of: its keys, the tail of its keys, its
  /// values; the latter two null Values where there are none. Null addresses in
  /// the kernel where the slot has no row.
  struct Row {
    Value keys, tail, values;

    SmallVector<Value, 3> pack() const;
    Row unpack(ValueRange packed) const;
  };

  /// Begins with the query row `t` of entry `batch`: both in the kernel.
  void enterRow(Kernel &kernel, Value batch, Value t);
  /// The first tile of range `split`, and the one behind its last: of those
  /// that this query row has.
  std::pair<Value, Value> getTiles(Kernel &kernel, Value split);
  /// The row of slot `slot` of tile `tile`; none from tile `lastTile` on.
  Row resolve(Kernel &kernel, Value tile, Value lastTile, Value slot);
  /// An address that may be named, though not read, for a row that is none.
  Value getSomeAddress(Kernel &kernel) const {
    return kernel.capture(sets[0].keys.getMemRef());
  }

private:
  struct Set {
    GlobalTensor keys, tail, values, indices, counts, table;
    /// On the host: positions, at most 2^31, and what they are made of.
    Value positions, page, pages;
    Value numSlots;
    /// On the host: the first range of the set, if ranges begin with sets.
    Value firstSplit;
    // In the kernel, of a query row.
    Value limit, list, tableRow;
  };
  Row resolveIn(Kernel &kernel, const Set &set, Value slot, Value inList);

  int64_t keysPerTile;
  bool batched, paged;
  GlobalTensor rowIds;
  SmallVector<Set, 2> sets;
  Value tilesPerSplit;
  /// The end of the tiles of each set.
  SmallVector<Value, 2> ends;
  Value batch;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOGPU_SELECTEDKEYS_H
