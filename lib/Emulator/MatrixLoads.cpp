//===- MatrixLoads.cpp - Matrices from shared memory to registers ---------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "MemoryAccess.h"

using namespace dsa::emulator;

// A row of a matrix: eight elements of 16 bits.
using Row = uint16_t __attribute__((vector_size(16)));

/// Three shuffles of halves are a transposition of eight rows.
static void transpose(Row (&rows)[8]) {
  for (unsigned round = 0; round < 3; ++round) {
    Row shuffled[8];
    for (unsigned i = 0; i < 4; ++i) {
      shuffled[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1,
                                                9, 2, 10, 3, 11);
      shuffled[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12,
                                                    5, 13, 6, 14, 7, 15);
    }
    memcpy(rows, shuffled, sizeof(rows));
  }
}

void dsa::emulator::executeLoadMatrix(Warp &warp, const Instruction &i,
                                      uint32_t) {
  RaceDetector *races = warp.block.getRaces();
  Row rows[4][8];
  for (unsigned lane = 0; lane < 8u * i.elements; ++lane) {
    uint64_t address = warp.getAddress(i, i.operands[0], lane) + i.offset;
    Access access =
        resolve(warp, i, lane, address, sizeof(Row), i.space, false);
    if (access.space != Space::Shared)
      warp.failLane(lane, "the address of a row is not of shared memory");
    // Lanes have parts of rows that others gave the address of.
    if (races)
      races->read(getAccessor(warp, severalLanes), access.sharedAddress,
                  sizeof(Row), false);
    memcpy(&rows[lane / 8][lane % 8], access.memory, sizeof(Row));
  }
  for (unsigned matrix = 0; matrix < i.elements; ++matrix) {
    if (i.variant)
      transpose(rows[matrix]);
    // Four lanes have a row.
    memcpy(warp.getRegister(i.operands[1 + matrix]), rows[matrix],
           sizeof(rows[matrix]));
  }
}
