//===- GPUPasses.td - Passes of the GPU backend ------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPUPASSES_TD
#define DSA_GPUPASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertToGPUPass : Pass<"dsa-to-gpu", "ModuleOp"> {
  let summary = "Lower dsa ops on memrefs to GPU kernels and their launches";
  let description = [{
    Each op becomes a kernel in the one `gpu.module` of the program, written in `scf`,
    `arith`, `vector`, `llvm`, `nvvm` and `dsa_gpu`, and in its place a
    `dsa_gpu.launch`; what kernels are given of sizes, strides and addresses is
    computed on the host. A passed remark names the schedule of each op.

    ```mlir
    func.func @attend(%q: memref<?x128x576xbf16>, %kv: memref<?x576xbf16>,
        %i: memref<?x2048xi32>, %o: memref<?x128x512xbf16>, %l: memref<?x128xf32>) {
      dsa.sparse_attention query(%q : memref<?x128x576xbf16>) keys(%kv : memref<?x576xbf16>)
          indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
          outs(%o, %l : memref<?x128x512xbf16>, memref<?x128xf32>)
      return
    }
    ```
    becomes, with `chip=sm_80`,
    ```mlir
    module attributes {gpu.container_module} {
      gpu.module @dsa_kernels {
        gpu.func @attend_sparse_attention(...) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
          ...
          nvvm.cp.async.shared.global ...
          nvvm.ldmatrix ...
          nvvm.mma.sync ...
          ...
        }
        ...
      }
      func.func @attend(...) {
        %call = dsa_gpu.call : !llvm.ptr
        ...
        scf.for ... {
          ...
          dsa_gpu.launch %call : !llvm.ptr, @dsa_kernels::@attend_sparse_attention ...
          scf.if %split {
            ...
            dsa_gpu.launch %call : !llvm.ptr, @dsa_kernels::@attend_sparse_attention_merge ...
          }
        }
        return
      }
    }
    ```

    Memory that rows are copied from, and `out`, is aligned to 16 bytes, and so
    are its strides; elements of its rows are adjacent. `dsa_gpu.check_aligned`
    and `dsa_gpu.check_equal` see to what is known only when the function is
    called.

    Numerics: sums of dot products and of weighted values are those of mma.sync,
    f32; 2^x and log2 are those of `dsa_gpu`; weights are rounded to the compute
    type for their products, their sum is not. A row's bits depend on its own
    inputs, the options and the chip, and unless `batch-invariant` on the shapes:
    few rows are split among `sm-count` multiprocessors, in ranges of the list
    that are merged in order.

    An error: an op that no kernel covers, which names the type or the limit; an
    op on tensors; other ops that read or write memory, as the host cannot, and
    memory of the host's; a chip that is not known; a schedule that does not fit;
    a symbol with the name of one that this pass or a later one adds.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "the GPU: sm_80, sm_86, sm_89, sm_90, sm_100 or sm_120">,
    Option<"smCount", "sm-count", "int64_t", "0",
           "multiprocessors to divide few rows among; 0 for those of the chip">,
    Option<"batchInvariant", "batch-invariant", "bool", "false",
           "the bits of a row depend neither on how many rows there are nor on "
           "how many slots lists have behind their last key">,
    Option<"heads", "heads", "int64_t", "0",
           "attention: heads of a block; 0 for the default of the chip">,
    Option<"keys", "keys", "int64_t", "0",
           "attention: keys of a tile; 0 for 32">,
    Option<"stages", "stages", "int64_t", "0",
           "attention: tiles in shared memory; 0 for the default of the chip">,
    Option<"querySteps", "query-steps", "int64_t", "0",
           "attention: steps of 16 columns of the query that a warp keeps in "
           "registers; 0 for the default of the schedule">,
    Option<"scorePasses", "score-passes", "int64_t", "0",
           "attention: passes over the query per tile; 0 for the default of the "
           "schedule">,
    Option<"warps", "warps", "int64_t", "0",
           "attention: warps of a block; 0 for the default of the schedule">
  ];
  let dependentDialects = [
    "arith::ArithDialect", "dsa_gpu::DSAGPUDialect", "func::FuncDialect",
    "gpu::GPUDialect", "LLVM::LLVMDialect", "memref::MemRefDialect",
    "NVVM::NVVMDialect", "scf::SCFDialect", "vector::VectorDialect"
  ];
}

def CallArgumentPass : Pass<"dsa-gpu-call-argument", "ModuleOp"> {
  let summary = "Give entry points of a GPU target the call as their last argument";
  let description = [{
    Entry points that `dsa-function-abi` made get one more argument, behind the
    number of threads: the `struct dsa_gpu_call` that their launches belong to.
    In them it replaces `dsa_gpu.call`. `f_shapes` and `f_workspace` launch
    nothing and stay.

    ```mlir
    func.func @f_workspace(%x: memref<?xf32>, %threads: i32, %bytes: memref<1xi64>) -> i32 {
      %ok = arith.constant 0 : i32
      return %ok : i32
    }
    func.func @f(%x: memref<?xf32>, %workspace: memref<?xi8>, %threads: i32) -> i32 {
      %call = dsa_gpu.call : !llvm.ptr
      dsa_gpu.check_aligned %call, %x : !llvm.ptr, memref<?xf32>, multiple = 16, what = "x: its address"
      %ok = arith.constant 0 : i32
      return %ok : i32
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: memref<?xf32>, %workspace: memref<?xi8>, %threads: i32, %call: !llvm.ptr) -> i32 {
      dsa_gpu.check_aligned %call, %x : !llvm.ptr, memref<?xf32>, multiple = 16, what = "x: its address"
      ...
    }
    ```
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def ConvertKernelsToNVVMPass : Pass<"dsa-gpu-to-nvvm", "gpu::GPUModuleOp"> {
  let summary = "Lower kernels to the LLVM and NVVM dialects";
  let description = [{
    The ops of dsa_gpu that kernels have, `arith`, `cf`, `gpu`, and those ops of
    `nvvm` that are text in PTX. `scf` and `vector` are upstream's passes before.

    ```mlir
    gpu.module @kernels {
      gpu.func @weights(%x: f32, %out: !llvm.ptr<1> {llvm.align = 16 : i64}) kernel
          attributes {known_block_size = array<i32: 64, 1, 1>} {
        %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
        %p = dsa_gpu.exp2 %x : f32
        llvm.store %p, %tile : f32, !llvm.ptr<3>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    gpu.module @kernels {
      llvm.mlir.global external @dsa_shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
      llvm.func @weights(%x: f32, %out: !llvm.ptr<1> {llvm.align = 16 : i64}) attributes {gpu.kernel, ..., nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
        %tile = llvm.mlir.addressof @dsa_shared_memory : !llvm.ptr<3>
        %p = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%x) : (f32) -> f32
        llvm.store %p, %tile : f32, !llvm.ptr<3>
        llvm.return
      }
    }
    ```

    Numerics: those that the ops state; nothing is contracted or reassociated.
    An op that has no lowering, or only one that calls CUDA's library of
    functions, is an error that names it.
  }];
  let dependentDialects = ["LLVM::LLVMDialect", "NVVM::NVVMDialect"];
}

def SerializeGPUPass : Pass<"dsa-serialize-gpu", "ModuleOp"> {
  let summary = "Compile kernels to PTX or to a cubin";
  let description = [{
    Each `gpu.module` in the LLVM and NVVM dialects becomes a `gpu.binary` with an
    object, which holds the text or the code and a table of the kernels; or, with
    `format=all`, with the text and, for the first chip of each generation that
    runs it, the code.

    | chip | target of its PTX | shared memory of a block |
    |---|---|---|
    | sm_80, sm_90, sm_100 | sm_80 | 163 KB |
    | sm_86, sm_89, sm_120 | sm_86 | 99 KB |

    PTX needs nothing but LLVM, and is the same for all chips of a target; the
    same input gives the same bytes. A cubin is made of that text by ptxas, for
    the chip; a passed remark names the registers of each kernel, a missed remark
    one that spills, and what else ptxas says of performance.

    ```mlir
    gpu.module @kernels {
      llvm.func @store(%out: !llvm.ptr<1> {llvm.align = 16 : i64}, %x: f32)
          attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
        llvm.store %x, %out : f32, !llvm.ptr<1>
        llvm.return
      }
    }
    ```
    becomes
    ```mlir
    gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_80", features = "+ptx78">, kernels = <[#gpu.kernel_metadata<"store", (!llvm.ptr<1>, f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>]>, assembly = "...
    .version 7.8\0A.target sm_80\0A...
    .visible .entry store(...
    .reqntid 64, 1, 1...
    st.global.b32...">]
    ```

    Numerics: multiplications and additions stay two instructions unless the IR
    says that they may be contracted. An error: a chip, a feature or a format
    that is not known; a cubin where there is no ptxas; what LLVM or ptxas
    refuses, by kernel and line.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "chip to compile for: sm_80, sm_86, sm_89, sm_90, sm_100 or sm_120">,
    ListOption<"features", "features", "std::string",
           "the version of PTX, as in +ptx80; the default is +ptx78">,
    Option<"format", "format", "std::string", "\"ptx\"",
           "what an object holds: llvm for LLVM IR as text, ptx or cubin; or all "
           "for ptx and what ptxas makes of it for each generation of chips">,
    Option<"optLevel", "opt-level", "int", "3",
           "how much LLVM optimises, from 0 to 3">,
    Option<"ptxas", "ptxas", "std::string", "\"\"",
           "path of ptxas; the default is that in $CUDA_HOME/bin, or the first "
           "on PATH">
  ];
  let dependentDialects = ["gpu::GPUDialect", "NVVM::NVVMDialect"];
}

def ConvertGPUHostToLLVMPass : Pass<"dsa-gpu-host-to-llvm", "ModuleOp"> {
  let summary = "Lower launches and images of kernels to the LLVM dialect";
  let description = [{
    The `gpu.binary` of the module becomes the constants that `lib/Runtime/GPU.h`
    lays out, with `@dsa_gpu_program` for the whole; `dsa_gpu.launch` and the
    checks become calls of the runtime. A kernel is known by its number in the
    program, and asks for the most shared memory of its launches.

    ```mlir
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <[
        #gpu.kernel_metadata<"store", (f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>
      ]>, assembly = ".version 7.8">]
    func.func @launch(%call: !llvm.ptr, %n: i64, %one: i64, %x: f32) {
      dsa_gpu.check_aligned %call, %n : !llvm.ptr, i64, multiple = 16, what = "rows"
      dsa_gpu.launch %call : !llvm.ptr, @kernels::@store blocks(%n, %one, %one) threads = 64
          shared_bytes = 1024 args(%x : f32)
      return
    }
    ```
    becomes
    ```mlir
    llvm.func @dsa_gpu_check_aligned(!llvm.ptr, i64, i64, !llvm.ptr)
    llvm.func @dsa_gpu_launch(!llvm.ptr, i32, i64, i64, i64, i32, i32, !llvm.ptr)
    func.func @launch(%call: !llvm.ptr, %n: i64, %one: i64, %x: f32) {
      ...
      %values = llvm.alloca ...
      %addresses = llvm.alloca ...
      %multiple = llvm.mlir.constant(16 : i64) : i64
      %what = llvm.mlir.addressof @dsa_gpu_checked : !llvm.ptr
      llvm.call @dsa_gpu_check_aligned(%call, %n, %multiple, %what) : (!llvm.ptr, i64, i64, !llvm.ptr) -> ()
      %kernel = llvm.mlir.constant(0 : i32) : i32
      %threads = llvm.mlir.constant(64 : i32) : i32
      %bytes = llvm.mlir.constant(1024 : i32) : i32
      ...
      llvm.call @dsa_gpu_launch(%call, %kernel, %n, %one, %one, %threads, %bytes, %addresses) ...
      return
    }
    ...
    llvm.mlir.global external constant @dsa_gpu_program() ...
    llvm.mlir.global internal constant @dsa_gpu_checked("rows\00") ...
    ```

    An error: kernels that are not compiled, or only to LLVM IR; two binaries,
    as each image holds all kernels of a program.
  }];
  let dependentDialects = [
    "arith::ArithDialect", "LLVM::LLVMDialect", "memref::MemRefDialect"
  ];
}

#endif // DSA_GPUPASSES_TD
