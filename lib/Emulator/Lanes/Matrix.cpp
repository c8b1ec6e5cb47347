//===- Matrix.cpp - Products of matrices ----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Floats.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

// One register of 16 lanes, and of the four lanes of a row of results.
using Floats16 = float __attribute__((vector_size(64)));
using Floats4 = float __attribute__((vector_size(16)));

/// Elements of two registers' pairs: lower halves, upper halves.
struct Pairs {
  float half[2][warpSize];
};

struct Half {
  static float toFloat(uint16_t x) { return halfToFloat(x); }
};
struct Bfloat {
  static float toFloat(uint16_t x) { return bfloatToFloat(x); }
};

template <typename Element>
__attribute__((always_inline)) inline Pairs split(const char *registers,
                                                  uint32_t offset) {
  Lanes<uint32_t> packed = load<uint32_t>(registers, offset);
  Pairs result;
  for (unsigned l = 0; l < warpSize; ++l) {
    result.half[0][l] = Element::toFloat(uint16_t(packed.lane[l]));
    result.half[1][l] = Element::toFloat(uint16_t(packed.lane[l] >> 16));
  }
  return result;
}

template <typename Vector>
Vector loadVector(const float *values) {
  Vector result;
  __builtin_memcpy(&result, values, sizeof(result));
  return result;
}

/// Lane `lane` of each four lanes, in all four.
template <unsigned lane>
Floats16 broadcastInRows(Floats16 x) {
  return __builtin_shufflevector(x, x, lane, lane, lane, lane, 4 + lane,
                                 4 + lane, 4 + lane, 4 + lane, 8 + lane,
                                 8 + lane, 8 + lane, 8 + lane, 12 + lane,
                                 12 + lane, 12 + lane, 12 + lane);
}

Floats16 repeat(Floats4 x) {
  return __builtin_shufflevector(x, x, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1,
                                 2, 3);
}

/// The results of mma.m16n8: [rows 0-7, rows 8-15][even, odd columns][half of
/// the lanes]. Lane 4 r + c has rows r and r + 8 of columns 2 c and 2 c + 1.
struct Accumulators {
  Floats16 part[2][2][2];
};

/// Adds the products of columns k of A and rows k of B for two consecutive k:
/// of A, lanes 4 r + `pair` have rows r and r + 8; `b` has eight columns.
template <unsigned pair>
void addProducts(Accumulators &d, const Pairs a[2], const float b[2][2][4]) {
  for (unsigned k = 0; k < 2; ++k)
    for (unsigned rows = 0; rows < 2; ++rows)
      for (unsigned lanes = 0; lanes < 2; ++lanes) {
        Floats16 column = broadcastInRows<pair>(
            loadVector<Floats16>(a[rows].half[k] + 16 * lanes));
        for (unsigned odd = 0; odd < 2; ++odd)
          d.part[rows][odd][lanes] = __builtin_elementwise_fma(
              column, repeat(loadVector<Floats4>(b[k][odd])),
              d.part[rows][odd][lanes]);
      }
}

/// Eight k: `a` has the registers of rows 0-7 and 8-15, `b` one register whose
/// lane 4 n + c has rows 2 c and 2 c + 1 of column n.
template <typename Element>
__attribute__((always_inline)) inline void
addEight(Accumulators &d, const char *registers, const uint32_t a[2],
         uint32_t b) {
  Pairs rows[2] = {split<Element>(registers, a[0]),
                   split<Element>(registers, a[1])};
  Pairs columns = split<Element>(registers, b);
  // By pair of k, k, odd or even column.
  float ordered[4][2][2][4];
  for (unsigned l = 0; l < warpSize; ++l)
    for (unsigned k = 0; k < 2; ++k)
      ordered[l & 3][k][l >> 2 & 1][l >> 3] = columns.half[k][l];
  addProducts<0>(d, rows, ordered[0]);
  addProducts<1>(d, rows, ordered[1]);
  addProducts<2>(d, rows, ordered[2]);
  addProducts<3>(d, rows, ordered[3]);
}

Floats16 canonicalLanes(Floats16 x) {
  for (unsigned l = 0; l < 16; ++l)
    x[l] = canonical(x[l]);
  return x;
}

/// d = a b + c with one rounding for each product, in the order of k. Hardware
/// has an order of its own, which the ISA leaves open. Operands: four of d;
/// `depth` / 4 of a, `depth` / 8 of b, four of c.
template <typename Element, unsigned depth>
void multiply(char *registers, const Instruction &i, uint32_t) {
  const uint32_t *a = i.operands + 4, *b = a + depth / 4, *c = b + depth / 8;
  Accumulators d;
  for (unsigned part = 0; part < 4; ++part) {
    Lanes<float> initial = load<float>(registers, c[part]);
    for (unsigned lanes = 0; lanes < 2; ++lanes)
      d.part[part >> 1][part & 1][lanes] =
          loadVector<Floats16>(initial.lane + 16 * lanes);
  }
  for (unsigned k = 0; k < depth / 8; ++k)
    addEight<Element>(d, registers, a + 2 * k, b[k]);
  for (unsigned part = 0; part < 4; ++part)
    for (unsigned lanes = 0; lanes < 2; ++lanes) {
      Floats16 result = canonicalLanes(d.part[part >> 1][part & 1][lanes]);
      __builtin_memcpy(registers + i.operands[part] + 64 * lanes, &result,
                       sizeof(result));
    }
}

} // namespace

LaneHandler selectMatrix(const LaneOperation &o) {
  bool isHalf = o.source == Type::F16;
  if (o.operation == Operation::Multiply16x8x16)
    return isHalf ? multiply<Half, 16> : multiply<Bfloat, 16>;
  if (o.operation == Operation::Multiply16x8x8)
    return isHalf ? multiply<Half, 8> : multiply<Bfloat, 8>;
  return nullptr;
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
