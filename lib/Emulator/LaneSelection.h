//===- LaneSelection.h - Code for the host that runs it ---------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_LANESELECTION_H
#define DSA_EMULATOR_LANESELECTION_H

#include "Instruction.h"
#include "dsa/Emulator/Emulator.h"

namespace dsa::emulator {

/// Null where nothing does it.
LaneHandler selectLanes(HostISA isa, const LaneOperation &operation);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_LANESELECTION_H
