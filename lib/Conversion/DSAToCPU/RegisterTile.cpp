//===- RegisterTile.cpp - The micro-kernel of all dot products ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegisterTile.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

SmallVector<Value> dsa::accumulateTile(KernelBuilder &b,
                                       const Arithmetic &arithmetic,
                                       const TileLoop &loop, ValueRange sums) {
  auto multiply = [&](Value step, ValueRange in) {
    SmallVector<Value> columns, out(in);
    for (unsigned column = 0; column < loop.tile.columns; ++column)
      columns.push_back(loop.loadColumn(column, step));
    for (unsigned row = 0; row < loop.tile.rows; ++row) {
      Value vector = loop.loadRow(row, step);
      for (unsigned column = 0; column < loop.tile.columns; ++column) {
        Value &sum = out[row * loop.tile.columns + column];
        sum = arithmetic.multiplyAdd(b, sum, columns[column], vector);
      }
    }
    return out;
  };
  // Unrolled, LLVM loads the vectors of several steps ahead, and sums go to the
  // stack to make room.
  if (!loop.beforeChunk)
    return b.forLoop(loop.from, loop.to, loop.stride, sums, multiply,
                     /*rolled=*/true);
  return b.forLoop(
      loop.from, loop.to, loop.chunk, sums,
      [&](Value begin, ValueRange in) {
        loop.beforeChunk(begin);
        return b.forLoop(begin, b.add(begin, loop.chunk), loop.stride, in,
                         multiply, /*rolled=*/true);
      },
      /*rolled=*/true);
}

SmallVector<Value> dsa::getZeroSums(KernelBuilder &b, RegisterTile tile) {
  return SmallVector<Value>(tile.rows * tile.columns, b.splat(b.f32s(), 0.0));
}

BalancedParts::BalancedParts(int64_t total, int64_t limit) {
  int64_t parts = std::max<int64_t>(1, llvm::divideCeil(total, limit));
  small = total / parts;
  large = small + 1;
  numLarge = total % parts;
  numSmall = parts - numLarge;
}
