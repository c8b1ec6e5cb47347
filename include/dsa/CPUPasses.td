//===- CPUPasses.td - Passes of the CPU backend ------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_CPUPASSES_TD
#define DSA_CPUPASSES_TD

include "mlir/Pass/PassBase.td"

/// What passes for CPUs ask about the CPU.
defvar DSA_CPUOptions = [
  Option<"triple", "triple", "std::string", "\"\"",
         "LLVM triple to make kernels for: x86_64 or aarch64; the default is "
         "the host's">,
  Option<"cpu", "cpu", "std::string", "\"host\"",
         "LLVM name of the CPU to make kernels for, or host">,
  ListOption<"features", "features", "std::string",
         "LLVM features beside those of the CPU, such as -avx512bf16">,
  Option<"l1Bytes", "l1-bytes", "int64_t", "0",
         "bytes of a core's first-level data cache; 0 for the host's, or 32768">,
  Option<"l2Bytes", "l2-bytes", "int64_t", "0",
         "bytes of a core's second-level cache; 0 for the host's, or 524288">
];

def DecomposeForCPUPass : Pass<"dsa-decompose-for-cpu"> {
  let summary = "Rewrite the ops that no CPU kernel covers to linalg and scf";
  let description = [{
    Before bufferization: an op that `dsa-to-cpu` would leave alone becomes its
    definition, as `dsa-decompose` writes it, with a missed remark that says why.
    That is right and slow. Which scores a kernel covers depends on types and
    attributes only, and never on which extents are static, so that scores of
    one target agree bit for bit.

    ```mlir
    func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
      %rows = dsa.unpack packed(%packed : tensor<9x20xi8>)
          layout = <[16 x f8E4M3FN at 0 scale f32 per 16 at 16], record_bytes = 20>
          outs(%init : tensor<9x16xf32>)
      return %rows : tensor<9x16xf32>
    }
    ```
    becomes, with `triple=x86_64-linux-gnu cpu=x86-64`, which has no FMA,
    ```mlir
    func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
      ...
      %all = linalg.generic ... {
      ...
      } -> tensor<9x16xf32>
      %rows = tensor.insert_slice %all into %init[0, 0] [9, 16] [1, 1] ...
      return %rows : tensor<9x16xf32>
    }
    ```

    Numerics: those of `dsa-decompose`.
  }];
  let options = DSA_CPUOptions;
  let dependentDialects = [
    "arith::ArithDialect", "bufferization::BufferizationDialect",
    "linalg::LinalgDialect", "math::MathDialect", "memref::MemRefDialect",
    "scf::SCFDialect", "tensor::TensorDialect"
  ];
}

def ConvertToCPUPass : Pass<"dsa-to-cpu", "ModuleOp"> {
  let summary = "Lower dsa ops on memrefs to CPU kernels";
  let description = [{
    Each op on memrefs that a kernel covers becomes loops over vectors of the
    CPU's width, in `scf`, `vector`, `memref` and `arith`, parallel by `omp` with
    as many threads as the entry point is called with, which count themselves
    to find their scratch memory. That is allocated outside of the loops, for
    `dsa-plan-workspace` to place. A passed
    remark names the kernel and its tile for each op.

    ```mlir
    func.func @scores(%q: memref<?x64x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x64xf32>,
        %o: memref<?x?xf32>) {
      dsa.indexer_scores query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x128xbf16>)
          weights(%w : memref<?x64xf32>) outs(%o : memref<?x?xf32>)
      return
    }
    ```
    becomes, with `triple=x86_64-linux-gnu cpu=znver4`,
    ```mlir
    func.func @scores(%q: memref<?x64x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x64xf32>,
        %o: memref<?x?xf32>) {
      ...
      %scratch = memref.alloc(%team, %bytes) {alignment = 64 : i64} : memref<?x?xi8>
      ...
      omp.parallel num_threads(%threads : i32) {
        ...
        %thread = memref.atomic_rmw addi %c1, %counter[] : (i64, memref<i64>) -> i64
        ...
        omp.wsloop schedule(dynamic) {
          omp.loop_nest (%item) : index = (%zero) to (%items) step (%one) {
          ... // for a few rows and a chunk of positions: sums of 4 keys x 64 heads
            %sum = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%before, %queries, %key) ...
          ... // relu, weights, the sum over heads
            vector.store %row, %o[%t, %s] : memref<?x?xf32>, vector<16xf32>
          ...
          }
        }
        omp.terminator
      }
      return
    }
    ...
    ```

    Numerics: sums over `D` and over heads have one order for each target, which
    `lib/Conversion/DSAToCPU/ScoreKernel.h` states; positions, tiles, threads and
    fusion do not change it. Where bf16 is multiplied in pairs (x86's
    `vdpbf16ps`, for bf16 and f8E4M3FN; off with `features=-avx512bf16`),
    denormal products and sums count as zero, and so do denormals where packed
    rows are rounded to bf16. Selection is exact. 2^x and ln have relative
    errors of at most 2e-7; exp(x) is 2^y of the rounded y = x · log2(e).
    `dsa.sparse_attention` rounds weights to bf16 for their products where it
    multiplies pairs; its order of sums, which `SparseAttention.cpp` of that
    folder states, depends on the list of keys without its holes, H, K and the
    target. `dsa.merge_attention` adds partials in operand, then in index order.

    Left alone, with a missed remark: ops that no kernel covers, and ops on
    tensors. An error: a triple, a CPU or a feature that LLVM does not know.
  }];
  let options = DSA_CPUOptions;
  let dependentDialects = [
    "arith::ArithDialect", "func::FuncDialect", "LLVM::LLVMDialect",
    "math::MathDialect", "memref::MemRefDialect", "omp::OpenMPDialect",
    "scf::SCFDialect", "vector::VectorDialect"
  ];
}

def AttachCPUTargetPass : Pass<"dsa-attach-cpu-target", "ModuleOp"> {
  let summary = "Tell LLVM for which CPU functions are compiled";
  let description = [{
    The end of a pipeline for CPUs: the module gets its `llvm.target_triple`,
    each `llvm.func` with a body its `target_cpu` and `target_features`. Without a
    triple LLVM expands `memset` to a loop over bytes; `no-builtin-memset` keeps
    it from making one of the loops that zero a few vectors. Annotations of loops
    move to the attribute that is translated.

    ```mlir
    llvm.func @body() {
      llvm.return
    }
    llvm.func @declared()
    ```
    becomes, with `triple=x86_64-linux-gnu cpu=znver4 features=-avx512bf16`,
    ```mlir
    module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu"} {
      llvm.func @body() attributes {passthrough = ["no-builtin-memset"], target_cpu = "znver4", target_features = #llvm.target_features<["-avx512bf16"]>} {
        llvm.return
      }
      llvm.func @declared()
    }
    ```
  }];
  let options = DSA_CPUOptions;
  let dependentDialects = ["LLVM::LLVMDialect"];
}

#endif // DSA_CPUPASSES_TD
