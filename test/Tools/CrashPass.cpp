//===- CrashPass.cpp - A pass that crashes --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plugin for dsa-opt: test_crashes.py makes it crash in every way that the
// guard of the tools knows.
//
//===----------------------------------------------------------------------===//

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Support/ErrorHandling.h"
#include <csignal>
#include <cstdlib>
#include <new>

using namespace mlir;

// What the optimizer must not see through.
static volatile int zero = 0;
static int *volatile nowhere = nullptr;

static int recurse(volatile int *outer) {
  volatile int depth = *outer + 1;
  return zero ? 0 : recurse(&depth) + depth;
}

static void crash(StringRef how, MLIRContext *context) {
  if (how == "null")
    *nowhere = 1;
  else if (how == "division")
    zero = 7 / zero;
  else if (how == "trap")
    __builtin_trap();
  else if (how == "abort")
    std::abort();
  else if (how == "fatal")
    llvm::report_fatal_error("an error that cannot be returned");
  else if (how == "memory")
    // More than there are addresses.
    ::operator delete(::operator new(size_t(1) << 60));
  else if (how == "stack")
    zero = recurse(&zero);
  else if (how == "mlir")
    // The parser of affine expressions calls itself for each sign.
    parseAttribute("affine_map<(d0) -> (" + std::string(1000000, '-') + "d0)>",
                   context);
}

namespace {
struct CrashPass : PassWrapper<CrashPass, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CrashPass)
  CrashPass() = default;
  CrashPass(const CrashPass &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "test-crash"; }
  void runOnOperation() override { crash(how, &getContext()); }
  Option<std::string> how{*this, "how"};
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "dsa-test-crash", "1",
          [] { PassRegistration<CrashPass>(); }};
}
