//===- DecodeMatrix.cpp - Opcodes of matrices -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Memory.h"

using namespace dsa::emulator;

static void decodeLoadMatrix(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  d.takeOneOf({"sync"});
  d.takeOneOf({"aligned"});
  d.takeOneOf({"m8n8"});
  static constexpr unsigned numbers[] = {1, 2, 4};
  i.elements = numbers[d.takeOneOf({"x1", "x2", "x4"})];
  i.variant = d.accept("trans");
  i.space = d.takeSpace();
  if (i.space != Space::Shared && i.space != Space::Generic)
    d.refuse("it is for .shared");
  d.takeType({Type::B16});
  d.expectOperands(2);
  i.operands[0] = d.takeAddress(1, i.space, i.offset, i.wideAddress);
  std::vector<Operand> registers = d.getElements(0);
  if (registers.size() != i.elements)
    d.refuse("it has ", registers.size(), " registers for ",
             unsigned(i.elements), " matrices");
  for (unsigned e = 0; e < registers.size(); ++e)
    i.operands[1 + e] = d.takeResult(registers[e], Type::B32);
  d.setHandler(Instruction::Kind::Aligned, executeLoadMatrix);
}

static void decodeMultiply(InstructionDecoder &d) {
  d.takeOneOf({"sync"});
  d.takeOneOf({"aligned"});
  bool isShort = d.takeOneOf({"m16n8k16", "m16n8k8"});
  if (!d.accept("row") || !d.accept("col"))
    d.refuse("the emulator has it with .row.col");
  LaneOperation o;
  o.operation =
      isShort ? Operation::Multiply16x8x8 : Operation::Multiply16x8x16;
  o.type = d.takeType({Type::F32});
  o.source = d.takeType({Type::F16, Type::BF16});
  if (d.takeType({Type::F16, Type::BF16}) != o.source)
    d.refuse("the factors are of one type");
  d.takeType({Type::F32});
  d.expectOperands(4);
  unsigned number = 0;
  unsigned factor = isShort ? 1 : 2;
  const unsigned registers[] = {4, 2 * factor, factor, 4};
  for (unsigned operand = 0; operand < 4; ++operand) {
    std::vector<Operand> elements = d.getElements(operand);
    if (elements.size() != registers[operand])
      d.refuse("operand ", operand + 1, " has ", elements.size(),
               " registers, not ", registers[operand]);
    for (const Operand &element : elements)
      d.instruction.operands[number++] =
          operand == 0   ? d.takeResult(element, Type::F32)
          : operand == 3 ? d.takeSource(element, Type::F32)
                         : d.takeSource(element, Type::B32);
  }
  d.setLanes(o);
  d.instruction.kind = Instruction::Kind::Aligned;
}

OpcodeGroup dsa::emulator::getMatrixOpcodes() {
  static constexpr OpcodeEntry entries[] = {{"ldmatrix", decodeLoadMatrix},
                                            {"mma", decodeMultiply}};
  return {std::begin(entries), std::end(entries)};
}
