//===- Collectives.h - What the lanes of a warp do together -----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_COLLECTIVES_H
#define DSA_EMULATOR_COLLECTIVES_H

#include "Warp.h"

namespace dsa::emulator {

// What tells the forms of an instruction apart, in Instruction::variant.
enum class ShuffleMode : uint8_t { Up, Down, Butterfly, Index };
enum class Vote : uint8_t { All, Any, Uniform, Ballot };

/// The lanes that execute an instruction together, all with one opcode but
/// perhaps at different places.
class Participants {
public:
  Participants(Warp &warp, uint32_t mask, const Instruction *const *at)
      : warp(warp), mask(mask), at(at) {}

  const Instruction &first() const { return *at[__builtin_ctz(mask)]; }
  template <typename Action>
  void forEach(Action action) const {
    for (uint32_t left = mask; left; left &= left - 1)
      action(unsigned(__builtin_ctz(left)));
  }

  // The operand of a lane's instruction by its number. What no register takes
  // is dropped.
  template <typename T>
  T get(unsigned operand, unsigned lane) const {
    return warp.get<T>(at[lane]->operands[operand], lane);
  }
  template <typename T>
  void set(unsigned operand, unsigned lane, T value) const {
    uint32_t offset = at[lane]->operands[operand];
    if (offset != noRegister)
      warp.set(offset, lane, value);
  }
  /// With the `!` before it.
  bool getPredicate(unsigned operand, unsigned lane) const {
    bool value = warp.getPredicate(at[lane]->operands[operand]) >> lane & 1;
    return value != at[lane]->negatedOperand;
  }
  void setPredicate(unsigned operand, unsigned lane, bool value) const {
    uint32_t offset = at[lane]->operands[operand];
    if (offset != noRegister)
      warp.setPredicate(offset, value ? allLanes : 0, uint32_t(1) << lane);
  }

  Warp &warp;
  const uint32_t mask;

private:
  const Instruction *const *at;
};

/// Operand 0 is the result, 1 the predicate that tells who found a lane to read
/// from or noRegister, 2 to 4 the sources, 5 the mask.
void executeShuffle(const Participants &lanes);
/// Operand 0 is the result, 1 the predicate, 2 the mask.
void executeVote(const Participants &lanes);
/// Operand 0 is the result, 1 the source, 2 the mask, 3 the predicate of
/// match.all or noRegister. `variant` is 1 for .all.
void executeMatch(const Participants &lanes);
/// Operand 0 is the result, 1 the source, 2 the mask; null where a type has no
/// such operation.
enum class Reduction : uint8_t { Add, Min, Max, And, Or, Xor };
MaskedHandler getReductionHandler(Type type, Reduction operation);
void executeWarpBarrier(const Participants &lanes);

void executeActiveMask(Warp &warp, const Instruction &i, uint32_t mask);
void executeTrap(Warp &warp, const Instruction &i, uint32_t mask);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_COLLECTIVES_H
