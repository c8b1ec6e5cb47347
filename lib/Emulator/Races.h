//===- Races.h - Accesses of shared memory that nothing orders --*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before with vector clocks. A warp has a clock, which its barriers
// advance; the record of an access has the lanes too, since lanes of a warp are
// ordered by barriers only. The asynchronous copies of a thread are somebody
// else, whose clock is the number of the thread's group: what a copy writes is
// ordered for the thread that waits for its group, and by barriers after that
// for others.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_RACES_H
#define DSA_EMULATOR_RACES_H

#include "Instruction.h"
#include <array>
#include <unordered_map>
#include <vector>

namespace dsa::emulator {

/// In the place of a lane: several of them, or all.
constexpr unsigned severalLanes = warpSize;

/// What is known to be done: of each warp up to which of its clocks, of each
/// thread up to which of its groups of copies.
struct Knowledge {
  std::vector<uint32_t> warps, copies;

  explicit Knowledge(unsigned numWarps)
      : warps(numWarps), copies(numWarps * warpSize) {}
  void join(const Knowledge &other);
};

/// For each lane of a warp, and each other lane, up to where the other is
/// known.
using LaneMatrix = std::array<std::array<uint32_t, warpSize>, warpSize>;

/// Where a warp is in its time.
class WarpClock {
public:
  WarpClock(unsigned warp, unsigned numWarps, uint32_t lanes)
      : known(numWarps), warp(warp), lanes(lanes) {}

  /// A barrier of these lanes.
  void orderLanes(uint32_t members);
  /// One of all that there are.
  void orderWarp() { orderLanes(lanes); }
  /// What others know who are behind a barrier that this warp arrives at.
  Knowledge arrive();

  unsigned getWarp() const { return warp; }
  uint32_t getNow() const { return now; }
  /// What lanes of this warp did before is ordered for all of its lanes.
  uint32_t getOrdered() const { return ordered; }
  /// Whether some lanes have met since, and not all.
  bool isParted() const { return !seen.empty(); }
  /// Whether a lane, or all for severalLanes, knows what another one did.
  bool hasSeen(unsigned lane, unsigned other, uint32_t time) const;
  bool hasSeenCopy(unsigned lane, unsigned other, uint32_t group) const;

  /// Of other warps.
  Knowledge known;
  /// Up to which of its groups each thread has waited.
  uint32_t waited[warpSize] = {};

private:
  void publishCopies(Knowledge &knowledge, uint32_t members) const;

  unsigned warp;
  /// Those that there are.
  uint32_t lanes;
  uint32_t now = 1, ordered = 1;
  /// One matrix of clocks and one of groups, while the warp is parted.
  std::vector<LaneMatrix> seen, seenCopies;
};

/// Who accesses: a lane of a warp, at an instruction.
struct Accessor {
  const WarpClock &clock;
  unsigned lane;
  uint32_t pc;
};

/// Who did, as far as it is on record.
struct PastAccess {
  const char *kind;
  unsigned warp;
  /// Or severalLanes.
  unsigned lane;
  uint32_t pc;
};

class RaceListener {
public:
  virtual ~RaceListener() = default;
  /// For each access that it races with.
  virtual void onRace(const Accessor &access, const char *kind,
                      const PastAccess &past, uint32_t address) = 0;
  /// Once for an access that races.
  virtual void onRacingAccess() = 0;
};

/// The records of a block's shared memory. Addresses are within it and aligned
/// to the access, whose size is a power of two of at most 16.
class RaceDetector {
public:
  RaceDetector(unsigned numWarps, const char *shared, uint32_t bytes,
               RaceListener &listener);

  /// One that is strong does not race with atomic accesses.
  void read(const Accessor &access, uint32_t address, unsigned bytes,
            bool isStrong);
  /// A store is first checked against what was before the instruction, by all
  /// of its lanes, and then recorded with the value that it stores: two lanes
  /// that store the same value by one instruction do not race.
  void checkStore(const Accessor &access, uint32_t address, unsigned bytes);
  void recordStore(const Accessor &access, uint32_t address, unsigned bytes,
                   const char *value);
  void atomic(const Accessor &access, uint32_t address, unsigned bytes);
  /// An asynchronous copy of the thread's group, which a thread writes only
  /// when it waits.
  void copy(const Accessor &access, uint32_t address, unsigned bytes,
            uint32_t group);

private:
  /// The last access of some kind, by lanes of one warp.
  struct Record {
    uint32_t clock, pc, lanes;
  };
  /// Some bytes that are accessed together. Behind it is a record for each
  /// warp: its last read.
  struct Cell {
    Record write;
    uint16_t writeWarp;
    bool writeIsCopy;
    /// From 1 on: the atomic accesses and the strong reads of each warp are
    /// elsewhere, as there are few.
    uint32_t strong;

    Record *reads() { return reinterpret_cast<Record *>(this + 1); }
  };
  /// 16 bytes are one cell or more, as they are accessed.
  struct Granule {
    uint32_t firstCell;
    uint8_t shift = 4;
  };
  /// The last read of each lane, where a warp is parted: by then one clock for
  /// all of them is not enough.
  struct LaneReads {
    /// What the warp had ordered; of no use when it has ordered more.
    uint32_t ordered = 0;
    std::array<uint32_t, warpSize> clocks;
  };

  Cell &getCell(uint32_t index) {
    return *reinterpret_cast<Cell *>(&cells[index * cellBytes]);
  }
  /// Calls `action(cell, its number, its address, its size)`, and tells the
  /// listener of an access that raced in one of them.
  template <typename Action>
  void forEachCell(uint32_t address, unsigned bytes, Action action);
  void split(Granule &granule, unsigned shift);
  uint32_t addStrong(uint32_t likeThose);
  /// The records of a cell, of which atomic accesses are first.
  Record *getStrong(const Cell &cell) {
    return &strong[(cell.strong - 1) * 2 * numWarps];
  }

  static bool isOrdered(const Accessor &access, unsigned warp,
                        const Record &record);
  static bool areLanesOrdered(const Accessor &access, const Record &record);
  static bool isWriteOrdered(const Accessor &access, const Cell &cell);
  bool areReadsOrdered(const Accessor &access, unsigned warp,
                       const Record &record, uint32_t index);
  void report(const Accessor &access, const char *kind, const char *pastKind,
              unsigned pastWarp, const Record &past, uint32_t address);
  void checkWrite(const Accessor &access, const char *kind, Cell &cell,
                  uint32_t address);
  void checkReads(const Accessor &access, const char *kind, Cell &cell,
                  uint32_t index, uint32_t address);
  void checkStrong(const Accessor &access, const char *kind, Cell &cell,
                   uint32_t address, bool readsToo);
  static void renew(Record &record, const Accessor &access);
  void keepLaneReads(const Accessor &access, const Record &record,
                     uint32_t index);
  void setWrite(Cell &cell, uint32_t index, const Accessor &access,
                const Record &record, bool isCopy);

  unsigned numWarps;
  const char *shared;
  RaceListener &listener;
  size_t cellBytes;
  std::vector<Granule> granules;
  std::vector<char> cells;
  std::vector<Record> strong;
  /// By warp, by cell; and whether there are any.
  std::vector<std::unordered_map<uint32_t, LaneReads>> laneReads;
  bool hasLaneReads = false;
  /// Whether the access that is being recorded races.
  bool isRacing = false;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_RACES_H
