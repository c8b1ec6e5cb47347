//===- SharedTile.cpp - Matrices in shared memory -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/SharedTile.h"

using namespace mlir;
using namespace mlir::dsa;

/// Rows of 128 bytes and more begin in the same bank: there are eight phases.
/// Of rows of 64 bytes every other does: two neighbours share one of four.
Value SharedTile::getPhase(DeviceBuilder &b, Value row) const {
  return rowBytes % 128 == 0 ? b.rem(row, 8) : b.rem(b.div(row, 2), 4);
}

Value SharedTile::getOffset(DeviceBuilder &b, Value row, Value chunk) const {
  Value swizzled = b.bitXor(chunk, getPhase(b, row));
  return b.add(b.add(b.mul(row, rowBytes), b.mul(swizzled, chunkBytes)),
               offset);
}
