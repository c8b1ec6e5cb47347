// One negative test or more for each constraint of dsa.merge_attention.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @merge_attention_c1_mixed(%p: tensor<3x4x2x8xf32>, %s: memref<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : memref<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c1_encoding(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32, "sparse">, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<3x4x2xf32, "sparse">' [C1]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32, "sparse">) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_one_init(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{expected 2 inits (out, lse), but got 1 [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o : tensor<4x2x8xf32>)
  return
}

// -----

func.func @merge_attention_c2_rank(%p: tensor<4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'parts' must have shape NxTxHxDv or NxBxTxHxDv, but are 'tensor<4x2x8xf32>' [C2]}}
  dsa.merge_attention parts(%p : tensor<4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_partials(%p: tensor<3x4x2x8xf32>, %s: tensor<2x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension N0 is 3 in 'parts[0]' but 2 in 'lses[0]' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<2x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_lses_rank(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'lses[0]' must have shape N0xTxH, but is 'tensor<3x4xf32>' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_two_ranks(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %r: tensor<3x1x4x2x8xf32>) {
  // expected-error @below {{'parts[1]' must have shape N1xTxHxDv, but is 'tensor<3x1x4x2x8xf32>' [C2]}}
  dsa.merge_attention parts(%p, %r : tensor<3x4x2x8xf32>, tensor<3x1x4x2x8xf32>) lses(%s, %s : tensor<3x4x2xf32>, tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_batched_out(%p: tensor<3x2x4x2x8xf32>, %s: tensor<3x2x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'out' must have shape BxTxHxDv, but is 'tensor<4x2x8xf32>' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x2x4x2x8xf32>) lses(%s : tensor<3x2x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_columns(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x9xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{dimension Dv is 8 in 'parts[0]' but 9 in 'out' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x9xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_sink(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %x: tensor<3xf32>) {
  // expected-error @below {{dimension H is 2 in 'parts[0]' but 3 in 'sink' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) sink(%x : tensor<3xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c2_batched_sink(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %x: tensor<4x2xf32>) {
  // expected-error @below {{'sink' must have shape H, but is 'tensor<4x2xf32>' [C2]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) sink(%x : tensor<4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c3_none(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{expected at least one part [C3]}}
  "dsa.merge_attention"(%o, %l) <{operandSegmentSizes = array<i32: 0, 0, 0, 2>}> : (tensor<4x2x8xf32>, tensor<4x2xf32>) -> (tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c3_lses(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{got 1 'lses' for 2 'parts' [C3]}}
  dsa.merge_attention parts(%p, %p : tensor<3x4x2x8xf32>, tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c4_two_types(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>, %r: tensor<3x4x2x8xbf16>) {
  // expected-error @below {{'parts' are of element type 'bf16', but must all be f32, all f16 or all bf16 [C4]}}
  dsa.merge_attention parts(%p, %r : tensor<3x4x2x8xf32>, tensor<3x4x2x8xbf16>) lses(%s, %s : tensor<3x4x2xf32>, tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c4_f8(%p: tensor<3x4x2x8xf8E4M3FN>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'parts' are of element type 'f8E4M3FN', but must all be f32, all f16 or all bf16 [C4]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf8E4M3FN>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c5_out(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xbf16>, %l: tensor<4x2xf32>) {
  // expected-error @below {{'out' is of element type 'bf16', but must be f32 or as the parts 'f32' [C5]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xbf16>, tensor<4x2xf32>)
  return
}

// -----

func.func @merge_attention_c5_lse(%p: tensor<3x4x2x8xf32>, %s: tensor<3x4x2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xbf16>) {
  // expected-error @below {{'lse' is of element type 'bf16', but must be f32 [C5]}}
  dsa.merge_attention parts(%p : tensor<3x4x2x8xf32>) lses(%s : tensor<3x4x2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xbf16>)
  return
}
