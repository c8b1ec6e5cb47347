//===- AsyncCopies.h - Copies that land when somebody waits -----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_ASYNCCOPIES_H
#define DSA_EMULATOR_ASYNCCOPIES_H

#include "Instruction.h"
#include <vector>

namespace dsa::emulator {

/// The copies of a warp's threads. A copy lands at the wait of its own thread
/// that covers it: as late as the ISA allows, and never if nobody waits.
class AsyncCopies {
public:
  struct Copy {
    unsigned lane;
    uint32_t group;
    char *to;
    const char *from;
    /// Of `bytes` those that are copied; zeros follow.
    unsigned bytes, copied;
  };

  /// The number of the group that a thread's next copy is in, from 1 on.
  uint32_t getGroup(unsigned lane) const { return committed[lane] + 1; }
  void add(const Copy &copy) { pending.push_back(copy); }
  void commit(unsigned lane) { ++committed[lane]; }
  /// Lands what is in all groups of the threads but the last `left`. `waited`
  /// learns up to which group that was.
  void wait(uint32_t lanes, uint32_t left, uint32_t waited[warpSize]);

private:
  uint32_t committed[warpSize] = {};
  std::vector<Copy> pending;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_ASYNCCOPIES_H
