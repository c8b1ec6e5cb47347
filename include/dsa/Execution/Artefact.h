//===- Artefact.h - What a compiled artefact is -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_ARTEFACT_H
#define DSA_EXECUTION_ARTEFACT_H

#include "dsa/Execution/CPUFeatures.h"
#include "dsa/Execution/Input.h"
#include "dsa/Execution/Lowering.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::dsa {

/// An element type as callers see it: DLPack's code and bits, and the name that
/// NumPy or ml_dtypes gives it.
struct ElementType {
  StringLiteral name;
  int32_t code, bits;
};
/// Of a type that `getSignature` accepts.
ElementType getElementType(Type type);

/// A function of an artefact. Bits are those of inputs, then results.
struct ArtefactFunction {
  Signature signature;
  /// Those whose innermost stride has to be 1.
  llvm::BitVector contiguous;
  /// Those whose elements are never read: inputs that only say a shape.
  llvm::BitVector unused;

  unsigned getNumInputs() const { return signature.inputs.size(); }
  unsigned getNumResults() const { return signature.results.size(); }
  RankedTensorType getType(unsigned i) const {
    return i < getNumInputs() ? signature.inputs[i]
                              : signature.results[i - getNumInputs()];
  }
};

/// What a pass said about an op: which kernel it chose, or why none.
struct KernelRemark {
  std::string function, op, text;
};

/// A target that an artefact has code for.
struct ArtefactTarget {
  Target target;
  /// LLVM's name of the CPU or of the GPU, and what a CPU at hand has to have.
  std::string cpu;
  SmallVector<CPUFeature> features;
  /// Of a GPU: `sm_80` for a cubin, `compute_80` for PTX.
  std::vector<std::string> images;
  std::vector<KernelRemark> kernels;
};

/// What a shared object, its header and its sidecar are made from.
struct Artefact {
  std::string triple;
  std::vector<ArtefactFunction> functions;
  /// The preferred one first.
  std::vector<ArtefactTarget> targets;

  bool hasGPU() const {
    return llvm::any_of(targets, [](const ArtefactTarget &target) {
      return target.target.isGPU();
    });
  }
};

/// The functions of `module`, whose public ones have no calls. `text` is that
/// of its file. `ExitUser` for one that cannot be an entry point in C.
llvm::Expected<std::vector<ArtefactFunction>>
getArtefactFunctions(ModuleOp module, StringRef text);

/// Adds to `module`, which has the runtime and for target i a function
/// `dsa_image<i>_<name>` of the C interface for each entry point, the entry
/// points in C; and `sidecar` as the string `dsa_sidecar`. What is not to be
/// called from outside becomes internal.
void addWrappers(llvm::Module &module, const Artefact &artefact,
                 StringRef sidecar);
/// The name of entry point `name` of target `i` in C's interface of MLIR.
std::string getImageName(unsigned i, StringRef name);

/// The C header of an artefact in the file `stem`.h.
std::string getHeader(const Artefact &artefact, StringRef stem);
/// The JSON sidecar.
std::string getSidecar(const Artefact &artefact);

/// The runtime that artefacts for `triple` carry, compiled to LLVM's bitcode;
/// empty for an architecture that there is none for.
StringRef getRuntimeBitcode(const llvm::Triple &triple);
/// The text of dsa-c/Status.h.
StringRef getStatusHeader();

/// Links `object` to a shared object of the name `soname`, which depends on the
/// C library and on libomp only. `ExitIO` if there is no room for files on the
/// way.
llvm::Expected<std::string> linkSharedObject(StringRef object,
                                             const llvm::Triple &triple,
                                             StringRef soname);

} // namespace mlir::dsa

#endif // DSA_EXECUTION_ARTEFACT_H
