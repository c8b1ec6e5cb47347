//===- Integer.cpp - Arithmetic of integers -------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

// Sums and products wrap: they are made of unsigned numbers, and small ones are
// not to become signed on the way.
template <unsigned bytes>
struct UnsignedType {
  using Type = uint32_t;
};
template <>
struct UnsignedType<8> {
  using Type = uint64_t;
};
template <typename T>
using Unsigned = typename UnsignedType<sizeof(T)>::Type;

template <typename T>
struct Add {
  static T apply(T a, T b) { return T(Unsigned<T>(a) + Unsigned<T>(b)); }
};
template <typename T>
struct Sub {
  static T apply(T a, T b) { return T(Unsigned<T>(a) - Unsigned<T>(b)); }
};
template <typename T>
struct MulLow {
  static T apply(T a, T b) { return T(Unsigned<T>(a) * Unsigned<T>(b)); }
};
template <typename T>
struct MadLow {
  static T apply(T a, T b, T c) {
    return T(Unsigned<T>(a) * Unsigned<T>(b) + Unsigned<T>(c));
  }
};

template <typename T>
struct WideType;
template <>
struct WideType<uint16_t> {
  using Type = uint32_t;
};
template <>
struct WideType<int16_t> {
  using Type = int32_t;
};
template <>
struct WideType<uint32_t> {
  using Type = uint64_t;
};
template <>
struct WideType<int32_t> {
  using Type = int64_t;
};
template <>
struct WideType<uint64_t> {
  using Type = unsigned __int128;
};
template <>
struct WideType<int64_t> {
  using Type = __int128;
};
template <typename T>
using Wide = typename WideType<T>::Type;

template <typename T>
struct MulHigh {
  static T apply(T a, T b) {
    return T(Wide<T>(a) * Wide<T>(b) >> 8 * sizeof(T));
  }
};
template <typename T>
struct MadHigh {
  static T apply(T a, T b, T c) {
    return Add<T>::apply(MulHigh<T>::apply(a, b), c);
  }
};
template <typename T>
struct MulWide {
  static Wide<T> apply(T a, T b) { return Wide<T>(a) * Wide<T>(b); }
};
template <typename T>
struct MadWide {
  static Wide<T> apply(T a, T b, Wide<T> c) {
    return Add<Wide<T>>::apply(MulWide<T>::apply(a, b), c);
  }
};

/// `-1` for a type that has it, where division overflows.
template <typename T>
inline bool isMinusOne(T x) {
  return T(-1) < T(0) && x == T(-1);
}
// The ISA leaves division by zero open; GPUs give all ones, and a remainder
// that is the dividend.
template <typename T>
struct Div {
  static T apply(T a, T b) {
    if (b == 0)
      return T(~T(0));
    return isMinusOne(b) ? Sub<T>::apply(0, a) : T(a / b);
  }
};
template <typename T>
struct Rem {
  static T apply(T a, T b) {
    if (b == 0)
      return a;
    return isMinusOne(b) ? T(0) : T(a % b);
  }
};

template <typename T>
struct Min {
  static T apply(T a, T b) { return b < a ? b : a; }
};
template <typename T>
struct Max {
  static T apply(T a, T b) { return a < b ? b : a; }
};
template <typename T>
struct Negate {
  static T apply(T a) { return Sub<T>::apply(0, a); }
};
template <typename T>
struct Absolute {
  static T apply(T a) { return a < 0 ? Sub<T>::apply(0, a) : a; }
};
/// c + |a - b|
template <typename T>
struct SumOfDifferences {
  static T apply(T a, T b, T c) {
    return Add<T>::apply(c, a < b ? Sub<T>::apply(b, a) : Sub<T>::apply(a, b));
  }
};

/// add.sat.s32 and sub.sat.s32.
inline int32_t clamp(int64_t x) {
  return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : int32_t(x);
}
struct AddSaturated {
  static int32_t apply(int32_t a, int32_t b) { return clamp(int64_t(a) + b); }
};
struct SubSaturated {
  static int32_t apply(int32_t a, int32_t b) { return clamp(int64_t(a) - b); }
};

template <typename T>
LaneHandler selectOf(Operation operation) {
  switch (operation) {
  case Operation::Add:
    return binary<Add<T>, T, T, T>;
  case Operation::Sub:
    return binary<Sub<T>, T, T, T>;
  case Operation::MulLow:
    return binary<MulLow<T>, T, T, T>;
  case Operation::MulHigh:
    return binary<MulHigh<T>, T, T, T>;
  case Operation::MadLow:
    return ternary<MadLow<T>, T, T, T, T>;
  case Operation::MadHigh:
    return ternary<MadHigh<T>, T, T, T, T>;
  case Operation::Div:
    return binary<Div<T>, T, T, T>;
  case Operation::Rem:
    return binary<Rem<T>, T, T, T>;
  case Operation::Min:
    return binary<Min<T>, T, T, T>;
  case Operation::Max:
    return binary<Max<T>, T, T, T>;
  case Operation::Negate:
    return unary<Negate<T>, T, T>;
  case Operation::Absolute:
    return unary<Absolute<T>, T, T>;
  case Operation::SumOfDifferences:
    return ternary<SumOfDifferences<T>, T, T, T, T>;
  default:
    return nullptr;
  }
}

template <typename T>
LaneHandler selectWide(Operation operation) {
  if (operation == Operation::MulWide)
    return binary<MulWide<T>, Wide<T>, T, T>;
  return ternary<MadWide<T>, Wide<T>, T, T, Wide<T>>;
}

} // namespace

LaneHandler selectInteger(const LaneOperation &o) {
  bool isWide =
      o.operation == Operation::MulWide || o.operation == Operation::MadWide;
  if (o.saturate && o.type == Type::S32)
    return o.operation == Operation::Add
               ? binary<AddSaturated, int32_t, int32_t, int32_t>
           : o.operation == Operation::Sub
               ? binary<SubSaturated, int32_t, int32_t, int32_t>
               : LaneHandler(nullptr);
  switch (o.type) {
  case Type::U16:
    return isWide ? selectWide<uint16_t>(o.operation)
                  : selectOf<uint16_t>(o.operation);
  case Type::S16:
    return isWide ? selectWide<int16_t>(o.operation)
                  : selectOf<int16_t>(o.operation);
  case Type::U32:
    return isWide ? selectWide<uint32_t>(o.operation)
                  : selectOf<uint32_t>(o.operation);
  case Type::S32:
    return isWide ? selectWide<int32_t>(o.operation)
                  : selectOf<int32_t>(o.operation);
  case Type::U64:
    return isWide ? nullptr : selectOf<uint64_t>(o.operation);
  case Type::S64:
    return isWide ? nullptr : selectOf<int64_t>(o.operation);
  default:
    return nullptr;
  }
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
