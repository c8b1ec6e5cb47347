//===- KeyRows.cpp - A key source as kernels read it ----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KeyRows.h"

#include "Dequantize.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

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

static PackedRows getPacked(const KeySource &source) {
  return {source.keys, getLayout(source), source.paged};
}

/// The element as `dsa.unpack` to bf16 gives it, in f32.
static Value readAsBF16(KernelBuilder &b, const KeySource &source,
                        unsigned field, ValueRange row, Value column) {
  PackedRows packed = getPacked(source);
  Value value = loadAsF32(b, packed.getElements(b, field), row, column);
  if (packed.layout.getFields()[field].scaleType)
    value = arith::MulFOp::create(
        b, value, loadAsF32(b, packed.getScales(b, field), row, column));
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
    RowPiece piece = getPacked(source).getElements(b, field);
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
  return loadAsF32(b, getPacked(source).getScales(b, 0), row, b.index(0));
}

void KeyRows::prefetch(KernelBuilder &b, ValueRange row,
                       unsigned locality) const {
  for (const RowPiece &piece : pieces)
    piece.prefetch(b, row, locality);
}
