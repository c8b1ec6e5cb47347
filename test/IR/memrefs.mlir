// Every op on strided memrefs: no results, and the same text again.
// RUN: dsa-opt %s --verify-roundtrip | FileCheck %s
// RUN: dsa-opt %s --mlir-print-op-generic | dsa-opt | FileCheck %s
// RUN: dsa-opt %s --emit-bytecode | dsa-opt | FileCheck %s
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

// CHECK-LABEL: func.func @indexer_scores_batched_packed
// CHECK: dsa.indexer_scores query(%{{[^)]*}}) keys(%{{.*}} : memref<9x264xi8, strided<[512, 1], offset: 16>>) paged layout = <index_132, page = 2> block_table(%{{[^)]*}}) weights(%{{[^)]*}}) hi(%{{[^)]*}}) outs(%{{.*}} : memref<2x4x?xf32>)
func.func @indexer_scores_batched_packed(%q: memref<2x4x8x128xf8E4M3FN>,
    %k: memref<9x264xi8, strided<[512, 1], offset: 16>>, %t: memref<2x?xi32>,
    %w: memref<2x4x8xf32>, %hi: memref<2x?xi32>, %o: memref<2x4x?xf32>) {
  dsa.indexer_scores query(%q : memref<2x4x8x128xf8E4M3FN>)
      keys(%k : memref<9x264xi8, strided<[512, 1], offset: 16>>) paged
      layout = <index_132, page = 2> block_table(%t : memref<2x?xi32>)
      weights(%w : memref<2x4x8xf32>) hi(%hi : memref<2x?xi32>) outs(%o : memref<2x4x?xf32>)
  return
}

// The default activation is not printed, and flat keys have a batch of their own.
// CHECK-LABEL: func.func @indexer_scores_batched_flat
// CHECK: dsa.indexer_scores query(%{{[^)]*}}) keys(%{{[^)]*}}) key_scale(%{{.*}} : memref<?x9xf32, strided<[?, ?], offset: ?>>) weights(%{{[^)]*}}) lo(%{{[^)]*}}) outs(
func.func @indexer_scores_batched_flat(%q: memref<?x4x8x16xbf16>, %k: memref<?x9x16xf8E4M3FN>,
    %s: memref<?x9xf32, strided<[?, ?], offset: ?>>, %w: memref<?x4x8xf32>, %lo: memref<?x4xi32>,
    %o: memref<?x4x9xf32>) {
  dsa.indexer_scores query(%q : memref<?x4x8x16xbf16>) keys(%k : memref<?x9x16xf8E4M3FN>)
      key_scale(%s : memref<?x9xf32, strided<[?, ?], offset: ?>>) weights(%w : memref<?x4x8xf32>)
      lo(%lo : memref<?x4xi32>) activation = relu outs(%o : memref<?x4x9xf32>)
  return
}

// Ids of every rank that an op without batch can have, and a table with row ids.
// CHECK-LABEL: func.func @top_k_ids
// CHECK: dsa.top_k scores(%{{.*}} : memref<4x?xf32, strided<[?, 1], offset: ?>>) k = 5 lo(%{{[^)]*}}) hi(%{{[^)]*}}) ids(%{{.*}} : memref<?xi32, strided<[2]>>) translate(%{{.*}} : memref<3x?xi32>, page = 64) translate_row_ids(%{{[^)]*}}) outs(
// CHECK: dsa.top_k scores(%{{[^)]*}}) k = 5 ids(%{{.*}} : memref<4x?xi32, strided<[?, 1], offset: ?>>) translate(%{{.*}} : memref<1x?xi32>, page = 1) outs(
func.func @top_k_ids(%s: memref<4x?xf32, strided<[?, 1], offset: ?>>, %lo: memref<4xi32>,
    %hi: memref<4xi32, strided<[3], offset: 1>>, %d: memref<?xi32, strided<[2]>>,
    %e: memref<4x?xi32, strided<[?, 1], offset: ?>>, %t: memref<3x?xi32>, %u: memref<1x?xi32>,
    %r: memref<?xi32>, %i: memref<4x5xi32, strided<[8, 1]>>, %c: memref<4xi32>) {
  dsa.top_k scores(%s : memref<4x?xf32, strided<[?, 1], offset: ?>>) k = 5 lo(%lo : memref<4xi32>)
      hi(%hi : memref<4xi32, strided<[3], offset: 1>>) ids(%d : memref<?xi32, strided<[2]>>)
      translate(%t : memref<3x?xi32>, page = 64) translate_row_ids(%r : memref<?xi32>)
      order = index_ascending
      outs(%i, %c : memref<4x5xi32, strided<[8, 1]>>, memref<4xi32>)
  dsa.top_k scores(%s : memref<4x?xf32, strided<[?, 1], offset: ?>>) k = 5
      ids(%e : memref<4x?xi32, strided<[?, 1], offset: ?>>) translate(%u : memref<1x?xi32>, page = 1)
      outs(%i, %c : memref<4x5xi32, strided<[8, 1]>>, memref<4xi32>)
  return
}

// The other ranks of ids in a batch, and a table row of each batch entry.
// CHECK-LABEL: func.func @top_k_batched
// CHECK: dsa.top_k scores(%{{[^)]*}}) k = 5 ids(%{{.*}} : memref<9xi32>) translate(%{{.*}} : memref<2x?xi32>, page = 16) outs(
// CHECK: dsa.top_k scores(%{{[^)]*}}) k = 5 ids(%{{.*}} : memref<2x?x9xi32>) outs(
func.func @top_k_batched(%s: memref<2x?x9xf32>, %d: memref<9xi32>, %e: memref<2x?x9xi32>,
    %t: memref<2x?xi32>, %i: memref<2x?x5xi32>, %c: memref<2x?xi32>) {
  dsa.top_k scores(%s : memref<2x?x9xf32>) k = 5 ids(%d : memref<9xi32>)
      translate(%t : memref<2x?xi32>, page = 16) outs(%i, %c : memref<2x?x5xi32>, memref<2x?xi32>)
  dsa.top_k scores(%s : memref<2x?x9xf32>) k = 5 ids(%e : memref<2x?x9xi32>)
      outs(%i, %c : memref<2x?x5xi32>, memref<2x?xi32>)
  return
}

// CHECK-LABEL: func.func @lightning_indexer_every_clause
// CHECK: dsa.lightning_indexer query(%{{[^)]*}}) query_tail(%{{[^)]*}}) keys(%{{[^)]*}}) key_tail(%{{[^)]*}}) paged block_table(%{{[^)]*}}) row_ids(%{{[^)]*}}) key_scale(%{{[^)]*}}) weights(%{{[^)]*}}) lo(%{{[^)]*}}) hi(%{{[^)]*}}) activation = none k = 3 ids(%{{.*}} : memref<?xi32>) translate(%{{.*}} : memref<2x?xi32>, page = 8) translate_row_ids(%{{[^)]*}}) order = score_descending outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<?x3xi32>, memref<?xi32>, memref<?x3xf32, strided<[?, 1], offset: ?>>)
func.func @lightning_indexer_every_clause(%q: memref<?x4x8xf16>, %qt: memref<?x4x3xf16>,
    %k: memref<?x16x8xf16, strided<[?, ?, 1], offset: ?>>, %kt: memref<?x16x3xf16>, %t: memref<2x?xi32>,
    %r: memref<?xi32>, %s: memref<?x16xf32>, %w: memref<?x4xf32>, %lo: memref<?xi32>, %hi: memref<?xi32>,
    %d: memref<?xi32>, %i: memref<?x3xi32>, %c: memref<?xi32>,
    %v: memref<?x3xf32, strided<[?, 1], offset: ?>>) {
  dsa.lightning_indexer query(%q : memref<?x4x8xf16>) query_tail(%qt : memref<?x4x3xf16>)
      keys(%k : memref<?x16x8xf16, strided<[?, ?, 1], offset: ?>>) key_tail(%kt : memref<?x16x3xf16>)
      paged block_table(%t : memref<2x?xi32>) row_ids(%r : memref<?xi32>) key_scale(%s : memref<?x16xf32>)
      weights(%w : memref<?x4xf32>) lo(%lo : memref<?xi32>) hi(%hi : memref<?xi32>) activation = none
      k = 3 ids(%d : memref<?xi32>) translate(%t : memref<2x?xi32>, page = 8)
      translate_row_ids(%r : memref<?xi32>) order = score_descending
      outs(%i, %c, %v : memref<?x3xi32>, memref<?xi32>, memref<?x3xf32, strided<[?, 1], offset: ?>>)
  return
}

// CHECK-LABEL: func.func @lightning_indexer_batched
// CHECK: dsa.lightning_indexer {{.*}} k = 3 ids(%{{.*}} : memref<2x9xi32>) outs(
// CHECK: dsa.lightning_indexer {{.*}} k = 3 ids(%{{.*}} : memref<9xi32>) translate(%{{.*}} : memref<2x5xi32>, page = 8) outs(
func.func @lightning_indexer_batched(%q: memref<2x4x8x16xf32>, %k: memref<2x9x16xf32>, %w: memref<2x4x8xf32>,
    %d: memref<2x9xi32>, %e: memref<9xi32>, %t: memref<2x5xi32>, %i: memref<2x4x3xi32>, %c: memref<2x4xi32>) {
  dsa.lightning_indexer query(%q : memref<2x4x8x16xf32>) keys(%k : memref<2x9x16xf32>)
      weights(%w : memref<2x4x8xf32>) k = 3 ids(%d : memref<2x9xi32>)
      outs(%i, %c : memref<2x4x3xi32>, memref<2x4xi32>)
  dsa.lightning_indexer query(%q : memref<2x4x8x16xf32>) keys(%k : memref<2x9x16xf32>)
      weights(%w : memref<2x4x8xf32>) k = 3 ids(%e : memref<9xi32>)
      translate(%t : memref<2x5xi32>, page = 8) outs(%i, %c : memref<2x4x3xi32>, memref<2x4xi32>)
  return
}

// CHECK-LABEL: func.func @sparse_attention_pools_of_pieces
// CHECK: dsa.sparse_attention query(%{{[^)]*}}) query_tail(%{{[^)]*}}) keys(%{{.*}}, %{{.*}} : memref<?x16x8xf16, strided<[?, ?, 1], offset: ?>>, memref<9x4x8xf16>) key_tails(%{{[^)]*}}) values(%{{[^)]*}}) paged block_tables(%{{.*}}, %{{.*}} : memref<2x?xi32>, memref<2x3xi32>) row_ids(%{{[^)]*}}) indices(%{{.*}}, %{{.*}} : memref<?x7xi32>, memref<?x?xi32>) counts(%{{[^)]*}}) sink(%{{.*}} : memref<3xf32, strided<[2], offset: 5>>) scale = 1.250000e-01 dv = 6 compute_type = f32 outs(
func.func @sparse_attention_pools_of_pieces(%q: memref<?x3x8xf16>, %qt: memref<?x3x2xf16>,
    %k: memref<?x16x8xf16, strided<[?, ?, 1], offset: ?>>, %m: memref<9x4x8xf16>,
    %kt: memref<?x16x2xf16>, %mt: memref<9x4x2xf16>, %v: memref<?x16x6xf16>, %x: memref<9x4x6xf16>,
    %t: memref<2x?xi32>, %u: memref<2x3xi32>, %r: memref<?xi32>, %i: memref<?x7xi32>, %j: memref<?x?xi32>,
    %n: memref<?xi32>, %s: memref<3xf32, strided<[2], offset: 5>>, %o: memref<?x3x6xf16>, %l: memref<?x3xf32>) {
  dsa.sparse_attention query(%q : memref<?x3x8xf16>) query_tail(%qt : memref<?x3x2xf16>)
      keys(%k, %m : memref<?x16x8xf16, strided<[?, ?, 1], offset: ?>>, memref<9x4x8xf16>)
      key_tails(%kt, %mt : memref<?x16x2xf16>, memref<9x4x2xf16>)
      values(%v, %x : memref<?x16x6xf16>, memref<9x4x6xf16>) paged
      block_tables(%t, %u : memref<2x?xi32>, memref<2x3xi32>) row_ids(%r : memref<?xi32>)
      indices(%i, %j : memref<?x7xi32>, memref<?x?xi32>) counts(%n, %n : memref<?xi32>, memref<?xi32>)
      sink(%s : memref<3xf32, strided<[2], offset: 5>>) scale = 0.125 dv = 6 compute_type = f32
      outs(%o, %l : memref<?x3x6xf16>, memref<?x3xf32>)
  return
}

// Pools have no batch, tables have. A flat set beside a packed one is dense.
// CHECK-LABEL: func.func @sparse_attention_packed
// CHECK: dsa.sparse_attention query(%{{[^)]*}}) keys(%{{.*}} : memref<9x41984xi8, strided<[50000, 1]>>) paged layouts = [#dsa.kv_layout<mla_656, page = 64>] block_tables(%{{.*}} : memref<2x?xi32>) indices(%{{[^)]*}}) scale = 1.000000e+00 dv = 512 outs(
// CHECK: dsa.sparse_attention query(%{{[^)]*}}) keys(%{{[^)]*}}) layouts = [#dsa.kv_layout<mla_656>, #dsa.kv_layout<dense>] indices(
func.func @sparse_attention_packed(%q: memref<2x4x3x576xbf16>, %p: memref<9x41984xi8, strided<[50000, 1]>>,
    %t: memref<2x?xi32>, %i: memref<2x4x7xi32>, %o: memref<2x4x3x512xbf16>, %l: memref<2x4x3xf32>,
    %q1: memref<4x3x576xbf16>, %k1: memref<?x656xi8>, %m1: memref<?x576xf8E4M3FN>, %i1: memref<4x7xi32>,
    %o1: memref<4x3x512xf32>, %l1: memref<4x3xf32, strided<[1, 4]>>) {
  dsa.sparse_attention query(%q : memref<2x4x3x576xbf16>) keys(%p : memref<9x41984xi8, strided<[50000, 1]>>)
      paged layouts = [#dsa.kv_layout<mla_656, page = 64>] block_tables(%t : memref<2x?xi32>)
      indices(%i : memref<2x4x7xi32>) scale = 1.0 dv = 512
      outs(%o, %l : memref<2x4x3x512xbf16>, memref<2x4x3xf32>)
  dsa.sparse_attention query(%q1 : memref<4x3x576xbf16>) keys(%k1, %m1 : memref<?x656xi8>, memref<?x576xf8E4M3FN>)
      layouts = [#dsa.kv_layout<mla_656>, #dsa.kv_layout<dense>]
      indices(%i1, %i1 : memref<4x7xi32>, memref<4x7xi32>) scale = 1.0 dv = 512
      outs(%o1, %l1 : memref<4x3x512xf32>, memref<4x3xf32, strided<[1, 4]>>)
  return
}

// CHECK-LABEL: func.func @merge_attention_sink
// CHECK: dsa.merge_attention parts(%{{.*}} : memref<3x4x?x8xbf16, strided<[?, ?, ?, 1], offset: ?>>) lses(%{{[^)]*}}) sink(%{{[^)]*}}) outs(
func.func @merge_attention_sink(%p: memref<3x4x?x8xbf16, strided<[?, ?, ?, 1], offset: ?>>,
    %x: memref<3x4x?xf32>, %s: memref<?xf32>, %o: memref<4x?x8xbf16>, %l: memref<4x?xf32>) {
  dsa.merge_attention parts(%p : memref<3x4x?x8xbf16, strided<[?, ?, ?, 1], offset: ?>>)
      lses(%x : memref<3x4x?xf32>) sink(%s : memref<?xf32>)
      outs(%o, %l : memref<4x?x8xbf16>, memref<4x?xf32>)
  return
}

// Scales have one dimension less where a row has one of them.
// CHECK-LABEL: func.func @unpack_raw
// CHECK: dsa.unpack packed(%{{[^)]*}}) paged layout = <index_132, page = 2> outs(%{{.*}}, %{{.*}} : memref<9x2x128xf8E4M3FN, strided<[512, 128, 1], offset: 4>>, memref<9x2xf32>)
// CHECK: dsa.unpack packed(%{{[^)]*}}) layout = <[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72> outs(%{{.*}}, %{{.*}} : memref<?x64xf8E4M3FN>, memref<?x2xf32, strided<[?, ?]>>)
func.func @unpack_raw(%p: memref<9x264xi8>, %o: memref<9x2x128xf8E4M3FN, strided<[512, 128, 1], offset: 4>>,
    %s: memref<9x2xf32>, %u: memref<?x72xi8, strided<[?, 1], offset: ?>>, %r: memref<?x64xf8E4M3FN>,
    %t: memref<?x2xf32, strided<[?, ?]>>) {
  dsa.unpack packed(%p : memref<9x264xi8>) paged layout = <index_132, page = 2>
      outs(%o, %s : memref<9x2x128xf8E4M3FN, strided<[512, 128, 1], offset: 4>>, memref<9x2xf32>)
  dsa.unpack packed(%u : memref<?x72xi8, strided<[?, 1], offset: ?>>)
      layout = <[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72>
      outs(%r, %t : memref<?x64xf8E4M3FN>, memref<?x2xf32, strided<[?, ?]>>)
  return
}
