//===- Collectives.cpp - What the lanes of a warp do together -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Collectives.h"
#include "MemoryAccess.h"

using namespace dsa::emulator;

/// The lane that a lane reads from, and whether it found one.
static std::pair<unsigned, bool> findSource(ShuffleMode mode, unsigned lane,
                                            uint32_t b, uint32_t c) {
  unsigned amount = b & 31, clamp = c & 31, segment = c >> 8 & 31;
  unsigned last = (lane & segment) | (clamp & ~segment);
  unsigned first = lane & segment;
  int source = 0;
  bool found = false;
  switch (mode) {
  case ShuffleMode::Up:
    source = int(lane) - int(amount);
    found = source >= int(last);
    break;
  case ShuffleMode::Down:
    source = int(lane + amount);
    found = source <= int(last);
    break;
  case ShuffleMode::Butterfly:
    source = int(lane ^ amount);
    found = source <= int(last);
    break;
  case ShuffleMode::Index:
    source = int(first | (amount & ~segment));
    found = source <= int(last);
    break;
  }
  return {found ? unsigned(source) : lane, found};
}

void dsa::emulator::executeShuffle(Warp &warp, const Instruction &i,
                                   uint32_t mask) {
  uint32_t results[warpSize] = {}, found = 0;
  forEachLane(mask, [&](unsigned lane) {
    auto [source, hasFound] = findSource(
        ShuffleMode(i.variant), lane, warp.get<uint32_t>(i.operands[3], lane),
        warp.get<uint32_t>(i.operands[4], lane));
    // What a lane has that does not take part is open: a NaN.
    bool takesPart = mask >> source & 1;
    results[lane] =
        takesPart ? warp.get<uint32_t>(i.operands[2], source) : allLanes;
    found |= uint32_t(hasFound) << lane;
  });
  forEachLane(mask, [&](unsigned lane) {
    if (i.operands[0] != noRegister)
      warp.set(i.operands[0], lane, results[lane]);
  });
  if (i.operands[1] != noRegister)
    warp.setPredicate(i.operands[1], found, mask);
}

void dsa::emulator::executeVote(Warp &warp, const Instruction &i,
                                uint32_t mask) {
  uint32_t values = warp.getPredicate(i.operands[1]);
  values = mask & (i.negatedOperand ? ~values : values);
  auto vote = Vote(i.variant);
  if (vote == Vote::Ballot) {
    forEachLane(mask,
                [&](unsigned lane) { warp.set(i.operands[0], lane, values); });
    return;
  }
  bool all = values == mask, any = values != 0;
  bool result = vote == Vote::All ? all : vote == Vote::Any ? any : all || !any;
  warp.setPredicate(i.operands[0], result ? allLanes : 0, mask);
}

void dsa::emulator::executeMatch(Warp &warp, const Instruction &i,
                                 uint32_t mask) {
  uint64_t values[warpSize] = {};
  forEachLane(mask, [&](unsigned lane) {
    values[lane] = i.elementBytes == 8
                       ? warp.get<uint64_t>(i.operands[1], lane)
                       : warp.get<uint32_t>(i.operands[1], lane);
  });
  bool all = true;
  forEachLane(mask, [&](unsigned lane) {
    uint32_t same = 0;
    forEachLane(mask, [&](unsigned other) {
      same |= uint32_t(values[other] == values[lane]) << other;
    });
    all &= same == mask;
    if (!i.variant)
      warp.set(i.operands[0], lane, same);
  });
  if (!i.variant)
    return;
  forEachLane(mask, [&](unsigned lane) {
    if (i.operands[0] != noRegister)
      warp.set(i.operands[0], lane, all ? mask : 0);
  });
  if (i.operands[3] != noRegister)
    warp.setPredicate(i.operands[3], all ? allLanes : 0, mask);
}

template <typename T, Reduction operation>
static void reduce(Warp &warp, const Instruction &i, uint32_t mask) {
  T result = warp.get<T>(i.operands[1], __builtin_ctz(mask));
  forEachLane(mask & (mask - 1), [&](unsigned lane) {
    T value = warp.get<T>(i.operands[1], lane);
    switch (operation) {
    case Reduction::Add:
      result = T(uint32_t(result) + uint32_t(value));
      break;
    case Reduction::Min:
      result = std::min(result, value);
      break;
    case Reduction::Max:
      result = std::max(result, value);
      break;
    case Reduction::And:
      result &= value;
      break;
    case Reduction::Or:
      result |= value;
      break;
    case Reduction::Xor:
      result ^= value;
      break;
    }
  });
  forEachLane(mask,
              [&](unsigned lane) { warp.set(i.operands[0], lane, result); });
}

WarpHandler dsa::emulator::getReductionHandler(Type type, Reduction operation) {
  bool isSigned = type == Type::S32, isBits = type == Type::B32;
  switch (operation) {
  case Reduction::Add:
    return isBits ? nullptr : reduce<uint32_t, Reduction::Add>;
  case Reduction::Min:
    return isBits     ? nullptr
           : isSigned ? reduce<int32_t, Reduction::Min>
                      : reduce<uint32_t, Reduction::Min>;
  case Reduction::Max:
    return isBits     ? nullptr
           : isSigned ? reduce<int32_t, Reduction::Max>
                      : reduce<uint32_t, Reduction::Max>;
  case Reduction::And:
    return isBits ? reduce<uint32_t, Reduction::And> : nullptr;
  case Reduction::Or:
    return isBits ? reduce<uint32_t, Reduction::Or> : nullptr;
  case Reduction::Xor:
    return isBits ? reduce<uint32_t, Reduction::Xor> : nullptr;
  }
  return nullptr;
}

void dsa::emulator::executeActiveMask(Warp &warp, const Instruction &i,
                                      uint32_t mask) {
  forEachLane(mask,
              [&](unsigned lane) { warp.set(i.operands[0], lane, mask); });
}

void dsa::emulator::executeWarpBarrier(Warp &warp, const Instruction &,
                                       uint32_t mask) {
  warp.clock.orderLanes(mask);
}

void dsa::emulator::executeTrap(Warp &warp, const Instruction &,
                                uint32_t mask) {
  warp.failLane(__builtin_ctz(mask), "the kernel traps");
}
