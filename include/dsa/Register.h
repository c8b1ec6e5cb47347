//===- Register.h - What a program calls to know dsa ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_REGISTER_H
#define DSA_REGISTER_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::dsa {

/// Registers the dialect, those that its passes and pipelines produce, and the
/// interface models of both. A program that calls it needs nothing else.
void registerDialect(DialectRegistry &registry);

/// Registers our passes and pipelines by name, for textual pipelines.
void registerPassesAndPipelines();

} // namespace mlir::dsa

#endif // DSA_REGISTER_H
