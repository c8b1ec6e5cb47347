//===- DecodeArithmetic.cpp - Opcodes of arithmetic -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace dsa::emulator;

static constexpr std::initializer_list<Type> numbers = {
    Type::U16, Type::S16, Type::U32, Type::S32,
    Type::U64, Type::S64, Type::F32, Type::F64};
static constexpr std::initializer_list<Type> integers = {
    Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64};
static constexpr std::initializer_list<Type> floats = {Type::F32, Type::F64};

/// Operands all of one type.
static void decodeAll(InstructionDecoder &d, const LaneOperation &operation,
                      unsigned number) {
  d.expectOperands(number);
  d.instruction.operands[0] = d.takeResult(0, operation.type);
  for (unsigned i = 1; i < number; ++i)
    d.instruction.operands[i] = d.takeSource(i, operation.type);
  d.setLanes(operation);
}

/// .ftz, where the type has it.
static void acceptFlush(InstructionDecoder &d, LaneOperation &operation) {
  if (operation.type == Type::F32)
    operation.flush = d.accept("ftz");
}

/// add, sub, mul and fma of floats.
static void decodeSum(InstructionDecoder &d, LaneOperation operation,
                      unsigned number) {
  operation.rounding = d.takeRounding(Rounding::Nearest);
  acceptFlush(d, operation);
  if (operation.type == Type::F32)
    operation.saturate = d.accept("sat");
  decodeAll(d, operation, number);
}

static void decodeAdd(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation =
      d.getOpcode() == "add" ? Operation::Add : Operation::Sub;
  operation.type = d.takeType(numbers);
  if (isFloat(operation.type))
    return decodeSum(d, operation, 3);
  if (operation.type == Type::S32)
    operation.saturate = d.accept("sat");
  decodeAll(d, operation, 3);
}

/// mul and mad: the half of the product that is wanted, or all of it.
static void decodeProduct(InstructionDecoder &d) {
  bool adds = d.getOpcode() == "mad";
  LaneOperation operation;
  operation.type = d.takeType(numbers);
  if (isFloat(operation.type)) {
    // mad of floats is fma on all targets that are left.
    operation.operation = adds ? Operation::Fma : Operation::MulLow;
    return decodeSum(d, operation, adds ? 4 : 3);
  }
  static constexpr Operation products[2][3] = {
      {Operation::MulLow, Operation::MulHigh, Operation::MulWide},
      {Operation::MadLow, Operation::MadHigh, Operation::MadWide}};
  unsigned part = d.takeOneOf({"lo", "hi", "wide"});
  operation.operation = products[adds][part];
  if (part != 2)
    return decodeAll(d, operation, adds ? 4 : 3);
  if (getBytes(operation.type) == 8)
    d.refuse("no product is wider than 64 bits");
  Type wide = getBytes(operation.type) == 2 ? Type::B32 : Type::B64;
  d.expectOperands(adds ? 4 : 3);
  d.instruction.operands[0] = d.takeResult(0, wide);
  d.instruction.operands[1] = d.takeSource(1, operation.type);
  d.instruction.operands[2] = d.takeSource(2, operation.type);
  if (adds)
    d.instruction.operands[3] = d.takeSource(3, wide);
  d.setLanes(operation);
}

static void decodeFma(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation = Operation::Fma;
  operation.type = d.takeType(floats);
  decodeSum(d, operation, 4);
}

/// div, rcp and sqrt: exact or an approximation.
static void acceptPrecision(InstructionDecoder &d, LaneOperation &operation) {
  bool isDiv = operation.operation == Operation::Div;
  if (operation.type == Type::F32) {
    if (d.accept("approx"))
      operation.variant = isDiv;
    else if (!(isDiv && d.accept("full")))
      operation.rounding = d.takeRounding(Rounding::Nearest);
    acceptFlush(d, operation);
    return;
  }
  if (operation.operation == Operation::Reciprocal && d.accept("approx")) {
    d.takeOneOf({"ftz"});
    operation.flush = true;
    return;
  }
  operation.rounding = d.takeRounding(Rounding::Nearest);
}

static void decodeDiv(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation = Operation::Div;
  operation.type = d.takeType(numbers);
  if (isFloat(operation.type))
    acceptPrecision(d, operation);
  decodeAll(d, operation, 3);
}

static void decodeRem(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation = Operation::Rem;
  operation.type = d.takeType(integers);
  decodeAll(d, operation, 3);
}

static void decodeRoot(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation =
      d.getOpcode() == "rcp" ? Operation::Reciprocal : Operation::SquareRoot;
  operation.type = d.takeType(floats);
  acceptPrecision(d, operation);
  decodeAll(d, operation, 2);
}

static void decodeApproximation(InstructionDecoder &d) {
  LaneOperation operation;
  bool isRoot = d.getOpcode() == "rsqrt";
  operation.operation = isRoot ? Operation::ReciprocalSquareRoot
                        : d.getOpcode() == "ex2" ? Operation::Exp2
                                                 : Operation::Log2;
  operation.type = isRoot ? d.takeType(floats) : d.takeType({Type::F32});
  d.takeOneOf({"approx"});
  acceptFlush(d, operation);
  if (operation.type == Type::F64)
    operation.flush = d.accept("ftz");
  decodeAll(d, operation, 2);
}

static void decodeExtreme(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation =
      d.getOpcode() == "min" ? Operation::Min : Operation::Max;
  operation.type = d.takeType(numbers);
  acceptFlush(d, operation);
  if (operation.type == Type::F32)
    operation.variant = d.accept("NaN");
  decodeAll(d, operation, 3);
}

static void decodeSign(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation =
      d.getOpcode() == "neg" ? Operation::Negate : Operation::Absolute;
  operation.type =
      d.takeType({Type::S16, Type::S32, Type::S64, Type::F32, Type::F64});
  acceptFlush(d, operation);
  decodeAll(d, operation, 2);
}

static void decodeCopySign(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation = Operation::CopySign;
  operation.type = d.takeType(floats);
  decodeAll(d, operation, 3);
}

static void decodeSumOfDifferences(InstructionDecoder &d) {
  LaneOperation operation;
  operation.operation = Operation::SumOfDifferences;
  operation.type = d.takeType(integers);
  decodeAll(d, operation, 4);
}

OpcodeGroup dsa::emulator::getArithmeticOpcodes() {
  static constexpr OpcodeEntry entries[] = {
      {"add", decodeAdd},           {"sub", decodeAdd},
      {"mul", decodeProduct},       {"mad", decodeProduct},
      {"fma", decodeFma},           {"div", decodeDiv},
      {"rem", decodeRem},           {"rcp", decodeRoot},
      {"sqrt", decodeRoot},         {"rsqrt", decodeApproximation},
      {"ex2", decodeApproximation}, {"lg2", decodeApproximation},
      {"min", decodeExtreme},       {"max", decodeExtreme},
      {"neg", decodeSign},          {"abs", decodeSign},
      {"copysign", decodeCopySign}, {"sad", decodeSumOfDifferences}};
  return {std::begin(entries), std::end(entries)};
}
