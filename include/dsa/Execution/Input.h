//===- Input.h - Functions of a file ----------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_INPUT_H
#define DSA_EXECUTION_INPUT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include <memory>
#include <string>

namespace mlir::dsa {

/// The module of a file, in a context of its own without threads. Diagnostics
/// about it go to standard error, with lines of the file.
class InputModule {
public:
  /// Dialects of the file must be in `registry`. A file that cannot be parsed
  /// gives `ExitUser`.
  static llvm::Expected<std::unique_ptr<InputModule>>
  read(StringRef path, const DialectRegistry &registry);

  ModuleOp getModule() { return *module; }
  MLIRContext *getContext() { return &context; }
  /// What the file holds.
  StringRef getText() const { return text; }

private:
  explicit InputModule(const DialectRegistry &registry)
      : context(registry, MLIRContext::Threading::DISABLED),
        diagnostics(sourceManager, &context) {}

  llvm::SourceMgr sourceManager;
  MLIRContext context;
  SourceMgrDiagnosticHandler diagnostics;
  StringRef text;
  OwningOpRef<ModuleOp> module;
};

/// A function on ranked tensors, as callers see it.
struct Signature {
  std::string name;
  SmallVector<RankedTensorType> inputs, results;
  /// What the text of the file, or a `NameLoc`, calls the inputs: `%q`, or
  /// nothing.
  SmallVector<std::string> inputNames;

  /// `argument 0 (%q)`, `argument 1`, `result 0`, for messages: inputs first,
  /// then results.
  std::string describe(unsigned i) const;
};

/// The signature of `function`; `ExitUser` if it has types that callers cannot
/// pass. `text` is that of the file.
llvm::Expected<Signature> getSignature(func::FuncOp function, StringRef text);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_INPUT_H
