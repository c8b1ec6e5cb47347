//===- SharedTile.h - Matrices in shared memory -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_SHAREDTILE_H
#define DSA_GPU_SHAREDTILE_H

#include "dsa/GPU/DeviceBuilder.h"

namespace mlir::dsa {

/// Plans the shared memory of a kernel.
class SharedPlan {
public:
  /// The offset in bytes, a multiple of 128, of `bytes` more.
  int64_t reserve(int64_t bytes) {
    int64_t offset = end;
    end = llvm::alignTo(end + bytes, 128);
    return offset;
  }
  int64_t getBytes() const { return end; }

private:
  int64_t end = 0;
};

/// A matrix of 16-bit elements in shared memory. Its rows are chunks of 16
/// bytes; chunk c of row r stands where chunk c xor phase(r) would without
/// swizzle, so that the eight rows that a matrix load takes at once, and the
/// eight chunks that a copy stores at once, lie in different banks.
class SharedTile {
public:
  /// `columns` is a multiple of 64, or 32.
  SharedTile(SharedPlan &plan, int64_t rows, int64_t columns,
             int64_t stages = 1)
      : rows(rows), rowBytes(2 * columns),
        offset(plan.reserve(stages * rows * rowBytes)) {}

  static constexpr int64_t chunkBytes = 16;
  int64_t getRowBytes() const { return rowBytes; }
  int64_t getStageBytes() const { return rows * rowBytes; }

  /// The offset of chunk `chunk` of row `row` of the first stage in the block's
  /// shared memory. Eight chunks further in a row, and eight rows further, the
  /// swizzle is the same: those are as many bytes away as without one.
  Value getOffset(DeviceBuilder &b, Value row, Value chunk) const;

private:
  Value getPhase(DeviceBuilder &b, Value row) const;

  int64_t rows, rowBytes, offset;
};

} // namespace mlir::dsa

#endif // DSA_GPU_SHAREDTILE_H
