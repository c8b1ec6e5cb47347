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
static llvm::Error
writeStream(llvm::raw_fd_ostream &os, llvm::StringRef name,
            llvm::function_ref<llvm::Error(llvm::raw_ostream &)> body) {
  llvm::Error failure = body(os);
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

llvm::Error dsa::writeAtomically(
    llvm::StringRef file,
    llvm::function_ref<llvm::Error(llvm::raw_ostream &)> body) {
  if (file == "-")
    return writeStream(llvm::outs(), "standard output", body);

  fs::file_status status;
  bool exists = !fs::status(file, status) && fs::exists(status);
  if (exists && fs::is_directory(status))
    return cannotWrite(file, std::make_error_code(std::errc::is_a_directory));
  if (exists && !fs::is_regular_file(status)) {
    std::error_code error;
    llvm::raw_fd_ostream os(file, error, fs::CD_OpenExisting);
    if (error)
      return cannotWrite(file, error);
    return writeStream(os, file, body);
  }

  // Through a symbolic link, the file it names is what is replaced.
  llvm::SmallString<128> target(file);
  if (exists)
    fs::real_path(file, target);
  sweepStale(target);
  int fd;
  llvm::SmallString<128> temporary;
  if (std::error_code error = fs::createUniqueFile(
          target + ".tmp-%%%%%%%%", fd, temporary, fs::OF_None, 0666))
    return cannotWrite(file, error);
  llvm::scope_exit discard([&] { fs::remove(temporary); });
  {
    llvm::raw_fd_ostream os(fd, /*shouldClose=*/true);
    if (llvm::Error error = writeStream(os, file, body))
      return error;
    if (fsync(fd) != 0)
      return cannotWrite(file, lastError());
  }
  if (std::error_code error = fs::rename(temporary, target))
    return cannotWrite(file, error);
  discard.release();
  if (std::error_code error = syncDirectory(target))
    return cannotWrite(file, error);
  return llvm::Error::success();
}
