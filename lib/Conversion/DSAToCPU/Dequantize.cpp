//===- Dequantize.cpp - Packed rows as numbers ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row is read and written once, a register of codes at a time: widened to
// f32 (64 codes of f8 by table lookup where the target has it), multiplied by
// the scale of their group, rounded. Fields that need neither are copied.
// Layouts are static, so what does not fill a register is known here; groups
// smaller than a register cost a masked store each.
//
//===----------------------------------------------------------------------===//

#include "Dequantize.h"

#include "Float8Table.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

static RowPiece getPiece(KernelBuilder &b, const PackedRows &rows,
                         unsigned field, Type type, bool scales) {
  KVLocation location =
      rows.layout.locate(field, b.getAffineDimExpr(0), b.getAffineDimExpr(1));
  AffineExpr byte = scales ? location.scale : location.element;
  RowPiece piece;
  piece.memref = rows.memref;
  piece.elementType = type;
  piece.count = b.index(rows.layout.getFields()[field].count);
  piece.rowsInPages = rows.paged;
  piece.byteOf = [byte](KernelBuilder &b, Value row, Value column) {
    return affine::expandAffineExpr(b, b.getLoc(), byte, {row, column},
                                    ValueRange());
  };
  return piece;
}

RowPiece PackedRows::getElements(KernelBuilder &b, unsigned field) const {
  return getPiece(b, *this, field, layout.getFields()[field].elementType,
                  /*scales=*/false);
}

RowPiece PackedRows::getScales(KernelBuilder &b, unsigned field) const {
  return getPiece(b, *this, field, layout.getFields()[field].scaleType,
                  /*scales=*/true);
}

Value dsa::loadAsF32(KernelBuilder &b, const RowPiece &piece, ValueRange row,
                     Value column) {
  Value element = vector::ExtractOp::create(
      b, piece.load(b, row, column, 1, /*partial=*/false), 0);
  if (element.getType().isF32())
    return element;
  return arith::ExtFOp::create(b, b.getF32Type(), element);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// body(i, size) for chunks of [0, count); the last may be smaller.
static void forEachChunk(KernelBuilder &b, int64_t count, int64_t chunk,
                         function_ref<void(Value i, int64_t size)> body) {
  int64_t whole = count - count % chunk;
  if (whole)
    b.forLoop(b.index(0), b.index(whole), chunk,
              [&](Value i) { body(i, chunk); });
  if (count != whole)
    body(b.index(whole), count - whole);
}

namespace {
class Dequantizer {
public:
  Dequantizer(KernelBuilder &b, const PackedRows &rows, ValueRange row,
              Value destination, ValueRange at)
      : b(b), rows(rows), row(row), destination(destination), at(at),
        type(getElementTypeOrSelf(destination)) {}

  /// Writes a field whose first element goes to column `start`.
  void write(unsigned field, int64_t start);

private:
  void copy(const RowPiece &piece, int64_t count, Value start);
  /// `size` elements from `column` on, times `scale`, a vector, if there is
  /// one.
  void convert(const RowPiece &piece, Value column, int64_t size, Value scale,
               Value start);
  SmallVector<Value> loadAsF32s(const RowPiece &piece, Value column,
                                int64_t size);
  /// Stores up to `size` elements of a vector.
  void store(Value vector, Value column, int64_t size);

  bool byTable(Type element) const {
    return isa<Float8E4M3FNType>(element) && b.target.byteTable;
  }
  /// Whether two vectors are rounded to bf16 at once.
  bool roundsPairs() const { return type.isBF16() && b.target.bf16Pairs; }
  /// Elements that are converted at a time: whole vectors of codes and results.
  int64_t getChunk(Type element) const {
    return b.lanes() * (byTable(element) ? 4 : roundsPairs() ? 2 : 1);
  }

  KernelBuilder &b;
  const PackedRows &rows;
  ValueRange row;
  Value destination;
  ValueRange at;
  Type type;
};
} // namespace

void Dequantizer::store(Value vector, Value column, int64_t size) {
  SmallVector<Value> to(at);
  to.back() = b.add(to.back(), column);
  int64_t all = cast<VectorType>(vector.getType()).getNumElements();
  Value mask;
  if (size < all)
    mask = b.lanesBelow(b.index(size), static_cast<unsigned>(all));
  b.storeVector(vector, destination, to, mask);
}

void Dequantizer::copy(const RowPiece &piece, int64_t count, Value start) {
  unsigned chunk = 4 * b.lanes() / (type.getIntOrFloatBitWidth() / 8);
  forEachChunk(b, count, chunk, [&](Value column, int64_t size) {
    store(piece.load(b, row, column, chunk, /*partial=*/size < chunk),
          b.add(start, column), size);
  });
}

SmallVector<Value> Dequantizer::loadAsF32s(const RowPiece &piece, Value column,
                                           int64_t size) {
  int64_t chunk = getChunk(piece.elementType);
  auto load = [&](Value column, unsigned count) {
    return piece.load(b, row, column, count, /*partial=*/size < chunk);
  };
  if (byTable(piece.elementType)) {
    auto codes = VectorType::get({chunk}, b.getI8Type());
    return lookUpF32s(b,
                      arith::BitcastOp::create(b, codes, load(column, chunk)));
  }
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < chunk; i += b.lanes()) {
    Value elements = load(b.add(column, i), b.lanes());
    if (!piece.elementType.isF32())
      elements = arith::ExtFOp::create(b, b.f32s(), elements);
    vectors.push_back(elements);
  }
  return vectors;
}

void Dequantizer::convert(const RowPiece &piece, Value column, int64_t size,
                          Value scale, Value start) {
  SmallVector<Value> vectors = loadAsF32s(piece, column, size);
  if (scale)
    for (Value &vector : vectors)
      vector = arith::MulFOp::create(b, vector, scale);
  int64_t width = b.lanes() * (roundsPairs() ? 2 : 1);
  for (int64_t i = 0; i < size; i += width) {
    Value result = vectors[i / b.lanes()];
    if (roundsPairs())
      // The second operand is the lower half.
      result = b.intrinsic("llvm.x86.avx512bf16.cvtne2ps2bf16.512",
                           b.vectorOf(type, 2),
                           {vectors[i / b.lanes() + 1], result});
    else if (!type.isF32())
      result = arith::TruncFOp::create(b, b.vectorOf(type), result);
    store(result, b.add(b.add(start, column), i), size - i);
  }
}

void Dequantizer::write(unsigned index, int64_t start) {
  const KVField &field = rows.layout.getFields()[index];
  RowPiece elements = rows.getElements(b, index);
  Value from = b.index(start);
  bool raw = isa<Float8E4M3FNType>(type);
  if (raw || (!field.scaleType && field.elementType == type)) {
    copy(elements, field.count, from);
    return;
  }
  int64_t chunk = getChunk(field.elementType);
  if (!field.scaleType) {
    forEachChunk(b, field.count, chunk, [&](Value column, int64_t size) {
      convert(elements, column, size, /*scale=*/Value(), from);
    });
    return;
  }
  RowPiece scales = rows.getScales(b, index);
  auto writeGroup = [&](Value group) {
    Value first = b.mul(group, field.group);
    Value scale = b.broadcast(loadAsF32(b, scales, row, first), b.f32s());
    forEachChunk(b, field.group, chunk, [&](Value i, int64_t size) {
      convert(elements, b.add(first, i), size, scale, from);
    });
  };
  // Few groups one by one: their bytes are then at constant distances.
  constexpr int64_t maxUnrolled = 8;
  if (field.getNumScales() > maxUnrolled) {
    b.forLoop(b.index(0), b.index(field.getNumScales()), 1, writeGroup);
    return;
  }
  for (int64_t group = 0; group < field.getNumScales(); ++group)
    writeGroup(b.index(group));
}

void dsa::dequantizeRow(KernelBuilder &b, const PackedRows &rows,
                        ValueRange row, Value destination, ValueRange at) {
  Dequantizer dequantizer(b, rows, row, destination, at);
  int64_t start = 0;
  for (auto [index, field] : llvm::enumerate(rows.layout.getFields())) {
    dequantizer.write(index, start);
    start += field.count;
  }
}
