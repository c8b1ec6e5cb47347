//===- Program.h - A kernel that is decoded ---------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_PROGRAM_H
#define DSA_EMULATOR_PROGRAM_H

#include "Instruction.h"
#include "Syntax.h"

namespace dsa::emulator {

/// Registers that tell threads where they are; those of three dimensions in
/// the order x, y, z.
enum class SpecialRegister : uint8_t {
  ThreadX,
  ThreadY,
  ThreadZ,
  BlockSizeX,
  BlockSizeY,
  BlockSizeZ,
  BlockX,
  BlockY,
  BlockZ,
  GridSizeX,
  GridSizeY,
  GridSizeZ,
  Lane,
  Warp,
  NumWarps,
  Multiprocessor,
  NumMultiprocessors,
  MaskEqual,
  MaskLess,
  MaskLessEqual,
  MaskGreater,
  MaskGreaterEqual,
  DynamicSharedBytes,
  TotalSharedBytes
};

/// Where an instruction came from, for messages and statistics.
struct Source {
  unsigned line;
  std::string opcode, text, location;
};

struct Program {
  std::string name;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  Dim3 requiredThreads{0, 0, 0};
  uint32_t maxThreads = 1024;

  std::vector<Instruction> instructions;
  /// One for each instruction.
  std::vector<Source> sources;
  std::vector<std::vector<uint32_t>> branchTables;

  /// A warp's register file before its first instruction, with the constants
  /// in it. Registers have 32 lanes one after the other; a predicate has a bit
  /// for each lane.
  std::vector<char> registers;
  /// Where special registers are in it; 32 bits for each lane.
  std::vector<std::pair<SpecialRegister, uint32_t>> specials;

  /// Variables in shared memory, and where dynamic shared memory begins.
  uint32_t staticSharedBytes = 0, dynamicSharedBase = 0;
  uint32_t localBytes = 0;
};

/// A .global or .const variable of a module.
struct ModuleVariable {
  Space space;
  uint64_t address, bytes;
};
using ModuleVariables = std::unordered_map<std::string_view, ModuleVariable>;

/// Throws a failure that names the line of what the emulator does not have.
Program decode(const ModuleSyntax &module, const KernelSyntax &kernel,
               const ModuleVariables &variables);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_PROGRAM_H
