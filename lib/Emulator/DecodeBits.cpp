//===- DecodeBits.cpp - Opcodes of logic, shifts and fields of bits -------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace dsa::emulator;

/// What the operands behind the result are: of the instruction's type, or of 32
/// bits.
static void decodeWith(InstructionDecoder &d, const LaneOperation &operation,
                       Type result, std::initializer_list<Type> sources) {
  d.expectOperands(1 + sources.size());
  d.instruction.operands[0] = d.takeResult(0, result);
  unsigned i = 1;
  for (Type source : sources) {
    d.instruction.operands[i] = d.takeSource(i, source);
    ++i;
  }
  d.setLanes(operation);
}

static void decodeLogic(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = d.getOpcode() == "and"  ? Operation::And
                : d.getOpcode() == "or" ? Operation::Or
                                        : Operation::Xor;
  o.type = d.takeType({Type::Pred, Type::B16, Type::B32, Type::B64});
  decodeWith(d, o, o.type, {o.type, o.type});
}

static void decodeNot(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = d.getOpcode() == "not" ? Operation::Not : Operation::IsZero;
  o.type = d.takeType({Type::Pred, Type::B16, Type::B32, Type::B64});
  decodeWith(d, o, o.type, {o.type});
}

static void decodeShift(InstructionDecoder &d) {
  bool left = d.getOpcode() == "shl";
  LaneOperation o;
  o.operation = left ? Operation::ShiftLeft : Operation::ShiftRight;
  o.type =
      left ? d.takeType({Type::B16, Type::B32, Type::B64})
           : d.takeType({Type::B16, Type::B32, Type::B64, Type::U16, Type::U32,
                         Type::U64, Type::S16, Type::S32, Type::S64});
  decodeWith(d, o, o.type, {o.type, Type::U32});
}

static void decodeExtract(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::ExtractBits;
  o.type = d.takeType({Type::U32, Type::S32, Type::U64, Type::S64});
  decodeWith(d, o, o.type, {o.type, Type::U32, Type::U32});
}

static void decodeInsert(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::InsertBits;
  o.type = d.takeType({Type::B32, Type::B64});
  decodeWith(d, o, o.type, {o.type, o.type, Type::U32, Type::U32});
}

static void decodePermute(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::PermuteBytes;
  o.type = d.takeType({Type::B32});
  auto mode = d.acceptOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  o.variant = mode.has_value();
  d.instruction.variant = mode.value_or(0);
  decodeWith(d, o, o.type, {o.type, o.type, o.type});
}

static void decodeLogic3(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::Logic3;
  o.type = d.takeType({Type::B32});
  // With .and or .or, a predicate of whether a bit is set, and another.
  if (auto combination = d.acceptOneOf({"and", "or"}))
    o.combination = *combination ? Combination::Or : Combination::And;
  bool hasPredicate = o.combination != Combination::None;
  d.expectOperands(5 + hasPredicate);
  if (hasPredicate) {
    auto [result, predicate] = d.getPair(0);
    d.instruction.operands[0] = d.takeOptionalResult(result, o.type);
    d.instruction.operands[4] = d.takeOptionalResult(predicate, Type::Pred);
    d.instruction.operands[5] = d.takePredicate(5);
  } else {
    d.instruction.operands[0] = d.takeResult(0, o.type);
  }
  for (unsigned i = 1; i < 4; ++i)
    d.instruction.operands[i] = d.takeSource(i, o.type);
  d.instruction.variant = d.takeInteger(4);
  if (d.instruction.variant < 0 || d.instruction.variant > 255)
    d.refuse("the table is a number from 0 to 255, not ",
             d.instruction.variant);
  d.setLanes(o);
}

static void decodeFunnel(InstructionDecoder &d) {
  LaneOperation o;
  o.operation =
      d.takeOneOf({"l", "r"}) ? Operation::FunnelRight : Operation::FunnelLeft;
  o.wrap = d.takeOneOf({"clamp", "wrap"});
  o.type = d.takeType({Type::B32});
  decodeWith(d, o, o.type, {o.type, o.type, Type::U32});
}

static void decodeCount(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = d.getOpcode() == "popc" ? Operation::CountOnes
                                        : Operation::CountLeadingZeros;
  o.type = d.takeType({Type::B32, Type::B64});
  decodeWith(d, o, Type::U32, {o.type});
}

static void decodeReverse(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::ReverseBits;
  o.type = d.takeType({Type::B32, Type::B64});
  decodeWith(d, o, o.type, {o.type});
}

static void decodeFind(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::FindHighest;
  o.variant = d.accept("shiftamt");
  o.type = d.takeType({Type::U32, Type::S32, Type::U64, Type::S64});
  decodeWith(d, o, Type::U32, {o.type});
}

OpcodeGroup dsa::emulator::getBitOpcodes() {
  static constexpr OpcodeEntry entries[] = {
      {"and", decodeLogic},    {"or", decodeLogic},    {"xor", decodeLogic},
      {"not", decodeNot},      {"cnot", decodeNot},    {"shl", decodeShift},
      {"shr", decodeShift},    {"bfe", decodeExtract}, {"bfi", decodeInsert},
      {"prmt", decodePermute}, {"lop3", decodeLogic3}, {"shf", decodeFunnel},
      {"popc", decodeCount},   {"clz", decodeCount},   {"brev", decodeReverse},
      {"bfind", decodeFind}};
  return {std::begin(entries), std::end(entries)};
}
