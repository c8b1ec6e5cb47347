// Each constraint of dsa.lightning_indexer; C1 to C8 once, as dsa.indexer_scores has them.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @lightning_indexer_c1_mixed(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: memref<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : memref<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_inits(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected 2 or 3 inits (indices, count, optional values), but got 1 [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i : tensor<4x3xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_query_rank(%q: tensor<8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{'query' must have shape TxHixD or BxTxHixD, but is 'tensor<8x16xf32>' [C2]}}
  dsa.lightning_indexer query(%q : tensor<8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_extent(%q: tensor<4x8x16xf32>, %k: tensor<9x17xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{dimension D is 16 in 'query' but 17 in 'keys' [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x17xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_four_inits(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected 2 or 3 inits (indices, count, optional values), but got 4 [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c, %i, %c : tensor<4x3xi32>, tensor<4xi32>, tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_ids_extent(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %d: tensor<8xi32>) {
  // expected-error @below {{dimension S is 9 in 'keys' but 8 in 'ids' [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 ids(%d : tensor<8xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_ids_of_pages(%q: tensor<4x8x16xf32>, %k: tensor<9x2x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>, %d: tensor<9xi32>) {
  // expected-error @below {{dimension 0 of 'ids' is 9, but must be N*page = 10 [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x8xf32>) k = 3 ids(%d : tensor<9xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c2_slots(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x2xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{dimension 1 of 'indices' is 2, but must be 3 [C2]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x2xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c3_types(%q: tensor<4x8x16xf32>, %k: tensor<9x16xbf16>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{cannot score 'keys' of element type 'bf16'; they must be of one type [C3]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xbf16>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c4_one_tail(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<9x4xf32>) {
  // expected-error @below {{'query_tail' and 'key_tail' must be given together [C4]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) key_tail(%t : tensor<9x4xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c5_no_table(%q: tensor<4x8x16xf32>, %k: tensor<9x2x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{'paged' keys need a 'block_table' [C5]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c6_many_rows(%q: tensor<4x8x16xf32>, %k: tensor<9x2x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<2x5xi32>) {
  // expected-error @below {{'block_table' has 2 rows, but must have 1, or 'row_ids' to choose among them [C6]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_table(%t : tensor<2x5xi32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c7_no_layout(%q: tensor<4x8x16xbf16>, %k: tensor<9x16xi8>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{'keys' of element type 'i8' need a layout that describes packed rows [C7]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xbf16>) keys(%k : tensor<9x16xi8>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c8_two_scales(%q: tensor<4x8x576xbf16>, %k: tensor<9x656xi8>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %x: tensor<9xf32>) {
  // expected-error @below {{'key_scale' cannot stand beside a packed layout, which has scales of its own [C8]}}
  dsa.lightning_indexer query(%q : tensor<4x8x576xbf16>) keys(%k : tensor<9x656xi8>) layout = <mla_656> key_scale(%x : tensor<9xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c9_zero_k(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{k is 0, but must be positive and below 2^31 [C9]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 0 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c9_huge_k(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{k is 2147483648, but must be positive and below 2^31 [C9]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 2147483648 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c10_ids_rank(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %d: tensor<4x9xi32>) {
  // expected-error @below {{'ids' must have shape S, but are 'tensor<4x9xi32>' [C10]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 ids(%d : tensor<4x9xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c10_ids_scalar(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %d: tensor<i32>) {
  // expected-error @below {{'ids' must have shape S, but are 'tensor<i32>' [C10]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 ids(%d : tensor<i32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c10_ids_batched(%q: tensor<2x4x8x16xf32>, %k: tensor<2x9x16xf32>, %w: tensor<2x4x8xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %d: tensor<2x4x9xi32>) {
  // expected-error @below {{'ids' must have shape S or BxS, but are 'tensor<2x4x9xi32>' [C10]}}
  dsa.lightning_indexer query(%q : tensor<2x4x8x16xf32>) keys(%k : tensor<2x9x16xf32>) weights(%w : tensor<2x4x8xf32>) k = 3 ids(%d : tensor<2x4x9xi32>) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @lightning_indexer_c11_page(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{the page of 'translate' is -4, but must be positive and below 2^31 [C11]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 translate(%t : tensor<1x5xi32>, page = -4) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c11_huge_page(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{the page of 'translate' is 2147483648, but must be positive and below 2^31 [C11]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 translate(%t : tensor<1x5xi32>, page = 2147483648) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c11_no_page(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{'translate' needs both a table and a page [C11]}}
  "dsa.lightning_indexer"(%q, %k, %w, %t, %i, %c) <{k = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 2>}> : (tensor<4x8x16xf32>, tensor<9x16xf32>, tensor<4x8xf32>, tensor<1x5xi32>, tensor<4x3xi32>, tensor<4xi32>) -> (tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c12_no_table(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{'translate_row_ids' need 'translate' [C12]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 translate_row_ids(%r : tensor<4xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c12_batched(%q: tensor<2x4x8x16xf32>, %k: tensor<2x9x16xf32>, %w: tensor<2x4x8xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %t: tensor<2x5xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{'translate_row_ids' need an op without batch: a batched op reads the table row of its batch entry [C12]}}
  dsa.lightning_indexer query(%q : tensor<2x4x8x16xf32>) keys(%k : tensor<2x9x16xf32>) weights(%w : tensor<2x4x8xf32>) k = 3 translate(%t : tensor<2x5xi32>, page = 2) translate_row_ids(%r : tensor<4xi32>) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @lightning_indexer_c12_many_rows(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<3x5xi32>) {
  // expected-error @below {{'translate' has 3 rows, but must have 1, or 'translate_row_ids' to choose among them [C12]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 translate(%t : tensor<3x5xi32>, page = 2) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c13_count_type(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xf32>) {
  // expected-error @below {{'count' are of element type 'f32', but must be i32 [C13]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xf32>)
  return
}

// -----

func.func @lightning_indexer_c13_indices_type(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{'indices' are of element type 'f32', but must be i32 [C13]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xf32>, tensor<4xi32>)
  return
}

// -----

func.func @lightning_indexer_c13_values_type(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %v: tensor<4x3xbf16>) {
  // expected-error @below {{'values' are of element type 'bf16', but must be f32 [C13]}}
  dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c, %v : tensor<4x3xi32>, tensor<4xi32>, tensor<4x3xbf16>)
  return
}
