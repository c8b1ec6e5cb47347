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

/// The shared memory of a block on sm_80 and on sm_86, of which the system
/// keeps 1 KB.
constexpr int64_t large = 163 << 10;
constexpr int64_t small = 99 << 10;

constexpr Chip chips[] = {
    {"sm_80", "sm_80", 8, 0, large},   {"sm_86", "sm_86", 8, 6, small},
    {"sm_89", "sm_86", 8, 9, small},   {"sm_90", "sm_80", 9, 0, large},
    {"sm_100", "sm_80", 10, 0, large}, {"sm_120", "sm_86", 12, 0, small},
};

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
