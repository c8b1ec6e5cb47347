//===- DSAGPUDialect.td - The dsa_gpu dialect -------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_DSAGPUDIALECT_TD
#define DSA_GPU_DSAGPUDIALECT_TD

include "mlir/IR/OpBase.td"

def DSAGPU_Dialect : Dialect {
  let name = "dsa_gpu";
  let cppNamespace = "::mlir::dsa_gpu";
  let summary = "What kernels for NVIDIA GPUs need beside upstream's dialects";
  let description = [{
    A kernel is a `gpu.func` with the attribute `kernel` in a `gpu.module`. Its
    body is in `scf`, `arith`, `vector`, `llvm` and `nvvm`, and in the few ops of
    this dialect that upstream lacks. Its parameters are numbers and pointers to
    global memory, `!llvm.ptr<1>`; all of its shared memory is that of
    `dsa_gpu.shared_memory`. `known_block_size` says how many threads a block
    has: `threads, 1, 1`.

    The host launches a kernel by `dsa_gpu.launch`, in a function that is given
    `%call : !llvm.ptr`: the stream, the device and the images of this one call,
    in which launches and checks leave their status too. Whatever runs behind
    a call that has failed does nothing.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::gpu::GPUDialect"
  ];
}

#endif // DSA_GPU_DSAGPUDIALECT_TD
