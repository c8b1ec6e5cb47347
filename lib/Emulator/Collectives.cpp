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

void dsa::emulator::executeShuffle(const Participants &lanes) {
  uint32_t results[warpSize] = {}, found = 0;
  auto mode = ShuffleMode(lanes.first().variant);
  lanes.forEach([&](unsigned lane) {
    auto [source, hasFound] = findSource(
        mode, lane, lanes.get<uint32_t>(3, lane), lanes.get<uint32_t>(4, lane));
    if (!(lanes.mask >> source & 1))
      lanes.warp.failLane(lane, "it reads from lane ", source,
                          ", which does not take part");
    results[lane] = lanes.get<uint32_t>(2, source);
    found |= uint32_t(hasFound) << lane;
  });
  lanes.forEach([&](unsigned lane) {
    lanes.set(0, lane, results[lane]);
    lanes.setPredicate(1, lane, found >> lane & 1);
  });
}

void dsa::emulator::executeVote(const Participants &lanes) {
  uint32_t values = 0;
  lanes.forEach([&](unsigned lane) {
    values |= uint32_t(lanes.getPredicate(1, lane)) << lane;
  });
  auto vote = Vote(lanes.first().variant);
  bool all = values == lanes.mask, any = values != 0;
  bool result = vote == Vote::All ? all : vote == Vote::Any ? any : all || !any;
  lanes.forEach([&](unsigned lane) {
    if (vote == Vote::Ballot)
      lanes.set(0, lane, values);
    else
      lanes.setPredicate(0, lane, result);
  });
}

void dsa::emulator::executeMatch(const Participants &lanes) {
  uint64_t values[warpSize] = {};
  lanes.forEach([&](unsigned lane) {
    values[lane] = lanes.first().elementBytes == 8
                       ? lanes.get<uint64_t>(1, lane)
                       : lanes.get<uint32_t>(1, lane);
  });
  uint32_t same[warpSize] = {};
  bool all = true;
  lanes.forEach([&](unsigned lane) {
    lanes.forEach([&](unsigned other) {
      same[lane] |= uint32_t(values[other] == values[lane]) << other;
    });
    all &= same[lane] == lanes.mask;
  });
  bool isAll = lanes.first().variant;
  lanes.forEach([&](unsigned lane) {
    lanes.set(0, lane, !isAll ? same[lane] : all ? lanes.mask : 0);
    lanes.setPredicate(3, lane, all);
  });
}

template <typename T>
static T combine(T a, T b, Reduction operation) {
  switch (operation) {
  case Reduction::Add:
    return T(uint32_t(a) + uint32_t(b));
  case Reduction::Min:
    return std::min(a, b);
  case Reduction::Max:
    return std::max(a, b);
  case Reduction::And:
    return a & b;
  case Reduction::Or:
    return a | b;
  case Reduction::Xor:
    return a ^ b;
  }
}

template <typename T, Reduction operation>
static void reduce(const Participants &lanes) {
  std::optional<T> result;
  lanes.forEach([&](unsigned lane) {
    T value = lanes.get<T>(1, lane);
    result = result ? combine(*result, value, operation) : value;
  });
  lanes.forEach([&](unsigned lane) { lanes.set(0, lane, *result); });
}

MaskedHandler dsa::emulator::getReductionHandler(Type type,
                                                 Reduction operation) {
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

void dsa::emulator::executeWarpBarrier(const Participants &lanes) {
  lanes.warp.clock.orderLanes(lanes.mask);
}

void dsa::emulator::executeTrap(Warp &warp, const Instruction &,
                                uint32_t mask) {
  warp.failLane(__builtin_ctz(mask), "the kernel traps");
}
