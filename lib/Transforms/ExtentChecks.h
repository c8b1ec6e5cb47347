//===- ExtentChecks.h - What a dimension table leaves to the run *- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the passes and models that check extents when a program runs.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_EXTENTCHECKS_H
#define DSA_LIB_TRANSFORMS_EXTENTCHECKS_H

#include "dsa/IR/DimTable.h"

#include "mlir/IR/Builders.h"

namespace mlir::dsa {

/// Two extents of which the first has to equal the second, or to be at least
/// that.
struct ExtentCheck {
  /// The operand and dimension it is about; null and 0 for a minimum.
  const DimRow *row = nullptr;
  unsigned dimension = 0;
  /// The first extent in words: `dimension 1 of 'ids'`.
  std::string what;
  /// The second: `N*64, where N is dimension 1 of 'block_table'`.
  std::string limit;
  Value found;
  Value expected;
  bool atLeast = false;
};

/// The checks of `table` that the types of its operands, tensors or memrefs,
/// leave open; the extents are built at the insertion point of `b`.
SmallVector<ExtentCheck> buildExtentChecks(OpBuilder &b, Location loc,
                                           const DimTable &table);

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_EXTENTCHECKS_H
