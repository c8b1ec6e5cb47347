//===- Barriers.cpp - The barriers of a block -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Barriers.h"
#include "Warp.h"

using namespace dsa::emulator;

void Barriers::completeIfAll(Barrier &barrier, unsigned numLiveWarps) {
  uint32_t wanted = barrier.threads.value_or(numLiveWarps * warpSize);
  if (!barrier.arrived || barrier.arrived < wanted)
    return;
  uint32_t reduced = barrier.reduction == BarrierReduction::CountOnes
                         ? barrier.count
                     : barrier.reduction == BarrierReduction::And ? barrier.all
                                                                  : barrier.any;
  Barrier done = std::move(barrier);
  barrier = Barrier();
  for (Warp *warp : done.waiting)
    warp->release(*done.joined, reduced);
}

void Barriers::arrive(Warp &warp, const Arrival &arrival,
                      unsigned numLiveWarps) {
  unsigned lane = __builtin_ctz(arrival.lanes);
  if (arrival.barrier >= std::size(barriers))
    warp.failLane(lane, "barrier ", arrival.barrier,
                  "; a block has barriers 0 to 15");
  uint32_t threads = arrival.threads.value_or(warpSize);
  if (!threads || threads % warpSize)
    warp.failLane(lane, "a barrier of ", threads,
                  " threads; it takes a multiple of 32 of them");
  Barrier &barrier = barriers[arrival.barrier];
  auto show = [](std::optional<uint32_t> threads) {
    return threads ? concat(*threads, " threads") : "all threads";
  };
  if (barrier.arrived && barrier.threads != arrival.threads)
    warp.failLane(lane, "it takes barrier ", arrival.barrier, " for one of ",
                  show(arrival.threads), ", others that are there for one of ",
                  show(barrier.threads));
  if (barrier.arrived && arrival.waits && !barrier.waiting.empty() &&
      barrier.reduction != arrival.reduction)
    warp.failLane(lane, "others are at barrier ", arrival.barrier,
                  " with another reduction");
  Knowledge knowledge = warp.clock.arrive();
  if (barrier.joined)
    barrier.joined->join(knowledge);
  else
    barrier.joined = std::move(knowledge);
  barrier.threads = arrival.threads;
  barrier.arrived += warpSize;
  barrier.count += __builtin_popcount(arrival.values);
  barrier.all &= arrival.values == arrival.lanes;
  barrier.any |= arrival.values != 0;
  if (arrival.waits) {
    barrier.reduction = arrival.reduction;
    barrier.waiting.push_back(&warp);
  }
  completeIfAll(barrier, numLiveWarps);
}

void Barriers::onWarpDone(unsigned numLiveWarps) {
  for (Barrier &barrier : barriers)
    completeIfAll(barrier, numLiveWarps);
}

std::string Barriers::describe(const Warp &warp) const {
  for (size_t i = 0; i < std::size(barriers); ++i)
    for (const Warp *waiting : barriers[i].waiting)
      if (waiting == &warp)
        return concat("barrier ", i, ", where ", barriers[i].arrived, " of ",
                      barriers[i].threads
                          ? concat(*barriers[i].threads, " threads")
                          : "all threads",
                      " are");
  return "";
}
