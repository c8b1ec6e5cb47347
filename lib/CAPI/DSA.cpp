//===- DSA.cpp - C API of the dialect, its passes and its pipelines -------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa-c/DSA.h"

#include "dsa/IR/DSA.h"
#include "dsa/Register.h"
#include "dsa/Support/InputGuard.h"
#include "dsa/Version.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/VirtualFileSystem.h"
#include <mutex>

using namespace mlir;

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(DSA, dsa, dsa::DSADialect)

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

namespace {
/// The diagnostics of one call, which the caller gets in one piece at its end.
class Report {
public:
  Report(MlirStringCallback callback, void *userData)
      : callback(callback), userData(userData) {}
  ~Report() {
    if (callback && !text.empty())
      callback(wrap(StringRef(text)), userData);
  }

  /// An error that no context could emit, in the form of those that one does.
  void addError(const Twine &message) {
    os << "<unknown>:0: error: " << message << "\n";
  }

  /// Adds `error`, if it is one, and says whether it was.
  bool takeError(llvm::Error error) {
    if (!error)
      return false;
    addError(llvm::toString(std::move(error)));
    return true;
  }

  /// Runs `body` with the diagnostics of the context, shown as the tools do.
  LogicalResult collect(MLIRContext *context, llvm::SourceMgr &sources,
                        function_ref<LogicalResult()> body) {
    // A location can name any file; only text that the caller gave is shown.
    sources.setVirtualFileSystem(
        llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>());
    SourceMgrDiagnosticHandler handler(sources, context, os);
    LogicalResult result = failure();
    if (!dsa::runOnLargeStack([&] { result = body(); }))
      addError("cannot start a thread with a stack of 64 MiB");
    return result;
  }

private:
  MlirStringCallback callback;
  void *userData;
  std::string text;
  llvm::raw_string_ostream os{text};
};
} // namespace

/// The text, empty if there is none.
static StringRef getText(MlirStringRef text) {
  return text.data ? unwrap(text) : StringRef();
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

const char *dsaGetVersion(void) { return DSA_VERSION; }

void dsaRegisterDialects(MlirDialectRegistry registry) {
  dsa::registerDialect(*unwrap(registry));
}

void dsaRegisterPasses(void) {
  static std::once_flag once;
  std::call_once(once, dsa::registerPassesAndPipelines);
}

MlirContext dsaContextCreate(bool threadingEnabled) {
  DialectRegistry registry;
  dsa::registerDialect(registry);
  return wrap(new MLIRContext(
      registry, threadingEnabled ? MLIRContext::Threading::ENABLED
                                 : MLIRContext::Threading::DISABLED));
}

//===----------------------------------------------------------------------===//
// Text to text
//===----------------------------------------------------------------------===//

MlirModule dsaModuleCreateParse(MlirContext context, MlirStringRef text,
                                MlirStringRef name,
                                MlirStringCallback diagnostics,
                                void *userData) {
  Report report(diagnostics, userData);
  if (mlirContextIsNull(context)) {
    report.addError("the context is null");
    return {nullptr};
  }
  StringRef bytes = getText(text);
  if (bytes.empty()) {
    report.addError("the text of the module is empty");
    return {nullptr};
  }
  if (report.takeError(dsa::checkInput(bytes, getText(name))))
    return {nullptr};
  llvm::SourceMgr sources;
  // A copy: the parser wants a zero behind the text.
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(bytes, getText(name)), SMLoc());
  OwningOpRef<ModuleOp> module;
  LogicalResult parsed = report.collect(unwrap(context), sources, [&] {
    module = parseSourceFile<ModuleOp>(sources, unwrap(context));
    return success(module.get() != nullptr);
  });
  return failed(parsed) ? MlirModule{nullptr} : wrap(module.release());
}

/// Parses the pipeline and runs it.
static LogicalResult runPipeline(ModuleOp module, StringRef pipeline) {
  auto unknown = UnknownLoc::get(module.getContext());
  std::string errors;
  llvm::raw_string_ostream os(errors);
  FailureOr<OpPassManager> parsed = parsePassPipeline(pipeline, os);
  if (failed(parsed))
    return emitError(unknown) << StringRef(errors).trim();
  PassManager passes(module.getContext(), parsed->getOpAnchorName());
  static_cast<OpPassManager &>(passes) = std::move(*parsed);
  return passes.run(module);
}

MlirLogicalResult dsaModuleRunPipeline(MlirModule module,
                                       MlirStringRef pipeline,
                                       MlirStringCallback diagnostics,
                                       void *userData) {
  Report report(diagnostics, userData);
  if (mlirModuleIsNull(module)) {
    report.addError("the module is null");
    return wrap(failure());
  }
  // As deep as its brackets go, so deep does the parser recurse.
  if (report.takeError(dsa::checkInput(getText(pipeline), "pipeline")))
    return wrap(failure());
  dsaRegisterPasses();
  llvm::SourceMgr noSources;
  return wrap(report.collect(unwrap(module).getContext(), noSources, [&] {
    return runPipeline(unwrap(module), getText(pipeline));
  }));
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool dsaAttributeIsAKVLayout(MlirAttribute attribute) {
  return isa_and_nonnull<dsa::KVLayoutAttr>(unwrap(attribute));
}

MlirAttribute dsaKVLayoutAttrGetPreset(MlirContext context,
                                       MlirStringRef preset, int64_t page,
                                       MlirStringCallback diagnostics,
                                       void *userData) {
  Report report(diagnostics, userData);
  if (mlirContextIsNull(context)) {
    report.addError("the context is null");
    return {nullptr};
  }
  MLIRContext *owner = unwrap(context);
  owner->getOrLoadDialect<dsa::DSADialect>();
  dsa::KVLayoutAttr layout;
  llvm::SourceMgr noSources;
  (void)report.collect(owner, noSources, [&] {
    auto error = [&] { return emitError(UnknownLoc::get(owner)); };
    layout = dsa::KVLayoutAttr::getPreset(owner, getText(preset), page, error);
    return success(layout != nullptr);
  });
  return wrap(Attribute(layout));
}
