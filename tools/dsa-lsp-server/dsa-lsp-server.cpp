//===- dsa-lsp-server.cpp - Language server for MLIR with dsa -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Register.h"
#include "dsa/Version.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "dsa-lsp-server (dsa-mlir) " << DSA_VERSION << ", LLVM "
       << LLVM_VERSION_STRING << "\n";
  });
  llvm::cl::extrahelp moreHelp(
      "\ndsa-lsp-server: errors, types and definitions of MLIR files with dsa\n"
      "ops, for editors. It speaks the language server protocol on standard\n"
      "input and output, so an editor starts it, such as Visual Studio Code\n"
      "with the MLIR extension and this in settings.json:\n\n"
      "  \"mlir.server_path\": \"/path/to/dsa-lsp-server\"\n\n"
      "exit codes: 0 the editor closed it in order, 1 otherwise\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  dsa::registerDialect(registry);
  return failed(MlirLspServerMain(argc, argv, registry));
}
