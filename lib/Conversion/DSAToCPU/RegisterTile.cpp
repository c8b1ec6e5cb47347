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

void dsa::emitRegisterTile(KernelBuilder &b, const Arithmetic &arithmetic,
                           RegisterTile tile, Value numSteps,
                           function_ref<Value(unsigned, Value)> loadVector,
                           function_ref<Value(unsigned, Value)> loadScalar,
                           function_ref<void(unsigned, ValueRange)> epilogue) {
  VectorType stepVector = b.vectorOf(arithmetic.getStepType(b.getContext()));
  SmallVector<Value> zeros(tile.rows * tile.columns, b.splat(b.f32s(), 0.0));
  auto multiply = [&](Value step, ValueRange in) {
    SmallVector<Value> vectors, out(in);
    for (unsigned column = 0; column < tile.columns; ++column)
      vectors.push_back(loadVector(column, step));
    for (unsigned row = 0; row < tile.rows; ++row) {
      Value scalar = b.broadcast(loadScalar(row, step), stepVector);
      for (unsigned column = 0; column < tile.columns; ++column) {
        Value &sum = out[row * tile.columns + column];
        sum = arithmetic.multiplyAdd(b, sum, vectors[column], scalar);
      }
    }
    return out;
  };
  // Unrolled, LLVM loads the vectors of several steps ahead, and sums go to the
  // stack to make room.
  SmallVector<Value> sums = b.forLoop(b.index(0), numSteps, 1, zeros, multiply,
                                      /*rolled=*/true);
  for (unsigned row = 0; row < tile.rows; ++row)
    epilogue(row, ArrayRef(sums).slice(row * tile.columns, tile.columns));
}

BalancedParts::BalancedParts(int64_t total, int64_t limit) {
  int64_t parts = std::max<int64_t>(1, llvm::divideCeil(total, limit));
  small = total / parts;
  large = small + 1;
  numLarge = total % parts;
  numSmall = parts - numLarge;
}
