//===- Passes.td - Passes of dsa-mlir ---------------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_PASSES_TD
#define DSA_PASSES_TD

include "mlir/Pass/PassBase.td"

// Those of each backend.
include "dsa/CPUPasses.td"
include "dsa/GPUPasses.td"

def DecomposePass : Pass<"dsa-decompose"> {
  let summary = "Rewrite every dsa op to what it means in linalg and scf";
  let description = [{
    Replaces each op by its definition: loops over rows, scalar arithmetic in a
    fixed order, no kernel. This is the oracle that all targets are tested
    against. Ops on memrefs become the same on tensors between
    `bufferization.to_tensor` and `bufferization.materialize_in_destination`.

    ```mlir
    func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
      %rows = dsa.unpack packed(%packed : tensor<9x20xi8>)
          layout = <[16 x f8E4M3FN at 0 scale f32 per 16 at 16], record_bytes = 20>
          outs(%init : tensor<9x16xf32>)
      return %rows : tensor<9x16xf32>
    }
    ```
    becomes
    ```mlir
    func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
      ...
      %all = linalg.generic ... {
      ...
        %byte = tensor.extract %packed[%s, %at] : tensor<9x20xi8>
        %code = arith.bitcast %byte : i8 to f8E4M3FN
        ... // the four bytes of the scale
        %scale = arith.bitcast %bits : i32 to f32
        %element = arith.extf %code : f8E4M3FN to f32
        %product = arith.mulf %element, %scale : f32
        linalg.yield %product : f32
      } -> tensor<9x16xf32>
      %rows = tensor.insert_slice %all into %init[0, 0] [9, 16] [1, 1] ...
      return %rows : tensor<9x16xf32>
    }
    ```

    Numerics: with `accumulate-type=f32` sums run in the order of their index,
    one rounding per multiplication and addition; products of f16, bf16 and f8
    elements are exact. Scores are rounded to f32 before selection with both
    types. An op that cannot be decomposed is an error.
  }];
  let options = [
    Option<"accumulateType", "accumulate-type", "std::string", "\"f32\"",
           "type of sums, exponentials and logarithms: f32 or f64">
  ];
  let dependentDialects = [
    "arith::ArithDialect", "bufferization::BufferizationDialect",
    "linalg::LinalgDialect", "math::MathDialect", "memref::MemRefDialect",
    "scf::SCFDialect", "tensor::TensorDialect"
  ];
}

def FusePass : Pass<"dsa-fuse"> {
  let summary = "Select while scoring, without a matrix of scores";
  let description = [{
    A `dsa.indexer_scores` whose only use is a `dsa.top_k` in the same block
    becomes, with it, a `dsa.lightning_indexer`. Where both have a bound, the
    larger `lo` and the smaller `hi` count.

    ```mlir
    func.func @select(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>, %w: tensor<8x4xf32>,
        %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> tensor<8x7xi32> {
      %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
          weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
      %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
          outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
      return %indices : tensor<8x7xi32>
    }
    ```
    becomes
    ```mlir
    func.func @select(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>, %w: tensor<8x4xf32>,
        %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> tensor<8x7xi32> {
      %indices, %count = dsa.lightning_indexer query(%q : tensor<8x4x16xf32>)
          keys(%k : tensor<99x16xf32>) weights(%w : tensor<8x4xf32>) k = 7
          outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
      return %indices : tensor<8x7xi32>
    }
    ```

    Numerics: bits are kept.
    Left alone, with a missed remark: a `dsa.top_k` on memrefs, with `ids` for
    each row, or whose scores have other uses, come from another block, are
    not those of a `dsa.indexer_scores`, or by their types are not as many.
  }];
  let dependentDialects = ["linalg::LinalgDialect", "tensor::TensorDialect"];
}

def SplitPass : Pass<"dsa-split"> {
  let summary = "Select from and attend over parts of the keys apart";
  let description = [{
    With `position-parts=n`, each `dsa.lightning_indexer` and `dsa.top_k`
    selects from `n` parts of its positions; a `dsa.top_k` then selects among
    the candidates, which their ids name. Parts of paged positions begin at
    pages. With `slot-parts=n`, each `dsa.sparse_attention` attends over `n`
    parts of the slots of each key set, in f32, and a `dsa.merge_attention`
    combines them and adds the sink. For few rows over many keys, whose parts a
    machine can work on at once.

    ```mlir
    func.func @sets_of_different_size(%q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
        %idx: tensor<8x7xi32>, %one: tensor<8x1xi32>, %o: tensor<8x3x8xf32>, %l: tensor<8x3xf32>)
        -> tensor<8x3x8xf32> {
      %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>)
          keys(%kv, %kv : tensor<99x12xf32>, tensor<99x12xf32>)
          indices(%idx, %one : tensor<8x7xi32>, tensor<8x1xi32>)
          scale = 0.5 dv = 8 outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
      return %out : tensor<8x3x8xf32>
    }
    ```
    becomes, with `slot-parts=2`,
    ```mlir
    func.func @sets_of_different_size(%q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
        %idx: tensor<8x7xi32>, %one: tensor<8x1xi32>, %o: tensor<8x3x8xf32>, %l: tensor<8x3xf32>)
        -> tensor<8x3x8xf32> {
      %outs = tensor.empty() : tensor<2x8x3x8xf32>
      %lses = tensor.empty() : tensor<2x8x3xf32>
      %idx0 = tensor.extract_slice %idx[0, 0] [8, 4] [1, 1] ...
      %out0, %lse0 = dsa.sparse_attention query(%q : tensor<8x3x12xf32>)
          keys(%kv, %kv : tensor<99x12xf32>, tensor<99x12xf32>)
          indices(%idx0, %one : tensor<8x4xi32>, tensor<8x1xi32>) scale = 5.000000e-01 dv = 8 ...
      %idx1 = tensor.extract_slice %idx[0, 4] [8, 3] [1, 1] ...
      %out1, %lse1 = dsa.sparse_attention query(%q : tensor<8x3x12xf32>)
          keys(%kv : tensor<99x12xf32>) indices(%idx1 : tensor<8x3xi32>)
          scale = 5.000000e-01 dv = 8 ...
      %out, %lse = dsa.merge_attention parts(%parts : tensor<2x8x3x8xf32>)
          lses(%part_lses : tensor<2x8x3xf32>) outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
      return %out : tensor<8x3x8xf32>
    }
    ```

    Numerics: selections and their values keep their bits. Attention is rounded
    once more for each part, in f32.
    Left alone, with a missed remark: ops on memrefs or without elements, ops
    with too few positions or slots for two parts, parts that select all there
    is, pages of dynamic extent, and selections with `translate_row_ids`, whose
    parts would need ids for each row.
  }];
  let options = [
    Option<"positionParts", "position-parts", "int64_t", "1",
           "parts of the positions of each selection, 1 to 1024">,
    Option<"slotParts", "slot-parts", "int64_t", "1",
           "parts of the slots of each attention, 1 to 1024">
  ];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "linalg::LinalgDialect",
    "scf::SCFDialect", "tensor::TensorDialect"
  ];
}

def TilePass : Pass<"dsa-tile"> {
  let summary = "Compute rows in a loop, a few at a time";
  let description = [{
    Each dsa op whose results are used becomes a loop over its rows T, `rows` at
    a time, together with the dsa ops of its block that it reads row by row: so
    scoring, selection and attention share one loop, and scores exist for `rows`
    rows only. Results that are used after the loop are put together there.

    Glue joins the loop: linalg ops (casts, scaling, whatever computes the rows
    apart), and casts, slices and reshapes of what they make, in front of the dsa
    ops, between them and behind them. The rows of glue are those of the dsa op
    that it makes or reads something of; it may read anything else whole.

    ```mlir
    func.func @layer(%iq: tensor<8x4x16xf32>, %ik: tensor<99x16xf32>, %w: tensor<8x4xf32>,
        %q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>, %o: tensor<8x3x8xf32>,
        %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
      %i = tensor.empty() : tensor<8x7xi32>
      %n = tensor.empty() : tensor<8xi32>
      %indices, %count = dsa.lightning_indexer query(%iq : tensor<8x4x16xf32>)
          keys(%ik : tensor<99x16xf32>) weights(%w : tensor<8x4xf32>) k = 7
          outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
      %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>) keys(%kv : tensor<99x12xf32>)
          indices(%indices : tensor<8x7xi32>) counts(%count : tensor<8xi32>) scale = 0.5 dv = 8
          outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
      return %out : tensor<8x3x8xf32>
    }
    ```
    becomes, with `rows=4`,
    ```mlir
    func.func @layer(%iq: tensor<8x4x16xf32>, %ik: tensor<99x16xf32>, %w: tensor<8x4xf32>,
        %q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>, %o: tensor<8x3x8xf32>,
        %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
      ...
      %all = scf.for %t = %c0 to %c8 step %c4 iter_args(%out_t = %o) -> (tensor<8x3x8xf32>) {
        %iq_t = tensor.extract_slice %iq[%t, 0, 0] [4, 4, 16] [1, 1, 1] ...
        %w_t = tensor.extract_slice %w[%t, 0] [4, 4] [1, 1] ...
        %i_t = tensor.empty() : tensor<4x7xi32>
        %n_t = tensor.empty() : tensor<4xi32>
        %indices, %count = dsa.lightning_indexer query(%iq_t : tensor<4x4x16xf32>)
            keys(%ik : tensor<99x16xf32>) weights(%w_t : tensor<4x4xf32>) k = 7
            outs(%i_t, %n_t : tensor<4x7xi32>, tensor<4xi32>)
        %q_t = tensor.extract_slice %q[%t, 0, 0] [4, 3, 12] [1, 1, 1] ...
        %o_t = tensor.extract_slice %out_t[%t, 0, 0] [4, 3, 8] [1, 1, 1] ...
        %l_t = tensor.empty() : tensor<4x3xf32>
        %out, %lse = dsa.sparse_attention query(%q_t : tensor<4x3x12xf32>)
            keys(%kv : tensor<99x12xf32>) indices(%indices : tensor<4x7xi32>)
            counts(%count : tensor<4xi32>) scale = 5.000000e-01 dv = 8
            outs(%o_t, %l_t : tensor<4x3x8xf32>, tensor<4x3xf32>)
        %next = tensor.insert_slice %out into %out_t[%t, 0, 0] [4, 3, 8] [1, 1, 1] ...
        scf.yield %next : tensor<8x3x8xf32>
      }
      return %all : tensor<8x3x8xf32>
    }
    ```

    Numerics: bits are kept, as a row's bits depend on its own inputs only.
    Left alone, with a missed remark: ops on memrefs, without uses, without
    elements, without rows (`dsa.unpack`) or with no more rows than `rows`; with
    `to-save-memory` also those of a loop that holds as much as there is without
    it, because all results are used outside and no `dsa.lightning_indexer`
    keeps candidates of each row. Left out of another op's loop: a producer that
    it reads whole or takes as an init, or that something else reads before the
    loop ends, be it a `tensor.dim` (`--resolve-shaped-type-result-dims` resolves
    those); glue that mixes rows, and what stands behind it.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "64", "rows of a tile, at least 1">,
    Option<"toSaveMemory", "to-save-memory", "bool", "false",
           "leave alone what holds as much memory in a loop">
  ];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "scf::SCFDialect",
    "tensor::TensorDialect"
  ];
}

def CheckInterfacesPass : Pass<"dsa-check-interfaces", "ModuleOp"> {
  let summary = "Check that the interface models of a pipeline are registered";
  let description = [{
    Upstream attaches the models that inline, bufferize and resolve shapes of
    its dialects only where a program registers them, and its own check for a
    missing one is compiled out of release builds: the passes then do nothing,
    or fail far from the cause. Our pipelines begin with this pass, which
    changes nothing and fails, naming what is missing, unless
    `mlir::dsa::registerDialect` or its equal was called on the registry of the
    context.
  }];
  let dependentDialects = [
    "DSADialect", "arith::ArithDialect", "bufferization::BufferizationDialect",
    "func::FuncDialect", "linalg::LinalgDialect", "scf::SCFDialect",
    "tensor::TensorDialect"
  ];
}

def FunctionABIPass : Pass<"dsa-function-abi", "ModuleOp"> {
  let summary = "Give public functions on tensors an entry point for callers in C";
  let description = [{
    A public function `f(ins) -> outs` on ranked tensors becomes

    ```
    i32 f(ins..., outs..., workspace: memref<?xi8>, threads: i32)
    i32 f_shapes(ins..., memref<?xi64>)
    i32 f_workspace(ins..., threads: i32, memref<1xi64>)
    ```

    with C interfaces. Tensors become memrefs of the same shape with any strides
    and offset; those of inputs may be 0 or exceed the extents. Integers, floats
    and indices among the inputs stay. `f_shapes` writes the extents of all
    results, in order, concatenated; `f_workspace` the bytes of workspace that
    `f` needs, which is 0 as long as no pass plans one. The i32 is a status of
    `dsa-c/Runtime.h`: 0 if all went well.

    All three begin with checks that a private function shares:
    * every equality that the dimension tables of the dsa ops state, and is not
      known from the types, must hold of the arguments' extents, whether or not
      the op is in a branch that is taken; so must the static extents of a
      `tensor.cast`, and extents that the maps of linalg ops relate;
    * where an operand that has to be contiguous in its innermost dimension
      comes from an argument (through casts, slices and reshapes), that argument
      must have stride 1 there, unless the dimension has fewer than two
      elements.

    `f` checks the same of its results, and that no result has a dimension of
    stride 0 and more than one element. A failed check returns status 1 before
    anything is read or written.

    Inits of dsa ops are replaced by `tensor.empty`: their contents are never
    read. The pass runs before bufferization, on functions without calls.

    ```mlir
    func.func @extents(%scores: tensor<?x?xf32>, %hi: tensor<?xi32>)
        -> (tensor<?x8xi32>, tensor<?xi32>) {
      %c0 = arith.constant 0 : index
      %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
      %i = tensor.empty(%T) : tensor<?x8xi32>
      %n = tensor.empty(%T) : tensor<?xi32>
      %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 8
          hi(%hi : tensor<?xi32>) outs(%i, %n : tensor<?x8xi32>, tensor<?xi32>)
      return %indices, %count : tensor<?x8xi32>, tensor<?xi32>
    }
    ```
    becomes, beside `@extents_shapes` and `@extents_workspace`,
    ```mlir
    func.func private @extents_entry(%scores: memref<?x?xf32, strided<[?, ?], offset: ?>>,
        %hi: memref<?xi32, strided<[?], offset: ?>>) -> (i32, index, index, index) ... {
      ... // do the extents T agree, are scores contiguous in a row?
      return %status, %T, %K, %T : i32, index, index, index
    }
    func.func @extents(%scores: memref<?x?xf32, strided<[?, ?], offset: ?>>,
        %hi: memref<?xi32, strided<[?], offset: ?>>,
        %indices: memref<?x8xi32, strided<[?, ?], offset: ?>>,
        %count: memref<?xi32, strided<[?], offset: ?>>,
        %workspace: memref<?xi8>, %threads: i32) -> i32 ... {
      %entry:4 = call @extents_entry(%scores, %hi) ...
      ... // are %indices and %count what the entry says they must be?
      %result = scf.if %ok -> (i32) {
        %view = memref.cast %scores ...
        %tensor = bufferization.to_tensor %view restrict ...
        %selected, %number = dsa.top_k scores(%tensor : tensor<?x?xf32>) ...
        bufferization.materialize_in_destination %selected in restrict writable %out ...
        bufferization.materialize_in_destination %number in restrict writable %count ...
        scf.yield %zero : i32
      } else {
        scf.yield %failed : i32
      }
      return %result : i32
    }
    ```

    An error: a public function with other arguments or results, more than one
    block, a call, a name that is taken; a tensor whose static extents give a
    size beyond 64 bits; a result whose shape depends on data;
    a check that cannot be told from the arguments alone.

    `checked` adds loops before each `dsa.sparse_attention` that look for an
    index that is neither valid nor the padding -1. The first one found is
    recorded, the function runs to its end and returns status 3. Numerics are
    untouched.
  }];
  let options = [
    Option<"checked", "checked", "bool", "false",
           "report indices that are out of range as status 3">
  ];
  let dependentDialects = [
    "arith::ArithDialect", "bufferization::BufferizationDialect",
    "func::FuncDialect", "LLVM::LLVMDialect", "memref::MemRefDialect",
    "scf::SCFDialect", "tensor::TensorDialect"
  ];
}

def BufferCleanupPass : Pass<"dsa-buffer-cleanup"> {
  let summary = "Remove what bufferization leaves behind";
  let description = [{
    Bufferization writes results in place and then says so: copies of a buffer
    onto itself, through equal subviews or through values that a loop carries
    unchanged. Merges equal subviews, drops such loop-carried values and then
    the copies. Takes the place of `canonicalize`, which our pipelines do not
    run.

    ```mlir
    func.func @self_copy_through_a_loop(%m: memref<8x4xf32>, %n: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %x = arith.constant 1.0 : f32
      %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %m) -> memref<8x4xf32> {
        %from = memref.subview %acc[%i, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
        memref.store %x, %from[%c0, %c0] : memref<1x4xf32, strided<[4, 1], offset: ?>>
        %to = memref.subview %acc[%i, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
        memref.copy %from, %to : memref<1x4xf32, strided<[4, 1], offset: ?>> to memref<1x4xf32, strided<[4, 1], offset: ?>>
        scf.yield %acc : memref<8x4xf32>
      }
      memref.copy %r, %m : memref<8x4xf32> to memref<8x4xf32>
      return
    }
    ```
    becomes
    ```mlir
    func.func @self_copy_through_a_loop(%m: memref<8x4xf32>, %n: index) {
      ...
      scf.for %i = %c0 to %n step %c1 {
        %row = memref.subview %m[%i, 0] [1, 4] [1, 1] ...
        memref.store %x, %row[%c0, %c0] ...
      }
      return
    }
    ```
  }];
  let dependentDialects = ["memref::MemRefDialect", "scf::SCFDialect"];
}

def PlanWorkspacePass : Pass<"dsa-plan-workspace", "ModuleOp"> {
  let summary = "Put temporaries into the caller's workspace";
  let description = [{
    Every `memref.alloc` of a function that `dsa-function-abi` has made becomes
    a view of its workspace, its `memref.dealloc` goes, and `f_workspace` stores
    how many bytes that takes. With fewer, `f` returns status 2 before anything
    is read or written. Runs on buffers and structured control flow, in place of
    upstream's passes for deallocation. Functions without allocations are left
    as they are.

    ```mlir
    func.func private @twice_entry(%x: memref<?xf32>) -> (i32, index)
    func.func @twice(%x: memref<?xf32>, %out: memref<?xf32>, %workspace: memref<?xi8>,
        %threads: i32) -> i32 {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0 : i32
      %entry:2 = call @twice_entry(%x) : (memref<?xf32>) -> (i32, index)
      %ok = arith.cmpi eq, %entry#0, %zero : i32
      %status = scf.if %ok -> (i32) {
        %n = memref.dim %out, %c0 : memref<?xf32>
        %temporary = memref.alloc(%n) : memref<?xf32>
        linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%temporary : memref<?xf32>)
        memref.copy %temporary, %out : memref<?xf32> to memref<?xf32>
        memref.dealloc %temporary : memref<?xf32>
        scf.yield %zero : i32
      } else {
        scf.yield %entry#0 : i32
      }
      return %status : i32
    }
    func.func @twice_workspace(%x: memref<?xf32>, %threads: i32, %bytes: memref<1xi64>) -> i32 {
      %c0 = arith.constant 0 : index
      %none = arith.constant 0 : i64
      %zero = arith.constant 0 : i32
      %entry:2 = call @twice_entry(%x) : (memref<?xf32>) -> (i32, index)
      %ok = arith.cmpi eq, %entry#0, %zero : i32
      %status = scf.if %ok -> (i32) {
        memref.store %none, %bytes[%c0] : memref<1xi64>
        scf.yield %zero : i32
      } else {
        scf.yield %entry#0 : i32
      }
      return %status : i32
    }
    ```
    becomes
    ```mlir
    func.func @twice(%x: memref<?xf32>, %out: memref<?xf32>, %workspace: memref<?xi8>,
        %threads: i32) -> i32 {
      ...
      %status = scf.if %ok -> (i32) {
        %n = memref.dim %out, %c0 : memref<?xf32>
        ... // %required: n * 4 bytes in multiples of 64, and 63 to find one
        %checked = scf.if %fits -> (i32) {
          %address = memref.extract_aligned_pointer_as_index %workspace : memref<?xi8> -> index
          ... // %begin: the bytes up to the next multiple of 64
          %temporary = memref.view %workspace[%begin][%n] : memref<?xi8> to memref<?xf32>
          linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%temporary : memref<?xf32>)
          memref.copy %temporary, %out : memref<?xf32> to memref<?xf32>
          scf.yield %zero : i32
        } else {
          ...
          %failed = func.call @dsa_fail_workspace(%found, %needed) : (i64, i64) -> i32
          scf.yield %failed : i32
        }
        scf.yield %checked : i32
      } else {
        scf.yield %entry#0 : i32
      }
      return %status : i32
    }
    func.func @twice_workspace(%x: memref<?xf32>, ... %bytes: memref<1xi64>) -> i32 {
      ...
      %status = scf.if %ok -> (i32) {
        ... // %required, of what %entry#1 says that n is
        %stored = arith.index_cast %required : index to i64
        memref.store %stored, %bytes[%c0] : memref<1xi64>
        scf.yield %zero : i32
      ...
    }
    ```

    Slots: memory is in use from the allocation to the end of the op, in the
    block that has all uses, that has the last one. Slots are a stack: each
    begins where the youngest slot ends that is then in use, and the workspace
    has to reach to the highest end. Of two ops that run one after the other the
    larger one counts, whatever their sizes, and what a loop allocates for an
    iteration lies on top of what is in use around it. Slots begin at multiples
    of 64 bytes, or of more where an allocation or an element asks for more; the
    workspace may begin anywhere.

    Sizes are computed ahead of everything else, from extents of arguments,
    scalar arguments and `threads`, by copies of the ops that have no effects and
    do no harm outside of the branch that they are in. Where an extent depends on
    more, such as the position in a loop, what it is at most counts: the least of
    a constant and of the extents and arguments that upstream's value bounds
    prove to be no less. A number of bytes that does not fit 63 bits is INT64_MAX, which no
    workspace has.

    An error: an extent without bound; an allocation that a loop hands on to its
    next iteration, whose address goes into an op that upstream's analysis of
    views does not follow, or which is inside anything but `scf.for`,
    `scf.while`, `scf.if`, `scf.index_switch`, `scf.execute_region` and
    `memref.alloca_scope`, as inside `omp.parallel`, whose threads would share
    it; elements without a size, a layout with dynamic strides, a memory space;
    an allocation in any other function, or outside the region that runs once
    the entry checks have passed; memory that is allocated or freed in another
    way. `memref.alloca` is left alone.
  }];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "func::FuncDialect",
    "memref::MemRefDialect", "scf::SCFDialect"
  ];
}

def ExpandCopiesPass : Pass<"dsa-expand-copies"> {
  let summary = "Rewrite memref.copy to linalg.generic";
  let description = [{
    LLVM's lowering of a copy between buffers that are not contiguous calls a
    library function that artefacts do not have. As `linalg.generic` a copy
    becomes a loop; where both sides are contiguous LLVM makes it a `memcpy`.

    ```mlir
    func.func @strided(%a: memref<?x4xf32, strided<[?, ?], offset: ?>>, %b: memref<?x4xf32>) {
      memref.copy %a, %b : memref<?x4xf32, strided<[?, ?], offset: ?>> to memref<?x4xf32>
      return
    }
    ```
    becomes
    ```mlir
    func.func @strided(%a: memref<?x4xf32, strided<[?, ?], offset: ?>>, %b: memref<?x4xf32>) {
      linalg.generic ... ins(%a : memref<?x4xf32, strided<[?, ?], offset: ?>>) outs(%b : memref<?x4xf32>) {
      ^bb0(%in: f32, %out: f32):
        linalg.yield %in : f32
      }
      return
    }
    ```
  }];
  let dependentDialects = ["linalg::LinalgDialect", "memref::MemRefDialect"];
}

def ExpandFloatsPass : Pass<"dsa-expand-floats"> {
  let summary = "Expand conversions of narrow floats that LLVM cannot lower";
  let description = [{
    LLVM has no lowering for f8E4M3FN and f8E8M0FNU, and narrows to bf16, and
    f64 to f16, by library functions that a JIT or an artefact does not have.
    These become operations on the bits, elementwise on vectors; so do the
    conversions from bf16, after which nothing computes on bf16:

    | op | from | to |
    |---|---|---|
    | `arith.extf` | f8E4M3FN | f16, bf16, f32, f64 |
    | `arith.extf` | f8E8M0FNU | bf16, f32, f64 |
    | `arith.extf` | bf16 | f32, f64 |
    | `arith.truncf` | f16, bf16, f32, f64 | f8E4M3FN |
    | `arith.truncf` | f32, f64 | bf16 |
    | `arith.truncf` | f64 | f16 |
    | `arith.cmpf` | f8E4M3FN, bf16 | |

    ```mlir
    func.func @truncf_f32_to_bf16(%x: f32) -> bf16 {
      %0 = arith.truncf %x : f32 to bf16
      return %0 : bf16
    }
    ```
    becomes
    ```mlir
    func.func @truncf_f32_to_bf16(%x: f32) -> bf16 {
      %bits = arith.bitcast %x : f32 to i32
      ... // add 0x7FFF and the last bit that stays; keep NaN quiet
      %high = arith.trunci %rounded : i32 to i16
      %y = arith.bitcast %high : i16 to bf16
      return %y : bf16
    }
    ```

    Numerics: widening is exact, subnormals included. Narrowing rounds once, to
    nearest, ties to even, from f64 too. NaN stays NaN, with its sign, quiet.
    f8E4M3FN has no infinities: what rounds beyond 448 is NaN, as in LLVM's
    APFloat (464 rounds to 448). f8E8M0FNU is `2^(byte-127)`, byte 0xFF NaN.
    A conversion of these types that is not in the table, and a rounding mode
    other than to nearest even, are errors.
  }];
  let dependentDialects = ["arith::ArithDialect"];
}

def FloatsToBitsPass : Pass<"dsa-floats-to-bits"> {
  let summary = "Move bf16 and f8 values as integers of their width";
  let description = [{
    Replaces the types bf16, f8E4M3FN and f8E8M0FNU by i16 and i8 everywhere, in
    memrefs, signatures and constants. LLVM's x86 backend turns a bf16 value
    that merges from two branches into a call of a library function that a JIT
    or an artefact does not have, and f8 is unknown to it.

    ```mlir
    func.func @load(%m: memref<?xbf16>, %i: index) -> bf16 {
      %x = memref.load %m[%i] : memref<?xbf16>
      return %x : bf16
    }
    ```
    becomes
    ```mlir
    func.func @load(%m: memref<?xi16>, %i: index) -> i16 {
      %x = memref.load %m[%i] : memref<?xi16>
      return %x : i16
    }
    ```

    Runs after `dsa-expand-floats`: an op that computes on such a value is an
    error. A scalar argument of these types is passed as its bits. Operands and
    results of LLVM's intrinsics, which kernels call, keep their types.
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def VerifyLoweredPass : Pass<"dsa-verify-lowered", "ModuleOp"> {
  let summary = "Check that only what translates to LLVM is left";
  let description = [{
    The end of a pipeline. Upstream's conversions leave what they do not know
    untouched and succeed, so that a missing lowering shows up later and
    elsewhere. Changes nothing; each op that is neither of the LLVM dialect nor of
    OpenMP's, whose ops on LLVM's types translate too, nor a module is an error
    that names the op and its types.
  }];
}

#endif // DSA_PASSES_TD
