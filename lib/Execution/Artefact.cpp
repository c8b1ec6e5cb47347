//===- Artefact.cpp - What functions are to callers in C ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"

#include "../Transforms/EntryChecks.h"

#include "dsa/Support/ExitCodes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/DynamicLibrary.h"
#include <dlpack/dlpack.h>

using namespace mlir;
using namespace mlir::dsa;

ElementType dsa::getElementType(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return {"float8_e4m3fn", kDLFloat8_e4m3fn, 8};
  if (type.isBF16())
    return {"bfloat16", kDLBfloat, 16};
  if (type.isF16())
    return {"float16", kDLFloat, 16};
  if (type.isF32())
    return {"float32", kDLFloat, 32};
  if (type.isF64())
    return {"float64", kDLFloat, 64};
  if (type.isInteger(8))
    return {"int8", kDLInt, 8};
  if (type.isInteger(16))
    return {"int16", kDLInt, 16};
  if (type.isInteger(32))
    return {"int32", kDLInt, 32};
  return {"int64", kDLInt, 64};
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static bool isKeyword(StringRef name) {
  // Of C and C++, and what the preprocessor replaces.
  static constexpr StringLiteral keywords[] = {
      "alignas",     "alignof",
      "and",         "and_eq",
      "asm",         "auto",
      "bitand",      "bitor",
      "bool",        "break",
      "case",        "catch",
      "char",        "char16_t",
      "char32_t",    "char8_t",
      "class",       "co_await",
      "co_return",   "co_yield",
      "compl",       "concept",
      "const",       "const_cast",
      "consteval",   "constexpr",
      "constinit",   "continue",
      "decltype",    "default",
      "delete",      "do",
      "double",      "dynamic_cast",
      "else",        "enum",
      "explicit",    "export",
      "extern",      "false",
      "float",       "for",
      "friend",      "goto",
      "if",          "inline",
      "int",         "linux",
      "long",        "mutable",
      "namespace",   "new",
      "noexcept",    "not",
      "not_eq",      "nullptr",
      "operator",    "or",
      "or_eq",       "private",
      "protected",   "public",
      "register",    "reinterpret_cast",
      "requires",    "restrict",
      "return",      "short",
      "signed",      "sizeof",
      "static",      "static_assert",
      "static_cast", "struct",
      "switch",      "template",
      "this",        "thread_local",
      "throw",       "true",
      "try",         "typedef",
      "typeid",      "typename",
      "typeof",      "typeof_unqual",
      "union",       "unix",
      "unsigned",    "using",
      "virtual",     "void",
      "volatile",    "wchar_t",
      "while",       "xor",
      "xor_eq"};
  return llvm::is_contained(keywords, name);
}

/// Whether the C library has a function of that name: an artefact's would take
/// its place in the programs that link it.
static bool isInLibrary(const std::string &name) {
  for (const char *library : {"libc.so.6", "libm.so.6"})
    if (llvm::sys::DynamicLibrary::getPermanentLibrary(library)
            .getAddressOfSymbol(name.c_str()))
      return true;
  return false;
}

/// Why a function cannot have `name` in C, as the end of a sentence; or
/// nothing.
static std::string getReasonAgainst(StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  if (name.empty() || name.size() > 128 || llvm::isDigit(name[0]) ||
      !llvm::all_of(name, isPart))
    return "a name in C has letters, digits and _, 128 at most, and does not "
           "begin with a digit";
  if (isKeyword(name) || name == "main")
    return "C or C++ uses this name itself";
  for (StringRef prefix : {"_", "dsa_", "omp_", "kmp_"})
    if (name.starts_with(prefix))
      return "names that begin with " + prefix.str() +
             " are those of compilers and their libraries";
  if (isInLibrary(name.str()))
    return "the C library has a function of this name";
  return "";
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Whether an argument only says a shape: the contents of inits are never read.
static bool isUnused(BlockArgument argument) {
  return llvm::all_of(argument.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<tensor::DimOp>(user))
      return true;
    return isa<DSAOpInterface>(user) &&
           cast<DestinationStyleOpInterface>(user).isDpsInit(&use);
  });
}

llvm::Expected<std::vector<ArtefactFunction>>
dsa::getArtefactFunctions(ModuleOp module, StringRef text) {
  std::vector<ArtefactFunction> functions;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    std::string reason = getReasonAgainst(function.getName());
    if (!reason.empty())
      return makeError(ExitUser, "'" + function.getName() +
                                     "' cannot be a function in C: " + reason +
                                     "; rename it");
    auto signature = getSignature(function, text);
    if (!signature)
      return signature.takeError();
    ArtefactFunction described{std::move(*signature), {}, {}};
    Contiguity contiguity(function);
    unsigned inputs = function.getNumArguments();
    described.contiguous.resize(inputs + function.getNumResults());
    described.unused.resize(inputs + function.getNumResults());
    for (unsigned i : contiguity.inputs.set_bits())
      described.contiguous.set(i);
    for (unsigned i : contiguity.results.set_bits())
      described.contiguous.set(inputs + i);
    for (BlockArgument argument : function.getArguments())
      if (isUnused(argument))
        described.unused.set(argument.getArgNumber());
    functions.push_back(std::move(described));
  }
  if (functions.empty())
    return makeError(ExitUser, "the file has no public function with a body");
  return std::move(functions);
}
