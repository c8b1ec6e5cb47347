//===- Compile.h - From a file to an artefact -------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_COMPILE_H
#define DSA_EXECUTION_COMPILE_H

#include "dsa/Execution/Lowering.h"

#include "mlir/IR/DialectRegistry.h"

namespace mlir::dsa {

/// What to write.
enum class Emit { MLIR, LLVM, PTX, Object, Header, SharedObject };

struct CompileOptions {
  std::string file, output;
  /// The preferred one first.
  std::vector<Target> targets;
  LoweringOptions lowering;
  Emit emit = Emit::SharedObject;
};

/// Compiles the public functions of `options.file`. A shared object `x.so`
/// comes with its header `x.h` and its sidecar `x.json`. Dialects of the file
/// must be in `registry`.
llvm::Error compileFile(const CompileOptions &options,
                        const DialectRegistry &registry);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_COMPILE_H
