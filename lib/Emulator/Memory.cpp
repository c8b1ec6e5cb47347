//===- Memory.cpp - Loads and stores --------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "MemoryAccess.h"

using namespace dsa::emulator;

/// A generic address says which space it is in.
static Space getSpace(uint64_t &address) {
  static constexpr Space spaces[] = {Space::Global, Space::Shared, Space::Local,
                                     Space::Param};
  uint64_t window = address / windowBytes;
  if (window >= std::size(spaces))
    return Space::Global;
  address %= windowBytes;
  return spaces[window];
}

static std::string showAccess(Space space, uint64_t address, unsigned bytes) {
  return concat("the access to ", bytes, " bytes at ", getName(space),
                " address ", hex(address));
}

Access dsa::emulator::resolve(Warp &warp, const Instruction &i, unsigned lane,
                              uint64_t address, unsigned bytes, Space space,
                              bool writes) {
  if (space == Space::Generic)
    space = getSpace(address);
  if (address & (bytes - 1))
    warp.failAlignment(lane, showAccess(space, address, bytes),
                       " is not aligned to its size");
  auto checkRoom = [&](uint64_t room) {
    if (address >= room || bytes > room - address)
      warp.failAddress(lane, showAccess(space, address, bytes),
                       " is outside of the ", room, " bytes that there are");
  };
  switch (space) {
  case Space::Shared:
    checkRoom(warp.block.getSharedBytes());
    return {warp.block.getShared() + address, space, uint32_t(address)};
  case Space::Local:
    checkRoom(warp.execution.program.localBytes);
    return {warp.getLocal(lane) + address, space, 0};
  case Space::Param:
    checkRoom(warp.execution.program.parameterBytes);
    if (writes)
      warp.failAddress(lane, showAccess(space, address, bytes),
                       " writes to what is only read");
    return {const_cast<char *>(warp.execution.parameters) + address, space, 0};
  default:
    char *memory = warp.execution.findGlobal(warp.pc, address, bytes, writes);
    if (!memory)
      warp.failAddress(lane, showAccess(space, address, bytes),
                       " is in no buffer",
                       writes ? " that kernels may write to" : "");
    return {memory, space, 0};
  }
}

/// Puts an element into a register that may be wider.
static void setElement(char *to, unsigned registerBytes, const char *from,
                       unsigned bytes, bool isSigned) {
  if (bytes == registerBytes) {
    copySmall(to, from, bytes);
    return;
  }
  uint64_t value = 0;
  copySmall(reinterpret_cast<char *>(&value), from, bytes);
  if (isSigned) {
    unsigned unused = 64 - 8 * bytes;
    value = uint64_t(int64_t(value << unused) >> unused);
  }
  copySmall(to, reinterpret_cast<const char *>(&value), registerBytes);
}

void dsa::emulator::executeLoad(Warp &warp, const Instruction &i,
                                uint32_t mask) {
  unsigned bytes = i.elementBytes * i.elements;
  RaceDetector *races = warp.block.getRaces();
  forEachLane(mask, [&](unsigned lane) {
    uint64_t address = warp.getAddress(i, i.operands[0], lane) + i.offset;
    Access access = resolve(warp, i, lane, address, bytes, i.space, false);
    if (races && access.space == Space::Shared)
      races->read(getAccessor(warp, lane), access.sharedAddress, bytes,
                  i.isStrong);
    for (unsigned e = 0; e < i.elements; ++e)
      if (i.operands[1 + e] != noRegister)
        setElement(warp.getRegister(i.operands[1 + e]) + lane * i.registerBytes,
                   i.registerBytes, access.memory + e * i.elementBytes,
                   i.elementBytes, i.isSigned);
  });
}

void dsa::emulator::executeStore(Warp &warp, const Instruction &i,
                                 uint32_t mask) {
  unsigned bytes = i.elementBytes * i.elements;
  RaceDetector *races = warp.block.getRaces();
  Access accesses[warpSize];
  forEachLane(mask, [&](unsigned lane) {
    uint64_t address = warp.getAddress(i, i.operands[0], lane) + i.offset;
    accesses[lane] = resolve(warp, i, lane, address, bytes, i.space, true);
    if (races && accesses[lane].space == Space::Shared)
      races->checkStore(getAccessor(warp, lane), accesses[lane].sharedAddress,
                        bytes);
  });
  forEachLane(mask, [&](unsigned lane) {
    const Access &access = accesses[lane];
    char value[16];
    for (unsigned e = 0; e < i.elements; ++e)
      copySmall(value + e * i.elementBytes,
                warp.getRegister(i.operands[1 + e]) + lane * i.registerBytes,
                i.elementBytes);
    if (races && access.space == Space::Shared)
      races->recordStore(getAccessor(warp, lane), access.sharedAddress, bytes,
                         value);
    copySmall(access.memory, value, bytes);
  });
}

void dsa::emulator::executeIsSpace(Warp &warp, const Instruction &i,
                                   uint32_t mask) {
  uint32_t result = 0;
  forEachLane(mask, [&](unsigned lane) {
    uint64_t address = warp.get<uint64_t>(i.operands[1], lane);
    uint64_t original = address;
    bool isThere = getSpace(address) == i.space;
    // .const is a part of what is addressed like .global.
    if (i.space == Space::Const || (isThere && i.space == Space::Global))
      isThere = warp.execution.isConst(original) == (i.space == Space::Const);
    result |= uint32_t(isThere) << lane;
  });
  warp.setPredicate(i.operands[0], result, mask);
}

void dsa::emulator::executeAsyncCopy(Warp &warp, const Instruction &i,
                                     uint32_t mask) {
  unsigned bytes = i.variant;
  RaceDetector *races = warp.block.getRaces();
  forEachLane(mask, [&](unsigned lane) {
    uint64_t to = warp.getAddress(i, i.operands[0], lane) + i.offset;
    uint64_t from = warp.get<uint64_t>(i.operands[1], lane) + i.sourceOffset;
    uint32_t copied = bytes;
    if (i.operands[2] != noRegister)
      copied = warp.get<uint32_t>(i.operands[2], lane);
    if (i.operands[3] != noRegister &&
        (warp.getPredicate(i.operands[3]) >> lane & 1) != i.negatedOperand)
      copied = 0;
    if (copied > bytes)
      warp.failLane(lane, "a copy of ", bytes, " bytes, of which ", copied,
                    " are to be read");
    Access target = resolve(warp, i, lane, to, bytes, Space::Shared, true);
    if (from & (bytes - 1))
      warp.failAlignment(lane, "the copy from global address ", hex(from),
                         " is not aligned to its ", bytes, " bytes");
    char *source = nullptr;
    if (copied) {
      source = warp.execution.findGlobal(warp.pc, from, copied, false);
      if (!source)
        warp.failAddress(lane, "the copy of ", copied,
                         " bytes from global address ", hex(from),
                         " is in no buffer");
    }
    uint32_t group = warp.copies.getGroup(lane);
    if (races)
      races->copy(getAccessor(warp, lane), target.sharedAddress, bytes, group);
    warp.copies.add({lane, group, target.memory, source, bytes, copied});
  });
}

void dsa::emulator::executeCommitGroup(Warp &warp, const Instruction &,
                                       uint32_t mask) {
  forEachLane(mask, [&](unsigned lane) { warp.copies.commit(lane); });
}

void dsa::emulator::executeWaitGroup(Warp &warp, const Instruction &i,
                                     uint32_t mask) {
  // wait_all is commit_group and wait_group 0.
  if (i.variant < 0)
    executeCommitGroup(warp, i, mask);
  warp.copies.wait(mask, std::max<int64_t>(i.variant, 0), warp.clock.waited);
}
