//===- WarpClock.cpp - What a warp knows of the others --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Races.h"
#include <algorithm>

using namespace dsa::emulator;

template <typename Clocks>
static void joinInto(Clocks &mine, const Clocks &others) {
  for (size_t i = 0; i < mine.size(); ++i)
    mine[i] = std::max(mine[i], others[i]);
}

void Knowledge::join(const Knowledge &other) {
  joinInto(warps, other.warps);
  joinInto(copies, other.copies);
}

void WarpClock::publishCopies(Knowledge &knowledge, uint32_t members) const {
  uint32_t *groups = &knowledge.copies[warp * warpSize];
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (members >> lane & 1)
      groups[lane] = std::max(groups[lane], waited[lane]);
}

Knowledge WarpClock::arrive() {
  Knowledge published = known;
  publishCopies(published, lanes);
  published.warps[warp] = now;
  // What comes behind is not covered.
  ++now;
  return published;
}

/// The members know afterwards what one of them knew, and up to `times` what
/// they did themselves.
static void meet(LaneMatrix &seen, uint32_t members,
                 const std::array<uint32_t, warpSize> &times) {
  std::array<uint32_t, warpSize> together = {};
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (members >> lane & 1) {
      joinInto(together, seen[lane]);
      together[lane] = std::max(together[lane], times[lane]);
    }
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (members >> lane & 1)
      seen[lane] = together;
}

void WarpClock::orderLanes(uint32_t members) {
  if (members == lanes) {
    publishCopies(known, lanes);
    seen.clear();
    seenCopies.clear();
    ++now;
    ordered = now;
    return;
  }
  std::array<uint32_t, warpSize> times, groups;
  times.fill(now);
  std::copy_n(waited, warpSize, groups.begin());
  if (!isParted()) {
    std::array<uint32_t, warpSize> before, copies;
    before.fill(ordered - 1);
    std::copy_n(&known.copies[warp * warpSize], warpSize, copies.begin());
    seen.emplace_back().fill(before);
    seenCopies.emplace_back().fill(copies);
  }
  meet(seen[0], members, times);
  meet(seenCopies[0], members, groups);
  ++now;
}

bool WarpClock::hasSeen(unsigned lane, unsigned other, uint32_t time) const {
  if (time < ordered)
    return true;
  if (!isParted())
    return false;
  if (lane != severalLanes)
    return time <= seen[0][lane][other];
  return std::all_of(seen[0].begin(), seen[0].end(),
                     [&](const auto &lane) { return time <= lane[other]; });
}

bool WarpClock::hasSeenCopy(unsigned lane, unsigned other,
                            uint32_t group) const {
  if (lane == other)
    return group <= waited[lane];
  if (group <= known.copies[warp * warpSize + other])
    return true;
  if (!isParted())
    return false;
  if (lane != severalLanes)
    return group <= seenCopies[0][lane][other];
  return std::all_of(seenCopies[0].begin(), seenCopies[0].end(),
                     [&](const auto &lane) { return group <= lane[other]; });
}
