// Ten calls that models and serving engines make, each with one meaning. The
// page docs/FromOtherLibraries.md says which call of which library each is.
//
// RUN: dsa-opt %s --verify-roundtrip | FileCheck %s
// RUN: dsa-opt %s --mlir-print-op-generic | dsa-opt | FileCheck %s
// RUN: dsa-opt %s --emit-bytecode | dsa-opt | FileCheck %s

// Scores of a ragged prefill over concatenated keys: row t sees [lo[t], hi[t]).
// CHECK-LABEL: func.func @ragged_prefill_scores
// CHECK: %scores = dsa.indexer_scores query(%{{.*}} : tensor<?x64x128xbf16>)
// CHECK-SAME: keys(%{{.*}} : tensor<?x128xbf16>) weights(%{{.*}} : tensor<?x64xf32>)
// CHECK-SAME: lo(%{{.*}} : tensor<?xi32>) hi(%{{.*}} : tensor<?xi32>)
// CHECK-SAME: outs(%{{.*}} : tensor<?x?xf32>)
func.func @ragged_prefill_scores(%q: tensor<?x64x128xbf16>, %k: tensor<?x128xbf16>,
    %w: tensor<?x64xf32>, %lo: tensor<?xi32>, %hi: tensor<?xi32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x64x128xbf16>
  %S = tensor.dim %k, %c0 : tensor<?x128xbf16>
  %init = tensor.empty(%T, %S) : tensor<?x?xf32>
  %scores = dsa.indexer_scores query(%q : tensor<?x64x128xbf16>)
      keys(%k : tensor<?x128xbf16>) weights(%w : tensor<?x64xf32>)
      lo(%lo : tensor<?xi32>) hi(%hi : tensor<?xi32>)
      outs(%init : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}

// Scores of a paged decode with two draft rows per sequence, over fp8 index
// pages of 64 rows whose scales lie at the page's end.
// CHECK-LABEL: func.func @paged_decode_scores
// CHECK: dsa.indexer_scores
// CHECK-SAME: keys(%{{.*}} : tensor<?x8448xi8>) paged layout = <index_132, page = 64>
// CHECK-SAME: block_table(%{{.*}} : tensor<?x?xi32>)
func.func @paged_decode_scores(%q: tensor<?x2x64x128xf8E4M3FN>, %pages: tensor<?x8448xi8>,
    %table: tensor<?x?xi32>, %w: tensor<?x2x64xf32>, %len: tensor<?x2xi32>) -> tensor<?x2x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %B = tensor.dim %q, %c0 : tensor<?x2x64x128xf8E4M3FN>
  %N = tensor.dim %table, %c1 : tensor<?x?xi32>
  %S = arith.muli %N, %c64 : index
  %init = tensor.empty(%B, %S) : tensor<?x2x?xf32>
  %scores = dsa.indexer_scores query(%q : tensor<?x2x64x128xf8E4M3FN>)
      keys(%pages : tensor<?x8448xi8>) paged layout = <index_132, page = 64>
      block_table(%table : tensor<?x?xi32>) weights(%w : tensor<?x2x64xf32>)
      hi(%len : tensor<?x2xi32>) outs(%init : tensor<?x2x?xf32>)
  return %scores : tensor<?x2x?xf32>
}

// Top-k whose results are slots of another cache, through its block table.
// CHECK-LABEL: func.func @top_k_with_slots
// CHECK: %indices, %count = dsa.top_k scores(%{{.*}} : tensor<?x2x?xf32>) k = 2048
// CHECK-SAME: hi(%{{.*}} : tensor<?x2xi32>)
// CHECK-SAME: translate(%{{.*}} : tensor<?x?xi32>, page = 64)
func.func @top_k_with_slots(%scores: tensor<?x2x?xf32>, %len: tensor<?x2xi32>,
    %table: tensor<?x?xi32>) -> (tensor<?x2x2048xi32>, tensor<?x2xi32>) {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %scores, %c0 : tensor<?x2x?xf32>
  %i = tensor.empty(%B) : tensor<?x2x2048xi32>
  %c = tensor.empty(%B) : tensor<?x2xi32>
  %slots, %count = dsa.top_k scores(%scores : tensor<?x2x?xf32>) k = 2048
      hi(%len : tensor<?x2xi32>) translate(%table : tensor<?x?xi32>, page = 64)
      outs(%i, %c : tensor<?x2x2048xi32>, tensor<?x2xi32>)
  return %slots, %count : tensor<?x2x2048xi32>, tensor<?x2xi32>
}

// Sparse prefill of latent attention: values are the first 512 key columns.
// CHECK-LABEL: func.func @sparse_prefill
// CHECK: %out, %lse = dsa.sparse_attention query(%{{.*}} : tensor<?x128x576xbf16>)
// CHECK-SAME: keys(%{{.*}} : tensor<?x576xbf16>) indices(%{{.*}} : tensor<?x2048xi32>)
// CHECK-SAME: counts(%{{.*}} : tensor<?xi32>) sink(%{{.*}} : tensor<128xf32>)
// CHECK-SAME: scale = 0.1352337 dv = 512
func.func @sparse_prefill(%q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>,
    %idx: tensor<?x2048xi32>, %n: tensor<?xi32>, %sink: tensor<128xf32>)
    -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x576xbf16>
  %o = tensor.empty(%T) : tensor<?x128x512xbf16>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%idx : tensor<?x2048xi32>)
      counts(%n : tensor<?xi32>) sink(%sink : tensor<128xf32>)
      scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}

// Decode on packed pages: indices are slots, so there is no block table. The
// rows of a batch of b sequences with s rows each are b·s rows here.
// CHECK-LABEL: func.func @packed_decode_by_slot
// CHECK: dsa.sparse_attention
// CHECK-SAME: paged layouts = [#dsa.kv_layout<mla_656, page = 64>]
// CHECK-SAME: indices(%{{.*}} : tensor<?x2048xi32>)
func.func @packed_decode_by_slot(%q: tensor<?x128x576xbf16>, %pages: tensor<?x41984xi8>,
    %slots: tensor<?x2048xi32>) -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x576xbf16>
  %o = tensor.empty(%T) : tensor<?x128x512xbf16>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%pages : tensor<?x41984xi8>) paged
      layouts = [#dsa.kv_layout<mla_656, page = 64>]
      indices(%slots : tensor<?x2048xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}

// DeepSeek-V4: a window of 128 raw rows and the selected compressed rows under
// one softmax, with a sink per head; two caches of different page size.
// CHECK-LABEL: func.func @window_and_compressed
// CHECK: dsa.sparse_attention
// CHECK-SAME: layouts = [#dsa.kv_layout<mla_584, page = 256>, #dsa.kv_layout<mla_584, page = 64>]
// CHECK-SAME: indices(%{{.*}}, %{{.*}} : tensor<?x128xi32>, tensor<?x1024xi32>)
// CHECK-SAME: counts(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<?xi32>)
func.func @window_and_compressed(%q: tensor<?x128x512xbf16>,
    %window: tensor<?x149760xi8>, %compressed: tensor<?x37440xi8>,
    %recent: tensor<?x128xi32>, %selected: tensor<?x1024xi32>,
    %n0: tensor<?xi32>, %n1: tensor<?xi32>, %sink: tensor<128xf32>)
    -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x512xbf16>
  %o = tensor.empty(%T) : tensor<?x128x512xbf16>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x512xbf16>)
      keys(%window, %compressed : tensor<?x149760xi8>, tensor<?x37440xi8>) paged
      layouts = [#dsa.kv_layout<mla_584, page = 256>, #dsa.kv_layout<mla_584, page = 64>]
      indices(%recent, %selected : tensor<?x128xi32>, tensor<?x1024xi32>)
      counts(%n0, %n1 : tensor<?xi32>, tensor<?xi32>)
      sink(%sink : tensor<128xf32>) scale = 0.04419417 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}

// GLM-5: one selection serves the attention of two layers.
// CHECK-LABEL: func.func @shared_selection
// CHECK: %indices, %count = dsa.lightning_indexer
// CHECK-SAME: k = 2048
// CHECK: dsa.sparse_attention {{.*}} indices(%indices
// CHECK: dsa.sparse_attention {{.*}} indices(%indices
func.func @shared_selection(%iq: tensor<?x32x128xbf16>, %ik: tensor<?x128xbf16>,
    %w: tensor<?x32xf32>, %hi: tensor<?xi32>,
    %q0: tensor<?x64x576xbf16>, %kv0: tensor<?x576xbf16>,
    %q1: tensor<?x64x576xbf16>, %kv1: tensor<?x576xbf16>)
    -> (tensor<?x64x512xbf16>, tensor<?x64x512xbf16>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x32x128xbf16>
  %i = tensor.empty(%T) : tensor<?x2048xi32>
  %c = tensor.empty(%T) : tensor<?xi32>
  %o = tensor.empty(%T) : tensor<?x64x512xbf16>
  %l = tensor.empty(%T) : tensor<?x64xf32>
  %indices, %count = dsa.lightning_indexer
      query(%iq : tensor<?x32x128xbf16>) keys(%ik : tensor<?x128xbf16>)
      weights(%w : tensor<?x32xf32>) hi(%hi : tensor<?xi32>) k = 2048
      outs(%i, %c : tensor<?x2048xi32>, tensor<?xi32>)
  %out0, %lse0 = dsa.sparse_attention query(%q0 : tensor<?x64x576xbf16>)
      keys(%kv0 : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      counts(%count : tensor<?xi32>) scale = 0.0625 dv = 512
      outs(%o, %l : tensor<?x64x512xbf16>, tensor<?x64xf32>)
  %out1, %lse1 = dsa.sparse_attention query(%q1 : tensor<?x64x576xbf16>)
      keys(%kv1 : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      counts(%count : tensor<?xi32>) scale = 0.0625 dv = 512
      outs(%o, %l : tensor<?x64x512xbf16>, tensor<?x64xf32>)
  return %out0, %out1 : tensor<?x64x512xbf16>, tensor<?x64x512xbf16>
}

// A cache that holds the latent and the rotary part in two tensors.
// CHECK-LABEL: func.func @latent_and_rope_apart
// CHECK: dsa.sparse_attention query(%{{.*}} : tensor<?x128x512xbf16>) query_tail(%{{.*}} : tensor<?x128x64xbf16>)
// CHECK-SAME: keys(%{{.*}} : tensor<?x64x512xbf16>) key_tails(%{{.*}} : tensor<?x64x64xbf16>) paged
func.func @latent_and_rope_apart(%q: tensor<?x128x512xbf16>, %q_rope: tensor<?x128x64xbf16>,
    %latent: tensor<?x64x512xbf16>, %rope: tensor<?x64x64xbf16>, %table: tensor<1x?xi32>,
    %idx: tensor<?x2048xi32>) -> (tensor<?x128x512xf32>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x512xbf16>
  %o = tensor.empty(%T) : tensor<?x128x512xf32>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x512xbf16>)
      query_tail(%q_rope : tensor<?x128x64xbf16>) keys(%latent : tensor<?x64x512xbf16>)
      key_tails(%rope : tensor<?x64x64xbf16>) paged block_tables(%table : tensor<1x?xi32>)
      indices(%idx : tensor<?x2048xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xf32>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xf32>, tensor<?x128xf32>
}

// Tokens of many sequences in one flat list: row_ids name each row's sequence.
// CHECK-LABEL: func.func @flattened_ragged_tokens
// CHECK: dsa.lightning_indexer
// CHECK-SAME: paged block_table(%{{.*}} : tensor<?x?xi32>) row_ids(%[[IDS:[a-z0-9]+]] : tensor<?xi32>)
// CHECK-SAME: translate(%{{.*}} : tensor<?x?xi32>, page = 64) translate_row_ids(%[[IDS]] : tensor<?xi32>)
func.func @flattened_ragged_tokens(%q: tensor<?x64x128xbf16>, %pool: tensor<?x64x128xbf16>,
    %table: tensor<?x?xi32>, %slots: tensor<?x?xi32>, %seq: tensor<?xi32>,
    %w: tensor<?x64xf32>, %hi: tensor<?xi32>)
    -> (tensor<?x2048xi32>, tensor<?xi32>, tensor<?x2048xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x64x128xbf16>
  %i = tensor.empty(%T) : tensor<?x2048xi32>
  %c = tensor.empty(%T) : tensor<?xi32>
  %v = tensor.empty(%T) : tensor<?x2048xf32>
  %indices, %count, %values = dsa.lightning_indexer
      query(%q : tensor<?x64x128xbf16>) keys(%pool : tensor<?x64x128xbf16>) paged
      block_table(%table : tensor<?x?xi32>) row_ids(%seq : tensor<?xi32>)
      weights(%w : tensor<?x64xf32>) hi(%hi : tensor<?xi32>) k = 2048
      translate(%slots : tensor<?x?xi32>, page = 64)
      translate_row_ids(%seq : tensor<?xi32>)
      outs(%i, %c, %v : tensor<?x2048xi32>, tensor<?xi32>, tensor<?x2048xf32>)
  return %indices, %count, %values : tensor<?x2048xi32>, tensor<?xi32>, tensor<?x2048xf32>
}

// Keys in three shards: each selects with its own ids, the candidates are
// selected again by id, and the partial attentions are merged.
// CHECK-LABEL: func.func @three_shards
// CHECK: dsa.top_k {{.*}} ids(%{{.*}} : tensor<?x6144xi32>)
// CHECK: dsa.merge_attention parts(%{{.*}} : tensor<3x?x128x512xf32>) lses(%{{.*}} : tensor<3x?x128xf32>)
// CHECK-SAME: sink(%{{.*}} : tensor<128xf32>)
func.func @three_shards(%scores: tensor<?x6144xf32>, %ids: tensor<?x6144xi32>,
    %outs: tensor<3x?x128x512xf32>, %lses: tensor<3x?x128xf32>, %sink: tensor<128xf32>)
    -> (tensor<?x2048xi32>, tensor<?xi32>, tensor<?x128x512xf32>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %scores, %c0 : tensor<?x6144xf32>
  %i = tensor.empty(%T) : tensor<?x2048xi32>
  %c = tensor.empty(%T) : tensor<?xi32>
  %o = tensor.empty(%T) : tensor<?x128x512xf32>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x6144xf32>) k = 2048
      ids(%ids : tensor<?x6144xi32>)
      outs(%i, %c : tensor<?x2048xi32>, tensor<?xi32>)
  %out, %lse = dsa.merge_attention parts(%outs : tensor<3x?x128x512xf32>)
      lses(%lses : tensor<3x?x128xf32>) sink(%sink : tensor<128xf32>)
      outs(%o, %l : tensor<?x128x512xf32>, tensor<?x128xf32>)
  return %indices, %count, %out, %lse : tensor<?x2048xi32>, tensor<?xi32>, tensor<?x128x512xf32>, tensor<?x128xf32>
}

// Packed pages read as bf16 rows, and index pages as raw codes with scales.
// CHECK-LABEL: func.func @unpack_pages
// CHECK: %rows = dsa.unpack packed(%{{.*}} : tensor<?x41984xi8>) paged layout = <mla_656, page = 64>
// CHECK: %{{.*}}, %scales = dsa.unpack packed(%{{.*}} : tensor<?x8448xi8>) paged layout = <index_132, page = 64>
func.func @unpack_pages(%pages: tensor<?x41984xi8>, %index: tensor<?x8448xi8>)
    -> (tensor<?x64x576xbf16>, tensor<?x64x128xf8E4M3FN>, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %P = tensor.dim %pages, %c0 : tensor<?x41984xi8>
  %P1 = tensor.dim %index, %c0 : tensor<?x8448xi8>
  %init = tensor.empty(%P) : tensor<?x64x576xbf16>
  %codes = tensor.empty(%P1) : tensor<?x64x128xf8E4M3FN>
  %scales = tensor.empty(%P1) : tensor<?x64xf32>
  %rows = dsa.unpack packed(%pages : tensor<?x41984xi8>) paged
      layout = <mla_656, page = 64> outs(%init : tensor<?x64x576xbf16>)
  %raw:2 = dsa.unpack packed(%index : tensor<?x8448xi8>) paged
      layout = <index_132, page = 64>
      outs(%codes, %scales : tensor<?x64x128xf8E4M3FN>, tensor<?x64xf32>)
  return %rows, %raw#0, %raw#1 : tensor<?x64x576xbf16>, tensor<?x64x128xf8E4M3FN>, tensor<?x64xf32>
}
