//===- AsyncCopies.cpp - Copies that land when somebody waits -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsyncCopies.h"
#include <algorithm>
#include <cstring>

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
    memcpy(copy.to, copy.from, copy.copied);
    memset(copy.to + copy.copied, 0, copy.bytes - copy.copied);
  }
  pending.resize(kept);
}
