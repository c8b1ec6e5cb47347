//===- Chip.cpp - Chips that kernels are made for -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/Chip.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::dsa_gpu;

// Shared memory per block by compute capability, without the KB that the system
// keeps, as the CUDA programming guide has it; versions of PTX as its ISA lists
// its targets; multiprocessors of A100, RTX 3090, RTX 4090, H100 SXM, B200 and
// RTX 5090.
constexpr int64_t large = 163 << 10, small = 99 << 10, hopper = 227 << 10;

constexpr Chip chips[] = {
    {"sm_80", "sm_80", 70, 8, 0, large, large, 108},
    {"sm_86", "sm_86", 71, 8, 6, small, small, 82},
    {"sm_89", "sm_86", 71, 8, 9, small, small, 128},
    {"sm_90", "sm_80", 70, 9, 0, large, hopper, 132},
    {"sm_100", "sm_80", 70, 10, 0, large, hopper, 148},
    {"sm_120", "sm_86", 71, 12, 0, small, small, 170},
};

ArrayRef<Chip> dsa_gpu::getChips() { return chips; }

llvm::Expected<Chip> dsa_gpu::getChip(StringRef name) {
  for (const Chip &chip : chips)
    if (chip.name == name)
      return chip;
  auto names =
      llvm::map_range(chips, [](const Chip &chip) { return chip.name; });
  return llvm::createStringError(
      "chip '" + name +
      "' is not one that kernels are made for: " + llvm::join(names, ", "));
}
