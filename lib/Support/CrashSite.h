//===- CrashSite.h - Whose code crashed -------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_CRASHSITE_H
#define DSA_SUPPORT_CRASHSITE_H

#include <cstdint>

namespace mlir::dsa {

/// A place in code: the file it was loaded from, and the offset in it, as
/// symbolizers take it.
struct CodePlace {
  /// Null where the stack does not tell; empty for the program itself.
  const char *file = nullptr;
  uintptr_t offset = 0;
};

struct CrashSite {
  /// The innermost frame outside the system's libraries.
  CodePlace crashed;
  /// If that is in LLVM or MLIR, the innermost code of others that these had
  /// called before, such as a pass or a verifier of ours. What the program did
  /// to call LLVM in the first place is none.
  CodePlace caller;
};

/// Walks the stack from a crash handler, or from a function that was called
/// because of an error. Takes no lock and no memory from a heap.
CrashSite findCrashSite();

} // namespace mlir::dsa

#endif // DSA_SUPPORT_CRASHSITE_H
