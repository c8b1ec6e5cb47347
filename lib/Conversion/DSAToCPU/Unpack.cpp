//===- Unpack.cpp - dsa.unpack on CPUs ------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows one by one (Dequantize.h), a tile of 64 at a time on each thread. Every
// byte of a row is read once and every element written once; there is no
// scratch memory. Any layout, flat or in pages; scales of raw rows are copied
// one by one.
//
//===----------------------------------------------------------------------===//

#include "Dequantize.h"
#include "Kernels.h"
#include "Parallel.h"

using namespace mlir;
using namespace mlir::dsa;

/// Rows that a thread takes at a time.
static constexpr int64_t tileRows = 64;

/// The scales of a row of one field, in f32.
static void writeScales(KernelBuilder &b, const PackedRows &packed,
                        ValueRange row, Value scales) {
  const KVField &field = packed.layout.getFields()[0];
  RowPiece piece = packed.getScales(b, 0);
  auto write = [&](Value group, ValueRange at) {
    b.store(loadAsF32(b, piece, row, b.mul(group, field.group)), scales, at);
  };
  if (packed.layout.hasOneScalePerRow()) {
    write(b.index(0), row);
    return;
  }
  b.forLoop(b.index(0), b.index(field.getNumScales()), 1, [&](Value group) {
    SmallVector<Value> at(row);
    at.push_back(group);
    write(group, at);
  });
}

KernelChoice dsa::emitUnpack(KernelBuilder &b, UnpackOp op, Value threads) {
  PackedRows packed = {op.getPacked(), op.getLayout(), op.getPaged()};
  Value rows = op.getInits()[0];
  Value numRows = b.dim(packed.memref, 0), page;
  Value planned = b.getPlanned(numRows);
  if (op.getPaged()) {
    page = b.index(packed.layout.getPage());
    numRows = b.mul(numRows, page);
    planned = b.mulSize(planned, page);
  }
  WorkCount work = {b.ceilDiv(numRows, tileRows), b.ceilDiv(planned, tileRows)};
  parallelFor(b, work, threads, ScratchPlan(b),
              [&](Value tile, const Scratch &) {
                Value first = b.mul(tile, tileRows);
                Value end = b.min(b.add(first, tileRows), numRows);
                b.forLoop(first, end, 1, [&](Value i) {
                  SmallVector<Value> row = {i};
                  if (page)
                    row = {b.div(i, page), b.rem(i, page)};
                  SmallVector<Value> at(row);
                  at.push_back(b.index(0));
                  dequantizeRow(b, packed, row, rows, at);
                  if (op.getInits().size() == 2)
                    writeScales(b, packed, row, op.getInits()[1]);
                });
              });
  return op.getInits().size() == 2 ? "codes and scales copied row by row"
                                   : "dequantized row by row";
}
