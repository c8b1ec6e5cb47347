//===- InputGuard.cpp - Running on untrusted input -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Support/InputGuard.h"

#include "CrashSite.h"

#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::dsa;
namespace fs = llvm::sys::fs;

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

/// Reads at most one byte more than is accepted: a device or a pipe need not
/// end, and a file that another process cuts short must not be mapped.
static llvm::Error readBytes(llvm::StringRef path,
                             llvm::SmallVectorImpl<char> &bytes) {
  auto cannotRead = [&](llvm::Error error) {
    return makeError(ExitIO, "cannot read '" + path +
                                 "': " + llvm::toString(std::move(error)));
  };
  fs::file_t file = fs::getStdinHandle();
  if (path != "-") {
    auto opened = fs::openNativeFileForRead(path);
    if (!opened)
      return cannotRead(opened.takeError());
    file = *opened;
  }
  llvm::scope_exit close([&] {
    if (path != "-")
      fs::closeFile(file);
  });
  constexpr size_t chunkBytes = 1 << 16;
  while (bytes.size() <= maxInputBytes) {
    size_t size = bytes.size();
    bytes.resize_for_overwrite(size + chunkBytes);
    auto read = fs::readNativeFile(file, {bytes.data() + size, chunkBytes});
    if (!read)
      return cannotRead(read.takeError());
    bytes.truncate(size + *read);
    if (*read == 0)
      break;
  }
  return llvm::Error::success();
}

bool dsa::isBytecode(llvm::StringRef input) {
  return input.starts_with("ML\xefR");
}

llvm::Error dsa::checkInput(llvm::StringRef text, llvm::StringRef name) {
  if (text.size() > maxInputBytes)
    return makeError(ExitUser, "'" + name + "' has more than " +
                                   llvm::Twine(maxInputBytes) +
                                   " bytes, the most that are read");
  // Bytecode has no brackets to count.
  if (unsigned nesting = isBytecode(text) ? 0 : getNesting(text);
      nesting > maxNesting)
    return makeError(ExitUser, "'" + name + "' nests brackets " +
                                   llvm::Twine(nesting) + " deep; at most " +
                                   llvm::Twine(maxNesting) + " are read");
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
dsa::readInput(llvm::StringRef path) {
  llvm::SmallVector<char, 0> bytes;
  if (llvm::Error error = readBytes(path, bytes))
    return std::move(error);
  if (llvm::Error error = checkInput({bytes.data(), bytes.size()}, path))
    return std::move(error);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(bytes), path == "-" ? "<stdin>" : path);
}

bool dsa::runOnLargeStack(llvm::function_ref<void()> body) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes))
    return false;
  llvm::scope_exit destroy([&] { pthread_attr_destroy(&attributes); });
  auto start = [](void *body) -> void * {
    (*static_cast<llvm::function_ref<void()> *>(body))();
    return nullptr;
  };
  pthread_t thread;
  return !pthread_attr_setstacksize(&attributes, size_t(64) << 20) &&
         !pthread_create(&thread, &attributes, start, &body) &&
         !pthread_join(thread, nullptr);
}

//===----------------------------------------------------------------------===//
// Guard
//===----------------------------------------------------------------------===//

static constexpr int crashSignals[] = {SIGSEGV, SIGBUS, SIGABRT,
                                       SIGFPE,  SIGILL, SIGTRAP};

// What a handler needs, where it finds it without a heap.
static char toolName[64];
static char reproducerPath[512];
static llvm::StringRef reproducerInput, reproducerSuffix;

Reproducer::Reproducer(llvm::StringRef input, llvm::StringRef suffix) {
  llvm::SmallString<128> path;
  llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, path);
  llvm::sys::path::append(path, llvm::Twine(toolName) + "-XXXXXX.mlir");
  if (path.size() >= sizeof(reproducerPath))
    return;
  llvm::copy(path, reproducerPath);
  reproducerInput = input;
  reproducerSuffix = suffix;
}

Reproducer::~Reproducer() { reproducerPath[0] = '\0'; }

/// Whether the reproducer stands whole under `reproducerPath`.
static bool writeReproducer() {
  if (!reproducerPath[0])
    return false;
  int fd = mkstemps(reproducerPath, strlen(".mlir"));
  if (fd < 0)
    return false;
  for (llvm::StringRef text : {reproducerInput, reproducerSuffix})
    while (!text.empty()) {
      ssize_t written = write(fd, text.data(), text.size());
      if (written <= 0) {
        unlink(reproducerPath);
        return false;
      }
      text = text.drop_front(written);
    }
  return true;
}

/// Appends `<word> <file>+0x<offset>`, as much of it as fits.
template <size_t size>
static void append(char (&text)[size], const char *word, CodePlace place) {
  if (!place.file)
    return;
  const char *slash = strrchr(place.file, '/');
  const char *name = slash ? slash + 1 : place.file;
  size_t length = strlen(text);
  snprintf(text + length, size - length, "%s %s+0x%zx", word,
           name[0] ? name : toolName, place.offset);
}

/// Ends the program from wherever it stands: with one line, without running
/// destructors, which may find what a crash left behind, and without memory
/// from a heap that may be broken or locked.
[[noreturn]] static void endInternally(const char *reason) {
  // A lock that is never released changes neither the exit code nor that the
  // program ends.
  ::signal(SIGALRM, [](int) { _exit(ExitInternal); });
  alarm(10);
  // A stack that a crash left in pieces crashes the walk: then the handler
  // comes here again, and the line names no place.
  static char cause[1024];
  if (!cause[0]) {
    snprintf(cause, sizeof(cause), "%s", reason);
    CrashSite site = findCrashSite();
    append(cause, " in", site.crashed);
    append(cause, ", called from", site.caller);
  }
  // Nor does a second crash on the way out.
  for (int signal : crashSignals)
    ::signal(signal, [](int) { _exit(ExitInternal); });
  char line[2048];
  int length;
  if (writeReproducer())
    length = snprintf(line, sizeof(line),
                      "error: internal error in %s (%s): this is a defect; "
                      "please report it with what shows it again: %s "
                      "--run-reproducer %s\n",
                      toolName, cause, toolName, reproducerPath);
  else
    length = snprintf(line, sizeof(line),
                      "error: internal error in %s (%s): this is a defect; "
                      "please report it with the input and the command line\n",
                      toolName, cause);
  // Nothing is left to be told to, if this fails.
  (void)!write(STDERR_FILENO, line, std::min<size_t>(length, sizeof(line) - 1));
  discardUnfinishedFiles();
  _exit(ExitInternal);
}

static void endCrashed(int signal) {
  char reason[32];
  snprintf(reason, sizeof(reason), "signal %d", signal);
  endInternally(reason);
}

static void endReading(int) { endInternally("endless reading of bytecode"); }

static void setReadingTimer(time_t seconds) {
  struct itimerval timer = {};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

ReadingLimit::ReadingLimit(llvm::StringRef input) {
  if (toolName[0] && isBytecode(input))
    setReadingTimer(5 + (input.size() >> 20));
}

ReadingLimit::~ReadingLimit() { setReadingTimer(0); }

/// LLVM calls this for errors it cannot return. One of them is not a defect: a
/// standard stream that could not be written is noticed when it is destroyed.
static void endFatally(void *, const char *reason, bool) {
  if (!llvm::StringRef(reason).starts_with("IO failure"))
    endInternally(reason);
  llvm::errs() << "error: " << reason << "\n";
  _exit(ExitIO);
}

/// The timer's signal must come to the thread that reads: its stack is what the
/// handler looks at.
static void maskReadingTimer(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPROF);
  pthread_sigmask(how, &signals, nullptr);
}

namespace {
/// While it lives, a crash on this thread ends the program on a stack of its
/// own: one that overflowed has no room for a handler. CrashRecoveryContext
/// would return to code that uses the heap, which may be what is broken.
class CrashHandler {
public:
  CrashHandler() {
    stack_t own = {};
    own.ss_sp = memory;
    own.ss_size = sizeof(memory);
    sigaltstack(&own, &previous);
    struct sigaction action = {};
    action.sa_handler = endCrashed;
    // A crash in the handler must reach the next one, not the kernel.
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (int signal : crashSignals)
      sigaction(signal, &action, nullptr);
    action.sa_handler = endReading;
    sigaction(SIGPROF, &action, nullptr);
    maskReadingTimer(SIG_UNBLOCK);
  }
  // Sanitizers have a stack of their own and free it with the thread.
  ~CrashHandler() { sigaltstack(&previous, nullptr); }

private:
  alignas(16) inline static char memory[1 << 16];
  stack_t previous = {};
};
} // namespace

int dsa::runGuarded(llvm::StringRef tool, llvm::function_ref<int()> body) {
  snprintf(toolName, sizeof(toolName), "%s", tool.str().c_str());
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  llvm::install_fatal_error_handler(endFatally);
  llvm::install_bad_alloc_error_handler(endFatally);
  std::set_new_handler([] { endInternally("out of memory"); });
  maskReadingTimer(SIG_BLOCK);
  int code = ExitInternal;
  bool started = runOnLargeStack([&] {
    CrashHandler handler;
    code = body();
  });
  if (!started)
    endInternally("cannot start a thread with a stack of 64 MiB");
  return code;
}
