// The whole road for a CPU: kernels, no allocation, and only what translates to LLVM at the end.
//
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4" -verify-each \
// RUN:   | FileCheck %s --implicit-check-not=@malloc
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4" -o /dev/null \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=haswell" | mlir-translate --mlir-to-llvmir \
// RUN:   | FileCheck %s --check-prefix=LLVM
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4 checked" \
// RUN:   | FileCheck %s --check-prefix=CHECKED
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4 tile-rows=8" -o /dev/null \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=EIGHT
// RUN: not dsa-opt %s --dsa-cpu-pipeline="tile-rows=0" 2>&1 | FileCheck %s --check-prefix=ZERO

// EIGHT: [Passed] dsa-tile {{.*}}"computed 8 rows at a time"
// ZERO: error: rows is 0, but must be at least 1
// REMARK-DAG: [Passed] dsa-fuse
// REMARK-DAG: [Passed] dsa-tile {{.*}}"computed 256 rows at a time"
// REMARK-DAG: [Missed] dsa-tile {{.*}}"holds as much memory in a loop"
// REMARK-DAG: [Passed] dsa-to-cpu {{.*}}selected as they come
// REMARK-DAG: [Passed] dsa-to-cpu {{.*}}"attention by bf16 pairs
// CHECK: module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu"}
// CHECK: llvm.func @layer({{.*}} target_cpu = "znver4"
// CHECK: omp.parallel
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: llvm.call @dsa_fail_workspace
// CHECK: llvm.func @layer_workspace
// LLVM: target triple = "x86_64-unknown-linux-gnu"
// LLVM: define i32 @layer
// LLVM: call void {{.*}}@__kmpc_fork_call
// LLVM: "target-cpu"="haswell"
// LLVM: !"llvm.loop.unroll.disable"
// CHECKED: llvm.call @dsa_fail_index
func.func @layer(%iq: tensor<?x64x128xbf16>, %ik: tensor<?x128xbf16>, %w: tensor<?x64xf32>,
    %q: tensor<?x16x576xbf16>, %kv: tensor<?x576xbf16>) -> tensor<?x16x512xbf16> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x64x128xbf16>
  %S = tensor.dim %ik, %c0 : tensor<?x128xbf16>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %scores = dsa.indexer_scores query(%iq : tensor<?x64x128xbf16>) keys(%ik : tensor<?x128xbf16>)
      weights(%w : tensor<?x64xf32>) outs(%s : tensor<?x?xf32>)
  %i = tensor.empty(%T) : tensor<?x2048xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 2048
      outs(%i, %n : tensor<?x2048xi32>, tensor<?xi32>)
  %o = tensor.empty(%T) : tensor<?x16x512xbf16>
  %l = tensor.empty(%T) : tensor<?x16xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x16x576xbf16>) keys(%kv : tensor<?x576xbf16>)
      indices(%indices : tensor<?x2048xi32>) counts(%count : tensor<?xi32>) scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x16x512xbf16>, tensor<?x16xf32>)
  return %out : tensor<?x16x512xbf16>
}

// A loop whose iterations may run in any order runs them one at a time, so that
// one has the memory of all.
// CHECK: llvm.func @any_order
// CHECK: llvm.func @any_order_workspace
func.func @any_order(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %init = tensor.empty() : tensor<4x8xf32>
  %all = scf.forall (%i) in (4) shared_outs(%out = %init) -> tensor<4x8xf32> {
    %row = tensor.extract_slice %x[%i, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<1x8xf32>
    %e = tensor.empty() : tensor<1x8xf32>
    %exp = linalg.exp ins(%row : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
    %own = tensor.extract_slice %out[%i, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<1x8xf32>
    %sum = linalg.add ins(%exp, %row : tensor<1x8xf32>, tensor<1x8xf32>)
        outs(%own : tensor<1x8xf32>) -> tensor<1x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %sum into %out[%i, 0] [1, 8] [1, 1]
          : tensor<1x8xf32> into tensor<4x8xf32>
    }
  }
  return %all : tensor<4x8xf32>
}

// One op between the caller's tensors has nothing to hold; with scores made by
// arithmetic on tensors, there are those.
// CHECK: llvm.func @needless
func.func @needless(%s: tensor<?x99xf32>, %i: tensor<?x7xi32>, %n: tensor<?xi32>)
    -> (tensor<?x7xi32>, tensor<?xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<?x99xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x7xi32>, tensor<?xi32>
}
// CHECK: llvm.func @least
func.func @least(%s: tensor<?x99xf32>, %i: tensor<?x7xi32>, %n: tensor<?xi32>)
    -> (tensor<?x7xi32>, tensor<?xi32>) {
  %negative = arith.negf %s : tensor<?x99xf32>
  %indices, %count = dsa.top_k scores(%negative : tensor<?x99xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x7xi32>, tensor<?xi32>
}
