//===- InstructionDecoder.cpp - Modifiers and operands of a statement -----===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "LaneSelection.h"
#include <cstring>

using namespace dsa::emulator;

InstructionDecoder::InstructionDecoder(KernelDecoder &kernel,
                                       const Statement &statement)
    : kernel(kernel), statement(statement) {
  std::string_view rest = statement.opcode;
  size_t dot = rest.find('.');
  opcode = rest.substr(0, dot);
  while (dot != rest.npos) {
    rest.remove_prefix(dot + 1);
    dot = rest.find('.');
    modifiers.push_back(rest.substr(0, dot));
  }
  for (uint32_t &operand : instruction.operands)
    operand = noRegister;
}

static const OpcodeEntry *findOpcode(std::string_view name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, const OpcodeEntry *> entries;
    for (OpcodeGroup group :
         {getArithmeticOpcodes(), getBitOpcodes(), getConversionOpcodes(),
          getMemoryOpcodes(), getMatrixOpcodes(), getCollectiveOpcodes(),
          getControlOpcodes()})
      for (const OpcodeEntry *entry = group.begin; entry != group.end; ++entry)
        entries.emplace(entry->name, entry);
    return entries;
  }();
  auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

Instruction InstructionDecoder::run() {
  const OpcodeEntry *entry = findOpcode(opcode);
  if (!entry)
    refuse("the emulator does not have this instruction");
  entry->decode(*this);
  if (!modifiers.empty())
    refuse("the emulator does not have '", opcode, "' with '.", modifiers[0],
           "' here");
  if (!statement.predicate.empty()) {
    Operand guard;
    guard.kind = Operand::Kind::Name;
    guard.name = statement.predicate;
    instruction.predicate = takeSource(guard, Type::Pred);
    instruction.negated = statement.negated;
  }
  return instruction;
}

bool InstructionDecoder::accept(std::string_view modifier) {
  for (size_t i = 0; i < modifiers.size(); ++i)
    if (modifiers[i] == modifier) {
      modifiers.erase(modifiers.begin() + i);
      return true;
    }
  return false;
}

std::optional<unsigned>
InstructionDecoder::acceptOneOf(std::initializer_list<std::string_view> names) {
  for (size_t i = 0; i < modifiers.size(); ++i) {
    unsigned index = 0;
    for (std::string_view name : names) {
      if (modifiers[i] == name) {
        modifiers.erase(modifiers.begin() + i);
        return index;
      }
      ++index;
    }
  }
  return std::nullopt;
}

unsigned
InstructionDecoder::takeOneOf(std::initializer_list<std::string_view> names) {
  if (std::optional<unsigned> index = acceptOneOf(names))
    return *index;
  std::string list;
  for (std::string_view name : names)
    list += concat(list.empty() ? "." : ", .", name);
  refuse("the emulator has it with ", names.size() > 1 ? "one of " : "", list);
}

Type InstructionDecoder::takeAnyType() {
  for (size_t i = 0; i < modifiers.size(); ++i)
    if (std::optional<Type> type = parseType(modifiers[i])) {
      modifiers.erase(modifiers.begin() + i);
      return *type;
    }
  refuse("it has no type");
}

Type InstructionDecoder::takeType(std::initializer_list<Type> allowed) {
  Type type = takeAnyType();
  for (Type candidate : allowed)
    if (candidate == type)
      return type;
  refuse("the emulator does not have '", opcode, "' with '.", getName(type),
         "' here");
}

Rounding InstructionDecoder::takeRounding(Rounding otherwise) {
  static constexpr Rounding roundings[] = {Rounding::Nearest, Rounding::Zero,
                                           Rounding::Down, Rounding::Up};
  std::optional<unsigned> index = acceptOneOf({"rn", "rz", "rm", "rp"});
  return index ? roundings[*index] : otherwise;
}

Space InstructionDecoder::takeSpace() {
  if (accept("global"))
    return Space::Global;
  if (accept("shared") || accept("shared::cta"))
    return Space::Shared;
  if (accept("local"))
    return Space::Local;
  if (accept("const"))
    return Space::Const;
  if (accept("param") || accept("param::entry"))
    return Space::Param;
  return Space::Generic;
}

void InstructionDecoder::expectOperands(unsigned least, unsigned most) {
  unsigned number = getNumOperands();
  if (number < least || number > most)
    refuse("it has ", number, " operands, not ", least,
           least == most ? std::string() : concat(" to ", most));
}

KernelDecoder::Register
InstructionDecoder::getRegister(const Operand &operand) {
  if (operand.kind != Operand::Kind::Name || operand.negated || operand.offset)
    refuse("a register should be where another operand is");
  auto result = kernel.findRegister(operand.name, statement.scope);
  if (!result)
    refuse("there is no register '", operand.name, "'");
  return *result;
}

/// Whether values of a type are in registers of another.
static bool fits(Type type, Type registerType) {
  if (type == Type::Pred || registerType == Type::Pred)
    return type == registerType;
  return getBytes(type) == getBytes(registerType);
}

uint32_t InstructionDecoder::takeResult(const Operand &operand, Type type) {
  KernelDecoder::Register found = getRegister(operand);
  if (!fits(type, found.type))
    refuse("register '", operand.name, "' is of type .", getName(found.type),
           ", the result of type .", getName(type));
  if (found.isSpecial)
    refuse("nothing is written to '", operand.name, "'");
  return found.offset;
}

uint32_t InstructionDecoder::takeOptionalResult(const Operand &operand,
                                                Type type) {
  return operand.kind == Operand::Kind::Sink ? noRegister
                                             : takeResult(operand, type);
}

uint32_t InstructionDecoder::getImmediate(const Operand &operand, Type type) {
  unsigned bytes = getBytes(type);
  switch (operand.kind) {
  case Operand::Kind::Integer:
    if (type == Type::Pred)
      return kernel.getPredicateConstant(operand.bits != 0);
    if (type == Type::F32 || type == Type::F64)
      refuse("a whole number is where one of type .", getName(type),
             " should be");
    return kernel.getConstant(operand.bits, bytes);
  case Operand::Kind::Float:
    if (bytes != 4)
      refuse("an f32 is where a number of type .", getName(type), " should be");
    return kernel.getConstant(operand.bits, 4);
  case Operand::Kind::Double: {
    if (bytes == 8)
      return kernel.getConstant(operand.bits, 8);
    if (type != Type::F32)
      refuse("an f64 is where a number of type .", getName(type), " should be");
    double wide;
    memcpy(&wide, &operand.bits, sizeof(wide));
    float narrow = float(wide);
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    return kernel.getConstant(bits, 4);
  }
  default:
    refuse("a register or a number should be where another operand is");
  }
}

uint32_t InstructionDecoder::takeSource(const Operand &operand, Type type) {
  if (operand.kind != Operand::Kind::Name)
    return getImmediate(operand, type);
  if (operand.name == "WARP_SZ" && type != Type::Pred)
    return kernel.getConstant(warpSize, getBytes(type));
  auto symbol = kernel.findSymbol(operand.name, statement.scope);
  bool isAddress = getBytes(type) == 4 || getBytes(type) == 8;
  if (symbol && isAddress && !isFloat(type) && !operand.negated)
    return kernel.getConstant(symbol->address + uint64_t(operand.offset),
                              getBytes(type));
  KernelDecoder::Register found = getRegister(operand);
  if (!fits(type, found.type))
    refuse("register '", operand.name, "' is of type .", getName(found.type),
           ", the operand of type .", getName(type));
  return found.offset;
}

/// Of a register that has room for a type.
static uint8_t getWideBytes(Type registerType) {
  return std::max(getBytes(registerType), 2u);
}

uint32_t InstructionDecoder::takeWideResult(const Operand &operand, Type type,
                                            uint8_t &bytes) {
  if (operand.kind == Operand::Kind::Sink) {
    bytes = std::max(getBytes(type), 2u);
    return noRegister;
  }
  KernelDecoder::Register found = getRegister(operand);
  if (found.type == Type::Pred || getBytes(found.type) < getBytes(type))
    refuse("register '", operand.name, "' is of type .", getName(found.type),
           ", the result of type .", getName(type));
  if (found.isSpecial)
    refuse("nothing is written to '", operand.name, "'");
  bytes = getWideBytes(found.type);
  return found.offset;
}

uint32_t InstructionDecoder::takeWideSource(const Operand &operand, Type type,
                                            uint8_t &bytes) {
  if (operand.kind != Operand::Kind::Name ||
      kernel.findSymbol(operand.name, statement.scope)) {
    bytes = std::max(getBytes(type), 2u);
    return bytes == getBytes(type) ? takeSource(operand, type)
                                   : takeSource(operand, Type::B16);
  }
  KernelDecoder::Register found = getRegister(operand);
  if (found.type == Type::Pred || getBytes(found.type) < getBytes(type))
    refuse("register '", operand.name, "' is of type .", getName(found.type),
           ", the operand of type .", getName(type));
  bytes = getWideBytes(found.type);
  return found.offset;
}

bool InstructionDecoder::isPredicate(unsigned index) {
  const Operand &operand = getOperand(index);
  if (operand.kind != Operand::Kind::Name)
    return false;
  auto found = kernel.findRegister(operand.name, statement.scope);
  return found && found->type == Type::Pred;
}

uint32_t InstructionDecoder::takePredicate(unsigned index) {
  Operand operand = getOperand(index);
  instruction.negatedOperand = operand.negated;
  operand.negated = false;
  return takeSource(operand, Type::Pred);
}

int64_t InstructionDecoder::takeInteger(unsigned index) {
  const Operand &operand = getOperand(index);
  if (operand.kind != Operand::Kind::Integer)
    refuse("operand ", index + 1, " should be a whole number");
  return int64_t(operand.bits);
}

uint32_t InstructionDecoder::takeAddress(unsigned index, Space space,
                                         int64_t &offset, bool &wide) {
  const Operand &operand = getOperand(index);
  if (operand.kind != Operand::Kind::Address)
    refuse("operand ", index + 1, " should be an address in brackets");
  offset = operand.offset;
  wide = true;
  if (operand.name.empty())
    return kernel.getConstant(0, 8);
  if (auto symbol = kernel.findSymbol(operand.name, statement.scope)) {
    bool isGeneric =
        space == Space::Generic &&
        (symbol->space == Space::Global || symbol->space == Space::Const);
    if (symbol->space != space && !isGeneric)
      refuse("'", operand.name, "' is in .", getName(symbol->space),
             ", the access is to .", getName(space));
    return kernel.getConstant(symbol->address, 8);
  }
  Operand base = operand;
  base.kind = Operand::Kind::Name;
  base.offset = 0;
  KernelDecoder::Register found = getRegister(base);
  if (found.type == Type::Pred ||
      (getBytes(found.type) != 4 && getBytes(found.type) != 8))
    refuse("register '", base.name, "' of an address is of type .",
           getName(found.type));
  wide = getBytes(found.type) == 8;
  return found.offset;
}

std::vector<Operand> InstructionDecoder::getElements(unsigned index) const {
  const Operand &operand = getOperand(index);
  if (operand.kind == Operand::Kind::List)
    return operand.elements;
  return {operand};
}

std::pair<Operand, Operand> InstructionDecoder::getPair(unsigned index) const {
  const Operand &operand = getOperand(index);
  if (operand.kind == Operand::Kind::Pair)
    return {operand.elements[0], operand.elements[1]};
  Operand sink;
  sink.kind = Operand::Kind::Sink;
  return {operand, sink};
}

void InstructionDecoder::setLanes(const LaneOperation &operation) {
  instruction.lane = operation;
  for (unsigned isa = 0; isa < numHostISAs; ++isa)
    instruction.lanes[isa] = selectLanes(HostISA(isa), operation);
  if (!instruction.lanes[0])
    refuse("the emulator does not have this combination of modifiers");
}

void InstructionDecoder::setHandler(Instruction::Kind kind,
                                    WarpHandler handler) {
  instruction.kind = kind;
  instruction.handler = handler;
}

void InstructionDecoder::setMasked(unsigned maskOperand,
                                   MaskedHandler handler) {
  instruction.kind = Instruction::Kind::Masked;
  instruction.maskOperand = maskOperand;
  instruction.masked = handler;
}
