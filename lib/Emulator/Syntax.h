//===- Syntax.h - What PTX text says, as it is written ----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All names are views of the module's text, which outlives them.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_SYNTAX_H
#define DSA_EMULATOR_SYNTAX_H

#include "Types.h"
#include "dsa/Emulator/Emulator.h"
#include <unordered_map>

namespace dsa::emulator {

struct Operand {
  enum class Kind {
    /// Of a register, a variable or a label; `offset` behind it.
    Name,
    /// `bits` of 64.
    Integer,
    /// `bits` of an f32: 0f3F800000.
    Float,
    /// `bits` of an f64: 0d3FF0000000000000 or 1.0.
    Double,
    /// [name + offset], or [offset] without a name.
    Address,
    /// {a, b}
    List,
    /// a|b
    Pair,
    /// `_`
    Sink,
    /// What only instructions have that the emulator does not.
    Other
  };
  Kind kind = Kind::Other;
  std::string_view name;
  bool negated = false;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::vector<Operand> elements;
};

struct Location {
  /// 0 is none.
  unsigned file = 0, line = 0, column = 0;
};

struct Statement {
  unsigned line;
  /// From opcode to operands, without what guards it.
  std::string_view text, opcode;
  unsigned scope;
  Location location;
  /// Empty, or what decides lane by lane.
  std::string_view predicate;
  bool negated = false;
  std::vector<Operand> operands;
};

struct RegisterRange {
  Type type;
  /// Of `%r<8>`: %r0 to %r7. 0 is one register without a number.
  uint64_t count;
  unsigned line;
};

/// An address in an initializer.
struct InitialAddress {
  uint64_t at;
  std::string_view name;
  int64_t offset;
  unsigned line;
};

struct VariableSyntax {
  std::string_view name;
  Space space;
  unsigned line;
  uint64_t bytes, alignment;
  /// `.extern .shared x[]`: as large as the launch says.
  bool unsized;
  /// Fewer than `bytes` where zeros follow.
  std::vector<uint8_t> initial;
  std::vector<InitialAddress> addresses;
};

/// What is between braces.
struct Scope {
  /// The first scope of a kernel is its own parent.
  unsigned parent;
  std::unordered_map<std::string_view, RegisterRange> registers;
  std::unordered_map<std::string_view, VariableSyntax> variables;
  /// The index of the statement behind the label.
  std::unordered_map<std::string_view, unsigned> labels;
  std::unordered_map<std::string_view, std::vector<std::string_view>> targets;
};

struct KernelSyntax {
  std::string_view name;
  unsigned line = 0;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  /// 0 where nothing is said.
  Dim3 maxThreads{0, 0, 0}, requiredThreads{0, 0, 0};
  std::vector<Scope> scopes;
  /// The scope's variables in their order.
  std::vector<std::pair<unsigned, std::string_view>> variables;
  std::vector<Statement> statements;
};

struct ModuleSyntax {
  std::string_view target;
  std::unordered_map<unsigned, std::string_view> files;
  std::vector<VariableSyntax> variables;
  std::vector<KernelSyntax> kernels;
};

/// Throws a failure that names the line.
ModuleSyntax parse(std::string_view text);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_SYNTAX_H
