//===- Parser.cpp - From tokens to what PTX text says ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include "Failure.h"
#include <cstring>

using namespace dsa::emulator;

namespace {

class Parser : TokenReader {
public:
  explicit Parser(std::string_view text) : TokenReader(text) {}
  ModuleSyntax run();

private:
  void parseDirective();
  void parseFile();
  void parseKernel();
  void parseParameters(KernelSyntax &kernel);
  Dim3 parseThreads();
  void parseKernelDirectives(KernelSyntax &kernel);
  void parseBody(KernelSyntax &kernel);
  void parseBodyDirective(KernelSyntax &kernel);
  void parseRegisters(Scope &scope);
  void parseLocation();
  void parseTargets(std::vector<std::string_view> &targets);
  void parseLabelOrInstruction(KernelSyntax &kernel);
  void parseInstruction(KernelSyntax &kernel, Statement statement);

  /// Without its `;`. `external` if `.extern` stood before it.
  VariableSyntax parseVariable(bool external);
  void parseInitial(VariableSyntax &variable, Type type);
  InitialAddress takeInitialAddress(uint64_t at);
  uint64_t takeInitialNumber(Type type);
  Type takeType();
  uint64_t takeAlignment();

  ModuleSyntax module;
  Location location;
  /// The scopes that are open, the innermost last.
  std::vector<unsigned> open;
};

} // namespace

/// Of a variable: memory of this process is behind it.
static constexpr uint64_t maxBytes = uint64_t(1) << 30;

Type Parser::takeType() {
  if (peek().kind == Token::Kind::Word && peek().text[0] == '.')
    if (std::optional<Type> type = parseType(peek().text.substr(1))) {
      take();
      return *type;
    }
  unexpected("a type");
}

uint64_t Parser::takeAlignment() {
  unsigned line = peek().line;
  uint64_t alignment = takeUnsigned("the alignment", 1 << 16);
  if (!alignment || (alignment & (alignment - 1)))
    failAt(line, "an alignment is a power of two, not ", alignment);
  return alignment;
}

/// `name`, or generic(name), which is the same for what is not in shared
/// memory.
InitialAddress Parser::takeInitialAddress(uint64_t at) {
  InitialAddress result{at, {}, 0, peek().line};
  bool isGeneric = accept("generic");
  if (isGeneric)
    expect("(");
  result.name = expect(Token::Kind::Word, "the name of a variable").text;
  if (isGeneric)
    expect(")");
  result.offset = takeOffset();
  return result;
}

uint64_t Parser::takeInitialNumber(Type type) {
  Operand number = takeNumber();
  if (type != Type::F32 || number.kind != Operand::Kind::Double)
    return number.bits;
  double wide;
  memcpy(&wide, &number.bits, sizeof(wide));
  float narrow = float(wide);
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof(narrow));
  return bits;
}

void Parser::parseInitial(VariableSyntax &variable, Type type) {
  unsigned bytes = getBytes(type), depth = 0;
  do {
    while (accept("{"))
      ++depth;
    uint64_t bits = 0;
    if (peek().kind == Token::Kind::Word) {
      if (bytes != 8)
        failAt(peek().line, "an address in an initializer has 64 bits, '",
               variable.name, "' is of type .", getName(type));
      variable.addresses.push_back(takeInitialAddress(variable.initial.size()));
    } else {
      bits = takeInitialNumber(type);
    }
    for (unsigned i = 0; i < bytes; ++i)
      variable.initial.push_back(bits >> 8 * i & 0xFF);
    if (variable.initial.size() > variable.bytes)
      failAt(peek().line, "'", variable.name, "' has ", variable.bytes,
             " bytes and a longer initializer");
    while (depth && accept("}"))
      --depth;
  } while (accept(","));
  if (depth)
    unexpected("'}'");
}

VariableSyntax Parser::parseVariable(bool external) {
  VariableSyntax result{};
  result.line = peek().line;
  std::string_view space = take().text;
  result.space = space == ".global"   ? Space::Global
                 : space == ".shared" ? Space::Shared
                 : space == ".local"  ? Space::Local
                                      : Space::Const;
  uint64_t elements = 1, vector = 1;
  std::optional<uint64_t> alignment;
  if (accept(".align"))
    alignment = takeAlignment();
  if (peek().is(".v2") || peek().is(".v4"))
    vector = take().text == ".v2" ? 2 : 4;
  Type type = takeType();
  if (!getBytes(type))
    failAt(result.line, "no variable is of type .", getName(type));
  result.name = expect(Token::Kind::Word, "the name of a variable").text;
  while (accept("[")) {
    if (accept("]")) {
      result.unsized = true;
      continue;
    }
    uint64_t extent = takeUnsigned("the number of elements", maxBytes);
    elements = std::min(elements * extent, maxBytes + 1);
    expect("]");
  }
  result.alignment = alignment.value_or(getBytes(type) * vector);
  result.bytes = elements * vector * getBytes(type);
  if (result.bytes > maxBytes)
    failAt(result.line, "'", result.name, "' has more than 2^30 bytes");
  if (result.unsized)
    result.bytes = 0;
  if (result.unsized && !(external && result.space == Space::Shared))
    failAt(result.line, "only an .extern .shared variable has no size, '",
           result.name, "' is none");
  if (external && !result.unsized && result.space != Space::Shared)
    failAt(result.line, "no other module is there to define '", result.name,
           "'");
  if (accept("=")) {
    if (result.space != Space::Global && result.space != Space::Const)
      failAt(result.line, "a variable of .", getName(result.space),
             " is not initialized");
    parseInitial(result, type);
  }
  return result;
}

static bool isVariableSpace(const Token &token) {
  return token.is(".global") || token.is(".shared") || token.is(".local") ||
         token.is(".const");
}

ModuleSyntax Parser::run() {
  expect(".version");
  expect(Token::Kind::Number, "a version");
  expect(".target");
  module.target = expect(Token::Kind::Word, "an architecture").text;
  while (accept(","))
    expect(Token::Kind::Word, "an option of the target");
  if (accept(".address_size"))
    if (takeUnsigned("the size of addresses", 64) != 64)
      failAt(peek().line, "addresses have 64 bits here");
  while (peek().kind != Token::Kind::End)
    parseDirective();
  return std::move(module);
}

void Parser::parseDirective() {
  if (peek().is(".file"))
    return parseFile();
  if (accept(".section")) {
    expect(Token::Kind::Word, "the name of a section");
    return skipBraces();
  }
  if (accept(".pragma")) {
    skipUntil(";");
    return expect(";");
  }
  bool external = false;
  while (peek().is(".extern") || peek().is(".visible") || peek().is(".weak") ||
         peek().is(".common"))
    external |= take().text == ".extern";
  if (peek().is(".entry"))
    return parseKernel();
  if (peek().is(".func")) {
    unsigned line = peek().line;
    while (!peek().is(";")) {
      if (peek().is("{"))
        failAt(line, "functions (.func) are not supported, only kernels");
      if (peek().kind == Token::Kind::End)
        unexpected("';'");
      take();
    }
    return expect(";");
  }
  if (!isVariableSpace(peek()) || peek().is(".local"))
    unexpected("a directive of a module that is supported (.entry, .global, "
               ".shared, .const, .file, .section, .pragma)");
  module.variables.push_back(parseVariable(external));
  expect(";");
}

void Parser::parseFile() {
  expect(".file");
  uint64_t number = takeUnsigned("the number of a file", UINT32_MAX);
  module.files[number] = expect(Token::Kind::String, "a file's name").text;
  while (accept(","))
    expect(Token::Kind::Number, "a number");
}

void Parser::parseParameters(KernelSyntax &kernel) {
  do {
    expect(".param");
    std::optional<uint64_t> alignment;
    if (accept(".align"))
      alignment = takeAlignment();
    Type type = takeType();
    if (accept(".ptr")) {
      if (peek().is(".global") || peek().is(".shared") || peek().is(".const") ||
          peek().is(".local"))
        take();
      if (accept(".align"))
        takeAlignment();
    }
    Token name = expect(Token::Kind::Word, "the name of a parameter");
    uint64_t bytes = getBytes(type);
    if (!bytes)
      failAt(name.line, "no parameter is of type .", getName(type));
    if (accept("[")) {
      bytes *= takeUnsigned("the number of elements", 1 << 16);
      expect("]");
    }
    uint64_t mask = alignment.value_or(getBytes(type)) - 1;
    uint64_t offset = (kernel.parameterBytes + mask) & ~mask;
    // What the driver accepts since CUDA 12.1.
    if (offset + bytes > 32764)
      failAt(name.line, "the parameters have more than 32764 bytes");
    for (const Parameter &other : kernel.parameters)
      if (other.name == name.text)
        failAt(name.line, "there are two parameters '", name.text, "'");
    kernel.parameters.push_back(
        {std::string(name.text), uint32_t(offset), uint32_t(bytes)});
    kernel.parameterBytes = offset + bytes;
  } while (accept(","));
}

Dim3 Parser::parseThreads() {
  Dim3 result;
  result.x = takeUnsigned("a number of threads", 1024);
  if (accept(","))
    result.y = takeUnsigned("a number of threads", 1024);
  if (accept(","))
    result.z = takeUnsigned("a number of threads", 1024);
  return result;
}

void Parser::parseKernelDirectives(KernelSyntax &kernel) {
  while (!peek().is("{")) {
    if (accept(".maxntid"))
      kernel.maxThreads = parseThreads();
    else if (accept(".reqntid"))
      kernel.requiredThreads = parseThreads();
    else if (accept(".minnctapersm") || accept(".maxnctapersm") ||
             accept(".maxnreg"))
      takeUnsigned("a number", UINT32_MAX);
    else if (accept(".pragma")) {
      skipUntil(";");
      expect(";");
    } else
      unexpected("a directive of a kernel that is supported (.maxntid, "
                 ".reqntid, .minnctapersm, .maxnreg, .pragma) or '{'");
  }
}

void Parser::parseKernel() {
  KernelSyntax kernel;
  expect(".entry");
  kernel.line = peek().line;
  kernel.name = expect(Token::Kind::Word, "the name of a kernel").text;
  for (const KernelSyntax &other : module.kernels)
    if (other.name == kernel.name)
      failAt(kernel.line, "there are two kernels '", kernel.name, "'");
  if (accept("(") && !accept(")")) {
    parseParameters(kernel);
    expect(")");
  }
  parseKernelDirectives(kernel);
  location = Location();
  parseBody(kernel);
  module.kernels.push_back(std::move(kernel));
}

void Parser::parseBody(KernelSyntax &kernel) {
  do {
    if (accept("{")) {
      unsigned parent = open.empty() ? 0 : open.back();
      open.push_back(kernel.scopes.size());
      kernel.scopes.push_back({parent, {}, {}, {}, {}});
    } else if (accept("}")) {
      open.pop_back();
    } else if (peek().kind == Token::Kind::Word && peek().text[0] == '.') {
      parseBodyDirective(kernel);
    } else if (!accept(";")) {
      parseLabelOrInstruction(kernel);
    }
  } while (!open.empty());
}

void Parser::parseBodyDirective(KernelSyntax &kernel) {
  Scope &scope = kernel.scopes[open.back()];
  if (peek().is(".loc"))
    return parseLocation();
  if (peek().is(".reg"))
    return parseRegisters(scope);
  if (accept(".pragma")) {
    skipUntil(";");
    return expect(";");
  }
  if (peek().is(".param"))
    failAt(peek().line, "'.param' in a kernel's body: calls are not supported");
  bool external = accept(".extern");
  if (!isVariableSpace(peek()))
    unexpected("a directive that is supported in a kernel (.reg, .shared, "
               ".local, .const, .global, .loc, .pragma)");
  VariableSyntax variable = parseVariable(external);
  expect(";");
  kernel.variables.push_back({open.back(), variable.name});
  unsigned line = variable.line;
  if (!scope.variables.emplace(variable.name, std::move(variable)).second)
    failAt(line, "there are two variables '", kernel.variables.back().second,
           "'");
}

void Parser::parseLocation() {
  expect(".loc");
  location.file = takeUnsigned("the number of a file", UINT32_MAX);
  location.line = takeUnsigned("the number of a line", UINT32_MAX);
  location.column = takeUnsigned("the number of a column", UINT32_MAX);
  // ", function_name label [+ 4], inlined_at 1 2 3": where the function is
  // inlined; what is inlined has the location above.
  while (accept(",")) {
    if (accept("function_name")) {
      expect(Token::Kind::Word, "a label");
      if (accept("+"))
        takeNumber();
    } else {
      expect("inlined_at");
      for (unsigned i = 0; i < 3; ++i)
        expect(Token::Kind::Number, "a number");
    }
  }
}

void Parser::parseRegisters(Scope &scope) {
  expect(".reg");
  Type type = takeType();
  do {
    Token name = expect(Token::Kind::Word, "the name of a register");
    RegisterRange range{type, 0, name.line};
    if (accept("<")) {
      range.count = takeUnsigned("the number of registers", UINT32_MAX);
      expect(">");
    }
    if (!scope.registers.emplace(name.text, range).second)
      failAt(name.line, "there are two registers '", name.text, "'");
  } while (accept(","));
  expect(";");
}

void Parser::parseTargets(std::vector<std::string_view> &targets) {
  do {
    targets.push_back(expect(Token::Kind::Word, "a label").text);
  } while (accept(","));
  expect(";");
}

void Parser::parseLabelOrInstruction(KernelSyntax &kernel) {
  Statement statement{};
  statement.line = peek().line;
  statement.scope = open.back();
  statement.location = location;
  if (accept("@")) {
    statement.negated = accept("!");
    statement.predicate = expect(Token::Kind::Word, "a predicate").text;
    return parseInstruction(kernel, std::move(statement));
  }
  if (peek().kind != Token::Kind::Word)
    unexpected("an instruction, a label or '}'");
  Token word = peek();
  statement.opcode = word.text;
  statement.text = text.substr(word.offset, 0);
  take();
  if (!accept(":")) {
    if (peek().kind == Token::Kind::End)
      unexpected("an operand or ';'");
    return parseInstruction(kernel, std::move(statement));
  }
  Scope &scope = kernel.scopes[open.back()];
  if (accept(".branchtargets"))
    return parseTargets(scope.targets[word.text]);
  if (!scope.labels.emplace(word.text, kernel.statements.size()).second)
    failAt(word.line, "there are two labels '", word.text, "'");
}

void Parser::parseInstruction(KernelSyntax &kernel, Statement statement) {
  if (statement.opcode.empty()) {
    Token opcode = expect(Token::Kind::Word, "an instruction");
    statement.opcode = opcode.text;
    statement.text = text.substr(opcode.offset, 0);
  }
  if (!peek().is(";"))
    do {
      statement.operands.push_back(takeOperand());
    } while (accept(","));
  size_t begin = statement.text.data() - text.data();
  size_t end = peek().offset;
  expect(";");
  statement.text = text.substr(begin, end - begin);
  kernel.statements.push_back(std::move(statement));
}

ModuleSyntax dsa::emulator::parse(std::string_view text) {
  return Parser(text).run();
}
