//===- Decoder.h - From statements to instructions --------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_DECODER_H
#define DSA_EMULATOR_DECODER_H

#include "Failure.h"
#include "Program.h"
#include <initializer_list>

namespace dsa::emulator {

/// The names of a kernel and the register file that they lead to.
class KernelDecoder {
public:
  KernelDecoder(const ModuleSyntax &module, const KernelSyntax &kernel,
                const ModuleVariables &variables);
  Program run();

  struct Register {
    Type type;
    uint32_t offset;
    bool isSpecial = false;
  };
  struct Symbol {
    Space space;
    uint64_t address;
  };
  std::optional<Register> findRegister(std::string_view name, unsigned scope);
  std::optional<Symbol> findSymbol(std::string_view name, unsigned scope) const;
  /// `bytes` of `bits` in all lanes.
  uint32_t getConstant(uint64_t bits, unsigned bytes);
  uint32_t getPredicateConstant(bool value);
  /// The index of an instruction.
  uint32_t getLabel(const Statement &at, std::string_view name) const;
  uint32_t addBranchTable(const Statement &at, std::string_view name);

private:
  uint32_t allocate(unsigned bytes);
  std::optional<Register> findSpecial(std::string_view name);
  void placeShared();
  void placeLocal();
  void placeVariable(const VariableSyntax &variable, Symbol &symbol,
                     uint64_t &bytes);
  std::string getLocation(const Location &location) const;

  const ModuleSyntax &module;
  const KernelSyntax &kernel;
  const ModuleVariables &variables;
  Program program;
  /// Addresses of the variables of the kernel's scopes and, in the last one, of
  /// the module's in shared memory.
  std::vector<std::unordered_map<std::string_view, Symbol>> symbols;
  std::vector<std::unordered_map<std::string_view, Register>> registers;
  std::unordered_map<std::string_view, Register> specials;
  std::unordered_map<uint64_t, uint32_t> constants[9];
};

/// One statement. What an opcode's function does not take of modifiers is
/// refused.
class InstructionDecoder {
public:
  InstructionDecoder(KernelDecoder &kernel, const Statement &statement);
  Instruction run();

  std::string_view getOpcode() const { return opcode; }
  const Statement &getStatement() const { return statement; }
  KernelDecoder &getKernel() { return kernel; }
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts &...parts) const {
    failAt(statement.line, "'", statement.opcode, "': ", parts...);
  }

  /// Whether the opcode has this modifier, which is then done.
  bool accept(std::string_view modifier);
  /// The index of the one that it has; one or none.
  std::optional<unsigned>
  acceptOneOf(std::initializer_list<std::string_view> modifiers);
  /// Refuses opcodes that have none of them.
  unsigned takeOneOf(std::initializer_list<std::string_view> modifiers);
  /// The first type that is left; a refusal if it is none of `allowed`.
  Type takeType(std::initializer_list<Type> allowed);
  Type takeAnyType();
  Rounding takeRounding(Rounding otherwise);
  /// Where memory is accessed; generic if nothing is said.
  Space takeSpace();

  void expectOperands(unsigned least, unsigned most);
  void expectOperands(unsigned number) { expectOperands(number, number); }
  unsigned getNumOperands() const { return statement.operands.size(); }
  const Operand &getOperand(unsigned index) const {
    return statement.operands[index];
  }
  /// Offsets into the register file of what an operand is. Registers are as
  /// wide as the type.
  uint32_t takeResult(const Operand &operand, Type type);
  uint32_t takeSource(const Operand &operand, Type type);
  uint32_t takeResult(unsigned index, Type type) {
    return takeResult(getOperand(index), type);
  }
  uint32_t takeSource(unsigned index, Type type) {
    return takeSource(getOperand(index), type);
  }
  /// A result that `_` takes nowhere: noRegister.
  uint32_t takeOptionalResult(const Operand &operand, Type type);
  /// Registers that may be wider than the type; `bytes` is of the register.
  uint32_t takeWideResult(const Operand &operand, Type type, uint8_t &bytes);
  uint32_t takeWideSource(const Operand &operand, Type type, uint8_t &bytes);
  bool isPredicate(unsigned index);
  /// `p` or `!p`, as `negatedOperand` says.
  uint32_t takePredicate(unsigned index);
  int64_t takeInteger(unsigned index);
  /// The register of [register + offset].
  uint32_t takeAddress(unsigned index, Space space, int64_t &offset,
                       bool &wide);
  /// The elements of {a, b}, or the operand itself.
  std::vector<Operand> getElements(unsigned index) const;
  /// The two of a|b, or the operand and a sink.
  std::pair<Operand, Operand> getPair(unsigned index) const;

  /// Finds the lanes' handlers; a refusal if there are none.
  void setLanes(const LaneOperation &operation);
  void setHandler(Instruction::Kind kind, WarpHandler handler);
  /// The lanes of the mask that an operand has do it together.
  void setMasked(unsigned maskOperand, MaskedHandler handler);

  Instruction instruction;

private:
  uint32_t getImmediate(const Operand &operand, Type type);
  KernelDecoder::Register getRegister(const Operand &operand);

  KernelDecoder &kernel;
  const Statement &statement;
  std::string_view opcode;
  std::vector<std::string_view> modifiers;
};

/// An opcode without modifiers and what decodes it.
struct OpcodeEntry {
  std::string_view name;
  void (*decode)(InstructionDecoder &);
};
struct OpcodeGroup {
  const OpcodeEntry *begin, *end;
};
OpcodeGroup getArithmeticOpcodes();
OpcodeGroup getBitOpcodes();
OpcodeGroup getConversionOpcodes();
OpcodeGroup getMemoryOpcodes();
OpcodeGroup getMatrixOpcodes();
OpcodeGroup getCollectiveOpcodes();
OpcodeGroup getControlOpcodes();

} // namespace dsa::emulator

#endif // DSA_EMULATOR_DECODER_H
