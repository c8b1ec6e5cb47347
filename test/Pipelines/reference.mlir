// dsa-reference-pipeline: from functions on tensors to the LLVM dialect, with
// the glue that users write around the ops. Its numbers are tested by execution.
//
// RUN: dsa-opt %s --dsa-reference-pipeline --verify-each | FileCheck %s --implicit-check-not=dsa. --implicit-check-not=memrefCopy --implicit-check-not=__trunc
// RUN: dsa-opt %source_dir/test/IR/calls.mlir --dsa-reference-pipeline --verify-each | FileCheck %s --check-prefix=CALLS --implicit-check-not=dsa.
// RUN: dsa-opt %s --dsa-reference-pipeline=checked=true | FileCheck %s --check-prefix=CHECKED
// RUN: dsa-opt %s --dsa-reference-pipeline=accumulate-type=f64 | FileCheck %s --check-prefix=F64
// RUN: not dsa-opt %s --dsa-reference-pipeline=accumulate-type=bf16 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not dsa-opt %s --dsa-reference-pipeline=accumulate=f64 2>&1 | FileCheck %s --check-prefix=OPTION

// CALLS-DAG: llvm.func @_mlir_ciface_ragged_prefill_scores
// CALLS-DAG: llvm.func @_mlir_ciface_three_shards
// CALLS-DAG: llvm.func @_mlir_ciface_unpack_pages

// TYPE:   accumulate-type is 'bf16', but must be f32 or f64
// OPTION: no such option accumulate

// A called function becomes part of its caller, an unused one disappears.
// CHECK-NOT: @attend
// CHECK-NOT: @unused
//
// CHECK:     llvm.func internal @core_entry
// CHECK:     llvm.func @core(
// CHECK:     llvm.func @_mlir_ciface_core(
// CHECK:     llvm.func @_mlir_ciface_core_shapes(
// CHECK:     llvm.func @_mlir_ciface_core_workspace(
//
// CHECKED:   llvm.call @dsa_fail_index
// F64:       llvm.intr.exp(%{{.*}}) : (f64) -> f64
func.func @core(%iq: tensor<?x4x8xbf16>, %ik: tensor<?x8xbf16>, %w: tensor<?x4xf32>,
    %q: tensor<?x2x16xbf16>, %kv: tensor<?x16xbf16>, %scale: tensor<?x4xf32>)
    -> (tensor<?x2x16xbf16>, tensor<?x6xi32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x4x8xbf16>
  %S = tensor.dim %ik, %c0 : tensor<?x8xbf16>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %scaled = linalg.mul ins(%w, %scale : tensor<?x4xf32>, tensor<?x4xf32>)
      outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %scores = dsa.indexer_scores query(%iq : tensor<?x4x8xbf16>) keys(%ik : tensor<?x8xbf16>)
      weights(%scaled : tensor<?x4xf32>) outs(%s : tensor<?x?xf32>)
  %i = tensor.empty(%T) : tensor<?x6xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 6
      outs(%i, %n : tensor<?x6xi32>, tensor<?xi32>)
  %out = func.call @attend(%q, %kv, %indices, %count)
      : (tensor<?x2x16xbf16>, tensor<?x16xbf16>, tensor<?x6xi32>, tensor<?xi32>) -> tensor<?x2x16xbf16>
  return %out, %indices : tensor<?x2x16xbf16>, tensor<?x6xi32>
}

func.func private @attend(%q: tensor<?x2x16xbf16>, %kv: tensor<?x16xbf16>,
    %indices: tensor<?x6xi32>, %count: tensor<?xi32>) -> tensor<?x2x16xbf16> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x2x16xbf16>
  %o = tensor.empty(%T) : tensor<?x2x16xbf16>
  %l = tensor.empty(%T) : tensor<?x2xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x2x16xbf16>) keys(%kv : tensor<?x16xbf16>)
      indices(%indices : tensor<?x6xi32>) counts(%count : tensor<?xi32>)
      scale = 0.25 dv = 16 outs(%o, %l : tensor<?x2x16xbf16>, tensor<?x2xf32>)
  return %out : tensor<?x2x16xbf16>
}

func.func private @unused(%a: tensor<4xf32>) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// Arithmetic on narrow floats, a branch and a reshape: all of it in f32 and
// integers, as LLVM calls a library for some of them.
// CHECK:     llvm.func @narrow_glue(
// CHECK:     llvm.intr.exp(%{{.*}}) : (f32) -> f32
func.func @narrow_glue(%a: tensor<?x8xbf16>, %b: tensor<?x8xf8E4M3FN>, %flag: i1) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %T = tensor.dim %a, %c0 : tensor<?x8xbf16>
  %init = tensor.empty(%T) : tensor<?x8xbf16>
  %sum = linalg.map ins(%a, %b : tensor<?x8xbf16>, tensor<?x8xf8E4M3FN>) outs(%init : tensor<?x8xbf16>)
    (%x: bf16, %y: f8E4M3FN, %out: bf16) {
      %two = arith.constant 2.0 : f8E4M3FN
      %0 = arith.mulf %y, %two : f8E4M3FN
      %1 = arith.extf %0 : f8E4M3FN to bf16
      %2 = arith.addf %x, %1 : bf16
      %3 = math.exp %2 : bf16
      %4 = arith.cmpf ogt, %3, %x : bf16
      %5 = arith.select %4, %3, %x : bf16
      linalg.yield %5 : bf16
    }
  %chosen = scf.if %flag -> tensor<?x8xbf16> {
    scf.yield %sum : tensor<?x8xbf16>
  } else {
    scf.yield %a : tensor<?x8xbf16>
  }
  %padded = tensor.cast %chosen : tensor<?x8xbf16> to tensor<?x8xbf16>
  %flat = tensor.collapse_shape %padded [[0, 1]] : tensor<?x8xbf16> into tensor<?xbf16>
  %size = arith.muli %T, %c8 : index
  %r = tensor.extract_slice %flat[0] [%size] [1] : tensor<?xbf16> to tensor<?xbf16>
  return %r : tensor<?xbf16>
}
