//===- IndexChecks.cpp - Indices that are out of range --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An invalid index is legal and contributes nothing, but one that is not the
// padding is often a mistake of the caller. `checked` pipelines report it.
//
//===----------------------------------------------------------------------===//

#include "EntryChecks.h"

#include "../IR/Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;
using arith::CmpIPredicate;

/// `for i in [0, bound)` without results.
static void forEach(ImplicitLocOpBuilder &b, Value bound,
                    function_ref<void(Value i)> body) {
  forLoop(b, bound, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

static void checkSet(ImplicitLocOpBuilder &b, SparseAttentionOp op,
                     const KeySet &set, ValueRange row, Value rowNumber,
                     Value cell) {
  bool batched = op.isBatched();
  auto layout = cast_if_present<KVLayoutAttr>(set.layout);
  KeyReader reader(b, set.keys, set.keyTail, set.blockTable, layout,
                   op.getPaged(), batched);
  TableRow tableRow =
      getTableRow(b, set.blockTable, op.getRowIds(), row, batched);
  Value slots = getExtent(b, set.indices, batched ? 2 : 1);
  if (set.counts) {
    Value count = toIndex(b, extract(b, set.counts, row));
    count = arith::MaxSIOp::create(b, count, constantIndex(b, 0));
    slots = arith::MinSIOp::create(b, count, slots);
  }
  auto truth = [&](bool value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI1Type(), value);
  };
  forEach(b, slots, [&](Value slot) {
    SmallVector<Value> at(row);
    at.push_back(slot);
    Value index = toIndex(b, extract(b, set.indices, at));
    Value isValid = reader.readRow(
        tableRow, row, index, [&](ValueRange) { return truth(true); },
        truth(false));
    Value isPadding = arith::CmpIOp::create(b, CmpIPredicate::eq, index,
                                            constantIndex(b, -1));
    Value isWrong = arith::XOrIOp::create(
        b, arith::OrIOp::create(b, isValid, isPadding), truth(true));
    Value isFirst = isSuccess(b, memref::LoadOp::create(b, cell, ValueRange()));
    scf::IfOp::create(
        b, logicalAnd(b, isWrong, isFirst), [&](OpBuilder &, Location loc) {
          Value status =
              callFailure(b, "dsa_fail_index",
                          {rowNumber, slot, index, reader.getNumPositions()});
          memref::StoreOp::create(b, status, cell, ValueRange());
          scf::YieldOp::create(b);
        });
  });
}

void dsa::insertIndexChecks(SparseAttentionOp op, Value cell) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  SmallVector<Value> extents = getRowExtents(b, op.getQuery(), op.isBatched());
  forEachRow(b, extents, ValueRange(), [&](ValueRange row, ValueRange) {
    Value rowNumber = row.back();
    if (op.isBatched())
      rowNumber = arith::AddIOp::create(
          b, arith::MulIOp::create(b, row[0], extents[1]), rowNumber);
    for (const KeySet &set : op.getKeySets())
      checkSet(b, op, set, row, rowNumber, cell);
    return SmallVector<Value>();
  });
}
