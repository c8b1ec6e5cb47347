//===- Header.cpp - An artefact in C --------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"
#include "dsa/Version.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::dsa;

/// `text` with what a name in C cannot have as `_`.
static std::string toIdentifier(StringRef text) {
  std::string name = text.str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

/// The parameter for tensor `i`: `in_q`, `in_3`, `out_0`. No other parameter
/// and no keyword begins so.
static std::string getParameter(const ArtefactFunction &function, unsigned i) {
  unsigned inputs = function.getNumInputs();
  if (i >= inputs)
    return "out_" + std::to_string(i - inputs);
  ArrayRef<std::string> names = function.signature.inputNames;
  auto base = [&](unsigned k) {
    return toIdentifier(StringRef(names[k]).drop_front(!names[k].empty()));
  };
  std::string name = base(i);
  bool isUnique = !name.empty();
  for (unsigned k = 0; k < inputs; ++k)
    isUnique &= k == i || base(k) != name;
  return "in_" + (isUnique ? name : std::to_string(i));
}

static void printTensor(llvm::raw_ostream &os, const ArtefactFunction &function,
                        unsigned i) {
  RankedTensorType type = function.getType(i);
  os << " *   " << getParameter(function, i) << ": "
     << getElementType(type.getElementType()).name << " [";
  llvm::interleaveComma(type.getShape(), os, [&](int64_t extent) {
    if (ShapedType::isDynamic(extent))
      os << "?";
    else
      os << extent;
  });
  os << "]";
  if (function.contiguous[i])
    os << ", innermost stride 1";
  if (function.unused[i])
    os << ", never read";
  os << "\n";
}

/// `int32_t name(a,\n    b);`
static void printDeclaration(llvm::raw_ostream &os, const Twine &name,
                             ArrayRef<std::string> parameters) {
  os << "DSA_RUNTIME_API int32_t " << name << "(\n    "
     << llvm::join(parameters, ",\n    ") << ");\n";
}

static void printFunction(llvm::raw_ostream &os,
                          const ArtefactFunction &function, bool hasGPU) {
  StringRef name = function.signature.name;
  unsigned inputs = function.getNumInputs(),
           tensors = function.contiguous.size();
  os << "\n/* " << name << ", on\n";
  for (unsigned i = 0; i < tensors; ++i)
    printTensor(os, function, i);
  os << " */\n";
  SmallVector<std::string> parameters;
  for (unsigned i = 0; i < inputs; ++i)
    parameters.push_back("const DLTensor *" + getParameter(function, i));
  SmallVector<std::string> run = parameters, shapes = parameters,
                           workspace = parameters;
  for (unsigned i = inputs; i < tensors; ++i)
    run.push_back("DLTensor *" + getParameter(function, i));
  run.append({"DLTensor *workspace", "int32_t threads", "void *stream"});
  shapes.push_back("int64_t *dims");
  workspace.append({"int32_t threads", "int64_t *bytes"});
  printDeclaration(os, name, run);
  printDeclaration(os, name + "_shapes", shapes);
  printDeclaration(os, name + "_workspace", workspace);
  if (hasGPU)
    printDeclaration(os, name + "_prepare", {"int32_t device"});
}

std::string dsa::getHeader(const Artefact &artefact, StringRef stem) {
  std::string guard = "DSA_ARTEFACT_" + StringRef(toIdentifier(stem)).upper();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "/* " << stem << ".h - entry points of compiled functions.\n"
     << " *\n"
     << " * Written by dsa-compile of dsa-mlir " << DSA_VERSION << ". "
     << "Each function returns a\n"
     << " * DSA_STATUS_*. The function itself takes inputs, results, a "
        "workspace of as\n"
     << " * many bytes as its _workspace says, the number of threads, and NULL "
        "for the\n"
     << " * stream; _shapes writes the extents of all results, in order. Of "
        "inputs,\n"
     << " * these two read the shapes only.\n";
  if (artefact.hasGPU())
    os << " *\n"
       << " * All tensors of a call are on the CPU or on one GPU, kDLCUDA. "
          "There, stream is\n"
       << " * a CUstream or a cudaStream_t, on which the function launches "
          "kernels without\n"
       << " * waiting for them. _prepare loads them for a GPU by its number, "
          "as the first\n"
       << " * call does that is not in a capture of its stream.\n";
  os << " */\n"
     << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << "#include <dlpack/dlpack.h>\n#include <stdint.h>\n\n"
     << getStatusHeader() << "\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  for (const ArtefactFunction &function : artefact.functions)
    printFunction(os, function, artefact.hasGPU());
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}
