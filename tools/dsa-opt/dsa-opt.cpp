//===- dsa-opt.cpp - Runs passes of dsa and upstream on MLIR files -------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reproducer.h"

#include "dsa/Register.h"
#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/CommandLine.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

static constexpr llvm::StringLiteral helpHeader =
    "dsa-opt: passes of dsa and upstream on MLIR files\n\n"
    "  dsa-opt core.mlir --dsa-decompose               what the ops mean\n"
    "  dsa-opt core.mlir --dsa-reference-pipeline      down to the LLVM "
    "dialect\n\n"
    "exit codes: 0 ok, 1 wrong input or options, 70 internal error,\n"
    "74 a file cannot be read or written; --help-hidden has LLVM's options\n";

static int optMain(int argc, char **argv) {
  // Before the first option of MLIR is registered.
  dsa::hideRegisteredOptions();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllPasses();
  dsa::registerDialect(registry);
  dsa::registerPassesAndPipelines();
  auto [inputName, outputName] =
      registerAndParseCLIOptions(argc, argv, helpHeader, registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return asMainReturnCode(
        MlirOptMain(argc, argv, inputName, outputName, registry));

  auto buffer = dsa::readInput(inputName);
  if (!buffer)
    return dsa::report(buffer.takeError());
  StringRef input = (*buffer)->getBuffer();
  std::string suffix = dsa::getReproducerSuffix(input, config);
  std::optional<dsa::Reproducer> reproducer;
  if (!suffix.empty())
    reproducer.emplace(input, suffix);
  // Once the passes are set up, the input has been read.
  bool isBytecode = dsa::isBytecode(input);
  std::optional<dsa::ReadingLimit> limit(std::in_place, input);
  MlirOptMainConfig limited = config;
  limited.setPassPipelineSetupFn([&](PassManager &passes) {
    limit.reset();
    return config.setupPassPipeline(passes);
  });
  bool processed = true;
  dsa::OutputFile output{outputName, [&](llvm::raw_ostream &os) -> llvm::Error {
                           processed = succeeded(MlirOptMain(
                               os, std::move(*buffer), registry, limited));
                           // What was wrong has been printed; only the exit
                           // code is missing.
                           return processed ? llvm::Error::success()
                                            : dsa::makeError(dsa::ExitUser, "");
                         }};
  llvm::Error error = dsa::writeAtomically(output);
  if (!processed) {
    llvm::consumeError(std::move(error));
    // LLVM's reader does not always say that it failed.
    if (isBytecode && limit)
      llvm::errs() << "error: '" << inputName
                   << "' cannot be read as bytecode\n";
    return dsa::ExitUser;
  }
  return dsa::report(std::move(error));
}

int main(int argc, char **argv) {
  dsa::setVersionPrinter("dsa-opt");
  // A crash on a thread of a pool could not be turned into an exit code.
  std::string disableThreading = "--mlir-disable-threading";
  SmallVector<char *> arguments(argv, argv + argc);
  llvm::erase_if(arguments, [](const char *argument) {
    StringRef option(argument);
    return option.consume_front("-") &&
           option.ltrim('-').starts_with("mlir-disable-threading");
  });
  arguments.push_back(disableThreading.data());
  arguments.push_back(nullptr);
  return dsa::runGuarded("dsa-opt", [&] {
    return optMain(static_cast<int>(arguments.size()) - 1, arguments.data());
  });
}
