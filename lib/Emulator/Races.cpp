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

static uint32_t maskOf(unsigned lane) {
  return lane == severalLanes ? allLanes : uint32_t(1) << lane;
}

RaceDetector::RaceDetector(unsigned numWarps, const char *shared,
                           uint32_t bytes, RaceListener &listener)
    : numWarps(numWarps), shared(shared), listener(listener),
      laneReads(numWarps) {
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
    uint32_t whole = granule.firstCell + i / parts;
    Cell &part = getCell(first + i);
    memcpy(&part, &getCell(whole), cellBytes);
    if (part.strong)
      part.strong = addStrong(part.strong);
    for (auto &reads : laneReads)
      if (auto found = reads.find(whole); found != reads.end())
        reads.emplace(first + i, LaneReads(found->second));
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
  uint32_t first = granule.firstCell + ((address & 15) >> granule.shift);
  unsigned number = bytes >> granule.shift;
  for (unsigned i = 0; i < number; ++i)
    action(getCell(first + i), first + i, address + (i << granule.shift),
           1u << granule.shift);
  if (isRacing)
    listener.onRacingAccess();
  isRacing = false;
}

// What is rare is not inlined: it would keep the rest from being so.

/// Of the accessing lane's own warp, since it last ordered all of its lanes.
__attribute__((noinline)) bool
RaceDetector::areLanesOrdered(const Accessor &access, const Record &record) {
  // A lane knows what it did itself; of a matrix every lane has a part.
  uint32_t others = record.lanes;
  if (access.lane != severalLanes)
    others &= ~maskOf(access.lane);
  for (; others; others &= others - 1)
    if (!access.clock.hasSeen(access.lane, __builtin_ctz(others), record.clock))
      return false;
  return true;
}

inline bool RaceDetector::isOrdered(const Accessor &access, unsigned warp,
                                    const Record &record) {
  const WarpClock &clock = access.clock;
  if (warp != clock.getWarp())
    return record.clock <= clock.known.warps[warp];
  return record.clock < clock.getOrdered() || areLanesOrdered(access, record);
}

inline bool RaceDetector::isWriteOrdered(const Accessor &access,
                                         const Cell &cell) {
  if (!cell.writeIsCopy)
    return isOrdered(access, cell.writeWarp, cell.write);
  const WarpClock &clock = access.clock;
  unsigned lane = __builtin_ctz(cell.write.lanes);
  if (cell.writeWarp == clock.getWarp())
    return clock.hasSeenCopy(access.lane, lane, cell.write.clock);
  return cell.write.clock <=
         clock.known.copies[cell.writeWarp * warpSize + lane];
}

bool RaceDetector::areReadsOrdered(const Accessor &access, unsigned warp,
                                   const Record &record, uint32_t index) {
  const WarpClock &clock = access.clock;
  if (warp == clock.getWarp()) {
    auto found = laneReads[warp].find(index);
    if (found != laneReads[warp].end() &&
        found->second.ordered == clock.getOrdered()) {
      for (unsigned lane = 0; lane < warpSize; ++lane)
        if (lane != access.lane &&
            !clock.hasSeen(access.lane, lane, found->second.clocks[lane]))
          return false;
      return true;
    }
  }
  return isOrdered(access, warp, record);
}

__attribute__((noinline)) void
RaceDetector::report(const Accessor &access, const char *kind,
                     const char *pastKind, unsigned pastWarp,
                     const Record &past, uint32_t address) {
  isRacing = true;
  bool isOne = !(past.lanes & (past.lanes - 1));
  unsigned lane = isOne ? __builtin_ctz(past.lanes) : severalLanes;
  listener.onRace(access, kind, {pastKind, pastWarp, lane, past.pc}, address);
}

inline void RaceDetector::checkWrite(const Accessor &access, const char *kind,
                                     Cell &cell, uint32_t address) {
  if (!isWriteOrdered(access, cell))
    report(access, kind, cell.writeIsCopy ? "copy" : "write", cell.writeWarp,
           cell.write, address);
}

inline void RaceDetector::checkReads(const Accessor &access, const char *kind,
                                     Cell &cell, uint32_t index,
                                     uint32_t address) {
  const Record *reads = cell.reads();
  bool isParted = access.clock.isParted();
  for (unsigned warp = 0; warp < numWarps; ++warp)
    if (!(isParted ? areReadsOrdered(access, warp, reads[warp], index)
                   : isOrdered(access, warp, reads[warp])))
      report(access, kind, "read", warp, reads[warp], address);
}

inline void RaceDetector::checkStrong(const Accessor &access, const char *kind,
                                      Cell &cell, uint32_t address,
                                      bool readsToo) {
  if (!cell.strong)
    return;
  const Record *records = getStrong(cell);
  for (unsigned i = 0; i < (readsToo ? 2 : 1) * numWarps; ++i)
    if (!isOrdered(access, i % numWarps, records[i]))
      report(access, kind, i < numWarps ? "atomic access" : "read",
             i % numWarps, records[i], address);
}

/// Of several lanes since they were ordered, all are kept.
inline void RaceDetector::renew(Record &record, const Accessor &access) {
  const WarpClock &clock = access.clock;
  uint32_t lanes = maskOf(access.lane);
  if (record.clock >= clock.getOrdered())
    lanes |= record.lanes;
  record = {clock.getNow(), access.pc, lanes};
}

/// Before the record of a warp that is parted is renewed.
void RaceDetector::keepLaneReads(const Accessor &access, const Record &record,
                                 uint32_t index) {
  const WarpClock &clock = access.clock;
  LaneReads &reads = laneReads[clock.getWarp()][index];
  hasLaneReads = true;
  if (reads.ordered != clock.getOrdered()) {
    reads.ordered = clock.getOrdered();
    for (unsigned lane = 0; lane < warpSize; ++lane)
      reads.clocks[lane] = record.lanes >> lane & 1 ? record.clock : 0;
  }
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (maskOf(access.lane) >> lane & 1)
      reads.clocks[lane] = clock.getNow();
}

inline void RaceDetector::setWrite(Cell &cell, uint32_t index,
                                   const Accessor &access, const Record &record,
                                   bool isCopy) {
  cell.write = record;
  cell.writeWarp = access.clock.getWarp();
  cell.writeIsCopy = isCopy;
  memset(cell.reads(), 0, numWarps * sizeof(Record));
  if (hasLaneReads)
    for (auto &reads : laneReads)
      reads.erase(index);
  if (cell.strong)
    std::fill_n(getStrong(cell), 2 * numWarps, Record());
}

void RaceDetector::read(const Accessor &access, uint32_t address,
                        unsigned bytes, bool isStrong) {
  forEachCell(
      address, bytes, [&](Cell &cell, uint32_t index, uint32_t at, unsigned) {
        checkWrite(access, "read", cell, at);
        if (isStrong) {
          if (!cell.strong)
            cell.strong = addStrong(0);
          renew(getStrong(cell)[numWarps + access.clock.getWarp()], access);
          return;
        }
        checkStrong(access, "read", cell, at, false);
        Record &record = cell.reads()[access.clock.getWarp()];
        if (access.clock.isParted())
          keepLaneReads(access, record, index);
        renew(record, access);
      });
}

void RaceDetector::checkStore(const Accessor &access, uint32_t address,
                              unsigned bytes) {
  forEachCell(address, bytes,
              [&](Cell &cell, uint32_t index, uint32_t at, unsigned) {
                checkWrite(access, "write", cell, at);
                checkReads(access, "write", cell, index, at);
                checkStrong(access, "write", cell, at, true);
              });
}

void RaceDetector::recordStore(const Accessor &access, uint32_t address,
                               unsigned bytes, const char *value) {
  const WarpClock &clock = access.clock;
  forEachCell(
      address, bytes,
      [&](Cell &cell, uint32_t index, uint32_t at, unsigned size) {
        Record record = {clock.getNow(), access.pc, maskOf(access.lane)};
        // Only lanes of this instruction are left that have not been checked.
        bool isSame = cell.writeWarp == clock.getWarp() && !cell.writeIsCopy &&
                      cell.write.clock == record.clock &&
                      cell.write.pc == record.pc;
        if (isSame && cell.write.lanes != record.lanes &&
            memcmp(shared + at, value + (at - address), size) != 0)
          report(access, "write", "write", cell.writeWarp, cell.write, at);
        if (isSame)
          record.lanes |= cell.write.lanes;
        setWrite(cell, index, access, record, false);
      });
}

void RaceDetector::atomic(const Accessor &access, uint32_t address,
                          unsigned bytes) {
  forEachCell(address, bytes,
              [&](Cell &cell, uint32_t index, uint32_t at, unsigned) {
                checkWrite(access, "atomic access", cell, at);
                checkReads(access, "atomic access", cell, index, at);
                if (!cell.strong)
                  cell.strong = addStrong(0);
                renew(getStrong(cell)[access.clock.getWarp()], access);
              });
}

void RaceDetector::copy(const Accessor &access, uint32_t address,
                        unsigned bytes, uint32_t group) {
  forEachCell(address, bytes,
              [&](Cell &cell, uint32_t index, uint32_t at, unsigned) {
                checkWrite(access, "copy", cell, at);
                checkReads(access, "copy", cell, index, at);
                checkStrong(access, "copy", cell, at, true);
                setWrite(cell, index, access,
                         {group, access.pc, maskOf(access.lane)}, true);
              });
}
