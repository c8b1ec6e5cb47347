//===- Execution.cpp - What the blocks of a launch share ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "Block.h"
#include <algorithm>

using namespace dsa::emulator;

Execution::Execution(const Program &program, const ModuleVariables &variables,
                     const GlobalMemory &memory, const char *parameters,
                     const LaunchOptions &options, Report &report)
    : program(program), options(options), parameters(parameters),
      variables(variables), memory(memory), report(report),
      lastRanges(program.instructions.size()),
      executions(program.instructions.size()) {
  checkOptions();
  const Dim3 &block = options.block;
  numThreads = block.x * block.y * block.z;
  numWarps = (numThreads + warpSize - 1) / warpSize;
  // With nothing dynamic the block has what its variables need.
  sharedBytes = options.dynamicSharedBytes
                    ? program.dynamicSharedBase + options.dynamicSharedBytes
                    : program.staticSharedBytes;
  allocateRegisters();
}

void Execution::allocateRegisters() {
  const std::vector<char> &initial = program.registers;
  size_t bytes = (initial.size() / 64 + 1) * 64;
  for (unsigned warp = 0; warp < numWarps; ++warp) {
    char *file = static_cast<char *>(std::aligned_alloc(64, bytes));
    if (!file)
      throw std::bad_alloc();
    registerFiles.emplace_back(file);
    std::copy(initial.begin(), initial.end(), file);
  }
}

static std::string show(const Dim3 &size) {
  return concat("(", size.x, ", ", size.y, ", ", size.z, ")");
}

void Execution::checkOptions() const {
  const Dim3 &block = options.block, &required = program.requiredThreads;
  auto failLaunch = [&](const auto &...parts) {
    fail("kernel '", program.name, "': ", parts...);
  };
  if (!options.grid.x || !options.grid.y || !options.grid.z)
    failLaunch("the grid ", show(options.grid), " has no blocks");
  uint64_t threads = uint64_t(block.x) * block.y;
  threads = threads > program.maxThreads ? threads : threads * block.z;
  if (!threads || threads > program.maxThreads)
    failLaunch("a block of ", show(block), " threads; it runs with 1 to ",
               program.maxThreads);
  if (required.x &&
      (block.x != required.x || block.y != required.y || block.z != required.z))
    failLaunch("a block of ", show(block), " threads; .reqntid is ",
               show(required));
  // Of the chips with the most.
  uint64_t bytes =
      uint64_t(program.dynamicSharedBase) + options.dynamicSharedBytes;
  if (bytes > 227 * 1024)
    failLaunch("a block of ", bytes,
               " bytes of shared memory; no chip has more than 232448");
  if (unsigned(options.isa) > unsigned(getHostISA()))
    failLaunch("this machine does not run ", emulator::getName(options.isa));
}

Execution::Range Execution::findRange(uint64_t address) const {
  if (const GlobalMemory::Buffer *buffer = memory.find(address))
    return {buffer->begin, buffer->end, false};
  for (const auto &entry : variables) {
    const ModuleVariable &variable = entry.second;
    uint64_t end = variable.address + variable.bytes;
    if (address >= variable.address && address < end)
      return {variable.address, end, variable.space == Space::Const};
  }
  return {};
}

char *Execution::findGlobal(uint32_t pc, uint64_t address, unsigned bytes,
                            bool writes) {
  Range &last = lastRanges[pc];
  auto holds = [&] {
    return address >= last.begin && address < last.end &&
           bytes <= last.end - address && !(writes && last.isConst);
  };
  if (!holds()) {
    last = findRange(address);
    if (!holds())
      return nullptr;
  }
  return reinterpret_cast<char *>(address);
}

std::string Execution::describe(uint32_t pc) const {
  const Source &source = program.sources[pc];
  return concat("line ", source.line, " '", source.text, "'",
                source.location.empty() ? "" : " (" + source.location + ")");
}

std::string Execution::describeThread(Dim3 block, unsigned thread) const {
  const Dim3 &size = options.block;
  return concat("block ", show(block), ", thread ",
                show({thread % size.x, thread / size.x % size.y,
                      thread / size.x / size.y}));
}

void Execution::reportRace(uint32_t pc, uint32_t otherPC,
                           const std::string &message) {
  bool isNew = racingPairs.insert(std::minmax(pc, otherPC)).second;
  if (isNew && report.races.size() < Report::maxRaces)
    report.races.push_back(concat("kernel '", program.name, "': ", message));
}

void Execution::collectStatistics() {
  Statistics &statistics = report.statistics;
  for (size_t pc = 0; pc < executions.size(); ++pc) {
    statistics.warpInstructions += executions[pc];
    if (executions[pc])
      statistics.byOpcode[program.sources[pc].opcode] += executions[pc];
  }
  statistics.laneInstructions = laneExecutions;
}

void Execution::run() {
  const Dim3 &grid = options.grid;
  try {
    for (uint32_t z = 0; z < grid.z; ++z)
      for (uint32_t y = 0; y < grid.y; ++y)
        for (uint32_t x = 0; x < grid.x; ++x)
          Block(*this, {x, y, z}).run();
  } catch (...) {
    collectStatistics();
    throw;
  }
  collectStatistics();
}
