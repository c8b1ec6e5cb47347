// Every op on strided memrefs: no results, and the same text again.
// RUN: dsa-opt %s --verify-roundtrip | FileCheck %s
// RUN: dsa-opt %s --mlir-print-op-generic | dsa-opt | FileCheck %s
// RUN: dsa-opt %s --dsa-decompose | FileCheck %s --check-prefix=DECOMPOSED --implicit-check-not=dsa.

// CHECK-LABEL: func.func @indexer_scores_pool_of_pieces
// CHECK: dsa.indexer_scores query(%{{[^)]*}}) query_tail(%{{[^)]*}}) keys(%{{[^)]*}}) key_tail(%{{[^)]*}}) paged block_table(%{{[^)]*}}) row_ids(%{{[^)]*}}) key_scale(%{{[^)]*}}) weights(%{{[^)]*}}) lo(%{{[^)]*}}) hi(%{{[^)]*}}) activation = none outs(%{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>)
// DECOMPOSED-LABEL: func.func @indexer_scores_pool_of_pieces
// DECOMPOSED: bufferization.to_tensor %{{.*}} restrict
// DECOMPOSED: bufferization.materialize_in_destination %{{.*}} in restrict writable %{{.*}}
func.func @indexer_scores_pool_of_pieces(%q: memref<?x4x8xbf16, strided<[?, ?, 1], offset: ?>>,
    %qt: memref<?x4x3xbf16>, %k: memref<?x16x8xbf16, strided<[200, 8, 1]>>,
    %kt: memref<?x16x3xbf16>, %t: memref<2x?xi32>, %r: memref<?xi32, strided<[?]>>,
    %s: memref<?x16xf32>, %w: memref<?x4xf32, strided<[?, ?]>>, %lo: memref<?xi32>,
    %hi: memref<?xi32>, %o: memref<?x?xf32, strided<[?, 1], offset: ?>>) {
  dsa.indexer_scores query(%q : memref<?x4x8xbf16, strided<[?, ?, 1], offset: ?>>)
      query_tail(%qt : memref<?x4x3xbf16>) keys(%k : memref<?x16x8xbf16, strided<[200, 8, 1]>>)
      key_tail(%kt : memref<?x16x3xbf16>) paged block_table(%t : memref<2x?xi32>)
      row_ids(%r : memref<?xi32, strided<[?]>>) key_scale(%s : memref<?x16xf32>)
      weights(%w : memref<?x4xf32, strided<[?, ?]>>) lo(%lo : memref<?xi32>)
      hi(%hi : memref<?xi32>) activation = none
      outs(%o : memref<?x?xf32, strided<[?, 1], offset: ?>>)
  return
}

// CHECK-LABEL: func.func @top_k_batched_ids
// CHECK: dsa.top_k scores(%{{[^)]*}}) k = 5 ids(%{{[^)]*}}) order = score_descending outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<2x4x5xi32>, memref<2x4xi32>, memref<2x4x5xf32>)
func.func @top_k_batched_ids(%s: memref<2x4x?xf32>, %d: memref<2x?xi32>, %i: memref<2x4x5xi32>,
    %c: memref<2x4xi32>, %v: memref<2x4x5xf32>) {
  dsa.top_k scores(%s : memref<2x4x?xf32>) k = 5 ids(%d : memref<2x?xi32>)
      order = score_descending
      outs(%i, %c, %v : memref<2x4x5xi32>, memref<2x4xi32>, memref<2x4x5xf32>)
  return
}

// CHECK-LABEL: func.func @lightning_indexer_packed
// CHECK: dsa.lightning_indexer query(%{{[^)]*}}) keys(%{{[^)]*}}) layout = <mla_656> weights(%{{[^)]*}}) k = 3 order = score_descending outs(
func.func @lightning_indexer_packed(%q: memref<?x2x576xbf16>, %k: memref<?x656xi8, strided<[1024, 1]>>,
    %w: memref<?x2xf32>, %i: memref<?x3xi32>, %c: memref<?xi32>) {
  dsa.lightning_indexer query(%q : memref<?x2x576xbf16>)
      keys(%k : memref<?x656xi8, strided<[1024, 1]>>) layout = <mla_656>
      weights(%w : memref<?x2xf32>) k = 3 order = score_descending
      outs(%i, %c : memref<?x3xi32>, memref<?xi32>)
  return
}

// CHECK-LABEL: func.func @sparse_attention_batched_values
// CHECK: dsa.sparse_attention query(%{{[^)]*}}) keys(%{{[^)]*}}) values(%{{[^)]*}}) indices(%{{[^)]*}}) scale = 5.000000e-01 dv = 6 compute_type = bf16 outs(
func.func @sparse_attention_batched_values(%q: memref<2x?x3x8xf32>, %k: memref<2x?x8xf32>,
    %v: memref<2x?x6xf32>, %i: memref<2x?x7xi32>, %o: memref<2x?x3x6xf32>, %l: memref<2x?x3xf32>) {
  dsa.sparse_attention query(%q : memref<2x?x3x8xf32>) keys(%k : memref<2x?x8xf32>)
      values(%v : memref<2x?x6xf32>) indices(%i : memref<2x?x7xi32>)
      scale = 0.5 dv = 6 compute_type = bf16
      outs(%o, %l : memref<2x?x3x6xf32>, memref<2x?x3xf32>)
  return
}

// CHECK-LABEL: func.func @merge_attention_two_parts
// CHECK: dsa.merge_attention parts(%{{.*}}, %{{.*}}) lses(%{{.*}}, %{{.*}}) outs(
func.func @merge_attention_two_parts(%a: memref<?x2x?x3x8xf16>, %b: memref<1x2x?x3x8xf16>,
    %x: memref<?x2x?x3xf32>, %y: memref<1x2x?x3xf32>, %o: memref<2x?x3x8xf32>, %l: memref<2x?x3xf32>) {
  dsa.merge_attention parts(%a, %b : memref<?x2x?x3x8xf16>, memref<1x2x?x3x8xf16>)
      lses(%x, %y : memref<?x2x?x3xf32>, memref<1x2x?x3xf32>)
      outs(%o, %l : memref<2x?x3x8xf32>, memref<2x?x3xf32>)
  return
}

// CHECK-LABEL: func.func @unpack_flat
// CHECK: dsa.unpack packed(%{{[^)]*}}) layout = <mla_656> outs(%{{.*}} : memref<?x576xf32>)
func.func @unpack_flat(%p: memref<?x656xi8>, %o: memref<?x576xf32>) {
  dsa.unpack packed(%p : memref<?x656xi8>) layout = <mla_656> outs(%o : memref<?x576xf32>)
  return
}
