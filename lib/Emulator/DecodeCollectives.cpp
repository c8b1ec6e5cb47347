//===- DecodeCollectives.cpp - Opcodes of a warp's lanes together ---------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Barriers.h"
#include "Collectives.h"
#include "Decoder.h"

using namespace dsa::emulator;

static void decodeShuffle(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  d.takeOneOf({"sync"});
  i.variant = d.takeOneOf({"up", "down", "bfly", "idx"});
  d.takeType({Type::B32});
  d.expectOperands(5);
  auto [result, found] = d.getPair(0);
  i.operands[0] = d.takeOptionalResult(result, Type::B32);
  i.operands[1] = d.takeOptionalResult(found, Type::Pred);
  for (unsigned operand = 1; operand < 5; ++operand)
    i.operands[operand + 1] = d.takeSource(operand, Type::B32);
  d.setMasked(5, executeShuffle);
}

static void decodeVote(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  d.takeOneOf({"sync"});
  i.variant = d.takeOneOf({"all", "any", "uni", "ballot"});
  bool isBallot = Vote(i.variant) == Vote::Ballot;
  Type type = d.takeType({isBallot ? Type::B32 : Type::Pred});
  d.expectOperands(3);
  i.operands[0] = d.takeResult(0, type);
  i.operands[1] = d.takePredicate(1);
  i.operands[2] = d.takeSource(2, Type::B32);
  d.setMasked(2, executeVote);
}

static void decodeMatch(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  i.variant = d.takeOneOf({"any", "all"});
  d.takeOneOf({"sync"});
  Type type = d.takeType({Type::B32, Type::B64});
  i.elementBytes = getBytes(type);
  d.expectOperands(3);
  auto [result, predicate] = d.getPair(0);
  i.operands[0] = i.variant ? d.takeOptionalResult(result, Type::B32)
                            : d.takeResult(result, Type::B32);
  i.operands[3] = d.takeOptionalResult(predicate, Type::Pred);
  if (!i.variant && i.operands[3] != noRegister)
    d.refuse("only match.all has a predicate");
  i.operands[1] = d.takeSource(1, type);
  i.operands[2] = d.takeSource(2, Type::B32);
  d.setMasked(2, executeMatch);
}

static void decodeReduction(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  d.takeOneOf({"sync"});
  auto operation =
      Reduction(d.takeOneOf({"add", "min", "max", "and", "or", "xor"}));
  Type type = d.takeType({Type::U32, Type::S32, Type::B32});
  MaskedHandler handler = getReductionHandler(type, operation);
  if (!handler)
    d.refuse("there is no such reduction of .", getName(type));
  d.expectOperands(3);
  i.operands[0] = d.takeResult(0, type);
  i.operands[1] = d.takeSource(1, type);
  i.operands[2] = d.takeSource(2, Type::B32);
  d.setMasked(2, handler);
}

static void decodeActiveMask(InstructionDecoder &d) {
  d.takeType({Type::B32});
  d.expectOperands(1);
  d.instruction.operands[0] = d.takeResult(0, Type::B32);
  d.setHandler(Instruction::Kind::Each, executeActiveMask);
}

/// bar.red: operand 0 is the result, 3 the predicate.
static void decodeBarrierReduction(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  static constexpr BarrierReduction reductions[] = {
      BarrierReduction::CountOnes, BarrierReduction::And, BarrierReduction::Or};
  BarrierReduction reduction = reductions[d.takeOneOf({"popc", "and", "or"})];
  Type type = reduction == BarrierReduction::CountOnes
                  ? d.takeType({Type::U32})
                  : d.takeType({Type::Pred});
  d.expectOperands(3, 4);
  unsigned last = d.getNumOperands() - 1;
  i.operands[0] = d.takeResult(0, type);
  i.operands[1] = d.takeSource(1, Type::U32);
  if (last == 3)
    i.operands[2] = d.takeSource(2, Type::U32);
  i.operands[3] = d.takePredicate(last);
  i.variant = 1 << 8 | int64_t(reduction);
}

/// bar, which is always .aligned, and barrier. Operand 1 is the barrier, 2 the
/// number of threads or noRegister. `variant` is a reduction and, from bit 8,
/// whether threads wait.
static void decodeBarrier(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  if (d.accept("warp")) {
    d.takeOneOf({"sync"});
    d.expectOperands(1);
    i.operands[0] = d.takeSource(0, Type::B32);
    return d.setMasked(0, executeWarpBarrier);
  }
  d.accept("cta");
  i.kind = Instruction::Kind::Barrier;
  unsigned form = d.takeOneOf({"sync", "arrive", "red"});
  i.uniform = d.accept("aligned") || d.getOpcode() == "bar";
  if (form == 2)
    return decodeBarrierReduction(d);
  bool waits = form == 0;
  i.variant = waits << 8;
  d.expectOperands(waits ? 1 : 2, 2);
  i.operands[1] = d.takeSource(0, Type::U32);
  if (d.getNumOperands() == 2)
    i.operands[2] = d.takeSource(1, Type::U32);
}

OpcodeGroup dsa::emulator::getCollectiveOpcodes() {
  static constexpr OpcodeEntry entries[] = {
      {"shfl", decodeShuffle},         {"vote", decodeVote},
      {"match", decodeMatch},          {"redux", decodeReduction},
      {"bar", decodeBarrier},          {"barrier", decodeBarrier},
      {"activemask", decodeActiveMask}};
  return {std::begin(entries), std::end(entries)};
}
