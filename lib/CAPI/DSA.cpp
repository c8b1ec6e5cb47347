//===- DSA.cpp - The dsa dialect from C -----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa-c/DSA.h"

#include "dsa/IR/DSA.h"
#include "dsa/Register.h"
#include "dsa/Version.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/SourceMgr.h"

#include <cstdlib>
#include <mutex>

using namespace mlir;
using namespace mlir::dsa;

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(DSA, dsa, mlir::dsa::DSADialect)

static char *copyString(StringRef text) {
  auto *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (!copy)
    return nullptr;
  std::copy(text.begin(), text.end(), copy);
  copy[text.size()] = '\0';
  return copy;
}

namespace {
/// Collects what is said while a function runs, and hands it to the caller.
class Messages {
public:
  Messages(char **target) : target(target), os(text) {}
  ~Messages() {
    if (!text.empty() && text.back() != '\n')
      text += '\n';
    if (target)
      *target = text.empty() ? nullptr : copyString(text);
  }

  llvm::raw_ostream &stream() { return os; }

private:
  char **target;
  std::string text;
  llvm::raw_string_ostream os;
};
} // namespace

const char *dsaGetVersion() { return DSA_VERSION; }

void dsaStringFree(char *string) { std::free(string); }

void dsaRegisterDialects(MlirDialectRegistry registry) {
  registerDialect(*unwrap(registry));
}

MlirContext dsaContextCreate() {
  DialectRegistry registry;
  registerDialect(registry);
  return wrap(new MLIRContext(registry, MLIRContext::Threading::DISABLED));
}

void dsaRegisterPasses() {
  static std::once_flag once;
  std::call_once(once, [] {
    registerPassesAndPipelines();
    registerTransformsPasses();
    bufferization::registerBufferizationPasses();
  });
}

MlirModule dsaModuleParse(MlirContext context, MlirStringRef source,
                          MlirStringRef name, char **messages) {
  Messages said(messages);
  if (mlirContextIsNull(context) || !source.data) {
    said.stream() << "error: no context or no source was given\n";
    return {nullptr};
  }
  // The parser reads up to a terminating null, which the caller's text may
  // lack.
  auto manager = std::make_shared<llvm::SourceMgr>();
  manager->AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(unwrap(source), unwrap(name)),
      SMLoc());
  SourceMgrDiagnosticHandler handler(*manager, unwrap(context), said.stream());
  ParserConfig config(unwrap(context));
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(manager, config);
  return wrap(module.release());
}

MlirLogicalResult dsaModuleRunPipeline(MlirModule module,
                                       MlirStringRef pipeline,
                                       char **messages) {
  Messages said(messages);
  if (mlirModuleIsNull(module)) {
    said.stream() << "error: no module was given\n";
    return mlirLogicalResultFailure();
  }
  dsaRegisterPasses();
  FailureOr<OpPassManager> parsed =
      parsePassPipeline(unwrap(pipeline), said.stream());
  if (failed(parsed))
    return mlirLogicalResultFailure();
  if (parsed->getOpAnchorName() != ModuleOp::getOperationName()) {
    said.stream() << "error: the pipeline is for '" << parsed->getOpAnchorName()
                  << "', but must be of the form 'builtin.module(...)'\n";
    return mlirLogicalResultFailure();
  }
  MLIRContext *context = unwrap(module)->getContext();
  llvm::SourceMgr manager;
  SourceMgrDiagnosticHandler handler(manager, context, said.stream());
  PassManager passes(context, ModuleOp::getOperationName());
  static_cast<OpPassManager &>(passes) = std::move(*parsed);
  return wrap(passes.run(unwrap(module)));
}

char *dsaModuleToText(MlirModule module) {
  if (mlirModuleIsNull(module))
    return nullptr;
  std::string text;
  llvm::raw_string_ostream os(text);
  unwrap(module)->print(os);
  return copyString(text);
}

MlirAttribute dsaKVLayoutAttrGet(MlirContext context, MlirStringRef preset,
                                 int64_t page, char **messages) {
  Messages said(messages);
  if (mlirContextIsNull(context)) {
    said.stream() << "error: no context was given\n";
    return {nullptr};
  }
  unwrap(context)->loadDialect<DSADialect>();
  llvm::SourceMgr manager;
  SourceMgrDiagnosticHandler handler(manager, unwrap(context), said.stream());
  return wrap(Attribute(
      KVLayoutAttr::getPreset(unwrap(context), unwrap(preset), page, [&] {
        return emitError(UnknownLoc::get(unwrap(context)));
      })));
}

bool dsaAttributeIsAKVLayout(MlirAttribute attribute) {
  return !mlirAttributeIsNull(attribute) &&
         isa<KVLayoutAttr>(unwrap(attribute));
}
