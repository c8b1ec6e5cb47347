//===- Move.cpp - Moves, and registers made of others ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

template <typename T>
void move(char *registers, const Instruction &i, uint32_t mask) {
  store(registers, i.operands[0], load<T>(registers, i.operands[1]), mask);
}

void movePredicate(char *registers, const Instruction &i, uint32_t mask) {
  storePredicate(registers, i.operands[0],
                 loadPredicate(registers, i.operands[1]), mask);
}

/// The first of the parts is the lowest.
template <typename Whole, typename Part>
void pack(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<Whole> d = {};
  for (unsigned part = 0; part < sizeof(Whole) / sizeof(Part); ++part) {
    Lanes<Part> bits = load<Part>(registers, i.operands[1 + part]);
    for (unsigned l = 0; l < warpSize; ++l)
      d.lane[l] |= Whole(bits.lane[l]) << 8 * sizeof(Part) * part;
  }
  store(registers, i.operands[0], d, mask);
}

template <typename Whole, typename Part>
void unpack(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<Whole> a = load<Whole>(registers, i.operands[0]);
  for (unsigned part = 0; part < sizeof(Whole) / sizeof(Part); ++part) {
    if (i.operands[1 + part] == noRegister)
      continue;
    Lanes<Part> bits;
    for (unsigned l = 0; l < warpSize; ++l)
      bits.lane[l] = Part(a.lane[l] >> 8 * sizeof(Part) * part);
    store(registers, i.operands[1 + part], bits, mask);
  }
}

/// What cvta adds to an address, or takes away.
template <typename T>
void addConstant(char *registers, const Instruction &i, uint32_t mask) {
  Lanes<T> a = load<T>(registers, i.operands[1]);
  for (unsigned l = 0; l < warpSize; ++l)
    a.lane[l] += T(i.variant);
  store(registers, i.operands[0], a, mask);
}

LaneHandler selectParts(const LaneOperation &o) {
  bool packs = o.operation == Operation::Pack;
  if (o.type == Type::B32 && o.source == Type::B16)
    return packs ? pack<uint32_t, uint16_t> : unpack<uint32_t, uint16_t>;
  if (o.type == Type::B64 && o.source == Type::B32)
    return packs ? pack<uint64_t, uint32_t> : unpack<uint64_t, uint32_t>;
  if (o.type == Type::B64 && o.source == Type::B16)
    return packs ? pack<uint64_t, uint16_t> : unpack<uint64_t, uint16_t>;
  return nullptr;
}

} // namespace

LaneHandler selectMove(const LaneOperation &o) {
  switch (o.operation) {
  case Operation::Move:
    return o.type == Type::Pred  ? movePredicate
           : o.type == Type::B16 ? move<uint16_t>
           : o.type == Type::B32 ? move<uint32_t>
           : o.type == Type::B64 ? move<uint64_t>
                                 : nullptr;
  case Operation::AddConstant:
    return o.type == Type::B64 ? addConstant<uint64_t> : addConstant<uint32_t>;
  case Operation::Pack:
  case Operation::Unpack:
    return selectParts(o);
  default:
    return nullptr;
  }
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
