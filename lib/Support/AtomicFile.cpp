//===- AtomicFile.cpp - Files that are whole or absent -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Support/AtomicFile.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fcntl.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::dsa;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static llvm::Error cannotWrite(llvm::StringRef file, std::error_code error) {
  return makeError(ExitIO, "cannot write '" + file + "': " + error.message());
}

static std::error_code lastError() {
  return std::error_code(errno, std::generic_category());
}

/// Writes to `os` and checks that all of it arrived.
static llvm::Error writeStream(llvm::raw_fd_ostream &os, llvm::StringRef name,
                               const OutputFile &file) {
  llvm::Error failure = file.body(os);
  os.flush();
  std::error_code error = os.error();
  // An error left in the stream ends the program in its destructor.
  os.clear_error();
  if (failure)
    return failure;
  return error ? cannotWrite(name, error) : llvm::Error::success();
}

/// Temporary files of writers that were killed, an hour after.
static void sweepStale(llvm::StringRef file) {
  llvm::SmallString<128> directory(path::parent_path(file));
  if (directory.empty())
    directory = ".";
  std::string prefix = (path::filename(file) + ".tmp-").str();
  auto limit = std::chrono::system_clock::now() - std::chrono::hours(1);
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; it != end && !error;
       it.increment(error)) {
    if (!path::filename(it->path()).starts_with(prefix))
      continue;
    fs::file_status status;
    if (!fs::status(it->path(), status) &&
        status.getLastModificationTime() < limit)
      fs::remove(it->path());
  }
}

/// Makes the rename itself survive a power cut.
static std::error_code syncDirectory(llvm::StringRef file) {
  llvm::SmallString<128> directory(path::parent_path(file));
  if (directory.empty())
    directory = ".";
  int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return lastError();
  // Some file systems cannot sync a directory, and need not.
  std::error_code error;
  if (fsync(fd) != 0 && errno != EINVAL)
    error = lastError();
  close(fd);
  return error;
}

namespace {
/// A file that is complete but for its name.
struct Staged {
  std::string temporary, target;
};
} // namespace

/// Temporary files that have not been renamed or removed yet. One writer at a
/// time: tools write from one thread.
static llvm::SmallVectorImpl<Staged> &unfinished() {
  static llvm::SmallVector<Staged> files;
  return files;
}

void dsa::discardUnfinishedFiles() {
  for (const Staged &file : unfinished())
    unlink(file.temporary.c_str());
}

/// Writes `file` under a temporary name; what has no name to swap, directly.
static llvm::Error stage(const OutputFile &file) {
  const std::string &name = file.path;
  if (name == "-")
    return writeStream(llvm::outs(), "standard output", file);

  fs::file_status status;
  bool exists = !fs::status(name, status) && fs::exists(status);
  if (exists && fs::is_directory(status))
    return cannotWrite(name, std::make_error_code(std::errc::is_a_directory));
  if (exists && !fs::is_regular_file(status)) {
    std::error_code error;
    llvm::raw_fd_ostream os(name, error, fs::CD_OpenExisting);
    if (error)
      return cannotWrite(name, error);
    return writeStream(os, name, file);
  }

  // Through a symbolic link, the file it names is what is replaced.
  llvm::SmallString<128> target(name);
  if (exists)
    fs::real_path(name, target);
  sweepStale(target);
  int fd;
  llvm::SmallString<128> temporary;
  if (std::error_code error = fs::createUniqueFile(
          target + ".tmp-%%%%%%%%", fd, temporary, fs::OF_None,
          exists ? fs::owner_read | fs::owner_write
                 : fs::all_read | fs::all_write))
    return cannotWrite(name, error);
  unfinished().push_back({temporary.str().str(), target.str().str()});
  llvm::raw_fd_ostream os(fd, /*shouldClose=*/true);
  if (llvm::Error error = writeStream(os, name, file))
    return error;
  if (exists)
    if (std::error_code error = fs::setPermissions(fd, status.permissions()))
      return cannotWrite(name, error);
  if (fsync(fd) != 0)
    return cannotWrite(name, lastError());
  return llvm::Error::success();
}

llvm::Error dsa::writeAtomically(llvm::ArrayRef<OutputFile> files) {
  llvm::scope_exit discard([] {
    discardUnfinishedFiles();
    unfinished().clear();
  });
  for (const OutputFile &file : files)
    if (llvm::Error error = stage(file))
      return error;
  while (!unfinished().empty()) {
    Staged file = unfinished().front();
    if (std::error_code error = fs::rename(file.temporary, file.target))
      return cannotWrite(file.target, error);
    unfinished().erase(unfinished().begin());
    if (std::error_code error = syncDirectory(file.target))
      return cannotWrite(file.target, error);
  }
  return llvm::Error::success();
}
