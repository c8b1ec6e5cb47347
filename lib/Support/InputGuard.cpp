//===- InputGuard.cpp - Running on untrusted input -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Support/InputGuard.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <unistd.h>
#include <vector>

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Input
//===----------------------------------------------------------------------===//

unsigned dsa::getNesting(llvm::StringRef text) {
  // Each kind of bracket on its own: a stray closing one must not hide an open
  // one of another kind.
  unsigned depth[4] = {0, 0, 0, 0}, deepest = 0;
  auto open = [&](unsigned kind) {
    ++depth[kind];
    deepest = std::max(deepest, depth[0] + depth[1] + depth[2] + depth[3]);
  };
  auto close = [&](unsigned kind) { depth[kind] -= depth[kind] != 0; };
  for (size_t i = 0, e = text.size(); i < e; ++i) {
    switch (text[i]) {
    case '"':
      for (++i; i < e && text[i] != '"' && text[i] != '\n'; ++i)
        i += text[i] == '\\';
      break;
    case '/':
      if (i + 1 < e && text[i + 1] == '/')
        i = std::min(text.find('\n', i), e);
      break;
    case '(':
      open(0);
      break;
    case '[':
      open(1);
      break;
    case '{':
      open(2);
      break;
    case '<':
      open(3);
      break;
    case ')':
      close(0);
      break;
    case ']':
      close(1);
      break;
    case '}':
      close(2);
      break;
    case '>':
      // Neither the arrow of a function type nor a comparison closes anything.
      if ((i == 0 || text[i - 1] != '-') && (i + 1 >= e || text[i + 1] != '='))
        close(3);
      break;
    default:
      break;
    }
  }
  return deepest;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
dsa::readInput(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return makeError(ExitIO, "cannot read '" + path +
                                 "': " + buffer.getError().message());
  llvm::StringRef text = (*buffer)->getBuffer();
  if (text.size() > maxInputBytes)
    return makeError(ExitUser, "'" + path + "' has " +
                                   llvm::Twine(text.size()) +
                                   " bytes; at most " +
                                   llvm::Twine(maxInputBytes) + " are read");
  // Bytecode has no brackets to count.
  bool isBytecode = text.starts_with("ML\xefR");
  if (unsigned nesting = isBytecode ? 0 : getNesting(text);
      nesting > maxNesting)
    return makeError(ExitUser, "'" + path + "' nests brackets " +
                                   llvm::Twine(nesting) + " deep; at most " +
                                   llvm::Twine(maxNesting) + " are read");
  return std::move(*buffer);
}

//===----------------------------------------------------------------------===//
// Guard
//===----------------------------------------------------------------------===//

namespace {
/// While it lives, the handlers of CrashRecoveryContext run on a stack of their
/// own on this thread: one that overflowed has no room for them.
class HandlerStack {
public:
  HandlerStack() : memory(1 << 16) {
    stack_t own = {};
    own.ss_sp = memory.data();
    own.ss_size = memory.size();
    sigaltstack(&own, &previous);
    for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP}) {
      struct sigaction action;
      if (sigaction(signal, nullptr, &action) != 0)
        continue;
      action.sa_flags |= SA_ONSTACK;
      sigaction(signal, &action, nullptr);
    }
  }
  // Sanitizers have a stack of their own and free it with the thread.
  ~HandlerStack() { sigaltstack(&previous, nullptr); }

private:
  std::vector<char> memory;
  stack_t previous = {};
};
} // namespace

int dsa::runGuarded(llvm::StringRef tool, llvm::function_ref<int()> body) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext context;
  int code = ExitInternal;
  bool survived = context.RunSafelyOnThread(
      [&] {
        HandlerStack stack;
        code = body();
      },
      /*RequestedStackSize=*/64 << 20);
  if (survived)
    return code;
  llvm::errs() << "error: internal error in " << tool << " (signal "
               << (context.RetCode > 128 ? context.RetCode - 128
                                         : context.RetCode)
               << "): this is a defect; please report it with the input and "
                  "the command line\n";
  llvm::errs().flush();
  // Destructors may find what the crash left behind.
  _exit(ExitInternal);
}
