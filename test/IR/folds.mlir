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

// Bounds that hold all positions could go, but not the op with them: scores may
// be NaN or -inf.
// CHECK-LABEL: func.func @negative_bounds_of_all
// CHECK: dsa.top_k
func.func @negative_bounds_of_all(%s: tensor<4x3xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>)
    -> (tensor<4x3xi32>, tensor<4xi32>) {
  %lo = arith.constant dense<0> : tensor<4xi32>
  %hi = arith.constant dense<3> : tensor<4xi32>
  %indices, %count = dsa.top_k scores(%s : tensor<4x3xf32>) k = 3 lo(%lo : tensor<4xi32>)
      hi(%hi : tensor<4xi32>) outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return %indices, %count : tensor<4x3xi32>, tensor<4xi32>
}

// An empty range is not the init either: its scores are -inf.
// CHECK-LABEL: func.func @negative_empty_range
// CHECK: dsa.indexer_scores {{.*}} hi(%{{.*}}) outs(
func.func @negative_empty_range(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %w: tensor<4x2xf32>,
    %o: tensor<4x9xf32>) -> tensor<4x9xf32> {
  %hi = arith.constant dense<0> : tensor<4xi32>
  %scores = dsa.indexer_scores query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      weights(%w : tensor<4x2xf32>) hi(%hi : tensor<4xi32>) outs(%o : tensor<4x9xf32>)
  return %scores : tensor<4x9xf32>
}

// Ids that are their positions but for one that is negative, and a table that
// maps each page to itself but knows four positions of five, do not go away.
// CHECK-LABEL: func.func @negative_almost_identity
// CHECK: dsa.top_k {{.*}} ids(%{{.*}}) outs(
// CHECK: dsa.top_k {{.*}} translate(%{{.*}}, page = 2) outs(
func.func @negative_almost_identity(%s: tensor<4x5xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>)
    -> (tensor<4x3xi32>, tensor<4x3xi32>) {
  %d = arith.constant dense<[0, 1, -1, 3, 4]> : tensor<5xi32>
  %t = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %a:2 = dsa.top_k scores(%s : tensor<4x5xf32>) k = 3 ids(%d : tensor<5xi32>)
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %b:2 = dsa.top_k scores(%s : tensor<4x5xf32>) k = 3 translate(%t : tensor<1x2xi32>, page = 2)
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return %a#0, %b#0 : tensor<4x3xi32>, tensor<4x3xi32>
}

// The order of the slots is a result: two selections that differ in it are two.
// CHECK-LABEL: func.func @negative_orders
// CHECK: dsa.top_k {{.*}} k = 3 outs(
// CHECK: dsa.top_k {{.*}} k = 3 order = score_descending outs(
func.func @negative_orders(%s: tensor<4x5xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>)
    -> (tensor<4x3xi32>, tensor<4x3xi32>) {
  %a:2 = dsa.top_k scores(%s : tensor<4x5xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %b:2 = dsa.top_k scores(%s : tensor<4x5xf32>) k = 3 order = score_descending
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return %a#0, %b#0 : tensor<4x3xi32>, tensor<4x3xi32>
}

// Scores that are -inf are never selected, and the slots of them are -1: not
// what the init holds.
// CHECK-LABEL: func.func @negative_nothing_selectable
// CHECK: dsa.top_k
func.func @negative_nothing_selectable(%i: tensor<4x3xi32>, %c: tensor<4xi32>) -> (tensor<4x3xi32>, tensor<4xi32>) {
  %s = arith.constant dense<0xFF800000> : tensor<4x5xf32>
  %indices, %count = dsa.top_k scores(%s : tensor<4x5xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return %indices, %count : tensor<4x3xi32>, tensor<4xi32>
}

// A score matrix with another use is not fused into the selection.
// CHECK-LABEL: func.func @negative_fusion
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_fusion(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %w: tensor<4x2xf32>,
    %o: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) -> (tensor<4x9xf32>, tensor<4x3xi32>) {
  %scores = dsa.indexer_scores query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      weights(%w : tensor<4x2xf32>) outs(%o : tensor<4x9xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return %scores, %indices : tensor<4x9xf32>, tensor<4x3xi32>
}

// A sink of 0 has the weight 1, and one of +inf does not make out 0: a NaN logit
// makes it NaN.
// CHECK-LABEL: func.func @negative_constant_sinks
// CHECK: dsa.sparse_attention {{.*}} sink(%{{.*}}) scale = 1.000000e+00 dv = 8 outs(
// CHECK: dsa.sparse_attention {{.*}} sink(%{{.*}}) scale = 1.000000e+00 dv = 8 outs(
func.func @negative_constant_sinks(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %i: tensor<4x3xi32>,
    %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) -> (tensor<4x2x8xf32>, tensor<4x2x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %infinite = arith.constant dense<0x7F800000> : tensor<2xf32>
  %a:2 = dsa.sparse_attention query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<4x3xi32>) sink(%zero : tensor<2xf32>) scale = 1.0 dv = 8
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  %b:2 = dsa.sparse_attention query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<4x3xi32>) sink(%infinite : tensor<2xf32>) scale = 1.0 dv = 8
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %a#0, %b#0 : tensor<4x2x8xf32>, tensor<4x2x8xf32>
}

// Two equal key sets are not one: duplicates count as often as they appear.
// CHECK-LABEL: func.func @negative_equal_sets
// CHECK: dsa.sparse_attention {{.*}} keys(%{{.*}}, %{{.*}} : {{.*}}) indices(%{{.*}}, %{{.*}} : {{.*}}) scale
func.func @negative_equal_sets(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %i: tensor<4x3xi32>,
    %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x2x8xf32>)
      keys(%k, %k : tensor<9x8xf32>, tensor<9x8xf32>) indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>)
      scale = 1.0 dv = 8 outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %lse : tensor<4x2xf32>
}

// No slot at all: out is 0 and lse -inf, not the inits.
// CHECK-LABEL: func.func @negative_no_slots
// CHECK: dsa.sparse_attention
func.func @negative_no_slots(%q: tensor<4x2x8xf32>, %k: tensor<9x8xf32>, %i: tensor<4x0xi32>,
    %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>) -> (tensor<4x2x8xf32>, tensor<4x2xf32>) {
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x2x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<4x0xi32>) scale = 1.0 dv = 8
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %out, %lse : tensor<4x2x8xf32>, tensor<4x2xf32>
}

// No partial at all is not the init, and a sink moves one partial.
// CHECK-LABEL: func.func @negative_merge_of_none
// CHECK: dsa.merge_attention parts(%{{.*}} : tensor<0x4x2x8xf32>)
// CHECK: dsa.merge_attention {{.*}} sink(
func.func @negative_merge_of_none(%p: tensor<0x4x2x8xf32>, %s: tensor<0x4x2xf32>, %p1: tensor<1x4x2x8xf32>,
    %s1: tensor<1x4x2xf32>, %x: tensor<2xf32>, %o: tensor<4x2x8xf32>, %l: tensor<4x2xf32>)
    -> (tensor<4x2x8xf32>, tensor<4x2x8xf32>) {
  %a:2 = dsa.merge_attention parts(%p : tensor<0x4x2x8xf32>) lses(%s : tensor<0x4x2xf32>)
      outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  %b:2 = dsa.merge_attention parts(%p1 : tensor<1x4x2x8xf32>) lses(%s1 : tensor<1x4x2xf32>)
      sink(%x : tensor<2xf32>) outs(%o, %l : tensor<4x2x8xf32>, tensor<4x2xf32>)
  return %a#0, %b#0 : tensor<4x2x8xf32>, tensor<4x2x8xf32>
}

// Bytes are codes of f8, not integers, and the rows of a page with padding are
// not its bytes in another type.
// CHECK-LABEL: func.func @negative_unpack_is_no_cast
// CHECK: dsa.unpack packed(%{{.*}} : tensor<9x16xi8>) layout
// CHECK: dsa.unpack packed(%{{.*}} : tensor<9x40xi8>) paged layout
func.func @negative_unpack_is_no_cast(%p: tensor<9x16xi8>, %u: tensor<9x40xi8>, %o: tensor<9x16xf32>,
    %r: tensor<9x2x4xf32>) -> (tensor<9x16xf32>, tensor<9x2x4xf32>) {
  %a = dsa.unpack packed(%p : tensor<9x16xi8>) layout = <[16 x f8E4M3FN], record_bytes = 16>
      outs(%o : tensor<9x16xf32>)
  %b = dsa.unpack packed(%u : tensor<9x40xi8>) paged
      layout = <[4 x f32], record_bytes = 16, page = 2, page_bytes = 40>
      outs(%r : tensor<9x2x4xf32>)
  return %a, %b : tensor<9x16xf32>, tensor<9x2x4xf32>
}
