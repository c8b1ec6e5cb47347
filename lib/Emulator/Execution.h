//===- Execution.h - What the blocks of a launch share ----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_EXECUTION_H
#define DSA_EMULATOR_EXECUTION_H

#include "Failure.h"
#include "Program.h"
#include <cstdlib>
#include <memory>
#include <set>

namespace dsa::emulator {

class Execution {
public:
  Execution(const Program &program, const ModuleVariables &variables,
            const GlobalMemory &memory, const char *parameters,
            const LaunchOptions &options, Report &report);
  /// All blocks; throws a failure.
  void run();

  /// Where `bytes` of global memory are, or an empty pointer. `writes` asks for
  /// memory that kernels may change.
  char *findGlobal(uint32_t pc, uint64_t address, unsigned bytes, bool writes);
  /// The register file of a warp, with the constants in it; what other
  /// registers hold is open.
  char *getRegisters(unsigned warp) { return registerFiles[warp].get(); }
  /// Whether it is in a .const variable.
  bool isConst(uint64_t address) const { return findRange(address).isConst; }
  /// What is before a message: line, text and source of an instruction.
  std::string describe(uint32_t pc) const;
  std::string describeThread(Dim3 block, unsigned thread) const;
  void count(uint32_t pc, uint32_t lanes) {
    ++executions[pc];
    laneExecutions += __builtin_popcount(lanes);
  }
  void countRace() { ++report.raceCount; }
  void reportRace(uint32_t pc, uint32_t otherPC, const std::string &message);

  const Program &program;
  const LaunchOptions &options;
  const char *const parameters;
  unsigned numThreads, numWarps;
  uint32_t sharedBytes;

private:
  void checkOptions() const;
  void allocateRegisters();
  void collectStatistics();

  struct Range {
    uint64_t begin = 0, end = 0;
    bool isConst = false;
  };
  Range findRange(uint64_t address) const;

  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  /// Aligned as the host's vectors are.
  std::vector<std::unique_ptr<char, Free>> registerFiles;
  const ModuleVariables &variables;
  const GlobalMemory &memory;
  Report &report;
  /// By instruction: where it found global memory last.
  std::vector<Range> lastRanges;
  std::vector<uint64_t> executions;
  uint64_t laneExecutions = 0;
  std::set<std::pair<uint32_t, uint32_t>> racingPairs;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_EXECUTION_H
