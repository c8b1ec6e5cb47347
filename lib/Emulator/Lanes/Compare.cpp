//===- Compare.cpp - Comparisons and selections ---------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Floats.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

template <typename T>
struct Equal {
  static bool apply(T a, T b) { return a == b; }
};
template <typename T>
struct NotEqual {
  static bool apply(T a, T b) { return a < b || a > b; }
};
template <typename T>
struct Less {
  static bool apply(T a, T b) { return a < b; }
};
template <typename T>
struct LessEqual {
  static bool apply(T a, T b) { return a <= b; }
};
template <typename T>
struct Greater {
  static bool apply(T a, T b) { return a > b; }
};
template <typename T>
struct GreaterEqual {
  static bool apply(T a, T b) { return a >= b; }
};
template <typename T>
struct AnyNaN {
  static bool apply(T a, T b) { return a != a || b != b; }
};

template <template <typename> class F, typename T>
uint32_t compareLanes(const char *registers, const Instruction &i) {
  Lanes<T> a = load<T>(registers, i.operands[2]);
  Lanes<T> b = load<T>(registers, i.operands[3]);
  uint32_t result = 0;
  for (unsigned l = 0; l < warpSize; ++l)
    result |= uint32_t(F<T>::apply(a.lane[l], b.lane[l])) << l;
  return result;
}
template <template <typename> class F>
uint32_t compareFlushed(const char *registers, const Instruction &i) {
  Lanes<float> a = load<float>(registers, i.operands[2]);
  Lanes<float> b = load<float>(registers, i.operands[3]);
  uint32_t result = 0;
  for (unsigned l = 0; l < warpSize; ++l)
    result |= uint32_t(F<float>::apply(flushed(a.lane[l]), flushed(b.lane[l])))
              << l;
  return result;
}

inline uint32_t combine(uint32_t compared, uint32_t other,
                        Combination combination) {
  switch (combination) {
  case Combination::None:
    return compared;
  case Combination::And:
    return compared & other;
  case Combination::Or:
    return compared | other;
  case Combination::Xor:
    return compared ^ other;
  }
}

/// `compare` gives the lanes of one of the comparisons above; those that hold
/// for NaN too are one of them negated.
template <uint32_t (*compare)(const char *, const Instruction &), bool negate>
void setPredicates(char *registers, const Instruction &i, uint32_t mask) {
  uint32_t compared = compare(registers, i);
  if (negate)
    compared = ~compared;
  uint32_t other = 0;
  if (i.lane.combination != Combination::None) {
    other = loadPredicate(registers, i.operands[4]);
    if (i.negatedOperand)
      other = ~other;
  }
  // The second result combines the opposite of the comparison.
  storePredicate(registers, i.operands[0],
                 combine(compared, other, i.lane.combination), mask);
  storePredicate(registers, i.operands[1],
                 combine(~compared, other, i.lane.combination), mask);
}

template <template <typename> class F, typename T, bool negate>
LaneHandler setOf(bool flush) {
  return flush ? setPredicates<compareFlushed<F>, negate>
               : setPredicates<compareLanes<F, T>, negate>;
}

template <typename T>
LaneHandler selectOf(Comparison comparison, bool flush) {
  switch (comparison) {
  case Comparison::Equal:
    return setOf<Equal, T, false>(flush);
  case Comparison::NotEqual:
    return setOf<NotEqual, T, false>(flush);
  case Comparison::Less:
    return setOf<Less, T, false>(flush);
  case Comparison::LessEqual:
    return setOf<LessEqual, T, false>(flush);
  case Comparison::Greater:
    return setOf<Greater, T, false>(flush);
  case Comparison::GreaterEqual:
    return setOf<GreaterEqual, T, false>(flush);
  case Comparison::UnorderedEqual:
    return setOf<NotEqual, T, true>(flush);
  case Comparison::UnorderedNotEqual:
    return setOf<Equal, T, true>(flush);
  case Comparison::UnorderedLess:
    return setOf<GreaterEqual, T, true>(flush);
  case Comparison::UnorderedLessEqual:
    return setOf<Greater, T, true>(flush);
  case Comparison::UnorderedGreater:
    return setOf<LessEqual, T, true>(flush);
  case Comparison::UnorderedGreaterEqual:
    return setOf<Less, T, true>(flush);
  case Comparison::BothNumbers:
    return setOf<AnyNaN, T, true>(flush);
  case Comparison::AnyNaN:
    return setOf<AnyNaN, T, false>(flush);
  }
}

template <typename T>
void selectLanes(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<T> a = load<T>(registers, i.operands[1]);
  Lanes<T> b = load<T>(registers, i.operands[2]);
  uint32_t condition = loadPredicate(registers, i.operands[3]);
  Lanes<T> d;
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = condition >> l & 1 ? a.lane[l] : b.lane[l];
  store(registers, i.operands[0], d, mask);
}

LaneHandler selectSelection(Type type) {
  switch (type) {
  case Type::B16:
  case Type::U16:
  case Type::S16:
    return selectLanes<uint16_t>;
  case Type::B32:
  case Type::U32:
  case Type::S32:
  case Type::F32:
    return selectLanes<uint32_t>;
  case Type::B64:
  case Type::U64:
  case Type::S64:
  case Type::F64:
    return selectLanes<uint64_t>;
  default:
    return nullptr;
  }
}

} // namespace

LaneHandler selectCompare(const LaneOperation &o) {
  if (o.operation == Operation::Select)
    return selectSelection(o.type);
  if (o.operation != Operation::Compare)
    return nullptr;
  switch (o.type) {
  case Type::B16:
  case Type::U16:
    return selectOf<uint16_t>(o.comparison, false);
  case Type::S16:
    return selectOf<int16_t>(o.comparison, false);
  case Type::B32:
  case Type::U32:
    return selectOf<uint32_t>(o.comparison, false);
  case Type::S32:
    return selectOf<int32_t>(o.comparison, false);
  case Type::B64:
  case Type::U64:
    return selectOf<uint64_t>(o.comparison, false);
  case Type::S64:
    return selectOf<int64_t>(o.comparison, false);
  case Type::F32:
    return selectOf<float>(o.comparison, o.flush);
  case Type::F64:
    return selectOf<double>(o.comparison, false);
  default:
    return nullptr;
  }
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
