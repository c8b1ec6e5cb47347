//===- KernelDecoder.cpp - The names and the register file of a kernel ----===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include <cstring>
#include <unordered_set>

using namespace dsa::emulator;

/// Registers begin where vectors of the host do.
static constexpr uint32_t registerAlignment = 64;

KernelDecoder::KernelDecoder(const ModuleSyntax &module,
                             const KernelSyntax &kernel,
                             const ModuleVariables &variables)
    : module(module), kernel(kernel), variables(variables) {
  symbols.resize(kernel.scopes.size() + 1);
  registers.resize(kernel.scopes.size());
}

uint32_t KernelDecoder::allocate(unsigned bytes) {
  size_t offset = program.registers.size();
  size_t size = std::max(bytes * warpSize, registerAlignment);
  // Tens of thousands of registers in use: far more than any GPU has.
  if (offset + size > (size_t(1) << 30))
    fail("kernel '", kernel.name, "' has too many registers");
  program.registers.resize(offset + size, char(0xFF));
  return offset;
}

uint32_t KernelDecoder::getConstant(uint64_t bits, unsigned bytes) {
  if (bytes < 8)
    bits &= (uint64_t(1) << 8 * bytes) - 1;
  auto [found, isNew] = constants[bytes].try_emplace(bits, 0);
  if (isNew) {
    found->second = allocate(bytes);
    for (unsigned lane = 0; lane < warpSize; ++lane)
      memcpy(&program.registers[found->second + lane * bytes], &bits, bytes);
  }
  return found->second;
}

uint32_t KernelDecoder::getPredicateConstant(bool value) {
  return getConstant(value ? allLanes : 0, 4);
}

/// Predicates have a word; bytes are in registers of 16 bits.
static unsigned getRegisterBytes(Type type) {
  return type == Type::Pred ? 4 : std::max(getBytes(type), 2u);
}

/// Of %r12 the 12, and %r before it; none without a number or with zeros
/// before it.
static std::optional<std::pair<std::string_view, uint64_t>>
splitNumber(std::string_view name) {
  size_t begin = name.find_last_not_of("0123456789") + 1;
  size_t digits = name.size() - begin;
  if (!digits || digits > 10 || (digits > 1 && name[begin] == '0'))
    return std::nullopt;
  return std::make_pair(name.substr(0, begin),
                        std::stoull(std::string(name.substr(begin))));
}

std::optional<KernelDecoder::Register>
KernelDecoder::findRegister(std::string_view name, unsigned scope) {
  auto numbered = splitNumber(name);
  for (unsigned at = scope;; at = kernel.scopes[at].parent) {
    auto found = registers[at].find(name);
    if (found != registers[at].end())
      return found->second;
    const auto &declared = kernel.scopes[at].registers;
    auto range = declared.find(name);
    bool isDeclared = range != declared.end() && !range->second.count;
    if (!isDeclared && numbered) {
      range = declared.find(numbered->first);
      isDeclared =
          range != declared.end() && numbered->second < range->second.count;
    }
    if (isDeclared) {
      Type type = range->second.type;
      Register result{type, allocate(getRegisterBytes(type))};
      registers[at].emplace(name, result);
      return result;
    }
    if (at == 0)
      return findSpecial(name);
  }
}

std::optional<KernelDecoder::Register>
KernelDecoder::findSpecial(std::string_view name) {
  static constexpr std::pair<std::string_view, SpecialRegister> names[] = {
      {"%tid.x", SpecialRegister::ThreadX},
      {"%tid.y", SpecialRegister::ThreadY},
      {"%tid.z", SpecialRegister::ThreadZ},
      {"%ntid.x", SpecialRegister::BlockSizeX},
      {"%ntid.y", SpecialRegister::BlockSizeY},
      {"%ntid.z", SpecialRegister::BlockSizeZ},
      {"%ctaid.x", SpecialRegister::BlockX},
      {"%ctaid.y", SpecialRegister::BlockY},
      {"%ctaid.z", SpecialRegister::BlockZ},
      {"%nctaid.x", SpecialRegister::GridSizeX},
      {"%nctaid.y", SpecialRegister::GridSizeY},
      {"%nctaid.z", SpecialRegister::GridSizeZ},
      {"%laneid", SpecialRegister::Lane},
      {"%warpid", SpecialRegister::Warp},
      {"%nwarpid", SpecialRegister::NumWarps},
      {"%smid", SpecialRegister::Multiprocessor},
      {"%nsmid", SpecialRegister::NumMultiprocessors},
      {"%lanemask_eq", SpecialRegister::MaskEqual},
      {"%lanemask_lt", SpecialRegister::MaskLess},
      {"%lanemask_le", SpecialRegister::MaskLessEqual},
      {"%lanemask_gt", SpecialRegister::MaskGreater},
      {"%lanemask_ge", SpecialRegister::MaskGreaterEqual},
      {"%dynamic_smem_size", SpecialRegister::DynamicSharedBytes},
      {"%total_smem_size", SpecialRegister::TotalSharedBytes}};
  auto found = specials.find(name);
  if (found != specials.end())
    return found->second;
  for (auto [special, kind] : names)
    if (special == name) {
      Register result{Type::U32, allocate(4), true};
      program.specials.push_back({kind, result.offset});
      specials.emplace(special, result);
      return result;
    }
  return std::nullopt;
}

std::optional<KernelDecoder::Symbol>
KernelDecoder::findSymbol(std::string_view name, unsigned scope) const {
  for (unsigned at = scope;; at = kernel.scopes[at].parent) {
    auto found = symbols[at].find(name);
    if (found != symbols[at].end())
      return found->second;
    if (at == 0)
      break;
  }
  for (const Parameter &parameter : kernel.parameters)
    if (parameter.name == name)
      return Symbol{Space::Param, parameter.offset};
  auto shared = symbols.back().find(name);
  if (shared != symbols.back().end())
    return shared->second;
  auto variable = variables.find(name);
  if (variable != variables.end())
    return Symbol{variable->second.space, variable->second.address};
  return std::nullopt;
}

uint32_t KernelDecoder::getLabel(const Statement &at,
                                 std::string_view name) const {
  for (unsigned scope = at.scope;; scope = kernel.scopes[scope].parent) {
    auto found = kernel.scopes[scope].labels.find(name);
    if (found != kernel.scopes[scope].labels.end())
      return found->second;
    if (scope == 0)
      failAt(at.line, "there is no label '", name, "'");
  }
}

uint32_t KernelDecoder::addBranchTable(const Statement &at,
                                       std::string_view name) {
  for (unsigned scope = at.scope;; scope = kernel.scopes[scope].parent) {
    auto found = kernel.scopes[scope].targets.find(name);
    if (found != kernel.scopes[scope].targets.end()) {
      std::vector<uint32_t> table;
      for (std::string_view label : found->second)
        table.push_back(getLabel(at, label));
      program.branchTables.push_back(std::move(table));
      return program.branchTables.size() - 1;
    }
    if (scope == 0)
      failAt(at.line, "there are no .branchtargets '", name, "'");
  }
}

void KernelDecoder::placeVariable(const VariableSyntax &variable,
                                  Symbol &symbol, uint64_t &bytes) {
  uint64_t mask = variable.alignment - 1;
  symbol = {variable.space, (bytes + mask) & ~mask};
  bytes = symbol.address + variable.bytes;
  if (bytes > UINT32_MAX)
    failAt(variable.line, "the variables in .", getName(variable.space),
           " have more than 2^32 bytes");
}

void KernelDecoder::placeShared() {
  // Of the module's variables, those that the kernel names.
  std::unordered_set<std::string_view> used;
  auto use = [&](const Operand &operand) { used.insert(operand.name); };
  for (const Statement &statement : kernel.statements)
    for (const Operand &operand : statement.operands) {
      use(operand);
      for (const Operand &element : operand.elements)
        use(element);
    }
  std::vector<std::pair<const VariableSyntax *, Symbol *>> shared;
  for (const VariableSyntax &variable : module.variables)
    if (variable.space == Space::Shared && used.count(variable.name))
      shared.push_back({&variable, &symbols.back()[variable.name]});
  for (auto [scope, name] : kernel.variables) {
    const VariableSyntax &variable =
        kernel.scopes[scope].variables.find(name)->second;
    if (variable.space == Space::Shared)
      shared.push_back({&variable, &symbols[scope][name]});
  }
  uint64_t bytes = 0, alignment = 16;
  for (auto [variable, symbol] : shared)
    if (variable->unsized)
      alignment = std::max(alignment, variable->alignment);
    else
      placeVariable(*variable, *symbol, bytes);
  program.staticSharedBytes = bytes;
  program.dynamicSharedBase = (bytes + alignment - 1) & ~(alignment - 1);
  for (auto [variable, symbol] : shared)
    if (variable->unsized)
      *symbol = {Space::Shared, program.dynamicSharedBase};
}

void KernelDecoder::placeLocal() {
  uint64_t bytes = 0;
  for (auto [scope, name] : kernel.variables) {
    const VariableSyntax &variable =
        kernel.scopes[scope].variables.find(name)->second;
    if (variable.space == Space::Local)
      placeVariable(variable, symbols[scope][name], bytes);
    else if (variable.space != Space::Shared)
      failAt(variable.line, "'", name, "': a variable in .",
             getName(variable.space), " stands outside of kernels");
  }
  // What GPUs allow.
  if (bytes > 512 * 1024)
    fail("kernel '", kernel.name, "' has ", bytes,
         " bytes of local memory for each thread, the most is 524288");
  program.localBytes = (bytes + 15) & ~uint64_t(15);
}

std::string KernelDecoder::getLocation(const Location &location) const {
  auto file = module.files.find(location.file);
  if (!location.line || file == module.files.end())
    return "";
  return concat(file->second, ":", location.line, ":", location.column);
}

Program KernelDecoder::run() {
  program.name = kernel.name;
  program.parameters = kernel.parameters;
  program.parameterBytes = kernel.parameterBytes;
  program.requiredThreads = kernel.requiredThreads;
  for (const Dim3 &limit : {kernel.maxThreads, kernel.requiredThreads})
    if (limit.x)
      program.maxThreads = std::min<uint64_t>(
          program.maxThreads, uint64_t(limit.x) * limit.y * limit.z);
  placeShared();
  placeLocal();
  for (const Statement &statement : kernel.statements) {
    program.instructions.push_back(InstructionDecoder(*this, statement).run());
    std::string text;
    for (char c : statement.text) {
      bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
      if (!blank)
        text += c;
      else if (!text.empty() && text.back() != ' ')
        text += ' ';
    }
    program.sources.push_back({statement.line, std::string(statement.opcode),
                               std::move(text),
                               getLocation(statement.location)});
  }
  // A kernel ends where its text does.
  Instruction exit;
  exit.kind = Instruction::Kind::Exit;
  program.instructions.push_back(exit);
  program.sources.push_back({kernel.line, "ret", "ret", ""});
  return std::move(program);
}

Program dsa::emulator::decode(const ModuleSyntax &module,
                              const KernelSyntax &kernel,
                              const ModuleVariables &variables) {
  return KernelDecoder(module, kernel, variables).run();
}
