//===- lower.cpp - A compiler that embeds dsa -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"
#include "dsa/Pipelines.h"
#include "dsa/Register.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: lower FILE.mlir\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  mlir::dsa::registerDialect(registry);
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1; // the diagnostics are on stderr
  module->walk([](mlir::dsa::SparseAttentionOp op) {
    llvm::errs() << "attention with values of width " << op.getDv() << "\n";
  });
  mlir::PassManager passes(&context);
  mlir::dsa::buildReferencePipeline(passes, {});
  if (mlir::failed(passes.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
