//===- Atomics.cpp - Atomic operations ------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "MemoryAccess.h"

using namespace dsa::emulator;

static float flushSubnormal(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if (bits & 0x7F800000)
    return x;
  bits &= 0x80000000;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

/// Floats have exchange, comparison and sum; in global memory the sum of f32
/// knows no subnormal numbers.
static float add(float a, float b, Space space) {
  if (space == Space::Shared)
    return a + b;
  return flushSubnormal(flushSubnormal(a) + flushSubnormal(b));
}
static double add(double a, double b, Space) { return a + b; }
template <typename T>
static T add(T a, T b, Space) {
  using Unsigned = std::make_unsigned_t<T>;
  return T(Unsigned(a) + Unsigned(b));
}

template <typename T, AtomicOperation operation>
static T apply(T old, T b, T c, Space space) {
  if constexpr (operation == AtomicOperation::Exchange)
    return b;
  else if constexpr (operation == AtomicOperation::Add)
    return add(old, b, space);
  else if constexpr (operation == AtomicOperation::CompareAndSwap)
    return old == b ? c : old;
  else if constexpr (operation == AtomicOperation::And)
    return old & b;
  else if constexpr (operation == AtomicOperation::Or)
    return old | b;
  else if constexpr (operation == AtomicOperation::Xor)
    return old ^ b;
  else if constexpr (operation == AtomicOperation::Increment)
    return old >= b ? 0 : old + 1;
  else if constexpr (operation == AtomicOperation::Decrement)
    return old == 0 || old > b ? b : old - 1;
  else if constexpr (operation == AtomicOperation::Min)
    return std::min(old, b);
  else
    return std::max(old, b);
}

template <typename T, AtomicOperation operation>
static void execute(Warp &warp, const Instruction &i, uint32_t mask) {
  RaceDetector *races = warp.block.getRaces();
  forEachLane(mask, [&](unsigned lane) {
    uint64_t address = warp.getAddress(i, i.operands[1], lane) + i.offset;
    Access access = resolve(warp, i, lane, address, sizeof(T), i.space, true);
    if (races && access.space == Space::Shared)
      races->atomic(getAccessor(warp, lane), access.sharedAddress, sizeof(T));
    T old, b = warp.get<T>(i.operands[2], lane), c = T();
    if (i.operands[3] != noRegister)
      c = warp.get<T>(i.operands[3], lane);
    memcpy(&old, access.memory, sizeof(T));
    T value = apply<T, operation>(old, b, c, access.space);
    memcpy(access.memory, &value, sizeof(T));
    if (i.operands[0] != noRegister)
      warp.set(i.operands[0], lane, old);
  });
}

template <typename T>
static WarpHandler getOrdered(AtomicOperation operation) {
  switch (operation) {
  case AtomicOperation::Add:
    return execute<T, AtomicOperation::Add>;
  case AtomicOperation::Min:
    return execute<T, AtomicOperation::Min>;
  case AtomicOperation::Max:
    return execute<T, AtomicOperation::Max>;
  default:
    return nullptr;
  }
}

template <typename T>
static WarpHandler getBitwise(AtomicOperation operation) {
  switch (operation) {
  case AtomicOperation::And:
    return execute<T, AtomicOperation::And>;
  case AtomicOperation::Or:
    return execute<T, AtomicOperation::Or>;
  case AtomicOperation::Xor:
    return execute<T, AtomicOperation::Xor>;
  case AtomicOperation::Exchange:
    return execute<T, AtomicOperation::Exchange>;
  case AtomicOperation::CompareAndSwap:
    return execute<T, AtomicOperation::CompareAndSwap>;
  default:
    return nullptr;
  }
}

WarpHandler dsa::emulator::getAtomicHandler(Type type,
                                            AtomicOperation operation) {
  bool isSum = operation == AtomicOperation::Add;
  switch (type) {
  case Type::B32:
    return getBitwise<uint32_t>(operation);
  case Type::B64:
    return getBitwise<uint64_t>(operation);
  case Type::U32:
    if (operation == AtomicOperation::Increment)
      return execute<uint32_t, AtomicOperation::Increment>;
    if (operation == AtomicOperation::Decrement)
      return execute<uint32_t, AtomicOperation::Decrement>;
    return getOrdered<uint32_t>(operation);
  case Type::S32:
    return getOrdered<int32_t>(operation);
  case Type::U64:
    return getOrdered<uint64_t>(operation);
  case Type::S64:
    return isSum ? nullptr : getOrdered<int64_t>(operation);
  case Type::F32:
    return isSum ? execute<float, AtomicOperation::Add> : nullptr;
  case Type::F64:
    return isSum ? execute<double, AtomicOperation::Add> : nullptr;
  default:
    return nullptr;
  }
}
