//===- KeySource.h - Operands that travel together -*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What builders take and accessors return: the operands and attributes that
// make up a key source, a key set or a translation.

#ifndef DSA_IR_KEYSOURCE_H
#define DSA_IR_KEYSOURCE_H

#include "mlir/IR/Value.h"

namespace mlir::dsa {

class KVLayoutAttr;

/// The keys of SCORE. Null values are absent.
struct KeySource {
  Value keys;
  Value keyTail = {};
  Value queryTail = {};
  Value keyScale = {};
  Value blockTable = {};
  Value rowIds = {};
  bool paged = false;
  /// Null for keys that are not packed.
  Attribute layout = {};
};

/// One key set of ATTEND.
struct KeySet {
  Value keys;
  Value indices;
  Value counts = {};
  Value values = {};
  Value keyTail = {};
  Value blockTable = {};
  /// Null for keys that are not packed.
  Attribute layout = {};
};

/// The table that turns selected positions into slots.
struct Translation {
  Value table = {};
  int64_t page = 0;
  Value rowIds = {};
};

} // namespace mlir::dsa

#endif // DSA_IR_KEYSOURCE_H
