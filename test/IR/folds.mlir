// Folds that look true and are not: each op stays.
// RUN: dsa-opt %s --canonicalize --cse | FileCheck %s

// Scores may be NaN or -inf, so k >= S does not select all positions.
// CHECK-LABEL: func.func @negative_k_exceeds_positions
// CHECK: dsa.top_k
func.func @negative_k_exceeds_positions(%s: tensor<4x3xf32>, %i: tensor<4x9xi32>, %c: tensor<4xi32>)
    -> (tensor<4x9xi32>, tensor<4xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<4x3xf32>) k = 9
      outs(%i, %c : tensor<4x9xi32>, tensor<4xi32>)
  return %indices, %count : tensor<4x9xi32>, tensor<4xi32>
}

// A single partial is not the result: an lse of +inf makes both NaN, out of an
// empty partial is replaced by 0, and out may be of another type.
// CHECK-LABEL: func.func @negative_merge_of_one
// CHECK: dsa.merge_attention
func.func @negative_merge_of_one(%p: tensor<1x4x2x8xf32>, %s: tensor<1x4x2xf32>,
    %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) -> (tensor<4x2x8xf32>, tensor<4x2xf32>) {
  %out, %lse = dsa.merge_attention parts(%p : tensor<1x4x2x8xf32>) lses(%s : tensor<1x4x2xf32>)
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %out, %lse : tensor<4x2x8xf32>, tensor<4x2xf32>
}

// Counts of 0 make every row empty: out is 0, not what the init holds.
// CHECK-LABEL: func.func @negative_counts_of_zero
// CHECK: dsa.sparse_attention
func.func @negative_counts_of_zero(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %i: tensor<4x3xi32>,
    %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) -> tensor<4x2x8xf32> {
  %n = arith.constant dense<0> : tensor<4xi32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<4x3xi32>) counts(%n : tensor<4xi32>) scale = 1.0 dv = 8
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %out : tensor<4x2x8xf32>
}

// Weights of 0 do not make scores 0: 0·inf and 0·NaN are NaN.
// CHECK-LABEL: func.func @negative_weights_of_zero
// CHECK: dsa.indexer_scores
func.func @negative_weights_of_zero(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %o: tensor<4x9xf32>)
    -> tensor<4x9xf32> {
  %w = arith.constant dense<0.0> : tensor<4x2xf32>
  %scores = dsa.indexer_scores query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      weights(%w : tensor<4x2xf32>) outs(%o : tensor<4x9xf32>)
  return %scores : tensor<4x9xf32>
}
