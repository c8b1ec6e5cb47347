//===- Ptxas.cpp - CUDA's assembler, where there is one -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There is no library of it, so that texts go through files and what it says is
// read from its messages.
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/Ptxas.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

using namespace mlir;
using namespace mlir::dsa_gpu;
namespace fs = llvm::sys::fs;

llvm::Expected<std::string> dsa_gpu::findPtxas(StringRef path) {
  if (!path.empty()) {
    if (!fs::can_execute(path))
      return llvm::createStringError("ptxas '" + path +
                                     "' is no program that can be run");
    return path.str();
  }
  if (auto home = llvm::sys::Process::GetEnv("CUDA_HOME")) {
    SmallString<128> program(*home);
    llvm::sys::path::append(program, "bin", "ptxas");
    if (fs::can_execute(program))
      return program.str().str();
  }
  if (auto program = llvm::sys::findProgramByName("ptxas"))
    return *program;
  return llvm::createStringError(
      "a cubin needs ptxas, which is neither in $CUDA_HOME/bin nor on PATH: "
      "install the CUDA toolkit, or run `pip install nvidia-cuda-nvcc` and "
      "name "
      "the ptxas that it brings; PTX needs none");
}

//===----------------------------------------------------------------------===//
// What ptxas says
//===----------------------------------------------------------------------===//

/// The kernel that line `number`, from 1, of `ptx` belongs to, or nothing.
static StringRef getKernelAt(StringRef ptx, int64_t number) {
  llvm::Regex entry("\\.entry[ \t]+([A-Za-z0-9_$]+)");
  StringRef kernel;
  SmallVector<StringRef, 2> match;
  for (int64_t line = 0; line < number && !ptx.empty(); ++line) {
    StringRef text;
    std::tie(text, ptx) = ptx.split('\n');
    if (entry.match(text, &match))
      kernel = match[1];
  }
  return kernel;
}

/// Its complaints about `ptx`, without the names of temporary files.
static std::string getErrors(StringRef messages, StringRef ptx) {
  llvm::Regex located("^ptxas .*, line ([0-9]+); (error|fatal) *: (.*)$");
  llvm::Regex general("^ptxas (error|fatal) *: (.*)$");
  std::vector<std::string> errors;
  std::string last;
  for (StringRef line : llvm::split(messages, '\n')) {
    SmallVector<StringRef, 4> match;
    int64_t number;
    if (located.match(line, &match) && !match[1].getAsInteger(10, number)) {
      StringRef kernel = getKernelAt(ptx, number);
      errors.push_back((kernel.empty() ? "" : kernel + ", ").str() + "line " +
                       match[1].str() + ": " + match[3].str());
    } else if (general.match(line, &match)) {
      last = match[2].str();
    }
  }
  // "Ptx assembly aborted due to errors" says nothing beside those.
  return errors.empty() ? last : llvm::join(errors, "; ");
}

/// The kernels and notes of the messages of `ptxas -v`.
static void readReport(StringRef messages, Cubin &cubin) {
  llvm::Regex entry("Compiling entry function '(.*)' for");
  llvm::Regex note("^ptxas [a-z]+ *: (\\(C[0-9]+\\).*)$");
  struct Number {
    llvm::Regex text;
    int64_t KernelResources::*field;
  };
  Number numbers[] = {
      {llvm::Regex("Used ([0-9]+) registers"), &KernelResources::registers},
      {llvm::Regex("used ([0-9]+) barriers"), &KernelResources::barriers},
      {llvm::Regex("([0-9]+) bytes stack frame"), &KernelResources::stackBytes},
      {llvm::Regex("([0-9]+) bytes spill stores"),
       &KernelResources::spillStoreBytes},
      {llvm::Regex("([0-9]+) bytes spill loads"),
       &KernelResources::spillLoadBytes},
      {llvm::Regex("([0-9]+) bytes smem"), &KernelResources::sharedBytes},
  };
  for (StringRef line : llvm::split(messages, '\n')) {
    SmallVector<StringRef, 2> match;
    if (entry.match(line, &match)) {
      cubin.kernels.emplace_back();
      cubin.kernels.back().kernel = match[1].str();
    } else if (note.match(line, &match)) {
      cubin.notes.push_back(match[1].str());
    }
    if (cubin.kernels.empty())
      continue;
    for (Number &number : numbers)
      if (number.text.match(line, &match))
        match[1].getAsInteger(10, cubin.kernels.back().*number.field);
  }
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

namespace {
/// An empty file of ours that goes with the object.
struct TemporaryFile {
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    if (!path.empty())
      fs::remove(path);
  }

  llvm::Error create(StringRef suffix) {
    if (std::error_code error = fs::createTemporaryFile("dsa", suffix, path))
      return llvm::createStringError(error, "cannot make a temporary file");
    return llvm::Error::success();
  }

  llvm::Expected<std::string> read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return llvm::createStringError(buffer.getError(),
                                     "cannot read what ptxas wrote");
    return (*buffer)->getBuffer().str();
  }

  SmallString<128> path;
};
} // namespace

static llvm::Error write(StringRef path, StringRef text) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << text;
    return llvm::Error::success();
  });
}

llvm::Expected<Cubin> dsa_gpu::assemble(StringRef ptxas, StringRef chip,
                                        StringRef ptx) {
  TemporaryFile input, output, report;
  if (llvm::Error error = input.create("ptx"))
    return error;
  if (llvm::Error error = output.create("cubin"))
    return error;
  if (llvm::Error error = report.create("txt"))
    return error;
  if (llvm::Error error = write(input.path, ptx))
    return error;

  std::string arch = "-arch=" + chip.str();
  StringRef arguments[] = {ptxas, arch, "-v", input.path, "-o", output.path};
  std::optional<StringRef> redirects[] = {"", report.path, report.path};
  std::string failure;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt,
                                         redirects, 0, 0, &failure);
  auto messages = report.read();
  if (!messages)
    return messages.takeError();
  if (!failure.empty())
    return llvm::createStringError("ptxas did not end by itself for " + chip +
                                   ": " + failure);
  if (status != 0) {
    std::string reason = getErrors(*messages, ptx);
    if (reason.empty())
      reason = "it ends with " + llvm::itostr(status) + " and says nothing";
    return llvm::createStringError("ptxas refuses the text for " + chip + ": " +
                                   reason);
  }
  auto image = output.read();
  if (!image)
    return image.takeError();
  if (!StringRef(*image).starts_with("\x7f"
                                     "ELF"))
    return llvm::createStringError(
        "'" + ptxas + "' ends well but writes no cubin: it is not ptxas");
  Cubin cubin;
  cubin.image = std::move(*image);
  readReport(*messages, cubin);
  return cubin;
}
