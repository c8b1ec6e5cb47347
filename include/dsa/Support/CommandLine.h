//===- CommandLine.h - What the command lines of all tools share *- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_COMMANDLINE_H
#define DSA_SUPPORT_COMMANDLINE_H

#include "llvm/ADT/StringRef.h"

namespace mlir::dsa {

/// Makes `--version` print the versions of this project and of LLVM.
/// `tool` has to outlive the program's options.
void setVersionPrinter(llvm::StringRef tool);

/// Moves the options that are registered so far, LLVM's own thousand, which
/// nothing here reads, from `--help` to `--help-hidden`.
void hideRegisteredOptions();

} // namespace mlir::dsa

#endif // DSA_SUPPORT_COMMANDLINE_H
