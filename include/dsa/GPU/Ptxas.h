//===- Ptxas.h - CUDA's assembler, where there is one -----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_PTXAS_H
#define DSA_GPU_PTXAS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::dsa_gpu {

/// What a kernel takes of a chip, as ptxas reports it. Bytes are those of a
/// thread, but for `sharedBytes`.
struct KernelResources {
  std::string kernel;
  int64_t registers = 0; ///< of a thread
  int64_t barriers = 0;  ///< named barriers of a block, of 16
  int64_t stackBytes = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  int64_t sharedBytes = 0; ///< static shared memory of a block
};

/// What ptxas makes of a text.
struct Cubin {
  std::string image;
  std::vector<KernelResources> kernels; ///< in ptxas's order
  /// What it says of performance, such as "(C7510) Potential Performance Loss:
  /// wgmma.mma_async instructions are serialized due to ...".
  std::vector<std::string> notes;
};

/// The program: `path` if that is not empty, else that of the toolkit that
/// `CUDA_HOME` names, else the first on `PATH`. The error says what to install.
llvm::Expected<std::string> findPtxas(StringRef path);

/// Assembles `ptx` for `chip`, such as `sm_80`, by the program `ptxas`. The
/// same text gives the same bytes. An error names the kernels and lines of
/// `ptx` that ptxas refuses.
llvm::Expected<Cubin> assemble(StringRef ptxas, StringRef chip, StringRef ptx);

} // namespace mlir::dsa_gpu

#endif // DSA_GPU_PTXAS_H
