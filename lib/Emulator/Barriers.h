//===- Barriers.h - The barriers of a block ---------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_BARRIERS_H
#define DSA_EMULATOR_BARRIERS_H

#include "Races.h"
#include <optional>

namespace dsa::emulator {

class Warp;

enum class BarrierReduction : uint8_t { None, CountOnes, And, Or };

class Barriers {
public:
  struct Arrival {
    uint32_t barrier;
    /// Of threads; without it, all of the block that are left.
    std::optional<uint32_t> threads;
    /// False of those that only arrive.
    bool waits;
    BarrierReduction reduction;
    /// The lanes that arrive, and those of them whose predicate holds.
    uint32_t lanes, values;
  };
  /// A warp with all of its lanes, at the instruction that it executes; fails
  /// for it. It may be released before this returns.
  void arrive(Warp &warp, const Arrival &arrival, unsigned numLiveWarps);
  /// Barriers of the whole block do not wait for warps that are done.
  void onWarpDone(unsigned numLiveWarps);
  /// For a message about one that waits: `barrier 1, where 32 of 64 threads
  /// are`; empty if it is not at a barrier.
  std::string describe(const Warp &warp) const;

private:
  struct Barrier {
    std::optional<Knowledge> joined;
    std::optional<uint32_t> threads;
    uint32_t arrived = 0;
    BarrierReduction reduction = BarrierReduction::None;
    uint32_t count = 0;
    bool all = true, any = false;
    std::vector<Warp *> waiting;
  };
  static void completeIfAll(Barrier &barrier, unsigned numLiveWarps);

  Barrier barriers[16];
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_BARRIERS_H
