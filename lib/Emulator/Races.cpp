//===- Races.cpp - Accesses of shared memory that nothing orders ----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Races.h"
#include <algorithm>
#include <cstring>

using namespace dsa::emulator;

static void joinInto(std::vector<uint32_t> &mine,
                     const std::vector<uint32_t> &others) {
  for (size_t i = 0; i < mine.size(); ++i)
    mine[i] = std::max(mine[i], others[i]);
}

void Knowledge::join(const Knowledge &other) {
  joinInto(warps, other.warps);
  joinInto(copies, other.copies);
}

void WarpClock::publishCopies(Knowledge &knowledge, uint32_t lanes) const {
  uint32_t *groups = &knowledge.copies[warp * warpSize];
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (lanes >> lane & 1)
      groups[lane] = std::max(groups[lane], waited[lane]);
}

void WarpClock::orderLanes(uint32_t lanes) {
  publishCopies(known, lanes);
  ++now;
  lanesOrdered = now;
}

Knowledge WarpClock::arrive(uint32_t lanes) {
  Knowledge published = known;
  publishCopies(published, lanes);
  published.warps[warp] = now;
  // What comes behind is not covered.
  ++now;
  return published;
}

RaceDetector::RaceDetector(unsigned numWarps, const char *shared,
                           uint32_t bytes, RaceListener &listener)
    : numWarps(numWarps), shared(shared), listener(listener) {
  cellBytes = sizeof(Cell) + numWarps * sizeof(Record);
  granules.resize((bytes + 15) / 16);
  for (size_t i = 0; i < granules.size(); ++i)
    granules[i].firstCell = i;
  cells.resize(granules.size() * cellBytes);
}

uint32_t RaceDetector::addStrong(uint32_t likeThose) {
  size_t number = 2 * numWarps, begin = strong.size();
  strong.resize(begin + number);
  if (likeThose)
    std::copy_n(&strong[(likeThose - 1) * number], number, &strong[begin]);
  return begin / number + 1;
}

/// Every part of a cell has the records of the whole.
void RaceDetector::split(Granule &granule, unsigned shift) {
  unsigned number = 16 >> shift, parts = number >> (4 - granule.shift);
  uint32_t first = cells.size() / cellBytes;
  cells.resize(cells.size() + number * cellBytes);
  for (unsigned i = 0; i < number; ++i) {
    Cell &part = getCell(first + i);
    memcpy(&part, &getCell(granule.firstCell + i / parts), cellBytes);
    if (part.strong)
      part.strong = addStrong(part.strong);
  }
  granule.firstCell = first;
  granule.shift = shift;
}

template <typename Action>
inline void RaceDetector::forEachCell(uint32_t address, unsigned bytes,
                                      Action action) {
  Granule &granule = granules[address >> 4];
  if (bytes < (1u << granule.shift))
    split(granule, __builtin_ctz(bytes));
  unsigned first = (address & 15) >> granule.shift;
  unsigned number = bytes >> granule.shift;
  for (unsigned i = 0; i < number; ++i)
    action(getCell(granule.firstCell + first + i),
           address + (i << granule.shift), 1u << granule.shift);
}

inline bool RaceDetector::isOrdered(const Accessor &access, unsigned warp,
                                    const Record &record) {
  const WarpClock &clock = access.clock;
  if (warp == clock.warp)
    return record.clock < clock.lanesOrdered || record.getLane() == access.lane;
  return record.clock <= clock.known.warps[warp];
}

inline bool RaceDetector::isWriteOrdered(const Accessor &access,
                                         const Cell &cell) {
  if (!cell.writeIsCopy)
    return isOrdered(access, cell.writeWarp, cell.write);
  const WarpClock &clock = access.clock;
  unsigned lane = cell.write.getLane();
  if (cell.writeWarp == clock.warp && lane == access.lane)
    return cell.write.clock <= clock.waited[lane];
  return cell.write.clock <=
         clock.known.copies[cell.writeWarp * warpSize + lane];
}

void RaceDetector::checkWrite(const Accessor &access, const char *kind,
                              Cell &cell, uint32_t address) {
  if (!isWriteOrdered(access, cell))
    listener.onRace(access, kind,
                    {cell.writeIsCopy ? "copy" : "write", cell.writeWarp,
                     cell.write.getLane(), cell.write.getPC()},
                    address);
}

void RaceDetector::checkReads(const Accessor &access, const char *kind,
                              Cell &cell, uint32_t address) {
  const Record *reads = cell.reads();
  for (unsigned warp = 0; warp < numWarps; ++warp)
    if (!isOrdered(access, warp, reads[warp]))
      listener.onRace(
          access, kind,
          {"read", warp, reads[warp].getLane(), reads[warp].getPC()}, address);
}

void RaceDetector::checkStrong(const Accessor &access, const char *kind,
                               Cell &cell, uint32_t address, bool readsToo) {
  if (!cell.strong)
    return;
  const Record *records = getStrong(cell);
  for (unsigned i = 0; i < (readsToo ? 2 : 1) * numWarps; ++i)
    if (!isOrdered(access, i % numWarps, records[i]))
      listener.onRace(access, kind,
                      {i < numWarps ? "atomic access" : "read", i % numWarps,
                       records[i].getLane(), records[i].getPC()},
                      address);
}

/// Of several lanes at one time, what is kept says that they are several.
inline void RaceDetector::renew(Record &record, const Accessor &access) {
  const WarpClock &clock = access.clock;
  bool joins =
      record.clock >= clock.lanesOrdered && record.getLane() != access.lane;
  record = {clock.now, access.pc << 6 | (joins ? severalLanes : access.lane)};
}

inline void RaceDetector::setWrite(Cell &cell, const Accessor &access,
                                   uint32_t clock, bool isCopy) {
  cell.write = {clock, access.pc << 6 | access.lane};
  cell.writeWarp = access.clock.warp;
  cell.writeIsCopy = isCopy;
  memset(cell.reads(), 0, numWarps * sizeof(Record));
  if (cell.strong)
    std::fill_n(getStrong(cell), 2 * numWarps, Record());
}

void RaceDetector::read(const Accessor &access, uint32_t address,
                        unsigned bytes, bool isStrong) {
  forEachCell(address, bytes, [&](Cell &cell, uint32_t at, unsigned) {
    checkWrite(access, "read", cell, at);
    if (!isStrong) {
      checkStrong(access, "read", cell, at, false);
      renew(cell.reads()[access.clock.warp], access);
      return;
    }
    if (!cell.strong)
      cell.strong = addStrong(0);
    renew(getStrong(cell)[numWarps + access.clock.warp], access);
  });
}

void RaceDetector::write(const Accessor &access, uint32_t address,
                         unsigned bytes, const char *value) {
  forEachCell(address, bytes, [&](Cell &cell, uint32_t at, unsigned size) {
    bool isSame = cell.writeWarp == access.clock.warp && !cell.writeIsCopy &&
                  cell.write.getPC() == access.pc &&
                  !memcmp(shared + at, value + (at - address), size);
    if (!isSame)
      checkWrite(access, "write", cell, at);
    checkReads(access, "write", cell, at);
    checkStrong(access, "write", cell, at, true);
    setWrite(cell, access, access.clock.now, false);
  });
}

void RaceDetector::atomic(const Accessor &access, uint32_t address,
                          unsigned bytes) {
  forEachCell(address, bytes, [&](Cell &cell, uint32_t at, unsigned) {
    checkWrite(access, "atomic access", cell, at);
    checkReads(access, "atomic access", cell, at);
    if (!cell.strong)
      cell.strong = addStrong(0);
    renew(getStrong(cell)[access.clock.warp], access);
  });
}

void RaceDetector::copy(const Accessor &access, uint32_t address,
                        unsigned bytes, uint32_t group) {
  forEachCell(address, bytes, [&](Cell &cell, uint32_t at, unsigned) {
    checkWrite(access, "copy", cell, at);
    checkReads(access, "copy", cell, at);
    checkStrong(access, "copy", cell, at, true);
    setWrite(cell, access, group, true);
  });
}
