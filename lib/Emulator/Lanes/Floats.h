//===- Floats.h - Floats of PTX in those of the host ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_LANES_FLOATS_H
#define DSA_EMULATOR_LANES_FLOATS_H

#include "Lanes.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

/// The NaN of results, the one of the PTX ISA for f32.
inline float canonical(float x) {
  return x != x ? bitCast<float>(uint32_t(0x7FFFFFFF)) : x;
}
inline double canonical(double x) {
  return x != x ? bitCast<double>(uint64_t(0x7FF8) << 48) : x;
}

/// Subnormal numbers become zeros of their sign.
inline float flushed(float x) {
  uint32_t bits = bitCast<uint32_t>(x);
  return bits & 0x7F800000 ? x : bitCast<float>(bits & 0x80000000);
}
inline double flushed(double x) { return x; }

/// To [0, 1]; NaN to 0.
template <typename T>
inline T saturated(T x) {
  return x > 0 ? (x < 1 ? x : T(1)) : T(0);
}

inline float halfToFloat(uint16_t half) {
  uint32_t magnitude = half & 0x7FFF, sign = uint32_t(half & 0x8000) << 16;
  uint32_t normal = (magnitude << 13) + (uint32_t(127 - 15) << 23);
  float tiny = float(int32_t(magnitude)) * 0x1p-24f;
  uint32_t bits = magnitude >= 0x7C00  ? (magnitude << 13) | 0x7F800000
                  : magnitude < 0x0400 ? bitCast<uint32_t>(tiny)
                                       : normal;
  return bitCast<float>(bits | sign);
}

inline float bfloatToFloat(uint16_t bfloat) {
  return bitCast<float>(uint32_t(bfloat) << 16);
}

/// To the nearest, ties to even.
inline uint16_t floatToHalf(float x) {
  uint32_t bits = bitCast<uint32_t>(x);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  // The unit in the last place of numbers next to 0.5 is that of subnormals.
  float shifted = bitCast<float>(magnitude) + 0.5f;
  uint32_t tiny = bitCast<uint32_t>(shifted) - bitCast<uint32_t>(0.5f);
  uint32_t normal = (magnitude + 0xFFF + (magnitude >> 13 & 1) -
                     (uint32_t(127 - 15) << 23)) >>
                    13;
  uint32_t result = magnitude > 0x7F800000    ? 0x7FFF
                    : magnitude >= 0x47800000 ? 0x7C00 | sign
                    : magnitude < 0x38800000  ? tiny | sign
                                              : normal | sign;
  return uint16_t(result);
}

inline uint16_t floatToBfloat(float x) {
  uint32_t bits = bitCast<uint32_t>(x);
  uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return uint16_t(x != x ? 0x7FFF : rounded);
}

/// The f32 next to `x` with a greater magnitude, or a smaller one.
inline float awayFromZero(float x, float sign) {
  uint32_t bits = bitCast<uint32_t>(x) & 0x7FFFFFFF;
  return __builtin_copysignf(bitCast<float>(bits + 1), sign);
}
inline float towardsZero(float x) {
  return bitCast<float>(bitCast<uint32_t>(x) - 1);
}

/// `sum` + `error` exactly, where `sum` is the nearest f64 to that: the f32 for
/// a rounding. `opposed` tells that what was added had different signs, where
/// the sign of a zero depends on the rounding.
inline float roundExact(double sum, double error, Rounding rounding,
                        bool opposed) {
  if (sum != sum)
    return canonical(float(sum));
  if (sum == 0 && error == 0)
    return opposed ? (rounding == Rounding::Down ? -0.0f : 0.0f) : float(sum);
  float nearest = float(sum);
  if (rounding == Rounding::Nearest || __builtin_isinf(sum))
    return nearest;
  bool negative = sum < 0;
  // Of the magnitudes; exact, as both are next to each other.
  double difference = double(nearest) - sum;
  bool above = difference > error, below = difference < error;
  bool grown = negative ? below : above, shrunk = negative ? above : below;
  bool grows = rounding == (negative ? Rounding::Down : Rounding::Up);
  if (grows && shrunk)
    return awayFromZero(nearest, negative ? -1.0f : 1.0f);
  if (!grows && grown)
    return towardsZero(nearest);
  return nearest;
}

/// a + b exactly: the sum's nearest f64, and what it lacks.
inline double sumError(double a, double b, double sum) {
  double bPart = sum - a;
  return (a - (sum - bPart)) + (b - bPart);
}

/// Whether two numbers have different signs, zeros too.
inline bool areOpposed(double a, double b) {
  return __builtin_signbit(a) != __builtin_signbit(b);
}

inline float addExact(double a, double b, Rounding rounding) {
  double sum = a + b;
  double error = __builtin_isinf(sum) ? 0 : sumError(a, b, sum);
  return roundExact(sum, error, rounding, areOpposed(a, b));
}

} // namespace
} // namespace dsa::emulator::DSA_EMULATOR_ISA

#endif // DSA_EMULATOR_LANES_FLOATS_H
