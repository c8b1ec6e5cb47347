// One negative test for each constraint of dsa.indexer_scores.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @indexer_scores_c1_mixed(%q: tensor<4x8x16xf32>, %k: memref<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : memref<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c1_encoding(%q: tensor<4x8x16xf32, "sparse">, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<4x8x16xf32, "sparse">' [C1]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32, "sparse">) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c2_two_inits(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{expected 1 init, the scores, but got 2 [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e, %e : tensor<4x9xf32>, tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c2_init_type(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xbf16>) {
  // expected-error @below {{'outs' are of element type 'bf16', but scores are f32 [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xbf16>)
  return
}

// -----

func.func @indexer_scores_c2_query_rank(%q: tensor<8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query' must have shape TxHixD or BxTxHixD, but is 'tensor<8x16xf32>' [C2]}}
  dsa.indexer_scores query(%q : tensor<8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c2_extent(%q: tensor<4x8x16xf32>, %k: tensor<9x17xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{dimension D is 16 in 'query' but 17 in 'keys' [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x17xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c2_operand_rank(%q: tensor<2x4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<2x4x8xf32>, %e: tensor<2x4x9xf32>) {
  // expected-error @below {{'keys' must have shape BxSxD, but is 'tensor<9x16xf32>' [C2]}}
  dsa.indexer_scores query(%q : tensor<2x4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<2x4x8xf32>) outs(%e : tensor<2x4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c2_positions(%q: tensor<4x8x16xf32>, %k: tensor<9x32x16xf32>, %t: tensor<1x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x161xf32>) {
  // expected-error @below {{dimension 1 of 'outs' is 161, but must be N*page = 160 [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x32x16xf32>) paged block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x161xf32>)
  return
}

// -----

func.func @indexer_scores_c2_empty_page(%q: tensor<4x8x16xf32>, %k: tensor<9x0x16xf32>, %t: tensor<1x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x0xf32>) {
  // expected-error @below {{dimension page is 0, but must be at least 1 [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x0x16xf32>) paged block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x0xf32>)
  return
}

// -----

func.func @indexer_scores_c2_packed_width(%q: tensor<4x8x64xbf16>, %k: tensor<9x264xi8>, %t: tensor<1x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x10xf32>) {
  // expected-error @below {{dimension 2 of 'query' is 64, but must be 128 [C2]}}
  dsa.indexer_scores query(%q : tensor<4x8x64xbf16>) keys(%k : tensor<9x264xi8>) paged layout = <index_132, page = 2> block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x10xf32>)
  return
}

// -----

func.func @indexer_scores_c3_two_types(%q: tensor<4x8x16xf32>, %k: tensor<9x16xbf16>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query' of element type 'f32' cannot score 'keys' of element type 'bf16'; they must be of one type [C3]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xbf16>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c3_f8_keys(%q: tensor<4x8x16xf16>, %k: tensor<9x16xf8E4M3FN>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query' of element type 'f16' cannot score 'keys' of element type 'f8E4M3FN'; f8E4M3FN and bf16 can [C3]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf16>) keys(%k : tensor<9x16xf8E4M3FN>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c3_packed_keys(%q: tensor<4x8x576xf32>, %k: tensor<9x656xi8>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query' of element type 'f32' cannot score 'keys' of element type 'i8'; bf16 and f8E4M3FN can [C3]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xf32>) keys(%k : tensor<9x656xi8>) layout = <mla_656> weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c4_one_tail(%q: tensor<4x8x16xf32>, %qt: tensor<4x8x4xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query_tail' and 'key_tail' must be given together [C4]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) query_tail(%qt : tensor<4x8x4xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c4_tail_types(%q: tensor<4x8x16xf32>, %qt: tensor<4x8x4xf32>, %k: tensor<9x16xf32>, %kt: tensor<9x4xbf16>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'query_tail' and 'key_tail' are 'f32' and 'bf16', but must be 'f32' and 'f32' as 'query' and 'keys' [C4]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) query_tail(%qt : tensor<4x8x4xf32>) keys(%k : tensor<9x16xf32>) key_tail(%kt : tensor<9x4xbf16>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c4_tail_packed(%q: tensor<4x8x576xbf16>, %qt: tensor<4x8x4xbf16>, %k: tensor<9x656xi8>, %kt: tensor<9x4xbf16>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'key_tail' cannot stand beside a packed layout, whose fields are all columns of the key [C4]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) query_tail(%qt : tensor<4x8x4xbf16>) keys(%k : tensor<9x656xi8>) key_tail(%kt : tensor<9x4xbf16>) layout = <mla_656> weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c5_no_table(%q: tensor<4x8x16xf32>, %k: tensor<9x2x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x18xf32>) {
  // expected-error @below {{'paged' keys need a 'block_table' [C5]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x18xf32>)
  return
}

// -----

func.func @indexer_scores_c5_not_paged(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %t: tensor<1x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'block_table' needs 'paged' keys [C5]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c6_no_table(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %r: tensor<4xi32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'row_ids' need 'block_table' [C6]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) row_ids(%r : tensor<4xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c6_batched(%q: tensor<2x4x8x16xf32>, %k: tensor<9x2x16xf32>, %t: tensor<2x5xi32>, %r: tensor<4xi32>, %w: tensor<2x4x8xf32>, %e: tensor<2x4x10xf32>) {
  // expected-error @below {{'row_ids' need an op without batch: a batched op reads the table row of its batch entry [C6]}}
  dsa.indexer_scores query(%q : tensor<2x4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_table(%t : tensor<2x5xi32>) row_ids(%r : tensor<4xi32>) weights(%w : tensor<2x4x8xf32>) outs(%e : tensor<2x4x10xf32>)
  return
}

// -----

func.func @indexer_scores_c6_many_rows(%q: tensor<4x8x16xf32>, %k: tensor<9x2x16xf32>, %t: tensor<3x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x10xf32>) {
  // expected-error @below {{'block_table' has 3 rows, but must have 1, or 'row_ids' to choose among them [C6]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_table(%t : tensor<3x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x10xf32>)
  return
}

// -----

func.func @indexer_scores_c7_no_layout(%q: tensor<4x8x576xbf16>, %k: tensor<9x656xi8>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'keys' of element type 'i8' need a layout that describes packed rows [C7]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x656xi8>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c7_layout_of_floats(%q: tensor<4x8x576xbf16>, %k: tensor<9x576xbf16>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'keys' of element type 'bf16' must be i8, as its layout describes packed rows [C7]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x576xbf16>) layout = <mla_656> weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c7_dense(%q: tensor<4x8x16xbf16>, %k: tensor<9x16xbf16>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'layout' cannot be dense: leave it out [C7]}}
  dsa.indexer_scores query(%q : tensor<4x8x16xbf16>) keys(%k : tensor<9x16xbf16>) layout = <dense> weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c7_flat_with_page(%q: tensor<4x8x576xbf16>, %k: tensor<9x656xi8>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{the layout of 'keys' has a page, but the op is not paged [C7]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x656xi8>) layout = <mla_656, page = 1> weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}

// -----

func.func @indexer_scores_c7_paged_without_page(%q: tensor<4x8x576xbf16>, %k: tensor<9x656xi8>, %t: tensor<1x5xi32>, %w: tensor<4x8xf32>, %e: tensor<4x5xf32>) {
  // expected-error @below {{the layout of 'keys' has no page, but the op is paged [C7]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x656xi8>) paged layout = <mla_656> block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x5xf32>)
  return
}

// -----

func.func @indexer_scores_c8_two_scales(%q: tensor<4x8x576xbf16>, %k: tensor<9x656xi8>, %s: tensor<9xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>) {
  // expected-error @below {{'key_scale' cannot stand beside a packed layout, which has scales of its own [C8]}}
  dsa.indexer_scores query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x656xi8>) layout = <mla_656> key_scale(%s : tensor<9xf32>) weights(%w : tensor<4x8xf32>) outs(%e : tensor<4x9xf32>)
  return
}
