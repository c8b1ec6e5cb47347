//===- Warp.cpp - 32 threads that run together ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Warp.h"
#include "Block.h"
#include "Collectives.h"
#include <algorithm>
#include <cstring>
#include <map>

using namespace dsa::emulator;

/// The lanes of a warp that there are threads for.
static uint32_t getLanes(unsigned numThreads, unsigned warp) {
  unsigned number = std::min(numThreads - warp * warpSize, warpSize);
  return number == warpSize ? allLanes : (uint32_t(1) << number) - 1;
}

Warp::Warp(Block &block, unsigned index)
    : block(block), execution(block.execution), index(index),
      clock(index, execution.numWarps, getLanes(execution.numThreads, index)),
      registers(execution.getRegisters(index)),
      localBytes(execution.program.localBytes),
      isa(unsigned(execution.options.isa)),
      all(getLanes(execution.numThreads, index)), live(all) {
  local.assign(warpSize * size_t(localBytes), char(0xFF));
  fragments.push_back({0, live});
  setSpecials();
}

uint32_t Warp::getSpecial(SpecialRegister which, unsigned thread,
                          unsigned lane) const {
  const Dim3 &size = execution.options.block, &grid = execution.options.grid;
  uint32_t bit = uint32_t(1) << lane;
  switch (which) {
  case SpecialRegister::ThreadX:
    return thread % size.x;
  case SpecialRegister::ThreadY:
    return thread / size.x % size.y;
  case SpecialRegister::ThreadZ:
    return thread / size.x / size.y;
  case SpecialRegister::BlockSizeX:
    return size.x;
  case SpecialRegister::BlockSizeY:
    return size.y;
  case SpecialRegister::BlockSizeZ:
    return size.z;
  case SpecialRegister::BlockX:
    return block.index.x;
  case SpecialRegister::BlockY:
    return block.index.y;
  case SpecialRegister::BlockZ:
    return block.index.z;
  case SpecialRegister::GridSizeX:
    return grid.x;
  case SpecialRegister::GridSizeY:
    return grid.y;
  case SpecialRegister::GridSizeZ:
    return grid.z;
  case SpecialRegister::Lane:
    return lane;
  case SpecialRegister::Warp:
    return index;
  case SpecialRegister::NumWarps:
    return execution.numWarps;
  case SpecialRegister::Multiprocessor:
    return 0;
  case SpecialRegister::NumMultiprocessors:
    return 1;
  case SpecialRegister::MaskEqual:
    return bit;
  case SpecialRegister::MaskLess:
    return bit - 1;
  case SpecialRegister::MaskLessEqual:
    return bit | (bit - 1);
  case SpecialRegister::MaskGreater:
    return ~(bit | (bit - 1));
  case SpecialRegister::MaskGreaterEqual:
    return ~(bit - 1);
  case SpecialRegister::DynamicSharedBytes:
    return execution.options.dynamicSharedBytes;
  case SpecialRegister::TotalSharedBytes:
    return execution.sharedBytes;
  }
  return 0;
}

void Warp::setSpecials() {
  for (auto [which, offset] : execution.program.specials)
    for (unsigned lane = 0; lane < warpSize; ++lane)
      set(offset, lane, getSpecial(which, index * warpSize + lane, lane));
}

void Warp::failAtInstruction(uint32_t where, unsigned lane,
                             const std::string &message,
                             FailureKind kind) const {
  throw Failure(
      concat("kernel '", execution.program.name,
             "': ", execution.describe(where), ": ",
             execution.describeThread(block.index, index * warpSize + lane),
             ": ", message),
      kind);
}

Fragment *Warp::pickFragment() {
  Fragment *best = nullptr;
  auto isBefore = [&](const Fragment &a, const Fragment &b) {
    bool aIsLate = tired && a.pc <= *tired, bIsLate = tired && b.pc <= *tired;
    return aIsLate != bIsLate ? bIsLate : a.pc < b.pc;
  };
  for (Fragment &fragment : fragments)
    if (!fragment.waits && (!best || isBefore(fragment, *best)))
      best = &fragment;
  tired.reset();
  return best;
}

bool Warp::run(uint64_t turn) {
  executed = 0;
  limit = turn;
  while (live && !blocked && executed < limit) {
    Fragment *fragment = pickFragment();
    if (!fragment)
      failConverging();
    runFragment(*fragment);
  }
  if (executed >= limit)
    tired = pc;
  return executed;
}

bool Warp::mergeWithOther(Fragment &fragment) {
  for (Fragment &other : fragments) {
    if (&other == &fragment || other.pc != fragment.pc)
      continue;
    other.mask |= fragment.mask;
    other.waits = false;
    fragments.erase(fragments.begin() + (&fragment - fragments.data()));
    return true;
  }
  return false;
}

inline uint32_t Warp::getActive(const Instruction &i, uint32_t mask) {
  if (i.predicate == noRegister)
    return mask;
  uint32_t values = getPredicate(i.predicate);
  return mask & (i.negated ? ~values : values);
}

void Warp::runFragment(Fragment &fragment) {
  const Instruction *instructions = execution.program.instructions.data();
  for (;;) {
    if (fragments.size() > 1 && mergeWithOther(fragment))
      return;
    if (executed >= limit)
      return;
    pc = fragment.pc;
    const Instruction &i = instructions[pc];
    uint32_t active = getActive(i, fragment.mask);
    if (!active) {
      ++executed;
      ++fragment.pc;
      continue;
    }
    switch (i.kind) {
    case Instruction::Kind::Lanes:
      i.lanes[isa](registers, i, active);
      break;
    case Instruction::Kind::Each:
      i.handler(*this, i, active);
      break;
    case Instruction::Kind::Aligned:
      if (!runAligned(fragment, i, active))
        return;
      break;
    case Instruction::Kind::Masked:
      return runMasked(fragment, i, active);
    case Instruction::Kind::Branch:
      return branch(fragment, i, active);
    case Instruction::Kind::BranchTable:
      return branchByTable(fragment, i, active);
    case Instruction::Kind::Exit:
      return exitLanes(fragment, active);
    case Instruction::Kind::Barrier:
      return runBarrier(fragment, i, active);
    }
    execution.count(pc, active);
    ++executed;
    ++fragment.pc;
  }
}

/// Lanes go to one instruction, the others of the fragment to another.
void Warp::split(Fragment &fragment, uint32_t leaving, uint32_t leavingPC,
                 uint32_t stayingPC) {
  uint32_t staying = fragment.mask & ~leaving;
  if (!staying) {
    fragment.pc = leavingPC;
    return;
  }
  fragment.pc = stayingPC;
  fragment.mask = staying;
  fragments.push_back({leavingPC, leaving});
}

void Warp::branch(Fragment &fragment, const Instruction &i, uint32_t active) {
  if (i.uniform && active != fragment.mask)
    failLane(__builtin_ctz(active),
             "a branch that is .uni, which only some of the threads take");
  execution.count(pc, active);
  ++executed;
  split(fragment, active, i.target, fragment.pc + 1);
}

void Warp::branchByTable(Fragment &fragment, const Instruction &i,
                         uint32_t active) {
  execution.count(pc, active);
  ++executed;
  const std::vector<uint32_t> &table = execution.program.branchTables[i.target];
  std::map<uint32_t, uint32_t> lanesByTarget;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    if (!(active >> lane & 1))
      continue;
    uint32_t entry = get<uint32_t>(i.operands[0], lane);
    if (entry >= table.size())
      failLane(lane, "entry ", entry, " of a table of ", table.size());
    lanesByTarget[table[entry]] |= uint32_t(1) << lane;
  }
  uint32_t staying = fragment.mask & ~active, next = fragment.pc + 1;
  fragments.erase(fragments.begin() + (&fragment - fragments.data()));
  if (staying)
    fragments.push_back({next, staying});
  for (auto [target, lanes] : lanesByTarget)
    fragments.push_back({target, lanes});
}

void Warp::exitLanes(Fragment &fragment, uint32_t active) {
  execution.count(pc, active);
  ++executed;
  live &= ~active;
  fragment.mask &= ~active;
  ++fragment.pc;
  if (!fragment.mask)
    fragments.erase(fragments.begin() + (&fragment - fragments.data()));
  // Those that wait may have waited for these. Not at .aligned instructions,
  // where the warp was apart when some of it came; but threads that exit
  // release barriers of all threads.
  for (Fragment &other : fragments) {
    const Instruction &i = execution.program.instructions[other.pc];
    bool isBarrier = i.kind == Instruction::Kind::Barrier;
    bool isOfAll = isBarrier && i.operands[2] == noRegister;
    bool isAligned =
        i.kind == Instruction::Kind::Aligned || (isBarrier && i.uniform);
    other.waits &= isAligned && !isOfAll;
  }
  if (!live)
    block.onWarpDone();
}

bool Warp::runAligned(Fragment &fragment, const Instruction &i,
                      uint32_t active) {
  if (active != fragment.mask)
    failLane(
        __builtin_ctz(active),
        "an .aligned instruction for only some threads of the warp, lanes ",
        hex(active));
  if (active == allLanes) {
    if (i.handler)
      i.handler(*this, i, active);
    else
      i.lanes[isa](registers, i, active);
    return true;
  }
  if (live != allLanes)
    failLane(__builtin_ctz(active),
             "an .aligned instruction in a warp with only lanes ", hex(live));
  fragment.waits = true;
  return false;
}

/// Whether lanes of two places take part in one execution of an instruction.
bool Warp::isSameOperation(uint32_t pc, uint32_t otherPC) const {
  const std::vector<Source> &sources = execution.program.sources;
  return pc == otherPC || sources[pc].opcode == sources[otherPC].opcode;
}

void Warp::runMasked(Fragment &fragment, const Instruction &i,
                     uint32_t active) {
  // Lanes that the instruction is not for go on.
  if (active != fragment.mask) {
    uint32_t at = fragment.pc;
    split(fragment, fragment.mask & ~active, at + 1, at);
    return;
  }
  fragment.waits = true;
  // The lanes that wait at such an instruction, and the mask each names.
  const Instruction *at[warpSize];
  uint32_t members[warpSize], there = 0;
  for (const Fragment &part : fragments) {
    if (!part.waits || !isSameOperation(part.pc, pc))
      continue;
    const Instruction &instruction = execution.program.instructions[part.pc];
    for (uint32_t left = part.mask; left; left &= left - 1) {
      unsigned lane = __builtin_ctz(left);
      at[lane] = &instruction;
      members[lane] =
          get<uint32_t>(instruction.operands[instruction.maskOperand], lane);
    }
    there |= part.mask;
  }
  uint32_t done = 0;
  for (uint32_t left = active; left;) {
    unsigned lane = __builtin_ctz(left);
    if (!(members[lane] >> lane & 1))
      failLane(lane, "the mask ", hex(members[lane]),
               " is without the thread itself");
    uint32_t same = 0;
    for (uint32_t others = there; others; others &= others - 1) {
      unsigned other = __builtin_ctz(others);
      same |= uint32_t(members[other] == members[lane]) << other;
    }
    left &= ~same;
    if (same != (members[lane] & live))
      continue;
    i.masked(Participants(*this, same, at));
    done |= same;
  }
  advance(done);
}

/// These lanes have executed the instruction that they waited at.
void Warp::advance(uint32_t lanes) {
  for (size_t i = 0, number = fragments.size(); i < number; ++i) {
    Fragment &part = fragments[i];
    uint32_t done = part.mask & lanes;
    if (!done)
      continue;
    execution.count(part.pc, done);
    ++executed;
    if (done == part.mask) {
      part.waits = false;
      ++part.pc;
    } else {
      part.mask &= ~done;
      fragments.push_back({part.pc + 1, done});
    }
  }
}

/// Threads that are not .aligned may be at one barrier by several instructions.
bool Warp::areAllAtBarrier(const Instruction &i) const {
  uint32_t lanes = 0;
  for (const Fragment &fragment : fragments) {
    const Instruction &other = execution.program.instructions[fragment.pc];
    if (!fragment.waits || other.kind != i.kind || other.uniform ||
        other.variant != i.variant)
      return false;
    lanes |= fragment.mask;
  }
  return lanes == live;
}

void Warp::runBarrier(Fragment &fragment, const Instruction &i,
                      uint32_t active) {
  if (active != fragment.mask) {
    if (i.uniform)
      failLane(__builtin_ctz(active),
               "an .aligned barrier for only some "
               "threads of the warp, lanes ",
               hex(active));
    uint32_t at = fragment.pc;
    split(fragment, fragment.mask & ~active, at + 1, at);
    return;
  }
  if (active != live) {
    fragment.waits = true;
    if (i.uniform || !areAllAtBarrier(i))
      return;
  }
  Barriers::Arrival arrival{};
  arrival.lanes = live;
  arrival.reduction = BarrierReduction(i.variant & 0xFF);
  arrival.waits = i.variant >> 8 & 1;
  bool isFirst = true;
  for (const Fragment &part : fragments) {
    const Instruction &at = execution.program.instructions[part.pc];
    for (unsigned lane = 0; lane < warpSize; ++lane) {
      if (!(part.mask >> lane & 1))
        continue;
      uint32_t barrier = get<uint32_t>(at.operands[1], lane);
      std::optional<uint32_t> threads;
      if (at.operands[2] != noRegister)
        threads = get<uint32_t>(at.operands[2], lane);
      if (!isFirst &&
          (barrier != arrival.barrier || threads != arrival.threads))
        failLane(lane, "barrier ", barrier,
                 ", for other threads of the warp "
                 "barrier ",
                 arrival.barrier);
      arrival.barrier = barrier;
      arrival.threads = threads;
      isFirst = false;
    }
    if (at.operands[3] != noRegister) {
      uint32_t values = getPredicate(at.operands[3]);
      arrival.values |= part.mask & (at.negatedOperand ? ~values : values);
    }
    execution.count(part.pc, part.mask);
    ++executed;
  }
  if (!arrival.waits) {
    for (Fragment &part : fragments) {
      ++part.pc;
      part.waits = false;
    }
  } else {
    blocked = true;
  }
  block.barriers.arrive(*this, arrival, block.getNumLiveWarps());
}

void Warp::release(const Knowledge &knowledge, uint32_t reduced) {
  for (Fragment &fragment : fragments) {
    const Instruction &i = execution.program.instructions[fragment.pc];
    auto reduction = BarrierReduction(i.variant & 0xFF);
    if (reduction == BarrierReduction::CountOnes) {
      for (unsigned lane = 0; lane < warpSize; ++lane)
        if (fragment.mask >> lane & 1)
          set(i.operands[0], lane, reduced);
    } else if (reduction != BarrierReduction::None) {
      setPredicate(i.operands[0], reduced ? allLanes : 0, fragment.mask);
    }
    ++fragment.pc;
    fragment.waits = false;
  }
  clock.known.join(knowledge);
  clock.orderWarp();
  blocked = false;
}

void Warp::failConverging() {
  std::string where;
  for (const Fragment &fragment : fragments)
    where += concat(where.empty() ? "" : "; ", "lanes ", hex(fragment.mask),
                    " at ", execution.describe(fragment.pc));
  if (live != all)
    where += concat("; lanes ", hex(all & ~live), " have exited");
  const Fragment &first = fragments[0];
  failAtInstruction(first.pc, __builtin_ctz(first.mask),
                    concat("the threads of the warp wait for each other at "
                           "different instructions: ",
                           where),
                    FailureKind::Other);
}
