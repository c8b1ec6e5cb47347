//===- Shuffles.cpp - Vectors across lanes --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shuffles.h"

using namespace mlir;
using namespace mlir::dsa;

/// In each block of four lanes: runs of `unit` lanes of `x` and `y` in turn,
/// from the lower or the upper half of the block.
static Value interleave(KernelBuilder &b, Value x, Value y, int64_t unit,
                        bool upper) {
  int64_t lanes = b.lanes();
  SmallVector<int64_t> mask;
  for (int64_t block = 0; block < lanes; block += 4)
    for (int64_t run = 0; run < 2; run += unit)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t lane = 0; lane < unit; ++lane)
          mask.push_back(source + block + (upper ? 2 : 0) + run + lane);
  return b.shuffle(x, y, mask);
}

/// Blocks of four lanes: the first half of them of `x`, the others of `y`.
static Value selectBlocks(KernelBuilder &b, Value x, Value y,
                          ArrayRef<int64_t> blocks) {
  SmallVector<int64_t> mask;
  for (auto [i, block] : llvm::enumerate(blocks))
    for (int64_t lane = 0; lane < 4; ++lane)
      mask.push_back((i < blocks.size() / 2 ? 0 : b.lanes()) + 4 * block +
                     lane);
  return b.shuffle(x, y, mask);
}

SmallVector<Value> dsa::transpose(KernelBuilder &b, ArrayRef<Value> rows) {
  unsigned lanes = b.lanes();
  SmallVector<Value> pairs(lanes), quads(lanes), columns(lanes);
  for (unsigned i = 0; i < lanes; i += 2)
    for (unsigned half : {0u, 1u})
      pairs[i + half] = interleave(b, rows[i], rows[i + 1], 1, half);
  // Block q of quads[4g + c]: column 4q + c of the rows 4g to 4g + 3.
  for (unsigned g = 0; g < lanes; g += 4)
    for (unsigned c = 0; c < 4; ++c)
      quads[g + c] =
          interleave(b, pairs[g + c / 2], pairs[g + 2 + c / 2], 2, c % 2);
  if (lanes == 4)
    return quads;
  for (unsigned c = 0; c < 4; ++c) {
    if (lanes == 8) {
      for (unsigned q : {0u, 1u})
        columns[4 * q + c] = selectBlocks(b, quads[c], quads[4 + c], {q, q});
      continue;
    }
    for (unsigned half : {0u, 1u}) {
      int64_t first = 2 * half;
      Value low = selectBlocks(b, quads[c], quads[4 + c],
                               {first, first + 1, first, first + 1});
      Value high = selectBlocks(b, quads[8 + c], quads[12 + c],
                                {first, first + 1, first, first + 1});
      columns[8 * half + c] = selectBlocks(b, low, high, {0, 2, 0, 2});
      columns[8 * half + 4 + c] = selectBlocks(b, low, high, {1, 3, 1, 3});
    }
  }
  return columns;
}

Value dsa::pairRows(KernelBuilder &b, Value even, Value odd, bool upper) {
  int64_t elements = 2 * b.lanes();
  SmallVector<int64_t> mask;
  for (int64_t run = 0; run < elements; run += 8)
    for (int64_t i = 0; i < 4; ++i) {
      int64_t column = run + (upper ? 4 : 0) + i;
      mask.append({column, elements + column});
    }
  return b.bitcast(b.shuffle(even, odd, mask), b.getI32Type());
}

SmallVector<Value> dsa::unpairColumns(KernelBuilder &b, Value lower,
                                      Value upper) {
  int64_t lanes = b.lanes();
  SmallVector<Value> columns;
  for (int64_t first = 0; first < lanes; first += lanes / 2) {
    SmallVector<int64_t> mask;
    for (int64_t run = first; run < first + lanes / 2; run += 4)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t i = 0; i < 4; ++i)
          mask.push_back(source + run + i);
    columns.push_back(b.shuffle(lower, upper, mask));
  }
  return columns;
}

Value dsa::addLanes(KernelBuilder &b, ArrayRef<Value> vectors) {
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  };
  SmallVector<Value> halves, quads, pairs;
  for (unsigned i = 0; i < 16; i += 2)
    halves.push_back(add(interleave(b, vectors[i], vectors[i + 1], 1, false),
                         interleave(b, vectors[i], vectors[i + 1], 1, true)));
  for (unsigned i = 0; i < 8; i += 2)
    quads.push_back(add(interleave(b, halves[i], halves[i + 1], 2, false),
                        interleave(b, halves[i], halves[i + 1], 2, true)));
  for (unsigned i = 0; i < 4; i += 2)
    pairs.push_back(add(selectBlocks(b, quads[i], quads[i + 1], {0, 1, 0, 1}),
                        selectBlocks(b, quads[i], quads[i + 1], {2, 3, 2, 3})));
  return add(selectBlocks(b, pairs[0], pairs[1], {0, 2, 0, 2}),
             selectBlocks(b, pairs[0], pairs[1], {1, 3, 1, 3}));
}

Value dsa::addTree(KernelBuilder &b, ArrayRef<Value> vectors) {
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  };
  SmallVector<Value> groups;
  for (unsigned i = 0; i < 16; i += 4)
    groups.push_back(add(add(vectors[i], vectors[i + 2]),
                         add(vectors[i + 1], vectors[i + 3])));
  return add(add(groups[0], groups[2]), add(groups[1], groups[3]));
}
