//===- AtomicFile.h - Files that are whole or absent ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_ATOMICFILE_H
#define DSA_SUPPORT_ATOMICFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <functional>
#include <string>

namespace mlir::dsa {

/// A file to be written and what goes into it.
struct OutputFile {
  std::string path;
  std::function<llvm::Error(llvm::raw_ostream &)> body;
};

/// Calls the `body` of each file with a stream and, if all of them succeed,
/// puts what they wrote under their paths: written under a temporary name
/// beside it, synced and renamed, so that no one ever sees a part of a file. An
/// error of a body is returned and leaves the old files as they were; an error
/// of the disk gives `ExitIO`. A new file has the permissions of the old one.
/// `-` is standard output; devices and pipes are written directly.
llvm::Error writeAtomically(llvm::ArrayRef<OutputFile> files);

/// Removes the temporary files of a `writeAtomically` that a crash ended.
void discardUnfinishedFiles();

} // namespace mlir::dsa

#endif // DSA_SUPPORT_ATOMICFILE_H
