//===- InputGuard.h - Running on untrusted input ----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_INPUTGUARD_H
#define DSA_SUPPORT_INPUTGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::dsa {

/// Text nested deeper than this, or larger, is refused before it is parsed.
constexpr unsigned maxNesting = 2000;
constexpr uint64_t maxInputBytes = uint64_t(256) << 20;

/// Reads a file, or standard input for `-`. A file that cannot be read gives
/// `ExitIO`; one that is too large or too deep gives `ExitUser`.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readInput(llvm::StringRef path);

/// Whether `input` is MLIR as bytecode and not as text.
bool isBytecode(llvm::StringRef input);

/// What `readInput` refuses: text of more than `maxInputBytes` or nested deeper
/// than `maxNesting`. `name` is what the message calls it.
llvm::Error checkInput(llvm::StringRef text, llvm::StringRef name);

/// The deepest nesting of brackets of MLIR text, strings and comments apart.
unsigned getNesting(llvm::StringRef text);

/// Runs `body` on a thread with a 64 MiB stack, enough for input that
/// `checkInput` accepts, and waits for it. False if no such thread can be
/// started; `body` has not run then.
[[nodiscard]] bool runOnLargeStack(llvm::function_ref<void()> body);

/// While it lives, a crash writes `input` and then `suffix` to a new file in
/// the directory for temporary files and names it in its message, so that
/// `<tool> --run-reproducer FILE` shows the crash again. The texts must outlive
/// it.
class Reproducer {
public:
  Reproducer(llvm::StringRef input, llvm::StringRef suffix);
  ~Reproducer();
};

/// While it lives, reading `input`, if that is bytecode, may take 5 s of
/// processor time and a second more for each MiB; over that, the program ends
/// as it does after a crash. LLVM's reader does not end by itself on an
/// attribute that contains itself. Without effect outside `runGuarded`.
class ReadingLimit {
public:
  explicit ReadingLimit(llvm::StringRef input);
  ~ReadingLimit();
};

/// Runs `body` on a large stack and returns what it returns. A crash, memory
/// that ran out and an error that LLVM cannot return end the program with one
/// line and `ExitInternal`. Writing to a closed pipe or past a file size limit
/// becomes an error of the write. Called once, by `main`.
int runGuarded(llvm::StringRef tool, llvm::function_ref<int()> body);

} // namespace mlir::dsa

#endif // DSA_SUPPORT_INPUTGUARD_H
