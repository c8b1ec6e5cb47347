//===- Collectives.h - What the lanes of a warp do together -----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_COLLECTIVES_H
#define DSA_EMULATOR_COLLECTIVES_H

#include "Instruction.h"

namespace dsa::emulator {

// What tells the forms of an instruction apart, in Instruction::variant.
enum class ShuffleMode : uint8_t { Up, Down, Butterfly, Index };
enum class Vote : uint8_t { All, Any, Uniform, Ballot };

/// Operand 0 is the result, 1 the predicate that tells who found a lane to read
/// from or noRegister, 2 to 4 the sources, 5 the mask.
void executeShuffle(Warp &warp, const Instruction &i, uint32_t mask);
/// Operand 0 is the result, 1 the predicate, 2 the mask.
void executeVote(Warp &warp, const Instruction &i, uint32_t mask);
/// Operand 0 is the result, 1 the source, 2 the mask, 3 the predicate of
/// match.all or noRegister. `variant` is 1 for .all.
void executeMatch(Warp &warp, const Instruction &i, uint32_t mask);
/// Operand 0 is the result, 1 the source, 2 the mask; null where a type has no
/// such operation.
enum class Reduction : uint8_t { Add, Min, Max, And, Or, Xor };
WarpHandler getReductionHandler(Type type, Reduction operation);
void executeActiveMask(Warp &warp, const Instruction &i, uint32_t mask);
void executeWarpBarrier(Warp &warp, const Instruction &i, uint32_t mask);
void executeTrap(Warp &warp, const Instruction &i, uint32_t mask);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_COLLECTIVES_H
