//===- ExitCodes.cpp - How a tool ends -----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Support/ExitCodes.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::dsa;

char ExitError::ID = 0;

llvm::Error dsa::makeError(ExitCode code, const llvm::Twine &message) {
  return llvm::make_error<ExitError>(code, message.str());
}

int dsa::report(llvm::Error error) {
  int code = ExitOk;
  llvm::handleAllErrors(
      std::move(error),
      [&](const ExitError &e) {
        llvm::errs() << "error: ";
        e.log(llvm::errs());
        llvm::errs() << "\n";
        code = e.getCode();
      },
      [&](const llvm::ErrorInfoBase &e) {
        llvm::errs() << "error: " << e.message() << "\n";
        code = ExitInternal;
      });
  return code;
}
