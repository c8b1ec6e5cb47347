//===- ExitCodes.h - How a tool ends ----------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_EXITCODES_H
#define DSA_SUPPORT_EXITCODES_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace mlir::dsa {

/// The exit codes of every tool. There are no others, and no tool ends by a
/// signal of its own making.
enum ExitCode : int {
  ExitOk = 0,
  /// The input, the options or the data are wrong; the message says how.
  ExitUser = 1,
  /// A tool or driver is missing; the message names it and the fix.
  ExitMissing = 69,
  /// A defect of this program or of a library it uses.
  ExitInternal = 70,
  /// A file cannot be read or written.
  ExitIO = 74,
};

/// An error that ends the program with `code`.
class ExitError : public llvm::ErrorInfo<ExitError> {
public:
  static char ID; // NOLINT(readability-identifier-naming): llvm::ErrorInfo's
  ExitError(ExitCode code, std::string message)
      : code(code), message(std::move(message)) {}
  ExitCode getCode() const { return code; }
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  ExitCode code;
  std::string message;
};

llvm::Error makeError(ExitCode code, const llvm::Twine &message);

/// Prints `error: <message>` and returns the code; `ExitOk` for success.
int report(llvm::Error error);

} // namespace mlir::dsa

#endif // DSA_SUPPORT_EXITCODES_H
