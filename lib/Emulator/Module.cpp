//===- Module.cpp - Modules, kernels and their launches -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include <cstdlib>
#include <cstring>
#include <new>

using namespace dsa::emulator;

namespace {

class KernelImpl : public Kernel {
public:
  KernelImpl(Program program, const ModuleVariables &variables)
      : program(std::move(program)), variables(variables) {}

  const std::string &getName() const override { return program.name; }
  const std::vector<Parameter> &getParameters() const override {
    return program.parameters;
  }
  uint32_t getParameterBytes() const override { return program.parameterBytes; }
  uint32_t getStaticSharedBytes() const override {
    return program.staticSharedBytes;
  }
  uint32_t getLocalBytes() const override { return program.localBytes; }
  uint32_t getMaxThreads() const override { return program.maxThreads; }
  Report launch(const GlobalMemory &memory, const void *parameters,
                const LaunchOptions &options) const override;

private:
  Program program;
  const ModuleVariables &variables;
};

class ModuleImpl : public Module {
public:
  explicit ModuleImpl(std::string_view text);

  const std::string &getTarget() const override { return target; }
  std::vector<std::string> getKernelNames() const override;
  const Kernel *getKernel(std::string_view name) const override;
  Variable getVariable(std::string_view name) const override;

private:
  void allocate(const VariableSyntax &variable);
  void setAddresses(const VariableSyntax &variable);

  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  std::string text, target;
  std::vector<std::unique_ptr<char, Free>> memory;
  ModuleVariables variables;
  std::vector<KernelImpl> kernels;
};

} // namespace

Report KernelImpl::launch(const GlobalMemory &memory, const void *parameters,
                          const LaunchOptions &options) const {
  Report report;
  try {
    Execution(program, variables, memory, static_cast<const char *>(parameters),
              options, report)
        .run();
  } catch (const Failure &failure) {
    report.error = failure.what();
    report.failure = failure.kind;
  } catch (const std::bad_alloc &) {
    report.failure = FailureKind::Other;
    report.error = concat("kernel '", program.name,
                          "': the machine has not enough memory");
  }
  return report;
}

ModuleImpl::ModuleImpl(std::string_view source) : text(source) {
  ModuleSyntax syntax = parse(text);
  target = syntax.target;
  for (const VariableSyntax &variable : syntax.variables)
    if (variable.space != Space::Shared)
      allocate(variable);
  for (const VariableSyntax &variable : syntax.variables)
    setAddresses(variable);
  for (const KernelSyntax &kernel : syntax.kernels)
    kernels.emplace_back(decode(syntax, kernel, variables), variables);
}

void ModuleImpl::allocate(const VariableSyntax &variable) {
  size_t alignment = std::max<size_t>(variable.alignment, 16);
  size_t size = (variable.bytes / alignment + 1) * alignment;
  char *bytes = static_cast<char *>(std::aligned_alloc(alignment, size));
  if (!bytes)
    throw std::bad_alloc();
  memory.emplace_back(bytes);
  memset(bytes, 0, size);
  if (!variable.initial.empty())
    memcpy(bytes, variable.initial.data(), variable.initial.size());
  ModuleVariable entry{variable.space, reinterpret_cast<uint64_t>(bytes),
                       variable.bytes};
  if (!variables.emplace(variable.name, entry).second)
    failAt(variable.line, "there are two variables '", variable.name, "'");
}

void ModuleImpl::setAddresses(const VariableSyntax &variable) {
  for (const InitialAddress &initial : variable.addresses) {
    auto target = variables.find(initial.name);
    if (target == variables.end())
      failAt(initial.line, "'", initial.name,
             "' is no variable in .global or "
             ".const");
    uint64_t address = target->second.address + uint64_t(initial.offset);
    uint64_t to = variables.find(variable.name)->second.address + initial.at;
    memcpy(reinterpret_cast<void *>(to), &address, sizeof(address));
  }
}

std::vector<std::string> ModuleImpl::getKernelNames() const {
  std::vector<std::string> names;
  for (const KernelImpl &kernel : kernels)
    names.push_back(kernel.getName());
  return names;
}

const Kernel *ModuleImpl::getKernel(std::string_view name) const {
  for (const KernelImpl &kernel : kernels)
    if (kernel.getName() == name)
      return &kernel;
  return nullptr;
}

Module::Variable ModuleImpl::getVariable(std::string_view name) const {
  auto found = variables.find(name);
  if (found == variables.end())
    return {nullptr, 0};
  return {reinterpret_cast<void *>(found->second.address),
          size_t(found->second.bytes)};
}

std::unique_ptr<Module> Module::load(std::string_view text,
                                     std::string &error) {
  error.clear();
  try {
    return std::make_unique<ModuleImpl>(text);
  } catch (const Failure &failure) {
    error = failure.what();
  } catch (const std::bad_alloc &) {
    error = "the machine has not enough memory for the module";
  }
  return nullptr;
}
