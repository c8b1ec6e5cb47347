//===- KeyRows.cpp - A key source as kernels read it ----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyRows.h"

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

static KVLayoutAttr getLayout(const KeySource &source) {
  return cast_if_present<KVLayoutAttr>(source.layout);
}

std::optional<std::string> KeyRows::getReasonAgainst(const KeySource &source) {
  KVLayoutAttr layout = getLayout(source);
  if (!layout || layout.hasOneScalePerRow())
    return std::nullopt;
  return "has packed keys of " + std::to_string(layout.getFields().size()) +
         " fields with " + std::to_string(layout.getRowScales()) +
         " scales a row, but kernels read layouts of one field with one scale";
}

Type KeyRows::getElementType(const KeySource &source) {
  if (KVLayoutAttr layout = getLayout(source))
    return layout.getFields()[0].elementType;
  return getElementTypeOrSelf(source.keys);
}

/// A byte offset that the layout tells as an affine expression.
static Value expand(KernelBuilder &b, AffineExpr expression, Value row,
                    Value element) {
  return affine::expandAffineExpr(b, b.getLoc(), expression, {row, element},
                                  ValueRange());
}

KeyRows::KeyRows(KernelBuilder &b, const KeySource &source, bool batched)
    : source(source), batched(batched) {
  KVLayoutAttr layout = getLayout(source);
  int64_t rank = cast<ShapedType>(source.keys.getType()).getRank();
  if (source.paged) {
    page = layout ? b.index(layout.getPage()) : b.dim(source.keys, 1);
    numPositions = b.mul(b.dim(source.blockTable, 1), page);
  } else {
    numPositions = b.dim(source.keys, rank - 2);
  }
  if (!layout) {
    for (Value piece : {source.keys, source.keyTail})
      if (piece)
        pieces.push_back({piece, getElementTypeOrSelf(piece),
                          b.dim(piece, rank - 1), nullptr});
    return;
  }
  RowPiece piece;
  piece.memref = source.keys;
  piece.elementType = getElementType(source);
  piece.count = b.index(layout.getRowElements());
  piece.rowsInPages = source.paged;
  piece.byteOf = [layout](KernelBuilder &b, Value row, Value column) {
    return expand(
        b,
        layout.locate(0, b.getAffineDimExpr(0), b.getAffineDimExpr(1)).element,
        row, column);
  };
  pieces.push_back(piece);
}

bool KeyRows::areConsecutive(int64_t count) const {
  std::optional<int64_t> known = page ? getConstantIntValue(page) : 0;
  return known && *known % count == 0;
}

bool KeyRows::haveScale() const { return source.keyScale || source.layout; }

KeyPlace KeyRows::locate(KernelBuilder &b, Value batch, Value tableRow,
                         Value position) const {
  KeyPlace place;
  if (!source.paged) {
    if (batched)
      place.row.push_back(batch);
    place.row.push_back(position);
    return place;
  }
  Value entry =
      b.toIndex(b.load(source.blockTable, {tableRow, b.div(position, page)}));
  // Negative entries are large as unsigned numbers.
  place.valid = b.compare(CmpIPredicate::ult, entry, b.dim(source.keys, 0));
  place.row = {b.select(place.valid, entry, b.index(0)), b.rem(position, page)};
  return place;
}

SmallVector<Value> KeyRows::advance(KernelBuilder &b, const KeyPlace &first,
                                    Value offset) const {
  SmallVector<Value> row(first.row);
  row.back() = b.add(row.back(), offset);
  return row;
}

Value KeyRows::loadScale(KernelBuilder &b, ValueRange row) const {
  if (source.keyScale)
    return b.load(source.keyScale, row);
  KVLayoutAttr layout = getLayout(source);
  Type type = layout.getFields()[0].scaleType;
  RowPiece piece;
  piece.memref = source.keys;
  piece.elementType = type;
  piece.rowsInPages = source.paged;
  piece.byteOf = [layout](KernelBuilder &b, Value row, Value column) {
    return expand(
        b, layout.locate(0, b.getAffineDimExpr(0), b.getAffineDimExpr(1)).scale,
        row, column);
  };
  Value scale = vector::ExtractOp::create(
      b, piece.load(b, row, b.index(0), 1, /*partial=*/false), 0);
  if (type.isF32())
    return scale;
  return arith::ExtFOp::create(b, b.getF32Type(), scale);
}

void KeyRows::prefetch(KernelBuilder &b, ValueRange row,
                       unsigned locality) const {
  for (const RowPiece &piece : pieces) {
    int64_t perLine = 64 / (piece.elementType.getIntOrFloatBitWidth() / 8);
    std::optional<int64_t> known = getConstantIntValue(piece.count);
    auto prefetchLine = [&](Value column) {
      b.prefetch(piece.memref, piece.at(b, row, column), locality);
    };
    if (known)
      for (int64_t column = 0; column < *known; column += perLine)
        prefetchLine(b.index(column));
    else
      b.forLoop(b.index(0), piece.count, perLine, prefetchLine);
  }
}
