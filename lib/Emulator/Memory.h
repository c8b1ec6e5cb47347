//===- Memory.h - What instructions do with memory --------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_MEMORY_H
#define DSA_EMULATOR_MEMORY_H

#include "Instruction.h"

namespace dsa::emulator {

enum class AtomicOperation : uint8_t {
  And,
  Or,
  Xor,
  CompareAndSwap,
  Exchange,
  Add,
  Increment,
  Decrement,
  Min,
  Max
};

/// Operand 0 is the address, those behind it are the registers.
void executeLoad(Warp &warp, const Instruction &i, uint32_t mask);
void executeStore(Warp &warp, const Instruction &i, uint32_t mask);
/// Operand 0 is the result or noRegister, operand 1 the address; the values
/// follow.
void executeAtomic(Warp &warp, const Instruction &i, uint32_t mask);
/// The element's type decides; null for those that have no such operation.
WarpHandler getAtomicHandler(Type type, AtomicOperation operation);

/// Operand 0 is where to, operand 1 where from, operand 2 how many bytes of the
/// `variant` ones, operand 3 a predicate of whether none; or noRegister.
void executeAsyncCopy(Warp &warp, const Instruction &i, uint32_t mask);
void executeCommitGroup(Warp &warp, const Instruction &i, uint32_t mask);
/// All but the last `variant` groups; all copies for -1.
void executeWaitGroup(Warp &warp, const Instruction &i, uint32_t mask);

/// Operand 0 is the predicate, operand 1 the generic address.
void executeIsSpace(Warp &warp, const Instruction &i, uint32_t mask);

/// Operand 0 is the address, those behind it are one to four registers.
/// `variant` is 1 for .trans.
void executeLoadMatrix(Warp &warp, const Instruction &i, uint32_t mask);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_MEMORY_H
