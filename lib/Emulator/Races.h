//===- Races.h - Accesses of shared memory that nothing orders --*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before with vector clocks. A warp has a clock, which its barriers
// advance; the record of an access has the lane too, since lanes of a warp are
// ordered by barriers only. The asynchronous copies of a thread are somebody
// else, whose clock is the number of the thread's group: what a copy writes is
// ordered for the thread that waits for its group, and by barriers after that
// for others.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_RACES_H
#define DSA_EMULATOR_RACES_H

#include "Instruction.h"
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

/// Where a warp is in its time.
struct WarpClock {
  unsigned warp;
  uint32_t now = 1;
  /// What lanes of this warp did before is ordered for all of its lanes.
  uint32_t lanesOrdered = 1;
  Knowledge known;
  /// Up to which of its groups each thread has waited.
  uint32_t waited[warpSize] = {};

  WarpClock(unsigned warp, unsigned numWarps) : warp(warp), known(numWarps) {}
  /// A barrier of these lanes, which the rest of the warp is taken to see too.
  void orderLanes(uint32_t lanes);
  /// What others know who are behind a barrier that this warp arrives at.
  Knowledge arrive(uint32_t lanes);

private:
  void publishCopies(Knowledge &knowledge, uint32_t lanes) const;
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
  virtual void onRace(const Accessor &access, const char *kind,
                      const PastAccess &past, uint32_t address) = 0;
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
  /// `value` is what will be there: two lanes of a warp that store the same
  /// value with one instruction do not race.
  void write(const Accessor &access, uint32_t address, unsigned bytes,
             const char *value);
  void atomic(const Accessor &access, uint32_t address, unsigned bytes);
  /// An asynchronous copy of the thread's group, which a thread writes only
  /// when it waits.
  void copy(const Accessor &access, uint32_t address, unsigned bytes,
            uint32_t group);

private:
  struct Record {
    uint32_t clock;
    /// The instruction's number and behind it 6 bits of lane.
    uint32_t place;

    unsigned getLane() const { return place & 63; }
    uint32_t getPC() const { return place >> 6; }
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

  Cell &getCell(uint32_t index) {
    return *reinterpret_cast<Cell *>(&cells[index * cellBytes]);
  }
  template <typename Action>
  void forEachCell(uint32_t address, unsigned bytes, Action action);
  void split(Granule &granule, unsigned shift);
  uint32_t addStrong(uint32_t likeThose);

  static bool isOrdered(const Accessor &access, unsigned warp,
                        const Record &record);
  static bool isWriteOrdered(const Accessor &access, const Cell &cell);
  void checkWrite(const Accessor &access, const char *kind, Cell &cell,
                  uint32_t address);
  void checkReads(const Accessor &access, const char *kind, Cell &cell,
                  uint32_t address);
  void checkStrong(const Accessor &access, const char *kind, Cell &cell,
                   uint32_t address, bool readsToo);
  /// The records of a cell, of which atomic accesses are first.
  Record *getStrong(const Cell &cell) {
    return &strong[(cell.strong - 1) * 2 * numWarps];
  }
  static void renew(Record &record, const Accessor &access);
  void setWrite(Cell &cell, const Accessor &access, uint32_t clock,
                bool isCopy);

  unsigned numWarps;
  const char *shared;
  RaceListener &listener;
  size_t cellBytes;
  std::vector<Granule> granules;
  std::vector<char> cells;
  std::vector<Record> strong;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_RACES_H
