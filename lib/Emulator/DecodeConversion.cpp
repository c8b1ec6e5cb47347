//===- DecodeConversion.cpp - Opcodes of moves, comparisons and conversions
//===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace dsa::emulator;

/// The type without sign and kind that has as many bits.
static Type getBits(Type type) {
  switch (getBytes(type)) {
  case 0:
    return Type::Pred;
  case 2:
    return Type::B16;
  case 4:
    return Type::B32;
  default:
    return Type::B64;
  }
}

/// mov between a register and the registers that it is made of.
static void decodeParts(InstructionDecoder &d, Type whole, bool packs) {
  std::vector<Operand> parts = d.getElements(packs ? 1 : 0);
  LaneOperation o;
  o.operation = packs ? Operation::Pack : Operation::Unpack;
  o.type = whole;
  unsigned bytes = getBytes(whole) / parts.size();
  o.source = bytes == 4 ? Type::B32 : Type::B16;
  if (parts.size() * getBytes(o.source) != getBytes(whole) || parts.size() == 1)
    d.refuse("a register of ", 8 * getBytes(whole), " bits is not made of ",
             parts.size(), " registers here");
  // Whichever way, the whole is operand 0.
  d.instruction.operands[0] =
      packs ? d.takeResult(0, whole) : d.takeSource(1, whole);
  for (unsigned i = 0; i < parts.size(); ++i)
    d.instruction.operands[1 + i] =
        packs ? d.takeSource(parts[i], o.source)
              : d.takeOptionalResult(parts[i], o.source);
  d.setLanes(o);
}

static void decodeMove(InstructionDecoder &d) {
  d.expectOperands(2);
  Type type = d.takeType({Type::Pred, Type::B16, Type::U16, Type::S16,
                          Type::B32, Type::U32, Type::S32, Type::F32, Type::B64,
                          Type::U64, Type::S64, Type::F64});
  if (d.getOperand(0).kind == Operand::Kind::List)
    return decodeParts(d, getBits(type), false);
  if (d.getOperand(1).kind == Operand::Kind::List)
    return decodeParts(d, getBits(type), true);
  d.instruction.operands[0] = d.takeResult(0, type);
  d.instruction.operands[1] = d.takeSource(1, type);
  LaneOperation o;
  o.operation = Operation::Move;
  o.type = getBits(type);
  d.setLanes(o);
}

/// Between the address in a space and the generic address.
static void decodeAddress(InstructionDecoder &d) {
  bool toSpace = d.accept("to");
  Space space = d.takeSpace();
  if (space == Space::Generic)
    d.refuse("it names no space");
  LaneOperation o;
  o.operation = Operation::AddConstant;
  o.type = getBits(d.takeType({Type::U32, Type::U64, Type::B64}));
  uint64_t window = space == Space::Shared  ? sharedWindow
                    : space == Space::Local ? localWindow
                    : space == Space::Param ? paramWindow
                                            : 0;
  if (o.type == Type::B32 && window)
    d.refuse("generic addresses have 64 bits");
  d.expectOperands(2);
  d.instruction.operands[0] = d.takeResult(0, o.type);
  d.instruction.operands[1] = d.takeSource(1, o.type);
  d.instruction.variant = int64_t(toSpace ? 0 - window : window);
  d.setLanes(o);
}

static Comparison takeComparison(InstructionDecoder &d, Type type) {
  static constexpr Comparison comparisons[] = {
      Comparison::Equal,
      Comparison::NotEqual,
      Comparison::Less,
      Comparison::LessEqual,
      Comparison::Greater,
      Comparison::GreaterEqual,
      Comparison::Less,
      Comparison::LessEqual,
      Comparison::Greater,
      Comparison::GreaterEqual,
      Comparison::UnorderedEqual,
      Comparison::UnorderedNotEqual,
      Comparison::UnorderedLess,
      Comparison::UnorderedLessEqual,
      Comparison::UnorderedGreater,
      Comparison::UnorderedGreaterEqual,
      Comparison::BothNumbers,
      Comparison::AnyNaN};
  unsigned index =
      isFloat(type)
          ? d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu",
                         "ltu", "leu", "gtu", "geu", "num", "nan"})
          : d.takeOneOf(
                {"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"});
  return comparisons[isFloat(type) && index >= 6 ? index + 4 : index];
}

static void decodeSetPredicate(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::Compare;
  o.type = d.takeType({Type::B16, Type::U16, Type::S16, Type::B32, Type::U32,
                       Type::S32, Type::B64, Type::U64, Type::S64, Type::F32,
                       Type::F64});
  o.comparison = takeComparison(d, o.type);
  bool isOrder =
      o.comparison != Comparison::Equal && o.comparison != Comparison::NotEqual;
  if (isOrder && getBits(o.type) == o.type)
    d.refuse("bits without a kind are compared with .eq and .ne only");
  if (o.type == Type::F32)
    o.flush = d.accept("ftz");
  d.expectOperands(3, 4);
  if (d.getNumOperands() == 4) {
    static constexpr Combination combinations[] = {
        Combination::And, Combination::Or, Combination::Xor};
    o.combination = combinations[d.takeOneOf({"and", "or", "xor"})];
    d.instruction.operands[4] = d.takePredicate(3);
  }
  auto [result, opposite] = d.getPair(0);
  d.instruction.operands[0] = d.takeOptionalResult(result, Type::Pred);
  d.instruction.operands[1] = d.takeOptionalResult(opposite, Type::Pred);
  d.instruction.operands[2] = d.takeSource(1, o.type);
  d.instruction.operands[3] = d.takeSource(2, o.type);
  d.setLanes(o);
}

static void decodeSelect(InstructionDecoder &d) {
  LaneOperation o;
  o.operation = Operation::Select;
  o.type = d.takeType({Type::B16, Type::U16, Type::S16, Type::B32, Type::U32,
                       Type::S32, Type::B64, Type::U64, Type::S64, Type::F32,
                       Type::F64});
  d.expectOperands(4);
  d.instruction.operands[0] = d.takeResult(0, o.type);
  d.instruction.operands[1] = d.takeSource(1, o.type);
  d.instruction.operands[2] = d.takeSource(2, o.type);
  d.instruction.operands[3] = d.takeSource(3, Type::Pred);
  d.setLanes(o);
}

/// Two f32 to a register with both halves.
static void decodePair(InstructionDecoder &d, LaneOperation o) {
  o.operation = Operation::ConvertPair;
  o.rounding = d.takeRounding(Rounding::None);
  if (o.rounding != Rounding::Nearest && o.rounding != Rounding::Zero)
    d.refuse("it rounds with .rn or .rz");
  o.relu = d.accept("relu");
  d.takeType({Type::F32});
  d.expectOperands(3);
  d.instruction.operands[0] = d.takeResult(0, o.type);
  d.instruction.operands[1] = d.takeSource(1, Type::F32);
  d.instruction.operands[2] = d.takeSource(2, Type::F32);
  d.setLanes(o);
}

/// How a conversion rounds, and a refusal of what does not or must not.
static void takeConversionRounding(InstructionDecoder &d, LaneOperation &o) {
  bool fromFloat = isFloat(o.source), toFloat = isFloat(o.type);
  o.rounding = Rounding::Nearest;
  if (!fromFloat && !toFloat)
    return;
  static constexpr Rounding wholes[] = {Rounding::Nearest, Rounding::Zero,
                                        Rounding::Down, Rounding::Up};
  bool sameType = o.type == o.source;
  if (fromFloat && (!toFloat || sameType))
    if (auto index = d.acceptOneOf({"rni", "rzi", "rmi", "rpi"})) {
      o.rounding = wholes[*index];
      o.integral = toFloat;
      return;
    }
  if (!toFloat)
    d.refuse("it rounds with .rni, .rzi, .rmi or .rpi");
  if (sameType)
    return;
  bool isExact = fromFloat && (getBytes(o.type) > getBytes(o.source));
  if (isExact)
    return;
  o.rounding = d.takeRounding(Rounding::None);
  if (o.rounding == Rounding::None)
    d.refuse("it rounds with .rn, .rz, .rm or .rp");
}

static void decodeConvert(InstructionDecoder &d) {
  LaneOperation o;
  o.type = d.takeAnyType();
  if (o.type == Type::F16x2 || o.type == Type::BF16x2)
    return decodePair(d, o);
  o.operation = Operation::Convert;
  o.source = d.takeAnyType();
  for (Type type : {o.type, o.source})
    if (type == Type::Pred || type == Type::B8 || type == Type::B16 ||
        type == Type::B32 || type == Type::B64 || type == Type::F16x2 ||
        type == Type::BF16x2)
      d.refuse("nothing is converted from or to .", getName(type));
  takeConversionRounding(d, o);
  if (o.type == Type::F32 || o.source == Type::F32)
    o.flush = d.accept("ftz");
  o.saturate = d.accept("sat");
  if (o.source == Type::F32 && (o.type == Type::F16 || o.type == Type::BF16))
    o.relu = d.accept("relu");
  d.expectOperands(2);
  Instruction &i = d.instruction;
  i.operands[0] = d.takeWideResult(d.getOperand(0), o.type, i.registerBytes);
  i.operands[1] = d.takeWideSource(d.getOperand(1), o.source, i.sourceBytes);
  o.variant = i.registerBytes == getBytes(o.type) &&
              i.sourceBytes == getBytes(o.source);
  d.setLanes(o);
}

OpcodeGroup dsa::emulator::getConversionOpcodes() {
  static constexpr OpcodeEntry entries[] = {{"mov", decodeMove},
                                            {"cvta", decodeAddress},
                                            {"setp", decodeSetPredicate},
                                            {"selp", decodeSelect},
                                            {"cvt", decodeConvert}};
  return {std::begin(entries), std::end(entries)};
}
