//===- Lanes.h - What instructions do with a warp's registers ---*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The files of this folder are compiled once for each host ISA, in a namespace
// named after it. Whatever they define is in an unnamed namespace, but for what
// is declared here, and they instantiate no template of a library: else
// the linker could take a function that needs AVX-512 for code that runs
// everywhere. The test Emulator/isa-symbols looks.
//
// Floats are computed with the host's IEEE arithmetic, contraction off, and a
// NaN that an instruction makes is always the same one: so results are the same
// on all hosts.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_LANES_LANES_H
#define DSA_EMULATOR_LANES_LANES_H

#include "../Instruction.h"

#ifndef DSA_EMULATOR_ISA
#error "the build says for which ISA: baseline, avx2 or avx512"
#endif

namespace dsa::emulator::DSA_EMULATOR_ISA {

/// Null for what is none of theirs.
LaneHandler selectInteger(const LaneOperation &operation);
LaneHandler selectBits(const LaneOperation &operation);
LaneHandler selectFloat(const LaneOperation &operation);
LaneHandler selectCompare(const LaneOperation &operation);
LaneHandler selectMove(const LaneOperation &operation);
LaneHandler selectConversion(const LaneOperation &operation);
LaneHandler selectMatrix(const LaneOperation &operation);

namespace {

template <typename T>
struct Lanes {
  T lane[warpSize];
};

template <typename To, typename From>
inline To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}

template <typename T>
inline Lanes<T> load(const char *registers, uint32_t offset) {
  Lanes<T> result;
  __builtin_memcpy(&result, registers + offset, sizeof(result));
  return result;
}

/// Where only some of the lanes are there: rare, and not to be inlined into
/// every handler.
template <typename T>
__attribute__((noinline)) void storeSome(char *registers, uint32_t offset,
                                         const Lanes<T> &values,
                                         uint32_t mask) {
  Lanes<T> merged = load<T>(registers, offset);
  for (unsigned i = 0; i < warpSize; ++i)
    merged.lane[i] = mask >> i & 1 ? values.lane[i] : merged.lane[i];
  __builtin_memcpy(registers + offset, &merged, sizeof(merged));
}

template <typename T>
inline void store(char *registers, uint32_t offset, const Lanes<T> &values,
                  uint32_t mask) {
  if (mask == allLanes)
    __builtin_memcpy(registers + offset, &values, sizeof(values));
  else
    storeSome(registers, offset, values, mask);
}

inline uint32_t loadPredicate(const char *registers, uint32_t offset) {
  uint32_t result;
  __builtin_memcpy(&result, registers + offset, sizeof(result));
  return result;
}

inline void storePredicate(char *registers, uint32_t offset, uint32_t values,
                           uint32_t mask) {
  if (offset == noRegister)
    return;
  values = (loadPredicate(registers, offset) & ~mask) | (values & mask);
  __builtin_memcpy(registers + offset, &values, sizeof(values));
}

/// D = F::apply(A), operand 0 being the result.
template <typename F, typename D, typename A>
void unary(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<A> a = load<A>(registers, i.operands[1]);
  Lanes<D> d;
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = F::apply(a.lane[l]);
  store(registers, i.operands[0], d, mask);
}

template <typename F, typename D, typename A, typename B>
void binary(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<A> a = load<A>(registers, i.operands[1]);
  Lanes<B> b = load<B>(registers, i.operands[2]);
  Lanes<D> d;
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = F::apply(a.lane[l], b.lane[l]);
  store(registers, i.operands[0], d, mask);
}

template <typename F, typename D, typename A, typename B, typename C>
void ternary(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<A> a = load<A>(registers, i.operands[1]);
  Lanes<B> b = load<B>(registers, i.operands[2]);
  Lanes<C> c = load<C>(registers, i.operands[3]);
  Lanes<D> d;
  for (unsigned l = 0; l < warpSize; ++l)
    d.lane[l] = F::apply(a.lane[l], b.lane[l], c.lane[l]);
  store(registers, i.operands[0], d, mask);
}

} // namespace
} // namespace dsa::emulator::DSA_EMULATOR_ISA

#endif // DSA_EMULATOR_LANES_LANES_H
