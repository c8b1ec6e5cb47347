// Ops on tensors become the same ops on buffers: inits are written only, and
// nothing is copied from one op to the next.
//
// RUN: dsa-opt %s --eliminate-empty-tensors \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --dsa-buffer-cleanup | FileCheck %s

// CHECK-LABEL: func.func @score_select_attend
// CHECK-SAME: %[[OUT:arg6]]: memref<?x3x8xf32>, %[[LSE:arg7]]: memref<?x3xf32>
// CHECK-NOT: memref.copy
// CHECK: dsa.indexer_scores {{.*}} outs(%[[SCORES:.*]] : memref<?x?xf32>)
// CHECK-NOT: memref.copy
// CHECK: dsa.top_k scores(%[[SCORES]] : memref<?x?xf32>) k = 7 outs(%[[I:.*]], %[[N:.*]] : memref<?x7xi32>, memref<?xi32>)
// CHECK-NOT: memref.copy
// CHECK: dsa.sparse_attention {{.*}} indices(%[[I]] : memref<?x7xi32>) counts(%[[N]] : memref<?xi32>) scale = 5.000000e-01 dv = 8 outs(%[[OUT]], %[[LSE]]
// CHECK-NOT: memref.copy
// CHECK: return %[[OUT]], %[[LSE]]
func.func @score_select_attend(%iq: tensor<?x4x16xf32>, %ik: tensor<?x16xf32>,
    %w: tensor<?x4xf32>, %q: tensor<?x3x12xf32>, %kv: tensor<?x12xf32>, %n: tensor<?xi32>,
    %o: tensor<?x3x8xf32>, %l: tensor<?x3xf32>) -> (tensor<?x3x8xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x4x16xf32>
  %S = tensor.dim %ik, %c0 : tensor<?x16xf32>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x7xi32>
  %scores = dsa.indexer_scores query(%iq : tensor<?x4x16xf32>) keys(%ik : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) outs(%s : tensor<?x?xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x3x12xf32>) keys(%kv : tensor<?x12xf32>)
      indices(%indices : tensor<?x7xi32>) counts(%count : tensor<?xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<?x3x8xf32>, tensor<?x3xf32>)
  return %out, %lse : tensor<?x3x8xf32>, tensor<?x3xf32>
}

// The init is read by the other op, so one of the two writes elsewhere; what it
// held need not go there.
// CHECK-LABEL: func.func @init_is_read_later
// CHECK: %[[ALLOC:.*]] = memref.alloc() {{.*}} : memref<4x9xf32>
// CHECK-NOT: memref.copy
// CHECK: dsa.indexer_scores {{.*}} outs(%[[ALLOC]] : memref<4x9xf32>)
// CHECK: dsa.top_k scores(%arg3
// CHECK: return %[[ALLOC]]
func.func @init_is_read_later(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %w: tensor<4x2xf32>,
    %s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %n: tensor<4xi32>)
    -> (tensor<4x9xf32>, tensor<4x3xi32>) {
  %scores = dsa.indexer_scores query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      weights(%w : tensor<4x2xf32>) outs(%s : tensor<4x9xf32>)
  %indices, %count = dsa.top_k scores(%s : tensor<4x9xf32>) k = 3
      outs(%i, %n : tensor<4x3xi32>, tensor<4xi32>)
  return %scores, %indices : tensor<4x9xf32>, tensor<4x3xi32>
}

// CHECK-LABEL: func.func @select_merge_unpack
// CHECK: dsa.lightning_indexer query(%arg0 : memref<4x2x8xf32>)
// CHECK-SAME: outs(%arg3, %arg4 : memref<4x3xi32>, memref<4xi32>)
// CHECK: dsa.merge_attention parts(%arg5 : memref<2x4x2x8xf32>)
// CHECK-SAME: outs(%arg7, %arg8 : memref<4x2x8xf32>, memref<4x2xf32>)
// CHECK: dsa.unpack packed(%arg9 : memref<9x656xi8>) layout = <mla_656> outs(%arg10
func.func @select_merge_unpack(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %w: tensor<4x2xf32>,
    %i: tensor<4x3xi32>, %n: tensor<4xi32>, %parts: tensor<2x4x2x8xf32>,
    %lses: tensor<2x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>,
    %packed: tensor<9x656xi8>, %rows: tensor<9x576xbf16>)
    -> (tensor<4x3xi32>, tensor<4x2x8xf32>, tensor<9x576xbf16>) {
  %indices, %count = dsa.lightning_indexer query(%q : tensor<4x2x8xf32>)
      keys(%k : tensor<9x8xf32>) weights(%w : tensor<4x2xf32>) k = 3
      outs(%i, %n : tensor<4x3xi32>, tensor<4xi32>)
  %out, %lse = dsa.merge_attention parts(%parts : tensor<2x4x2x8xf32>)
      lses(%lses : tensor<2x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  %unpacked = dsa.unpack packed(%packed : tensor<9x656xi8>) layout = <mla_656>
      outs(%rows : tensor<9x576xbf16>)
  return %indices, %out, %unpacked : tensor<4x3xi32>, tensor<4x2x8xf32>, tensor<9x576xbf16>
}
