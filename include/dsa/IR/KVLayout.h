//===- KVLayout.h - Fields of packed key-value rows -------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_KVLAYOUT_H
#define DSA_IR_KVLAYOUT_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/Hashing.h"

namespace mlir::dsa {

/// A run of elements of one type inside a record. A field without scales has a
/// null `scaleType` and a `group` of 0.
struct KVField {
  int64_t count;
  Type elementType;
  int64_t offset;
  /// Consecutive elements that share one scale.
  int64_t group;
  Type scaleType;
  /// From the start of the record, or of the scale record.
  int64_t scaleOffset;

  int64_t getElementBytes() const;
  int64_t getScaleBytes() const;
  int64_t getNumScales() const { return group ? count / group : 0; }

  bool operator==(const KVField &other) const {
    return std::tie(count, elementType, offset, group, scaleType,
                    scaleOffset) ==
           std::tie(other.count, other.elementType, other.offset, other.group,
                    other.scaleType, other.scaleOffset);
  }
};

// The name that llvm::hash_combine looks up.
// NOLINTNEXTLINE(readability-identifier-naming)
inline llvm::hash_code hash_value(const KVField &field) {
  return llvm::hash_combine(field.count, field.elementType, field.offset,
                            field.group, field.scaleType, field.scaleOffset);
}

/// Byte offsets of an element and of its scale; `scale` is null if there is
/// none.
struct KVLocation {
  AffineExpr element;
  AffineExpr scale;
};

} // namespace mlir::dsa

#endif // DSA_IR_KVLAYOUT_H
