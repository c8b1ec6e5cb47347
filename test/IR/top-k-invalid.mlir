// One negative test or more for each constraint of dsa.top_k.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @top_k_c1_mixed(%s: tensor<4x9xf32>, %i: memref<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : memref<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c1_encoding(%s: tensor<4x9xf32, "sparse">, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<4x9xf32, "sparse">' [C1]}}
  dsa.top_k scores(%s : tensor<4x9xf32, "sparse">) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c1_encoded_init(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32, "sparse">) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<4xi32, "sparse">' [C1]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32, "sparse">)
  return
}

// -----

func.func @top_k_c2_one_init(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected 2 or 3 inits (indices, count, optional values), but got 1 [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i : tensor<4x3xi32>)
  return
}

// -----

func.func @top_k_c2_rank(%s: tensor<9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{'scores' must have shape TxS or BxTxS, but are 'tensor<9xf32>' [C2]}}
  dsa.top_k scores(%s : tensor<9xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c2_rows(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<5xi32>) {
  // expected-error @below {{dimension T is 4 in 'scores' but 5 in 'count' [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<5xi32>)
  return
}

// -----

func.func @top_k_c2_slots(%s: tensor<4x9xf32>, %i: tensor<4x2xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{dimension 1 of 'indices' is 2, but must be 3 [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : tensor<4x2xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c2_bounds(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %lo: tensor<4x1xi32>) {
  // expected-error @below {{'lo' must have shape T, but is 'tensor<4x1xi32>' [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 lo(%lo : tensor<4x1xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c2_four_inits(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected 2 or 3 inits (indices, count, optional values), but got 4 [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c, %i, %c : tensor<4x3xi32>, tensor<4xi32>, tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c2_values_slots(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %v: tensor<4x2xf32>) {
  // expected-error @below {{dimension 1 of 'values' is 2, but must be 3 [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c, %v : tensor<4x3xi32>, tensor<4xi32>, tensor<4x2xf32>)
  return
}

// -----

func.func @top_k_c2_ids_extent(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %d: tensor<4x8xi32>) {
  // expected-error @below {{dimension S is 9 in 'scores' but 8 in 'ids' [C2]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 ids(%d : tensor<4x8xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c2_ids_batch(%s: tensor<2x4x9xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %d: tensor<4x9xi32>) {
  // expected-error @below {{dimension B is 2 in 'scores' but 4 in 'ids' [C2]}}
  dsa.top_k scores(%s : tensor<2x4x9xf32>) k = 3 ids(%d : tensor<4x9xi32>) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @top_k_c2_batched_table(%s: tensor<2x4x9xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{dimension B is 2 in 'scores' but 1 in 'translate' [C2]}}
  dsa.top_k scores(%s : tensor<2x4x9xf32>) k = 3 translate(%t : tensor<1x5xi32>, page = 2) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @top_k_c3_zero_k(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{k is 0, but must be positive and below 2^31 [C3]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 0 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c3_huge_k(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{k is 2147483648, but must be positive and below 2^31 [C3]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 2147483648 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c3_negative_k(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{k is -1, but must be positive and below 2^31 [C3]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = -1 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c4_ids_rank(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %d: tensor<1x4x9xi32>) {
  // expected-error @below {{'ids' must have shape S or TxS, but are 'tensor<1x4x9xi32>' [C4]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 ids(%d : tensor<1x4x9xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c4_ids_batched(%s: tensor<2x4x9xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %d: tensor<i32>) {
  // expected-error @below {{'ids' must have shape S, BxS or BxTxS, but are 'tensor<i32>' [C4]}}
  dsa.top_k scores(%s : tensor<2x4x9xf32>) k = 3 ids(%d : tensor<i32>) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @top_k_c5_zero_page(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{the page of 'translate' is 0, but must be positive and below 2^31 [C5]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 translate(%t : tensor<1x5xi32>, page = 0) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c5_no_page(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{'translate' needs both a table and a page [C5]}}
  "dsa.top_k"(%s, %t, %i, %c) <{k = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 1, 0, 2>}> : (tensor<4x9xf32>, tensor<1x5xi32>, tensor<4x3xi32>, tensor<4xi32>) -> (tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c5_huge_page(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<1x5xi32>) {
  // expected-error @below {{the page of 'translate' is 2147483648, but must be positive and below 2^31 [C5]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 translate(%t : tensor<1x5xi32>, page = 2147483648) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c5_no_table(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  // expected-error @below {{'translate' needs both a table and a page [C5]}}
  "dsa.top_k"(%s, %i, %c) <{k = 3 : i64, translate_page = 2 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 2>}> : (tensor<4x9xf32>, tensor<4x3xi32>, tensor<4xi32>) -> (tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c6_no_table(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{'translate_row_ids' need 'translate' [C6]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 translate_row_ids(%r : tensor<4xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c6_batched(%s: tensor<2x4x9xf32>, %i: tensor<2x4x3xi32>, %c: tensor<2x4xi32>, %t: tensor<2x5xi32>, %r: tensor<4xi32>) {
  // expected-error @below {{'translate_row_ids' need an op without batch: a batched op reads the table row of its batch entry [C6]}}
  dsa.top_k scores(%s : tensor<2x4x9xf32>) k = 3 translate(%t : tensor<2x5xi32>, page = 2) translate_row_ids(%r : tensor<4xi32>) outs(%i, %c : tensor<2x4x3xi32>, tensor<2x4xi32>)
  return
}

// -----

func.func @top_k_c6_many_rows(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %t: tensor<3x5xi32>) {
  // expected-error @below {{'translate' has 3 rows, but must have 1, or 'translate_row_ids' to choose among them [C6]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 translate(%t : tensor<3x5xi32>, page = 2) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c7_indices_type(%s: tensor<4x9xf32>, %i: tensor<4x3xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{'indices' are of element type 'f32', but must be i32 [C7]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : tensor<4x3xf32>, tensor<4xi32>)
  return
}

// -----

func.func @top_k_c7_values_type(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>, %v: tensor<4x3xbf16>) {
  // expected-error @below {{'values' are of element type 'bf16', but must be f32 [C7]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c, %v : tensor<4x3xi32>, tensor<4xi32>, tensor<4x3xbf16>)
  return
}

// -----

func.func @top_k_c7_count_type(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xf32>) {
  // expected-error @below {{'count' are of element type 'f32', but must be i32 [C7]}}
  dsa.top_k scores(%s : tensor<4x9xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xf32>)
  return
}
