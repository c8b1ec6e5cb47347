//===- Linker.cpp - From an object to a shared object ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By lld, within this process. The libraries that artefacts depend on are not
// asked for their symbols: stubs stand for them, so that no development package
// has to be there, the result does not depend on the version of the C library
// at hand, and artefacts for another architecture link too.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"
#include "dsa/Support/ExitCodes.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/InterfaceStub/ELFObjHandler.h"
#include "llvm/InterfaceStub/IFSStub.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace mlir::dsa;
namespace fs = llvm::sys::fs;
namespace ifs = llvm::ifs;

namespace {
/// A library that artefacts may depend on, by the name they ask for it, and the
/// symbols that one of them takes.
struct Library {
  StringRef soname;
  std::vector<ifs::IFSSymbol> symbols;
};
} // namespace

static llvm::Error cannotWrite(const Twine &path, std::error_code error) {
  return makeError(ExitIO, "cannot write '" + path + "': " + error.message());
}

/// What `object` takes from libraries, by library.
static llvm::Expected<std::vector<Library>>
getLibraries(StringRef object, const llvm::Triple &triple) {
  // What is neither of these nor of OpenMP's is a function of mathematics.
  static constexpr StringLiteral libc[] = {
      "__tls_get_addr", "bcmp",      "dlerror",  "dlopen",   "dlsym",
      "free",           "getauxval", "malloc",   "memcmp",   "memcpy",
      "memmove",        "memset",    "snprintf", "vsnprintf"};
  auto file = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  llvm::TargetLibraryInfoImpl known(triple);
  std::vector<Library> libraries = {
      {"libc.so.6", {}}, {"libm.so.6", {}}, {DSA_OPENMP_SONAME, {}}};
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined) ||
        *flags & llvm::object::SymbolRef::SF_FormatSpecific)
      continue;
    auto name = symbol.getName();
    if (!name)
      return name.takeError();
    llvm::LibFunc function;
    unsigned library = name->starts_with("__kmpc_")        ? 2
                       : llvm::is_contained(libc, *name)   ? 0
                       : known.getLibFunc(*name, function) ? 1
                                                           : 3;
    if (library == 3)
      return makeError(ExitInternal,
                       "compiled code calls '" + *name +
                           "', which is neither a function of the C library "
                           "nor of OpenMP's runtime");
    ifs::IFSSymbol stub(name->str());
    stub.Type = ifs::IFSSymbolType::Func;
    libraries[library].symbols.push_back(std::move(stub));
  }
  return std::move(libraries);
}

static llvm::Error writeFile(StringRef path, StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (!error) {
    os << bytes;
    os.close();
    error = os.error();
    os.clear_error();
  }
  return error ? cannotWrite(path, error) : llvm::Error::success();
}

static llvm::Error writeStub(StringRef path, const Library &library,
                             const llvm::Triple &triple) {
  ifs::IFSStub stub;
  stub.IfsVersion = llvm::VersionTuple(3, 0);
  stub.SoName = library.soname.str();
  stub.Target.Arch =
      triple.isX86() ? llvm::ELF::EM_X86_64 : llvm::ELF::EM_AARCH64;
  stub.Target.BitWidth = ifs::IFSBitWidthType::IFS64;
  stub.Target.Endianness = ifs::IFSEndiannessType::Little;
  stub.Symbols = library.symbols;
  llvm::sort(stub.Symbols);
  if (llvm::Error error = ifs::writeBinaryStub(path, stub))
    return cannotWrite(path, llvm::errorToErrorCode(std::move(error)));
  return llvm::Error::success();
}

llvm::Expected<std::string> dsa::linkSharedObject(StringRef object,
                                                  const llvm::Triple &triple,
                                                  StringRef soname) {
  auto libraries = getLibraries(object, triple);
  if (!libraries)
    return libraries.takeError();
  SmallString<128> folder;
  if (std::error_code error = fs::createUniqueDirectory("dsa-compile", folder))
    return cannotWrite(folder, error);
  // Stubs are written through a mapping, which on a full disk ends the program.
  uint64_t needed = 2 * object.size() + (64 << 10);
  auto space = fs::disk_space(folder);
  if (space && space->available < needed) {
    fs::remove(folder);
    return makeError(ExitIO, "linking takes " + Twine(needed) +
                                 " bytes in the folder of '" + folder +
                                 "', where " + Twine(space->available) +
                                 " are free");
  }
  llvm::scope_exit clean([&] { fs::remove_directories(folder); });
  auto inFolder = [&](const Twine &name) {
    SmallString<128> path = folder;
    llvm::sys::path::append(path, name);
    return path.str().str();
  };

  std::string input = inFolder("input.o"), output = inFolder("output.so");
  if (llvm::Error error = writeFile(input, object))
    return std::move(error);
  std::vector<std::string> arguments = {
      "ld.lld", "-shared", "-soname", soname.str(), "-m",
      triple.isX86() ? "elf_x86_64" : "aarch64linux",
      // A full disk is an error of a write.
      "--no-mmap-output-file",
      // The same bytes from any folder, at any time.
      "--build-id=none", "--hash-style=gnu", "--threads=1", "--gc-sections",
      "--no-undefined", "--as-needed", "-znow", "-o", output, input};
  for (const Library &library : *libraries) {
    if (library.symbols.empty())
      continue;
    arguments.push_back(inFolder(library.soname));
    if (llvm::Error error = writeStub(arguments.back(), library, triple))
      return std::move(error);
  }
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  lld::Result result =
      lld::lldMain(pointers, os, os, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0) {
    // Of a full disk lld says no more than this.
    bool isOfOutput = StringRef(messages).contains("output.so");
    return makeError(isOfOutput ? ExitIO : ExitInternal,
                     "the linker failed in '" + folder +
                         "': " + StringRef(messages).trim());
  }
  auto linked = llvm::MemoryBuffer::getFile(output);
  if (!linked)
    return makeError(ExitIO, "cannot read '" + output +
                                 "': " + linked.getError().message());
  return (*linked)->getBuffer().str();
}
