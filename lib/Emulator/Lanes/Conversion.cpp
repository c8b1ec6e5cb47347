//===- Conversion.cpp - Conversions between types -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Floats.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

bool isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64;
}

template <typename T>
Lanes<uint64_t> widen(const char *registers, uint32_t offset) {
  Lanes<T> narrow = load<T>(registers, offset);
  Lanes<uint64_t> wide;
  for (unsigned l = 0; l < warpSize; ++l)
    wide.lane[l] = uint64_t(narrow.lane[l]);
  return wide;
}

/// Of whatever register; signed numbers extended.
Lanes<uint64_t> loadIntegers(const char *registers, const Instruction &i) {
  uint32_t offset = i.operands[1];
  Lanes<uint64_t> result =
      i.sourceBytes == 2   ? widen<uint16_t>(registers, offset)
      : i.sourceBytes == 4 ? widen<uint32_t>(registers, offset)
                           : load<uint64_t>(registers, offset);
  unsigned unused = 64 - 8 * getBytes(i.lane.source);
  if (isSigned(i.lane.source))
    for (uint64_t &x : result.lane)
      x = uint64_t(int64_t(x << unused) >> unused);
  else
    for (uint64_t &x : result.lane)
      x = x << unused >> unused;
  return result;
}

template <typename T>
void storeNarrow(char *registers, uint32_t offset, const Lanes<uint64_t> &wide,
                 uint32_t mask) {
  Lanes<T> narrow;
  for (unsigned l = 0; l < warpSize; ++l)
    narrow.lane[l] = T(wide.lane[l]);
  store(registers, offset, narrow, mask);
}

/// To registers that may be wider than the type.
void storeIntegers(char *registers, const Instruction &i,
                   Lanes<uint64_t> values, uint32_t mask) {
  unsigned unused = 64 - 8 * getBytes(i.lane.type);
  if (isSigned(i.lane.type))
    for (uint64_t &x : values.lane)
      x = uint64_t(int64_t(x << unused) >> unused);
  else
    for (uint64_t &x : values.lane)
      x = x << unused >> unused;
  uint32_t offset = i.operands[0];
  if (i.registerBytes == 2)
    storeNarrow<uint16_t>(registers, offset, values, mask);
  else if (i.registerBytes == 4)
    storeNarrow<uint32_t>(registers, offset, values, mask);
  else
    store(registers, offset, values, mask);
}

/// The least and the greatest number of a type.
__int128 leastOf(Type type) {
  return isSigned(type) ? -(__int128(1) << (8 * getBytes(type) - 1)) : 0;
}
__int128 greatestOf(Type type) {
  return (__int128(1) << (8 * getBytes(type) - isSigned(type))) - 1;
}

void integerToInteger(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<uint64_t> values = loadIntegers(registers, i);
  if (i.lane.saturate) {
    __int128 least = leastOf(i.lane.type), greatest = greatestOf(i.lane.type);
    for (uint64_t &x : values.lane) {
      __int128 value =
          isSigned(i.lane.source) ? __int128(int64_t(x)) : __int128(x);
      x = uint64_t(value < least ? least : value > greatest ? greatest : value);
    }
  }
  storeIntegers(registers, i, values, mask);
}

/// The floating-point number that `x` has the bits of.
double toDouble(uint64_t x, Type type) {
  switch (type) {
  case Type::F16:
    return halfToFloat(uint16_t(x));
  case Type::BF16:
    return bfloatToFloat(uint16_t(x));
  case Type::F32:
    return bitCast<float>(uint32_t(x));
  default:
    return bitCast<double>(x);
  }
}

/// For formats of 16 bits. An exact sum of the integer part and what is behind
/// the point decides, so that nothing is rounded twice.
uint16_t roundToSmall(double x, unsigned exponentBits, unsigned fractionBits,
                      Rounding rounding) {
  if (x != x)
    return 0x7FFF;
  uint16_t sign = __builtin_signbit(x) ? 0x8000 : 0;
  uint16_t infinity = uint16_t(((1 << exponentBits) - 1) << fractionBits);
  double magnitude = __builtin_fabs(x);
  bool grows = rounding == (sign ? Rounding::Down : Rounding::Up);
  if (__builtin_isinf(magnitude))
    return sign | infinity;
  int leastExponent = 2 - (1 << (exponentBits - 1));
  int exponent = magnitude == 0 ? leastExponent : __builtin_ilogb(magnitude);
  exponent = exponent < leastExponent ? leastExponent : exponent;
  double scaled = __builtin_ldexp(magnitude, int(fractionBits) - exponent);
  double whole = __builtin_floor(scaled), rest = scaled - whole;
  uint64_t digits = uint64_t(whole);
  if (rounding == Rounding::Nearest)
    digits += rest > 0.5 || (rest == 0.5 && (digits & 1));
  else
    digits += grows && rest > 0;
  // A carry moves to the exponent by itself.
  uint64_t bits = (uint64_t(exponent - leastExponent) << fractionBits) + digits;
  if (bits >= infinity)
    bits = rounding == Rounding::Nearest || grows ? infinity : infinity - 1;
  return uint16_t(sign | bits);
}

uint64_t fromDouble(double x, const LaneOperation &o) {
  switch (o.type) {
  case Type::F16:
    return roundToSmall(x, 5, 10, o.rounding);
  case Type::BF16:
    return roundToSmall(x, 8, 7, o.rounding);
  case Type::F32: {
    float result = roundExact(x, 0, o.rounding, false);
    return bitCast<uint32_t>(canonical(o.flush ? flushed(result) : result));
  }
  default:
    return bitCast<uint64_t>(canonical(x));
  }
}

double toWhole(double x, Rounding rounding) {
  switch (rounding) {
  case Rounding::Nearest:
    return __builtin_rint(x);
  case Rounding::Down:
    return __builtin_floor(x);
  case Rounding::Up:
    return __builtin_ceil(x);
  default:
    return __builtin_trunc(x);
  }
}

double loadFloat(uint64_t bits, const LaneOperation &o) {
  double x = toDouble(bits, o.source);
  return o.flush && o.source == Type::F32 ? flushed(float(x)) : x;
}

void floatToFloat(char *registers, const Instruction &i, uint32_t mask) {
  const LaneOperation &o = i.lane;
  Lanes<uint64_t> values = loadIntegers(registers, i);
  for (uint64_t &bits : values.lane) {
    double x = loadFloat(bits, o);
    if (o.integral)
      x = toWhole(x, o.rounding);
    if (o.saturate)
      x = saturated(x);
    if (o.relu && x <= 0)
      x = 0;
    bits = fromDouble(x, o);
  }
  storeIntegers(registers, i, values, mask);
}

void floatToInteger(char *registers, const Instruction &i, uint32_t mask) {
  const LaneOperation &o = i.lane;
  Lanes<uint64_t> values = loadIntegers(registers, i);
  double least = double(leastOf(o.type));
  __int128 greatest = greatestOf(o.type);
  // As the ISA says for each width.
  bool nanIsZero = o.source != Type::F64 && getBytes(o.type) != 8;
  uint64_t nan = nanIsZero ? 0 : uint64_t(1) << (8 * getBytes(o.type) - 1);
  for (uint64_t &bits : values.lane) {
    double x = toWhole(loadFloat(bits, o), o.rounding);
    if (x != x)
      bits = nan;
    else if (x >= double(greatest))
      bits = uint64_t(greatest);
    else
      bits = uint64_t(__int128(x <= least ? least : x));
  }
  storeIntegers(registers, i, values, mask);
}

/// Of a number of up to 64 bits, and none that is rounded twice.
float integerToSingle(__int128 value, Rounding rounding) {
  float nearest = float(value);
  __int128 back = __int128(nearest);
  bool away = back != value && (back > value) == (value > 0);
  if (rounding == Rounding::Nearest || back == value)
    return nearest;
  bool grows = rounding == (value < 0 ? Rounding::Down : Rounding::Up);
  if (grows && !away)
    return awayFromZero(nearest, nearest);
  return !grows && away ? towardsZero(nearest) : nearest;
}

double integerToDouble(__int128 value, Rounding rounding) {
  double nearest = double(value);
  __int128 back = __int128(nearest);
  bool away = back != value && (back > value) == (value > 0);
  if (rounding == Rounding::Nearest || back == value)
    return nearest;
  bool grows = rounding == (value < 0 ? Rounding::Down : Rounding::Up);
  uint64_t bits = bitCast<uint64_t>(nearest);
  if (grows && !away)
    return bitCast<double>(bits + 1);
  return !grows && away ? bitCast<double>(bits - 1) : nearest;
}

void integerToFloat(char *registers, const Instruction &i, uint32_t mask) {
  const LaneOperation &o = i.lane;
  Lanes<uint64_t> values = loadIntegers(registers, i);
  for (uint64_t &x : values.lane) {
    __int128 value = isSigned(o.source) ? __int128(int64_t(x)) : __int128(x);
    if (o.type == Type::F32) {
      float result = integerToSingle(value, o.rounding);
      x = bitCast<uint32_t>(o.saturate ? saturated(result) : result);
    } else if (o.type == Type::F64) {
      double result = integerToDouble(value, o.rounding);
      x = bitCast<uint64_t>(o.saturate ? saturated(result) : result);
    } else {
      // What f64 does not hold exactly is infinite as f16; bf16 is selected
      // from 32 bits only.
      double exact = double(value);
      x = fromDouble(o.saturate ? saturated(exact) : exact, o);
    }
  }
  storeIntegers(registers, i, values, mask);
}

template <typename To, typename From>
struct ConvertNumber {
  static To apply(From x) { return To(x); }
};
struct HalfToFloat {
  static float apply(uint16_t x) { return canonical(halfToFloat(x)); }
};
struct FloatToHalf {
  static uint16_t apply(float x) { return floatToHalf(x); }
};
struct FloatToBfloat {
  static uint16_t apply(float x) { return floatToBfloat(x); }
};
/// The first operand is the upper half.
struct PairOfHalves {
  static uint32_t apply(float high, float low) {
    return uint32_t(floatToHalf(high)) << 16 | floatToHalf(low);
  }
};
struct PairOfBfloats {
  static uint32_t apply(float high, float low) {
    return uint32_t(floatToBfloat(high)) << 16 | floatToBfloat(low);
  }
};

void convertPair(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<float> high = load<float>(registers, i.operands[1]);
  Lanes<float> low = load<float>(registers, i.operands[2]);
  LaneOperation o = i.lane;
  o.type = o.type == Type::F16x2 ? Type::F16 : Type::BF16;
  Lanes<uint32_t> d;
  auto convert = [&](float x) {
    return uint32_t(fromDouble(o.relu && x <= 0 ? 0 : x, o));
  };
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = convert(high.lane[l]) << 16 | convert(low.lane[l]);
  store(registers, i.operands[0], d, mask);
}

/// The conversions that kernels have in their loops, of registers as wide as
/// the types.
LaneHandler selectFrequent(const LaneOperation &o) {
  if (o.saturate || o.relu || o.flush || o.integral ||
      o.rounding != Rounding::Nearest)
    return nullptr;
  if (o.type == Type::F32 && o.source == Type::S32)
    return unary<ConvertNumber<float, int32_t>, float, int32_t>;
  if (o.type == Type::F32 && o.source == Type::U32)
    return unary<ConvertNumber<float, uint32_t>, float, uint32_t>;
  if (o.type == Type::F32 && o.source == Type::F16)
    return unary<HalfToFloat, float, uint16_t>;
  if (o.type == Type::F16 && o.source == Type::F32)
    return unary<FloatToHalf, uint16_t, float>;
  if (o.type == Type::BF16 && o.source == Type::F32)
    return unary<FloatToBfloat, uint16_t, float>;
  return nullptr;
}

} // namespace

LaneHandler selectConversion(const LaneOperation &o) {
  if (o.operation == Operation::ConvertPair) {
    if (o.rounding != Rounding::Nearest || o.relu)
      return convertPair;
    return o.type == Type::F16x2
               ? binary<PairOfHalves, uint32_t, float, float>
               : binary<PairOfBfloats, uint32_t, float, float>;
  }
  if (o.operation != Operation::Convert)
    return nullptr;
  // The decoder says with `variant` that no register is wider than its type.
  if (o.variant)
    if (LaneHandler handler = selectFrequent(o))
      return handler;
  bool fromFloat = isFloat(o.source), toFloat = isFloat(o.type);
  if (!fromFloat && o.type == Type::BF16 && getBytes(o.source) == 8)
    return nullptr;
  return fromFloat ? (toFloat ? floatToFloat : floatToInteger)
                   : (toFloat ? integerToFloat : integerToInteger);
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
