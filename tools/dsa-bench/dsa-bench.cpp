//===- dsa-bench.cpp - Measures kernels beside roofs and peers -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Options.h"
#include "Report.h"

#include "dsa/Register.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

using namespace mlir;
using namespace mlir::dsa::bench;

static int runMain(int argc, char **argv) {
  CommandLine line;
  if (llvm::Error error = readOptions(argc, argv, line))
    return dsa::report(std::move(error));
  if (line.list) {
    printCases(line.cases, line.session.settings.isa, llvm::outs());
    return dsa::ExitOk;
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllPasses();
  dsa::registerDialect(registry);
  dsa::registerPassesAndPipelines();
  if (line.roofThreads > 0) {
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    return dsa::report(printRoofs(line.roofThreads, line.session.settings,
                                  context, llvm::outs()));
  }
  if (line.emulator)
    return dsa::report(printEmulator(line.rounds, registry, llvm::outs()));
  return runSession(line.cases, line.session, registry);
}

int main(int argc, char **argv) {
  return dsa::runGuarded("dsa-bench", [&] { return runMain(argc, argv); });
}
