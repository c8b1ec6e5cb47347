//===- dsa-lsp-server.cpp - Tells editors about MLIR files with dsa ops ---===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Register.h"
#include "dsa/Support/CommandLine.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

static llvm::cl::extrahelp help(
    "\ndsa-lsp-server: errors, hovers, definitions and completions for MLIR\n"
    "files with ops of dsa and upstream. An editor starts it without options\n"
    "and speaks the Language Server Protocol over standard input and output.\n"
    "In Neovim:\n\n"
    "  vim.lsp.config('dsa', {cmd = {'dsa-lsp-server'}, "
    "filetypes = {'mlir'}})\n"
    "  vim.lsp.enable('dsa')\n\n"
    "exit codes: 0 ok, 1 wrong options or the editor left without a shutdown,\n"
    "70 internal error; --help-hidden has LLVM's options\n");

static int serverMain(int argc, char **argv) {
  // Before the server registers its own.
  dsa::hideRegisteredOptions();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  dsa::registerDialect(registry);
  return succeeded(MlirLspServerMain(argc, argv, registry)) ? dsa::ExitOk
                                                            : dsa::ExitUser;
}

int main(int argc, char **argv) {
  dsa::setVersionPrinter("dsa-lsp-server");
  return dsa::runGuarded("dsa-lsp-server",
                         [&] { return serverMain(argc, argv); });
}
