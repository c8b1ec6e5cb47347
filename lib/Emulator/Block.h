//===- Block.h - The threads that share memory ------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_BLOCK_H
#define DSA_EMULATOR_BLOCK_H

#include "Barriers.h"
#include "Warp.h"
#include <random>

namespace dsa::emulator {

class Block : public RaceListener {
public:
  Block(Execution &execution, Dim3 index);
  /// Throws a failure.
  void run();

  char *getShared() { return shared.data(); }
  uint32_t getSharedBytes() const { return shared.size(); }
  /// Null if nobody asked for it.
  RaceDetector *getRaces() { return races ? &*races : nullptr; }
  unsigned getNumLiveWarps() const;
  void onWarpDone() { barriers.onWarpDone(getNumLiveWarps()); }

  Execution &execution;
  const Dim3 index;
  Barriers barriers;

private:
  void onRace(const Accessor &access, const char *kind, const PastAccess &past,
              uint32_t address) override;
  void onRacingAccess() override { execution.countRace(); }
  std::string describe(unsigned warp, unsigned lane) const;
  [[noreturn]] void failDeadlock() const;

  std::vector<char> shared;
  std::optional<RaceDetector> races;
  std::vector<Warp> warps;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_BLOCK_H
