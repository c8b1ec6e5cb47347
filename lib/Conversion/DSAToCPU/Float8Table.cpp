//===- Float8Table.cpp - f8E4M3FN by look-up ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bf16 holds every f8E4M3FN: its two bytes are looked up, each by a byte
// permutation of two registers, and put side by side. Such interleaving works
// within blocks of 128 bits; the codes are permuted before it, so that elements
// come out in their order.
//
//===----------------------------------------------------------------------===//

#include "Float8Table.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace mlir::dsa;

/// The two bytes of the bf16 that is equal to each f8E4M3FN without sign.
static void getTables(SmallVectorImpl<int8_t> &low,
                      SmallVectorImpl<int8_t> &high) {
  for (unsigned code = 0; code < 128; ++code) {
    APFloat value(APFloat::Float8E4M3FN(), APInt(8, code));
    bool losesInfo;
    value.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &losesInfo);
    uint64_t bits = value.bitcastToAPInt().getZExtValue();
    low.push_back(static_cast<int8_t>(bits & 0xff));
    high.push_back(static_cast<int8_t>(bits >> 8));
  }
}

/// The lower or upper half of each 128-bit block of `x` and of `y`, element by
/// element in turn.
static Value interleave(KernelBuilder &b, Value x, Value y, bool upper) {
  auto type = cast<VectorType>(x.getType());
  int64_t count = type.getNumElements();
  int64_t perBlock = 128 / type.getElementTypeBitWidth();
  SmallVector<int64_t> mask;
  for (int64_t block = 0; block < count; block += perBlock)
    for (int64_t i = 0; i < perBlock / 2; ++i) {
      int64_t from = block + (upper ? perBlock / 2 : 0) + i;
      mask.append({from, count + from});
    }
  return b.shuffle(x, y, mask);
}

/// The bf16 of 64 codes as two vectors of i16: of the lower and of the upper
/// half of each 128-bit block of the codes. The codes are taken in the order of
/// `units`: runs of `unitBytes` bytes.
static SmallVector<Value> lookUp(KernelBuilder &b, Value codes,
                                 ArrayRef<int64_t> units, int64_t unitBytes) {
  SmallVector<int8_t> low, high;
  getTables(low, high);
  auto bytes = VectorType::get({64}, b.getI8Type());
  auto table = [&](ArrayRef<int8_t> values) -> Value {
    return arith::ConstantOp::create(b, bytes,
                                     DenseElementsAttr::get(bytes, values));
  };
  SmallVector<int64_t> spread;
  for (int64_t unit : units)
    for (int64_t i = 0; i < unitBytes; ++i)
      spread.push_back(unitBytes * unit + i);
  Value index = b.shuffle(codes, codes, spread);
  auto permute = [&](ArrayRef<int8_t> values) {
    return b.intrinsic(
        "llvm.x86.avx512.vpermi2var.qi.512", bytes,
        {table(values.take_front(64)), index, table(values.drop_front(64))});
  };
  // The look-up ignores the sign, bit 7 of the code and of the high byte.
  Value sign = arith::AndIOp::create(b, index, b.splat(bytes, int64_t(0x80)));
  Value lowBytes = permute(low);
  Value highBytes = arith::OrIOp::create(b, permute(high), sign);
  SmallVector<Value> halves;
  for (bool upper : {false, true})
    halves.push_back(
        b.bitcast(interleave(b, lowBytes, highBytes, upper), b.getI16Type()));
  return halves;
}

SmallVector<Value> dsa::lookUpPairs(KernelBuilder &b, Value codes) {
  SmallVector<Value> halves =
      lookUp(b, codes, /*units=*/{0, 4, 1, 5, 2, 6, 3, 7}, /*unitBytes=*/8);
  for (Value &half : halves)
    half = b.bitcast(half, b.getI32Type());
  return halves;
}

SmallVector<Value> dsa::lookUpF32s(KernelBuilder &b, Value codes) {
  SmallVector<int64_t> units;
  for (int64_t block = 0; block < 4; ++block)
    for (int64_t vector = 0; vector < 4; ++vector)
      units.push_back(4 * vector + block);
  SmallVector<Value> vectors;
  for (Value half : lookUp(b, codes, units, /*unitBytes=*/4)) {
    // A bf16 is the upper half of an f32.
    Value zeros = b.splat(cast<VectorType>(half.getType()), INT64_C(0));
    for (bool upper : {false, true})
      vectors.push_back(
          b.bitcast(interleave(b, zeros, half, upper), b.getF32Type()));
  }
  return vectors;
}
