// Constant operands that say nothing are dropped, and only those.
// RUN: dsa-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @scores_wide_bounds_and_unit_scale
// CHECK: dsa.indexer_scores query(%{{[^)]*}}) keys(%{{[^)]*}}) weights(%{{[^)]*}}) outs(
func.func @scores_wide_bounds_and_unit_scale(%q: tensor<2x3x8xf32>, %k: tensor<9x8xf32>,
    %w: tensor<2x3xf32>, %o: tensor<2x9xf32>) -> tensor<2x9xf32> {
  %lo = arith.constant dense<[0, -5]> : tensor<2xi32>
  %hi = arith.constant dense<[9, 2147483647]> : tensor<2xi32>
  %s = arith.constant dense<1.0> : tensor<9xf32>
  %scores = dsa.indexer_scores query(%q : tensor<2x3x8xf32>) keys(%k : tensor<9x8xf32>)
      key_scale(%s : tensor<9xf32>) weights(%w : tensor<2x3xf32>) lo(%lo : tensor<2xi32>)
      hi(%hi : tensor<2xi32>) outs(%o : tensor<2x9xf32>)
  return %scores : tensor<2x9xf32>
}

// CHECK-LABEL: func.func @negative_scores_bounds_that_exclude
// CHECK: dsa.indexer_scores {{.*}} key_scale({{.*}} lo({{.*}} hi(
func.func @negative_scores_bounds_that_exclude(%q: tensor<2x3x8xf32>, %k: tensor<9x8xf32>,
    %w: tensor<2x3xf32>, %o: tensor<2x9xf32>) -> tensor<2x9xf32> {
  %lo = arith.constant dense<[0, 1]> : tensor<2xi32>
  %hi = arith.constant dense<[9, 8]> : tensor<2xi32>
  %s = arith.constant dense<-1.0> : tensor<9xf32>
  %scores = dsa.indexer_scores query(%q : tensor<2x3x8xf32>) keys(%k : tensor<9x8xf32>)
      key_scale(%s : tensor<9xf32>) weights(%w : tensor<2x3xf32>) lo(%lo : tensor<2xi32>)
      hi(%hi : tensor<2xi32>) outs(%o : tensor<2x9xf32>)
  return %scores : tensor<2x9xf32>
}

// How many positions there are is not known, so hi may exclude some.
// CHECK-LABEL: func.func @negative_indexer_dynamic_positions
// CHECK: dsa.lightning_indexer
// CHECK-NOT: lo(
// CHECK-SAME: hi(
func.func @negative_indexer_dynamic_positions(%q: tensor<2x3x8xf32>, %k: tensor<?x8xf32>,
    %w: tensor<2x3xf32>, %i: tensor<2x4xi32>, %c: tensor<2xi32>) -> tensor<2x4xi32> {
  %lo = arith.constant dense<0> : tensor<2xi32>
  %hi = arith.constant dense<1000> : tensor<2xi32>
  %indices, %count = dsa.lightning_indexer query(%q : tensor<2x3x8xf32>) keys(%k : tensor<?x8xf32>)
      weights(%w : tensor<2x3xf32>) lo(%lo : tensor<2xi32>) hi(%hi : tensor<2xi32>) k = 4
      outs(%i, %c : tensor<2x4xi32>, tensor<2xi32>)
  return %indices : tensor<2x4xi32>
}

// CHECK-LABEL: func.func @top_k_wide_bounds
// CHECK: dsa.top_k scores(%{{[^)]*}}) k = 4 outs(
func.func @top_k_wide_bounds(%s: tensor<2x9xf32>, %i: tensor<2x4xi32>, %c: tensor<2xi32>)
    -> tensor<2x4xi32> {
  %lo = arith.constant dense<0> : tensor<2xi32>
  %hi = arith.constant dense<9> : tensor<2xi32>
  %indices, %count = dsa.top_k scores(%s : tensor<2x9xf32>) k = 4 lo(%lo : tensor<2xi32>)
      hi(%hi : tensor<2xi32>) outs(%i, %c : tensor<2x4xi32>, tensor<2xi32>)
  return %indices : tensor<2x4xi32>
}

// CHECK-LABEL: func.func @attention_all_slots_and_empty_sink
// CHECK: dsa.sparse_attention
// CHECK-NOT: counts(
// CHECK-NOT: sink(
// CHECK: return
func.func @attention_all_slots_and_empty_sink(%q: tensor<2x3x8xf32>, %k: tensor<9x8xf32>,
    %i: tensor<2x4xi32>, %o: tensor<2x3x8xf32>, %l: tensor<2x3xf32>) -> tensor<2x3x8xf32> {
  %n = arith.constant dense<[4, 7]> : tensor<2xi32>
  %none = arith.constant dense<0xFF800000> : tensor<3xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<2x4xi32>) counts(%n : tensor<2xi32>) sink(%none : tensor<3xf32>)
      scale = 1.0 dv = 8 outs(%o, %l : tensor<2x3x8xf32>, tensor<2x3xf32>)
  return %out : tensor<2x3x8xf32>
}

// One set counts all its slots, the other does not, and counts are given for
// every set or none.
// CHECK-LABEL: func.func @negative_attention_slots_of_one_set
// CHECK: dsa.sparse_attention {{.*}} counts({{.*}} sink(
func.func @negative_attention_slots_of_one_set(%q: tensor<2x3x8xf32>, %k: tensor<9x8xf32>,
    %i: tensor<2x4xi32>, %o: tensor<2x3x8xf32>, %l: tensor<2x3xf32>) -> tensor<2x3x8xf32> {
  %n = arith.constant dense<4> : tensor<2xi32>
  %m = arith.constant dense<3> : tensor<2xi32>
  %some = arith.constant dense<[0xFF800000, 0.0, 0xFF800000]> : tensor<3xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<2x3x8xf32>)
      keys(%k, %k : tensor<9x8xf32>, tensor<9x8xf32>)
      indices(%i, %i : tensor<2x4xi32>, tensor<2x4xi32>)
      counts(%n, %m : tensor<2xi32>, tensor<2xi32>) sink(%some : tensor<3xf32>)
      scale = 1.0 dv = 8 outs(%o, %l : tensor<2x3x8xf32>, tensor<2x3xf32>)
  return %out : tensor<2x3x8xf32>
}

// CHECK-LABEL: func.func @merge_empty_sink
// CHECK: dsa.merge_attention parts(%{{[^)]*}}) lses(%{{[^)]*}}) outs(
func.func @merge_empty_sink(%p: tensor<2x4x3x8xf32>, %s: tensor<2x4x3xf32>, %o: tensor<4x3x8xf32>,
    %l: tensor<4x3xf32>) -> tensor<4x3x8xf32> {
  %none = arith.constant dense<0xFF800000> : tensor<3xf32>
  %out, %lse = dsa.merge_attention parts(%p : tensor<2x4x3x8xf32>) lses(%s : tensor<2x4x3xf32>)
      sink(%none : tensor<3xf32>) outs(%o, %l : tensor<4x3x8xf32>, tensor<4x3xf32>)
  return %out : tensor<4x3x8xf32>
}

// A splat of more elements than anyone could look at is looked at once.
// CHECK-LABEL: func.func @huge_splat
// CHECK: dsa.top_k scores(%arg0 : tensor<4611686018427387904x9xf32>) k = 4 outs(
func.func @huge_splat(%s: tensor<4611686018427387904x9xf32>, %i: tensor<4611686018427387904x4xi32>,
    %n: tensor<4611686018427387904xi32>) -> tensor<4611686018427387904x4xi32> {
  %lo = arith.constant dense<0> : tensor<4611686018427387904xi32>
  %indices, %count = dsa.top_k scores(%s : tensor<4611686018427387904x9xf32>) k = 4
      lo(%lo : tensor<4611686018427387904xi32>)
      outs(%i, %n : tensor<4611686018427387904x4xi32>, tensor<4611686018427387904xi32>)
  return %indices : tensor<4611686018427387904x4xi32>
}
