//===- Block.cpp - The threads that share memory --------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include <algorithm>

using namespace dsa::emulator;

Block::Block(Execution &execution, Dim3 index)
    : execution(execution), index(index),
      shared(execution.sharedBytes, char(0xFF)) {
  if (execution.options.checkRaces)
    races.emplace(execution.numWarps, shared.data(), shared.size(), *this);
  warps.reserve(execution.numWarps);
  for (unsigned warp = 0; warp < execution.numWarps; ++warp)
    warps.emplace_back(*this, warp);
}

unsigned Block::getNumLiveWarps() const {
  unsigned number = 0;
  for (const Warp &warp : warps)
    number += !warp.isDone();
  return number;
}

void Block::run() {
  // Of a warp's turn. Without a seed it is long, so that a warp that waits for
  // another in a loop does not wait for ever.
  constexpr uint64_t longTurn = 1 << 16, shortTurn = 128;
  uint64_t seed = execution.options.seed;
  std::mt19937_64 random(seed);
  std::vector<Warp *> order;
  for (Warp &warp : warps)
    order.push_back(&warp);
  for (;;) {
    if (seed)
      std::shuffle(order.begin(), order.end(), random);
    bool progress = false, isLive = false;
    for (Warp *warp : order) {
      if (!warp->isDone() && !warp->isBlocked())
        progress |= warp->run(seed ? 1 + random() % shortTurn : longTurn);
      isLive |= !warp->isDone();
    }
    if (!isLive)
      return;
    if (!progress)
      failDeadlock();
  }
}

void Block::failDeadlock() const {
  std::string message;
  const Warp *first = nullptr;
  for (const Warp &warp : warps) {
    if (warp.isDone())
      continue;
    first = first ? first : &warp;
    message += concat(message.empty() ? "" : "; ", "warp ", warp.index, " at ",
                      execution.describe(warp.getFirstPC()), " waits for ",
                      barriers.describe(warp));
  }
  fail("kernel '", execution.program.name,
       "': ", execution.describeThread(index, first->index * warpSize),
       ": deadlock, nobody else comes: ", message);
}

std::string Block::describe(unsigned warp, unsigned lane) const {
  if (lane == severalLanes)
    return concat("several threads of warp ", warp);
  unsigned thread = warp * warpSize + lane;
  const Dim3 &size = execution.options.block;
  return concat("thread (", thread % size.x, ", ", thread / size.x % size.y,
                ", ", thread / size.x / size.y, ")");
}

void Block::onRace(const Accessor &access, const char *kind,
                   const PastAccess &past, uint32_t address) {
  unsigned warp = access.clock.getWarp();
  execution.reportRace(access.pc, past.pc,
                       concat(execution.describe(access.pc), ": block (",
                              index.x, ", ", index.y, ", ", index.z,
                              "): race at shared address ", hex(address), ": ",
                              kind, " by ", describe(warp, access.lane),
                              ", which nothing orders behind the ", past.kind,
                              " by ", describe(past.warp, past.lane), " at ",
                              execution.describe(past.pc)));
}
