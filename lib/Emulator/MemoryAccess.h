//===- MemoryAccess.h - Addresses of a warp's lanes -------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_MEMORYACCESS_H
#define DSA_EMULATOR_MEMORYACCESS_H

#include "Block.h"
#include <cstring>

namespace dsa::emulator {

/// Where an access of a lane goes: checked, not yet done.
struct Access {
  char *memory;
  Space space;
  /// Of shared memory: where in it.
  uint32_t sharedAddress;
};

/// Fails for an access that is not in the block's memory, or not aligned to its
/// `bytes`.
Access resolve(Warp &warp, const Instruction &i, unsigned lane,
               uint64_t address, unsigned bytes, Space space, bool writes);

inline Accessor getAccessor(const Warp &warp, unsigned lane) {
  return {warp.clock, lane, warp.pc};
}

/// For the sizes that elements and accesses have, which a call is slow for.
inline void copySmall(char *to, const char *from, unsigned bytes) {
  switch (bytes) {
  case 1:
    *to = *from;
    break;
  case 2:
    memcpy(to, from, 2);
    break;
  case 4:
    memcpy(to, from, 4);
    break;
  case 8:
    memcpy(to, from, 8);
    break;
  default:
    memcpy(to, from, 16);
  }
}

/// Runs `action` for each lane of a mask.
template <typename Action>
inline void forEachLane(uint32_t mask, Action action) {
  for (; mask; mask &= mask - 1)
    action(unsigned(__builtin_ctz(mask)));
}

} // namespace dsa::emulator

#endif // DSA_EMULATOR_MEMORYACCESS_H
