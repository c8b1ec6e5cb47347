// One negative test or more for each constraint of dsa.sparse_attention.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @sparse_attention_c1_mixed(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: memref<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : memref<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c1_encoding(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %x: tensor<2xf32, "sparse">) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<2xf32, "sparse">' [C1]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) sink(%x : tensor<2xf32, "sparse">) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_one_init(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{expected 2 inits (out, lse), but got 1 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o : tensor<4x2x8xf32>)
  return
}

// -----

func.func @sparse_attention_c2_query_rank(%q: tensor<4x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'query' must have shape TxHxDk or BxTxHxDk, but is 'tensor<4x16xf32>' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_columns(%q: tensor<4x2x16xf32>, %k: tensor<9x17xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension Dk is 16 in 'query' but 17 in 'keys[0]' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x17xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_out_width(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x9xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension 2 of 'out' is 9, but must be 8 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x9xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_heads(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %x: tensor<3xf32>) {
  // expected-error @below {{dimension H is 2 in 'query' but 3 in 'sink' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) sink(%x : tensor<3xf32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_batched_sink(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %x: tensor<4x2xf32>) {
  // expected-error @below {{'sink' must have shape H, but is 'tensor<4x2xf32>' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) sink(%x : tensor<4x2xf32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_two_packed_widths(%q: tensor<4x2x512xbf16>, %k: tensor<9x18816xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xbf16>, %l: tensor<4x2xf32>, %m: tensor<9x20992xi8>) {
  // expected-error @below {{rows of 'keys[1]' have 576 elements, but those of an earlier packed set 512 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x512xbf16>) keys(%k, %m : tensor<9x18816xi8>, tensor<9x20992xi8>) paged layouts = [#dsa.kv_layout<mla_584, page = 32>, #dsa.kv_layout<mla_656, page = 32>] indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xbf16>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_keys_rank(%q: tensor<4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'keys[0]' must have shape S0xDk, but is 'tensor<9x2x16xf32>' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x2x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_paged_keys_rank(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{'keys[0]' must have shape P0xpage0xDk, but is 'tensor<9x16xf32>' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) paged block_tables(%t : tensor<1x5xi32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_empty_page(%q: tensor<4x2x16xf32>, %k: tensor<9x0x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension page0 is 0, but must be at least 1 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x0x16xf32>) paged indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_batched_table(%q: tensor<2x4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<2x4x3xi32>, %o: tensor<2x4x2x8xf32>, %l: tensor<2x4x2xf32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{dimension B is 2 in 'query' but 1 in 'block_tables[0]' [C2]}}
  dsa.sparse_attention query(%q : tensor<2x4x2x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_tables(%t : tensor<1x5xi32>) indices(%i : tensor<2x4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<2x4x2x8xf32>, tensor<2x4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_two_tables_rows(%q: tensor<4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<2x5xi32>, %u: tensor<3x5xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{dimension R is 2 in 'block_tables[0]' but 3 in 'block_tables[1]' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %k : tensor<9x2x16xf32>, tensor<9x2x16xf32>) paged block_tables(%t, %u : tensor<2x5xi32>, tensor<3x5xi32>) row_ids(%r : tensor<4xi32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_counts(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %n: tensor<5xi32>) {
  // expected-error @below {{dimension T is 4 in 'query' but 5 in 'counts[0]' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) counts(%n : tensor<5xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_values_rows(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %v: tensor<8x8xf32>) {
  // expected-error @below {{dimension S0 is 9 in 'keys[0]' but 8 in 'values[0]' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) values(%v : tensor<8x8xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_values_width(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %v: tensor<9x7xf32>) {
  // expected-error @below {{dimension 1 of 'values[0]' is 7, but must be 8 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) values(%v : tensor<9x7xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_tail_columns(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf32>, %u: tensor<9x5xf32>) {
  // expected-error @below {{dimension D2 is 4 in 'query_tail' but 5 in 'key_tails[0]' [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf32>) keys(%k : tensor<9x16xf32>) key_tails(%u : tensor<9x5xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_packed_width(%q: tensor<4x2x575xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension 2 of 'query' is 575, but must be 576 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x575xbf16>) keys(%k : tensor<9x656xi8>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c2_packed_record(%q: tensor<4x2x576xbf16>, %k: tensor<9x657xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension 1 of 'keys[0]' is 657, but must be 656 [C2]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x657xi8>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_no_sets(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{expected at least one key set [C3]}}
  "dsa.sparse_attention"(%q, %o, %l) <{scale = 1.0 : f32, dv = 8 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2>}> : (tensor<4x2x16xf32>, tensor<4x2x8xf32>, tensor<4x2xf32>) -> (tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_indices(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{got 2 'indices' for 1 key sets [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_counts_of_one_set(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %n: tensor<4xi32>) {
  // expected-error @below {{got 1 'counts' for 2 key sets; give none or one per set [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %k : tensor<9x16xf32>, tensor<9x16xf32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) counts(%n : tensor<4xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_layouts(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{got 2 'layouts' for 1 key sets; give none or one per set [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) layouts = [#dsa.kv_layout<dense>, #dsa.kv_layout<dense>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_empty_layouts(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'layouts' are empty: leave them out [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) layouts = [] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_values_of_one_set(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %v: tensor<9x8xf32>) {
  // expected-error @below {{got 1 'values' for 2 key sets; give none or one per set [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %k : tensor<9x16xf32>, tensor<9x16xf32>) values(%v : tensor<9x8xf32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_tables_of_one_set(%q: tensor<4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{got 1 'block_tables' for 2 key sets; give none or one per set [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %k : tensor<9x2x16xf32>, tensor<9x2x16xf32>) paged block_tables(%t : tensor<1x5xi32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c3_tails_of_one_set(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf32>, %u: tensor<9x4xf32>) {
  // expected-error @below {{got 1 'key_tails' for 2 key sets; give none or one per set [C3]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf32>) keys(%k, %k : tensor<9x16xf32>, tensor<9x16xf32>) key_tails(%u : tensor<9x4xf32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c4_f8_query(%q: tensor<4x2x16xf8E4M3FN>, %k: tensor<9x16xf8E4M3FN>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'query' is of element type 'f8E4M3FN', but must be f32, f16 or bf16 [C4]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf8E4M3FN>) keys(%k : tensor<9x16xf8E4M3FN>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c4_two_types(%q: tensor<4x2x16xf32>, %k: tensor<9x16xbf16>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'query' of element type 'f32' and 'keys[0]' of element type 'bf16' do not go together; they must be of one type [C4]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xbf16>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c4_f8_keys(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf8E4M3FN>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'query' of element type 'f32' and 'keys[0]' of element type 'f8E4M3FN' do not go together; these keys need a bf16 query [C4]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf8E4M3FN>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c4_packed_keys(%q: tensor<4x2x576xf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'query' of element type 'f16' and 'keys[0]' of element type 'i8' do not go together; these keys need a bf16 query [C4]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xf16>) keys(%k : tensor<9x656xi8>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c4_second_set(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %m: tensor<9x16xf16>) {
  // expected-error @below {{'query' of element type 'f32' and 'keys[1]' of element type 'f16' do not go together; they must be of one type [C4]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %m : tensor<9x16xf32>, tensor<9x16xf16>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c5_one_tail(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf32>) {
  // expected-error @below {{'query_tail' and 'key_tails' must be given together [C5]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c5_query_tail_type(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf16>, %u: tensor<9x4xf32>) {
  // expected-error @below {{'query_tail' is of element type 'f16', but 'query' of 'f32' [C5]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf16>) keys(%k : tensor<9x16xf32>) key_tails(%u : tensor<9x4xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c5_key_tail_type(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf32>, %u: tensor<9x4xf16>) {
  // expected-error @below {{'key_tails[0]' are of element type 'f16', but their keys of 'f32' [C5]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf32>) keys(%k : tensor<9x16xf32>) key_tails(%u : tensor<9x4xf16>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c5_packed(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xbf16>, %u: tensor<9x4xbf16>) {
  // expected-error @below {{'key_tails[0]' cannot stand beside a packed layout, whose fields are all columns of the key [C5]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) query_tail(%t : tensor<4x2x4xbf16>) keys(%k : tensor<9x656xi8>) key_tails(%u : tensor<9x4xbf16>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c5_tails_without_query_tail(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %u: tensor<9x4xf32>) {
  // expected-error @below {{'query_tail' and 'key_tails' must be given together [C5]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) key_tails(%u : tensor<9x4xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c6_not_paged(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{'block_tables' need 'paged' keys [C6]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) block_tables(%t : tensor<1x5xi32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c6_batched_slots(%q: tensor<2x4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<2x4x3xi32>, %o: tensor<2x4x2x8xf32>, %l: tensor<2x4x2xf32>) {
  // expected-error @below {{'paged' keys without 'block_tables' need an op without batch: slots belong to one pool [C6]}}
  dsa.sparse_attention query(%q : tensor<2x4x2x16xf32>) keys(%k : tensor<9x2x16xf32>) paged indices(%i : tensor<2x4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<2x4x2x8xf32>, tensor<2x4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c7_no_table(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %r: tensor<4xi32>) {
  // expected-error @below {{'row_ids' need 'block_tables' [C7]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) row_ids(%r : tensor<4xi32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c7_many_rows(%q: tensor<4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<2x5xi32>) {
  // expected-error @below {{'block_tables[0]' has 2 rows, but must have 1, or 'row_ids' to choose among them [C7]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_tables(%t : tensor<2x5xi32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c7_batched(%q: tensor<2x4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<2x4x3xi32>, %o: tensor<2x4x2x8xf32>, %l: tensor<2x4x2xf32>, %t: tensor<2x5xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{'row_ids' need an op without batch: a batched op reads the table row of its batch entry [C7]}}
  dsa.sparse_attention query(%q : tensor<2x4x2x16xf32>) keys(%k : tensor<9x2x16xf32>) paged block_tables(%t : tensor<2x5xi32>) row_ids(%r : tensor<4xi32>) indices(%i : tensor<2x4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<2x4x2x8xf32>, tensor<2x4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c7_second_table(%q: tensor<4x2x16xf32>, %k: tensor<9x2x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %t: tensor<1x5xi32>, %u: tensor<2x5xi32>) {
  // expected-error @below {{'block_tables[1]' has 2 rows, but must have 1, or 'row_ids' to choose among them [C7]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k, %k : tensor<9x2x16xf32>, tensor<9x2x16xf32>) paged block_tables(%t, %u : tensor<1x5xi32>, tensor<2x5xi32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c8_no_layout(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'keys[0]' of element type 'i8' need a layout that describes packed rows [C8]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c8_dense_i8(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'keys[0]' of element type 'i8' need a layout that describes packed rows [C8]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) layouts = [#dsa.kv_layout<dense>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c8_page(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{the layout of 'keys[0]' has a page, but the op is not paged [C8]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) layouts = [#dsa.kv_layout<mla_656, page = 1>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c8_no_page(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{the layout of 'keys[0]' has no page, but the op is paged [C8]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) paged layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c8_layout_of_floats(%q: tensor<4x2x576xbf16>, %k: tensor<9x576xbf16>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'keys[0]' of element type 'bf16' must be i8, as its layout describes packed rows [C8]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x576xbf16>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c9_values_type(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %v: tensor<9x8xbf16>) {
  // expected-error @below {{'values[0]' are of element type 'bf16', but their keys of 'f32' [C9]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) values(%v : tensor<9x8xbf16>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c9_packed(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %v: tensor<9x8xbf16>) {
  // expected-error @below {{'values[0]' cannot stand beside a packed layout, whose rows hold the values [C9]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) values(%v : tensor<9x8xbf16>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c10_zero(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{scale is 0, but must be finite and positive [C10]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 0.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c10_negative(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{scale is -1, but must be finite and positive [C10]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = -1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c10_infinite(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{scale is +Inf, but must be finite and positive [C10]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 0x7F800000 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c10_nan(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{scale is NaN, but must be finite and positive [C10]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 0x7FC00000 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c10_negative_zero(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{scale is -0, but must be finite and positive [C10]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = -0.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c11_negative(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dv is -1, but must be in [0, 2^31) [C11]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = -1 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c11_wider_than_keys(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x17xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension Dk is 16, but must be at least 17 [C11]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 17 outs(%o, %l : tensor<4x2x17xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c11_huge(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dv is 2147483648, but must be in [0, 2^31) [C11]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 2147483648 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c11_wider_than_first_piece(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x17xf32>, %l: tensor<4x2xf32>, %t: tensor<4x2x4xf32>, %u: tensor<9x4xf32>) {
  // expected-error @below {{dimension D1 is 16, but must be at least 17 [C11]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) query_tail(%t : tensor<4x2x4xf32>) keys(%k : tensor<9x16xf32>) key_tails(%u : tensor<9x4xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 17 outs(%o, %l : tensor<4x2x17xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c11_wider_than_packed(%q: tensor<4x2x576xbf16>, %k: tensor<9x656xi8>, %i: tensor<4x3xi32>, %o: tensor<4x2x577xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dv is 577, but rows of 'keys[0]' have 576 elements [C11]}}
  dsa.sparse_attention query(%q : tensor<4x2x576xbf16>) keys(%k : tensor<9x656xi8>) layouts = [#dsa.kv_layout<mla_656>] indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 577 outs(%o, %l : tensor<4x2x577xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c12_type(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{compute_type is 'f64', but must be f32, f16 or bf16 [C12]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 compute_type = f64 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c12_integer(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{compute_type is 'i8', but must be f32, f16 or bf16 [C12]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 compute_type = i8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c13_out(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xbf16>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'out' is of element type 'bf16', but must be f32 or as 'query' 'f32' [C13]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xbf16>, tensor<4x2xf32>)
  return
}

// -----

func.func @sparse_attention_c13_lse(%q: tensor<4x2x16xf32>, %k: tensor<9x16xf32>, %i: tensor<4x3xi32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf16>) {
  // expected-error @below {{'lse' is of element type 'f16', but must be f32 [C13]}}
  dsa.sparse_attention query(%q : tensor<4x2x16xf32>) keys(%k : tensor<9x16xf32>) indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf16>)
  return
}
