//===- AtomicFile.h - Files that are whole or absent ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_ATOMICFILE_H
#define DSA_SUPPORT_ATOMICFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::dsa {

/// Calls `body` with a stream and, if it succeeds, puts what it wrote under
/// `path`: written under a temporary name beside it, synced and renamed, so
/// that no one ever sees a part of it. An error of `body` is returned and
/// leaves the old file as it was; an error of the disk gives `ExitIO`. `-` is
/// standard output; devices and pipes are written directly.
llvm::Error
writeAtomically(llvm::StringRef path,
                llvm::function_ref<llvm::Error(llvm::raw_ostream &)> body);

} // namespace mlir::dsa

#endif // DSA_SUPPORT_ATOMICFILE_H
