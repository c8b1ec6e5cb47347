//===- Emulator.h - PTX on the CPU ------------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs kernels from the text of PTX, the very text that a GPU's driver would
// be given. A test instrument: what the PTX ISA leaves open is done in the way
// that is worst for the kernel, and what is a race in shared memory is
// reported even where its values came out right. docs/Emulator.md says what is
// modelled and what is not.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_EMULATOR_H
#define DSA_EMULATOR_EMULATOR_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dsa::emulator {

/// The memory that kernels may touch, by the addresses that it has in this
/// process. An access outside of it, or across two of its buffers, is an error.
class GlobalMemory {
public:
  GlobalMemory();
  ~GlobalMemory();
  /// Memory of its own, aligned to 256 bytes and filled with 0xFF; `name` is
  /// for messages. Null if the machine has no room for it.
  void *allocate(size_t bytes, std::string name);
  /// False if nothing was allocated at `address`.
  bool free(void *address);
  /// Memory of somebody else, which outlives its entry here.
  void add(void *address, size_t bytes, std::string name);
  void remove(void *address);

  struct Buffer {
    uint64_t begin, end;
    std::string name;
    bool owned;
  };
  /// The buffer that holds `address`, or null.
  const Buffer *find(uint64_t address) const;

private:
  /// By the first address.
  std::map<uint64_t, Buffer> buffers;
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

/// Of the code that is run, not of results: results are the same for all.
enum class HostISA { Baseline, AVX2, AVX512 };
/// The best that this machine can run.
HostISA getHostISA();
/// `baseline`, `avx2`, `avx512`.
std::string_view getName(HostISA isa);

struct LaunchOptions {
  Dim3 grid, block;
  uint32_t dynamicSharedBytes = 0;
  /// Report accesses of shared memory that nothing orders.
  bool checkRaces = true;
  /// 0 runs the warps of a block in turn, each until it waits; others shuffle
  /// them and interrupt them in between.
  uint64_t seed = 0;
  HostISA isa = getHostISA();
};

struct Statistics {
  uint64_t warpInstructions = 0;
  uint64_t laneInstructions = 0;
  /// Executed by a warp, by opcode with its modifiers, as in the PTX:
  /// `mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32`.
  std::map<std::string, uint64_t> byOpcode;
};

/// Why a launch stopped, as far as the driver tells programs.
enum class FailureKind { None, IllegalAddress, MisalignedAddress, Other };

/// What a launch did. Without an error all blocks ran to their end.
struct Report {
  FailureKind failure = FailureKind::None;
  /// Why the launch stopped, in one line that names kernel, line of the PTX,
  /// source location if there is one, block, thread and address; or empty.
  std::string error;
  /// One line for each pair of instructions that race, at most `maxRaces`.
  std::vector<std::string> races;
  static constexpr size_t maxRaces = 16;
  /// How many racing accesses there were.
  uint64_t raceCount = 0;
  Statistics statistics;
};

/// A parameter of a kernel, in the order and the layout of its .param space.
struct Parameter {
  std::string name;
  uint32_t offset, bytes;
};

/// A kernel of a module, decoded.
class Kernel {
public:
  virtual ~Kernel() = default;
  virtual const std::string &getName() const = 0;
  virtual const std::vector<Parameter> &getParameters() const = 0;
  /// All parameters together.
  virtual uint32_t getParameterBytes() const = 0;
  virtual uint32_t getStaticSharedBytes() const = 0;
  virtual uint32_t getLocalBytes() const = 0;
  /// From .maxntid or .reqntid, or 1024.
  virtual uint32_t getMaxThreads() const = 0;
  /// Runs all blocks, one after the other. `parameters` are the bytes of the
  /// .param space.
  virtual Report launch(const GlobalMemory &memory, const void *parameters,
                        const LaunchOptions &options) const = 0;
};

/// A module of PTX text. Its kernels and global variables live as long as it.
class Module {
public:
  /// Null and a one-line `error` with the line for text that is not PTX, or
  /// that uses what the emulator does not have.
  static std::unique_ptr<Module> load(std::string_view text,
                                      std::string &error);
  virtual ~Module() = default;
  /// The `sm_80` of .target.
  virtual const std::string &getTarget() const = 0;
  virtual std::vector<std::string> getKernelNames() const = 0;
  /// Null if there is no such .entry.
  virtual const Kernel *getKernel(std::string_view name) const = 0;

  struct Variable {
    void *address;
    size_t bytes;
  };
  /// A .global or .const variable; a null address if there is none.
  virtual Variable getVariable(std::string_view name) const = 0;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_EMULATOR_H
