// What has no parts says so.
//
// RUN: dsa-opt %s --transform-interpreter --split-input-file --verify-diagnostics

func.func @within_a_page(%q: tensor<?x4x16xf32>, %k: tensor<?x8x16xf32>, %t: tensor<1x?xi32>,
    %w: tensor<?x4xf32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @below {{'dsa.indexer_scores' op cannot be tiled: a part of the positions of paged keys must begin and end at a multiple of the page, 8}}
  // expected-error @below {{op faild to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %scores = dsa.indexer_scores query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x8x16xf32>) paged
      block_table(%t : tensor<1x?xi32>) weights(%w : tensor<?x4xf32>) outs(%init : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.indexer_scores"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 12]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @page_not_known(%q: tensor<?x4x16xf32>, %k: tensor<?x?x16xf32>, %t: tensor<1x?xi32>,
    %w: tensor<?x4xf32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @below {{must begin and end at a multiple of the page, whose extent is not static}}
  // expected-error @below {{op faild to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %scores = dsa.indexer_scores query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x?x16xf32>) paged
      block_table(%t : tensor<1x?xi32>) weights(%w : tensor<?x4xf32>) outs(%init : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.indexer_scores"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 64]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @bounds_on_memrefs(%q: memref<8x4x16xf32>, %k: memref<96x16xf32>, %w: memref<8x4xf32>,
    %hi: memref<8xi32>, %init: memref<8x96xf32>) {
  // expected-error @below {{cannot be tiled: 'hi' has to count from the start of the part, which is done on tensors only}}
  // expected-error @below {{op faild to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  dsa.indexer_scores query(%q : memref<8x4x16xf32>) keys(%k : memref<96x16xf32>)
      weights(%w : memref<8x4xf32>) hi(%hi : memref<8xi32>) outs(%init : memref<8x96xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.indexer_scores"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 32]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @no_elements(%s: tensor<8x0xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> tensor<8x7xi32> {
  // expected-error @below {{cannot be tiled: 'scores' has no elements, so it has no parts}}
  // expected-error @below {{op faild to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %indices, %count = dsa.top_k scores(%s : tensor<8x0xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.top_k"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
