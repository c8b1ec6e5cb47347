//===- Arithmetic.cpp - How elements are multiplied and added -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"

#include "Float8Table.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Arithmetic Arithmetic::get(Type lhs, Type rhs, const CPUTarget &target) {
  auto isExact = [](Type type) {
    return isa<BFloat16Type, Float8E4M3FNType>(type);
  };
  bool pairs = target.bf16Pairs && isExact(lhs) && isExact(rhs);
  return Arithmetic(pairs ? Kind::BF16Pairs : Kind::F32);
}

Type Arithmetic::getElementType(MLIRContext *context) const {
  return usesPairs() ? Type(BFloat16Type::get(context))
                     : Type(Float32Type::get(context));
}

Type Arithmetic::getStepType(MLIRContext *context) const {
  return usesPairs() ? Type(IntegerType::get(context, 32))
                     : Type(Float32Type::get(context));
}

unsigned Arithmetic::getChunk(Type type, const CPUTarget &target) const {
  bool byTable =
      usesPairs() && type.getIntOrFloatBitWidth() == 8 && target.byteTable;
  return byTable ? 4 * target.lanes : getWidth() * target.lanes;
}

SmallVector<Value> Arithmetic::toSteps(KernelBuilder &b, Value elements) const {
  auto type = cast<VectorType>(elements.getType());
  Type element = type.getElementType();
  if (element == getElementType(b.getContext()))
    return {usesPairs() ? b.bitcast(elements, b.getI32Type()) : elements};
  if (usesPairs() && b.target.byteTable) {
    Value codes =
        arith::BitcastOp::create(b, type.clone(b.getI8Type()), elements);
    return lookUpPairs(b, codes);
  }
  Value exact = arith::ExtFOp::create(
      b, type.clone(getElementType(b.getContext())), elements);
  return {usesPairs() ? b.bitcast(exact, b.getI32Type()) : exact};
}

Value Arithmetic::loadStep(KernelBuilder &b, Value memref, ValueRange row,
                           Value step) const {
  SmallVector<Value> at(row);
  at.push_back(b.mul(step, getWidth()));
  return loadStepAt(b, memref, at);
}

Value Arithmetic::loadStepAt(KernelBuilder &b, Value memref,
                             ValueRange at) const {
  if (!usesPairs())
    return b.load(memref, at);
  auto pair = VectorType::get({2}, b.getBF16Type());
  Value packed = b.bitcast(b.loadVector(pair, memref, at), b.getI32Type());
  return vector::ExtractOp::create(b, packed, 0);
}

Value Arithmetic::loadSteps(KernelBuilder &b, Value memref,
                            ValueRange at) const {
  Type element = getElementType(b.getContext());
  Value elements = b.loadVector(b.vectorOf(element, getWidth()), memref, at);
  return toSteps(b, elements)[0];
}

Value Arithmetic::multiplyAdd(KernelBuilder &b, Value sum, Value x,
                              Value y) const {
  if (!usesPairs())
    return b.fma(x, y, sum);
  return b.intrinsic(
      "llvm.x86.avx512bf16.dpbf16ps.512", sum.getType(),
      {sum, b.bitcast(x, b.getBF16Type()), b.bitcast(y, b.getBF16Type())});
}

bool dsa::losesBits(Type from, Type to) {
  // All values of f8E4M3FN are exact in f16 and bf16.
  return from != to && !to.isF32() && !isa<Float8E4M3FNType>(from);
}

//===----------------------------------------------------------------------===//
// Rows in memory
//===----------------------------------------------------------------------===//

SmallVector<Value> RowPiece::at(KernelBuilder &b, ValueRange row,
                                Value column) const {
  SmallVector<Value> place(row);
  if (!byteOf) {
    place.push_back(column);
    return place;
  }
  Value rowInPage = b.index(0);
  if (rowsInPages)
    rowInPage = place.pop_back_val();
  place.push_back(byteOf(b, rowInPage, column));
  return place;
}

Value RowPiece::load(KernelBuilder &b, ValueRange row, Value column,
                     unsigned numElements, bool partial) const {
  unsigned scale = byteOf ? elementType.getIntOrFloatBitWidth() / 8 : 1;
  unsigned numUnits = numElements * scale;
  auto type = VectorType::get({numUnits}, getElementTypeOrSelf(memref));
  Value mask;
  if (partial)
    mask = b.lanesBelow(b.mul(b.sub(count, column), scale), numUnits);
  Value loaded = b.loadVector(type, memref, at(b, row, column), mask);
  if (!byteOf)
    return loaded;
  return b.bitcast(loaded, elementType);
}

void RowPiece::prefetch(KernelBuilder &b, ValueRange row,
                        unsigned locality) const {
  int64_t perLine = 64 / (elementType.getIntOrFloatBitWidth() / 8);
  std::optional<int64_t> known = getConstantIntValue(count);
  auto prefetchLine = [&](Value column) {
    b.prefetch(memref, at(b, row, column), locality);
  };
  // Long rows would make long code.
  if (known && *known <= 16 * perLine)
    for (int64_t column = 0; column < *known; column += perLine)
      prefetchLine(b.index(column));
  else
    b.forLoop(b.index(0), count, perLine, prefetchLine);
}

/// `elements` rounded to `type`, of which there are fewer values.
static Value roundElements(KernelBuilder &b, Value elements, Type type) {
  auto shape = cast<VectorType>(elements.getType());
  if (!shape.getElementType().isF32())
    elements = arith::ExtFOp::create(b, shape.clone(b.getF32Type()), elements);
  return arith::TruncFOp::create(b, shape.clone(type), elements);
}

void dsa::forEachStepVector(KernelBuilder &b, const Arithmetic &arithmetic,
                            const RowPiece &piece, ValueRange row,
                            function_ref<void(Value, Value)> store) {
  unsigned chunk = arithmetic.getChunk(piece.elementType, b.target);
  unsigned perVector = arithmetic.getWidth() * b.lanes();
  auto convert = [&](Value column, bool partial) {
    Value elements = piece.load(b, row, column, chunk, partial);
    if (piece.roundedTo)
      elements = roundElements(b, elements, piece.roundedTo);
    for (auto [i, steps] : llvm::enumerate(arithmetic.toSteps(b, elements)))
      store(b.add(column, i * perVector), steps);
  };
  Value full = b.alignDown(piece.count, chunk);
  b.forLoop(b.index(0), full, chunk,
            [&](Value column) { convert(column, /*partial=*/false); });
  b.ifThen(b.compare(arith::CmpIPredicate::ne, full, piece.count),
           [&] { convert(full, /*partial=*/true); });
}
