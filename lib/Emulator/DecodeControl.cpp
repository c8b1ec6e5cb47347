//===- DecodeControl.cpp - Opcodes of the flow of control -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Collectives.h"
#include "Decoder.h"

using namespace dsa::emulator;

static std::string_view takeLabel(InstructionDecoder &d, unsigned index) {
  const Operand &operand = d.getOperand(index);
  if (operand.kind != Operand::Kind::Name || operand.negated || operand.offset)
    d.refuse("operand ", index + 1, " should be a label");
  return operand.name;
}

static void decodeBranch(InstructionDecoder &d) {
  d.instruction.uniform = d.accept("uni");
  d.expectOperands(1);
  d.instruction.kind = Instruction::Kind::Branch;
  d.instruction.target =
      d.getKernel().getLabel(d.getStatement(), takeLabel(d, 0));
}

static void decodeBranchTable(InstructionDecoder &d) {
  d.takeOneOf({"idx"});
  d.accept("uni");
  d.expectOperands(2);
  d.instruction.kind = Instruction::Kind::BranchTable;
  d.instruction.operands[0] = d.takeSource(0, Type::U32);
  d.instruction.target =
      d.getKernel().addBranchTable(d.getStatement(), takeLabel(d, 1));
}

static void decodeExit(InstructionDecoder &d) {
  if (d.getOpcode() == "ret")
    d.accept("uni");
  d.expectOperands(0);
  d.instruction.kind = Instruction::Kind::Exit;
}

static void decodeTrap(InstructionDecoder &d) {
  d.expectOperands(0);
  d.setHandler(Instruction::Kind::Each, executeTrap);
}

OpcodeGroup dsa::emulator::getControlOpcodes() {
  static constexpr OpcodeEntry entries[] = {{"bra", decodeBranch},
                                            {"brx", decodeBranchTable},
                                            {"ret", decodeExit},
                                            {"exit", decodeExit},
                                            {"trap", decodeTrap}};
  return {std::begin(entries), std::end(entries)};
}
