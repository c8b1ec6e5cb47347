//===- Warp.h - 32 threads that run together --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_WARP_H
#define DSA_EMULATOR_WARP_H

#include "AsyncCopies.h"
#include "Execution.h"
#include "Races.h"
#include <cstring>

namespace dsa::emulator {

class Block;

/// Lanes that are at the same instruction.
struct Fragment {
  uint32_t pc, mask;
  /// For the lanes that the instruction takes together.
  bool waits = false;
};

class Warp {
public:
  Warp(Block &block, unsigned index);

  /// Runs until it waits, is done, or has executed `limit` instructions; false
  /// if it did nothing.
  bool run(uint64_t limit);
  bool isDone() const { return !live; }
  bool isBlocked() const { return blocked; }

  /// Behind a barrier: what came before it elsewhere is ordered, and the value
  /// of a reduction over its threads.
  void release(const Knowledge &knowledge, uint32_t reduced);

  char *getRegister(uint32_t offset) { return registers + offset; }
  template <typename T>
  T get(uint32_t offset, unsigned lane) {
    T value;
    memcpy(&value, getRegister(offset) + lane * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T>
  void set(uint32_t offset, unsigned lane, T value) {
    memcpy(getRegister(offset) + lane * sizeof(T), &value, sizeof(T));
  }
  uint32_t getPredicate(uint32_t offset) { return get<uint32_t>(offset, 0); }
  void setPredicate(uint32_t offset, uint32_t values, uint32_t mask) {
    set(offset, 0, (getPredicate(offset) & ~mask) | (values & mask));
  }
  uint64_t getAddress(const Instruction &i, uint32_t offset, unsigned lane) {
    return i.wideAddress ? get<uint64_t>(offset, lane)
                         : get<uint32_t>(offset, lane);
  }
  char *getLocal(unsigned lane) { return &local[lane * size_t(localBytes)]; }

  /// A failure of the instruction that is being executed.
  template <typename... Parts>
  [[noreturn]] void failLane(unsigned lane, const Parts &...parts) const {
    failAtInstruction(pc, lane, concat(parts...), FailureKind::Other);
  }
  template <typename... Parts>
  [[noreturn]] void failAddress(unsigned lane, const Parts &...parts) const {
    failAtInstruction(pc, lane, concat(parts...), FailureKind::IllegalAddress);
  }
  template <typename... Parts>
  [[noreturn]] void failAlignment(unsigned lane, const Parts &...parts) const {
    failAtInstruction(pc, lane, concat(parts...),
                      FailureKind::MisalignedAddress);
  }
  /// Where the lanes are that are live, for messages.
  std::string describeWait() const;
  uint32_t getFirstPC() const { return fragments[0].pc; }

  Block &block;
  Execution &execution;
  const unsigned index;
  WarpClock clock;
  AsyncCopies copies;
  /// The instruction that is being executed.
  uint32_t pc = 0;

private:
  void setSpecials();
  uint32_t getSpecial(SpecialRegister which, unsigned thread,
                      unsigned lane) const;
  [[noreturn]] void failAtInstruction(uint32_t where, unsigned lane,
                                      const std::string &message,
                                      FailureKind kind) const;

  Fragment *pickFragment();
  void runFragment(Fragment &fragment);
  bool mergeWithOther(Fragment &fragment);
  uint32_t getActive(const Instruction &i, uint32_t mask);
  /// What ends the turn of a fragment, which may be gone then.
  void branch(Fragment &fragment, const Instruction &i, uint32_t active);
  void branchByTable(Fragment &fragment, const Instruction &i, uint32_t active);
  void exitLanes(Fragment &fragment, uint32_t active);
  /// True if it went on to the next instruction.
  bool runAligned(Fragment &fragment, const Instruction &i, uint32_t active);
  void runMasked(Fragment &fragment, const Instruction &i, uint32_t active);
  void runBarrier(Fragment &fragment, const Instruction &i, uint32_t active);
  bool isSameOperation(uint32_t pc, uint32_t otherPC) const;
  void advance(uint32_t lanes);
  bool areAllAtBarrier(const Instruction &i) const;
  void split(Fragment &fragment, uint32_t leaving, uint32_t leavingPC,
             uint32_t stayingPC);
  [[noreturn]] void failConverging();

  char *registers;
  std::vector<char> local;
  uint32_t localBytes;
  unsigned isa;
  /// The lanes that there are, and those that have not exited.
  uint32_t all, live;
  bool blocked = false;
  std::vector<Fragment> fragments;
  uint64_t executed = 0, limit = 0;
  /// Where the fragment is that used up a turn: those behind it go first.
  std::optional<uint32_t> tired;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_WARP_H
