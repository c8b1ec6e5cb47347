//===- Bits.cpp - Logic, shifts and fields of bits ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

template <typename T>
struct And {
  static T apply(T a, T b) { return a & b; }
};
template <typename T>
struct Or {
  static T apply(T a, T b) { return a | b; }
};
template <typename T>
struct Xor {
  static T apply(T a, T b) { return a ^ b; }
};
template <typename T>
struct Not {
  static T apply(T a) { return T(~a); }
};
template <typename T>
struct IsZero {
  static T apply(T a) { return a == 0; }
};

template <typename T>
constexpr uint32_t bitsOf = 8 * sizeof(T);

// Amounts beyond the width shift everything out.
template <typename T>
struct ShiftLeft {
  static T apply(T a, uint32_t amount) {
    return amount < bitsOf<T> ? T(a << amount) : T(0);
  }
};
template <typename T>
struct ShiftRight {
  static T apply(T a, uint32_t amount) {
    if (T(-1) < T(0))
      return T(a >> (amount < bitsOf<T> ? amount : bitsOf<T> - 1));
    return amount < bitsOf<T> ? T(a >> amount) : T(0);
  }
};

/// The `length` lowest bits, for any length.
template <typename T>
inline T lowBits(uint32_t length) {
  return length < bitsOf<T> ? (T(1) << length) - 1 : ~T(0);
}

template <typename U, typename S, bool isSigned>
struct ExtractBits {
  static U apply(U a, uint32_t position, uint32_t length) {
    position &= 0xFF;
    length &= 0xFF;
    U field = ShiftRight<U>::apply(a, position) & lowBits<U>(length);
    if (!isSigned || length == 0)
      return field;
    uint32_t top = position + length - 1;
    top = top < bitsOf<U> ? top : bitsOf<U> - 1;
    // What is behind the top bit of `a` is a sign too.
    uint32_t filled = top < position ? 0 : top - position + 1;
    return a >> top & 1 ? U(field | ~lowBits<U>(filled)) : field;
  }
};
template <typename T>
void insertBits(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<T> field = load<T>(registers, i.operands[1]);
  Lanes<T> base = load<T>(registers, i.operands[2]);
  Lanes<uint32_t> position = load<uint32_t>(registers, i.operands[3]);
  Lanes<uint32_t> length = load<uint32_t>(registers, i.operands[4]);
  for (unsigned l = 0; l < warpSize; ++l) {
    uint32_t at = position.lane[l] & 0xFF;
    T bits = lowBits<T>(length.lane[l] & 0xFF);
    base.lane[l] = (base.lane[l] & T(~ShiftLeft<T>::apply(bits, at))) |
                   ShiftLeft<T>::apply(field.lane[l] & bits, at);
  }
  store(registers, i.operands[0], base, mask);
}

struct PermuteBytes {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t selectors) {
    uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (unsigned i = 0; i < 4; ++i) {
      uint32_t selector = selectors >> 4 * i & 0xF;
      uint32_t byte = bytes >> 8 * (selector & 7) & 0xFF;
      // The highest bit of a selector: the byte's sign everywhere.
      if (selector & 8)
        byte = byte & 0x80 ? 0xFF : 0;
      result |= byte << 8 * i;
    }
    return result;
  }
};

/// prmt with a mode: the two lowest bits of `c` say which four bytes.
constexpr uint32_t byteModes[6][4] = {
    {0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
    {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
    {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
void permuteBytesByMode(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<uint32_t> a = load<uint32_t>(registers, i.operands[1]);
  Lanes<uint32_t> b = load<uint32_t>(registers, i.operands[2]);
  Lanes<uint32_t> c = load<uint32_t>(registers, i.operands[3]);
  Lanes<uint32_t> d;
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = PermuteBytes::apply(a.lane[l], b.lane[l],
                                    byteModes[i.variant][c.lane[l] & 3]);
  store(registers, i.operands[0], d, mask);
}

template <bool withPredicate>
void logic3(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<uint32_t> a = load<uint32_t>(registers, i.operands[1]);
  Lanes<uint32_t> b = load<uint32_t>(registers, i.operands[2]);
  Lanes<uint32_t> c = load<uint32_t>(registers, i.operands[3]);
  Lanes<uint32_t> d = {};
  for (unsigned row = 0; row < 8; ++row) {
    if (!(i.variant >> row & 1))
      continue;
    uint32_t flipA = row & 4 ? 0 : allLanes, flipB = row & 2 ? 0 : allLanes,
             flipC = row & 1 ? 0 : allLanes;
    for (unsigned l = 0; l < warpSize; ++l)
      d.lane[l] |=
          (a.lane[l] ^ flipA) & (b.lane[l] ^ flipB) & (c.lane[l] ^ flipC);
  }
  if (!withPredicate) {
    store(registers, i.operands[0], d, mask);
    return;
  }
  uint32_t some = 0, other = loadPredicate(registers, i.operands[5]);
  for (unsigned l = 0; l < warpSize; ++l)
    some |= uint32_t(d.lane[l] != 0) << l;
  if (i.negatedOperand)
    other = ~other;
  if (i.operands[0] != noRegister)
    store(registers, i.operands[0], d, mask);
  storePredicate(registers, i.operands[4],
                 i.lane.combination == Combination::And ? some & other
                                                        : some | other,
                 mask);
}

template <bool wrap>
inline uint32_t funnelAmount(uint32_t amount) {
  return wrap ? amount & 31 : amount < 32 ? amount : 32;
}
template <bool wrap>
struct FunnelLeft {
  static uint32_t apply(uint32_t low, uint32_t high, uint32_t amount) {
    uint64_t both = uint64_t(high) << 32 | low;
    return both << funnelAmount<wrap>(amount) >> 32;
  }
};
template <bool wrap>
struct FunnelRight {
  static uint32_t apply(uint32_t low, uint32_t high, uint32_t amount) {
    uint64_t both = uint64_t(high) << 32 | low;
    return uint32_t(both >> funnelAmount<wrap>(amount));
  }
};

template <typename T>
inline uint32_t leadingZeros(T x) {
  if (x == 0)
    return bitsOf<T>;
  return bitsOf<T> == 64 ? __builtin_clzll(x) : __builtin_clz(uint32_t(x));
}
template <typename T>
struct CountLeadingZeros {
  static uint32_t apply(T a) { return leadingZeros(a); }
};
template <typename T>
struct CountOnes {
  static uint32_t apply(T a) { return __builtin_popcountll(a); }
};
template <typename T>
struct ReverseBits {
  static T apply(T a) {
    return bitsOf<T> == 64 ? T(__builtin_bitreverse64(a))
                           : T(__builtin_bitreverse32(uint32_t(a)));
  }
};
template <typename U, bool isSigned, bool shiftAmount>
struct FindHighest {
  static uint32_t apply(U a) {
    U negative = U(0) - (a >> (bitsOf<U> - 1));
    U bits = isSigned ? U(a ^ negative) : a;
    if (bits == 0)
      return allLanes;
    uint32_t zeros = leadingZeros(bits);
    return shiftAmount ? zeros : bitsOf<U> - 1 - zeros;
  }
};

template <typename U, typename S>
LaneHandler selectOf(const LaneOperation &o, bool isSigned) {
  switch (o.operation) {
  case Operation::And:
    return binary<And<U>, U, U, U>;
  case Operation::Or:
    return binary<Or<U>, U, U, U>;
  case Operation::Xor:
    return binary<Xor<U>, U, U, U>;
  case Operation::Not:
    return unary<Not<U>, U, U>;
  case Operation::IsZero:
    return unary<IsZero<U>, U, U>;
  case Operation::ShiftLeft:
    return binary<ShiftLeft<U>, U, U, uint32_t>;
  case Operation::ShiftRight:
    return isSigned ? binary<ShiftRight<S>, S, S, uint32_t>
                    : binary<ShiftRight<U>, U, U, uint32_t>;
  default:
    return nullptr;
  }
}

template <typename U, typename S>
LaneHandler selectWide(const LaneOperation &o, bool isSigned) {
  switch (o.operation) {
  case Operation::ExtractBits:
    return isSigned
               ? ternary<ExtractBits<U, S, true>, U, U, uint32_t, uint32_t>
               : ternary<ExtractBits<U, S, false>, U, U, uint32_t, uint32_t>;
  case Operation::InsertBits:
    return insertBits<U>;
  case Operation::CountOnes:
    return unary<CountOnes<U>, uint32_t, U>;
  case Operation::CountLeadingZeros:
    return unary<CountLeadingZeros<U>, uint32_t, U>;
  case Operation::ReverseBits:
    return unary<ReverseBits<U>, U, U>;
  case Operation::FindHighest:
    if (isSigned)
      return o.variant ? unary<FindHighest<U, true, true>, uint32_t, U>
                       : unary<FindHighest<U, true, false>, uint32_t, U>;
    return o.variant ? unary<FindHighest<U, false, true>, uint32_t, U>
                     : unary<FindHighest<U, false, false>, uint32_t, U>;
  default:
    return selectOf<U, S>(o, isSigned);
  }
}

LaneHandler selectOf32(const LaneOperation &o) {
  using U = uint32_t;
  switch (o.operation) {
  case Operation::PermuteBytes:
    return o.variant ? permuteBytesByMode : ternary<PermuteBytes, U, U, U, U>;
  case Operation::Logic3:
    return o.combination == Combination::None ? logic3<false> : logic3<true>;
  case Operation::FunnelLeft:
    return o.wrap ? ternary<FunnelLeft<true>, U, U, U, U>
                  : ternary<FunnelLeft<false>, U, U, U, U>;
  case Operation::FunnelRight:
    return o.wrap ? ternary<FunnelRight<true>, U, U, U, U>
                  : ternary<FunnelRight<false>, U, U, U, U>;
  default:
    return selectWide<U, int32_t>(o, o.type == Type::S32);
  }
}

template <Operation operation>
void combinePredicates(char *registers, const Instruction &i, uint32_t mask) {
  uint32_t a = loadPredicate(registers, i.operands[1]);
  uint32_t b =
      operation == Operation::Not ? 0 : loadPredicate(registers, i.operands[2]);
  uint32_t d = operation == Operation::And   ? a & b
               : operation == Operation::Or  ? a | b
               : operation == Operation::Xor ? a ^ b
                                             : ~a;
  storePredicate(registers, i.operands[0], d, mask);
}

LaneHandler selectPredicates(Operation operation) {
  switch (operation) {
  case Operation::And:
    return combinePredicates<Operation::And>;
  case Operation::Or:
    return combinePredicates<Operation::Or>;
  case Operation::Xor:
    return combinePredicates<Operation::Xor>;
  case Operation::Not:
    return combinePredicates<Operation::Not>;
  default:
    return nullptr;
  }
}

} // namespace

LaneHandler selectBits(const LaneOperation &o) {
  switch (o.type) {
  case Type::Pred:
    return selectPredicates(o.operation);
  case Type::B16:
  case Type::U16:
  case Type::S16:
    return selectOf<uint16_t, int16_t>(o, o.type == Type::S16);
  case Type::B32:
  case Type::U32:
  case Type::S32:
    return selectOf32(o);
  case Type::B64:
  case Type::U64:
  case Type::S64:
    return selectWide<uint64_t, int64_t>(o, o.type == Type::S64);
  default:
    return nullptr;
  }
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
