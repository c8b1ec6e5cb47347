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

Type KeyRows::getElementType(const KeySource &source) {
  KVLayoutAttr layout = getLayout(source);
  if (layout && !layout.hasOneScalePerRow())
    return BFloat16Type::get(layout.getContext());
  if (layout)
    return layout.getFields()[0].elementType;
  return getElementTypeOrSelf(source.keys);
}

/// The elements of a field, or its scales (which `column`, an element, tells).
static RowPiece getFieldPiece(KernelBuilder &b, const KeySource &source,
                              unsigned field, bool scales) {
  KVLayoutAttr layout = getLayout(source);
  const KVField &f = layout.getFields()[field];
  KVLocation location =
      layout.locate(field, b.getAffineDimExpr(0), b.getAffineDimExpr(1));
  AffineExpr byte = scales ? location.scale : location.element;
  RowPiece piece;
  piece.memref = source.keys;
  piece.elementType = scales ? f.scaleType : f.elementType;
  piece.count = b.index(f.count);
  piece.rowsInPages = source.paged;
  piece.byteOf = [byte](KernelBuilder &b, Value row, Value column) {
    return affine::expandAffineExpr(b, b.getLoc(), byte, {row, column},
                                    ValueRange());
  };
  return piece;
}

/// One element as f32.
static Value loadElement(KernelBuilder &b, const RowPiece &piece,
                         ValueRange row, Value column) {
  Value element = vector::ExtractOp::create(
      b, piece.load(b, row, column, 1, /*partial=*/false), 0);
  if (element.getType().isF32())
    return element;
  return arith::ExtFOp::create(b, b.getF32Type(), element);
}

/// The element as `dsa.unpack` to bf16 gives it, in f32.
static Value readAsBF16(KernelBuilder &b, const KeySource &source,
                        unsigned field, ValueRange row, Value column) {
  Value value = loadElement(
      b, getFieldPiece(b, source, field, /*scales=*/false), row, column);
  if (getLayout(source).getFields()[field].scaleType) {
    Value scale = loadElement(
        b, getFieldPiece(b, source, field, /*scales=*/true), row, column);
    value = arith::MulFOp::create(b, value, scale);
  }
  value = arith::TruncFOp::create(b, b.getBF16Type(), value);
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

KeyRows::KeyRows(KernelBuilder &b, const KeySource &source, bool batched)
    : source(source), batched(batched) {
  KVLayoutAttr layout = getLayout(source);
  int64_t rank = cast<ShapedType>(source.keys.getType()).getRank();
  if (source.paged) {
    page = layout ? b.index(layout.getPage()) : b.dim(source.keys, 1);
    Value blocks =
        source.blockTable ? b.dim(source.blockTable, 1) : b.dim(source.keys, 0);
    numPositions = b.mul(blocks, page);
  } else {
    numPositions = b.dim(source.keys, rank - 2);
  }
  if (!layout) {
    for (Value piece : {source.keys, source.keyTail})
      if (piece)
        pieces.push_back(
            {piece, getElementTypeOrSelf(piece), b.dim(piece, rank - 1)});
    return;
  }
  for (unsigned field = 0; field < layout.getFields().size(); ++field) {
    RowPiece piece = getFieldPiece(b, source, field, /*scales=*/false);
    if (!layout.hasOneScalePerRow())
      piece.readScaled = [source, field](KernelBuilder &b, ValueRange row,
                                         Value column) -> Value {
        return readAsBF16(b, source, field, row, column);
      };
    pieces.push_back(piece);
  }
}

bool KeyRows::areConsecutive(int64_t count) const {
  std::optional<int64_t> known = page ? getConstantIntValue(page) : 0;
  return known && *known % count == 0;
}

bool KeyRows::haveScale() const {
  KVLayoutAttr layout = getLayout(source);
  return source.keyScale || (layout && layout.hasOneScalePerRow());
}

KeyPlace KeyRows::locate(KernelBuilder &b, Value batch, Value tableRow,
                         Value position) const {
  KeyPlace place;
  if (!source.paged) {
    if (batched)
      place.row.push_back(batch);
    place.row.push_back(position);
    return place;
  }
  if (!source.blockTable) {
    place.row = {b.div(position, page), b.rem(position, page)};
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
  return loadElement(b, getFieldPiece(b, source, 0, /*scales=*/true), row,
                     b.index(0));
}

void KeyRows::prefetch(KernelBuilder &b, ValueRange row,
                       unsigned locality) const {
  for (const RowPiece &piece : pieces)
    piece.prefetch(b, row, locality);
}
