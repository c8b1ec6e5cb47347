//===- AsyncCopies.cpp - Copies that land when somebody waits -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsyncCopies.h"
#include <algorithm>

using namespace dsa::emulator;

void AsyncCopies::wait(uint32_t lanes, uint32_t left,
                       uint32_t waited[warpSize]) {
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (lanes >> lane & 1 && committed[lane] > left)
      waited[lane] = std::max(waited[lane], committed[lane] - left);
  size_t kept = 0;
  for (const Copy &copy : pending) {
    if (!(lanes >> copy.lane & 1) || copy.group > waited[copy.lane]) {
      pending[kept++] = copy;
      continue;
    }
    // Where nothing is read there may be no address to read from.
    std::copy_n(copy.from, copy.copied, copy.to);
    std::fill_n(copy.to + copy.copied, copy.bytes - copy.copied, 0);
  }
  pending.resize(kept);
}
