// Bounds of extents are found through the ops: upstream drops a minimum that
// one side always wins.
//
// RUN: dsa-opt %s --transform-interpreter | FileCheck %s

module attributes {transform.with_named_sequence} {

// The init does not know the extent, but the query does.
// CHECK-LABEL: func.func @from_another_operand
// CHECK-NOT:   affine.min
// CHECK:       return %{{c4.*}} : index
func.func @from_another_operand(%q: tensor<4x3x8xf32>, %k: tensor<?x8xf32>, %w: tensor<?x3xf32>,
    %s: tensor<?x?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %scores = dsa.indexer_scores query(%q : tensor<4x3x8xf32>) keys(%k : tensor<?x8xf32>)
      weights(%w : tensor<?x3xf32>) outs(%s : tensor<?x?xf32>)
  %d = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %m = affine.min affine_map<(d0) -> (d0, 4)>(%d)
  return %m : index
}

// S is N*64, and N at most 3: at most 192.
// CHECK-LABEL: func.func @from_a_constant_factor
// CHECK:       %[[S:.*]] = tensor.dim %scores
// CHECK:       %[[MIN:.*]] = affine.min {{.*}}[%[[S]]]
// CHECK:       return %[[S]], %[[MIN]] : index, index
func.func @from_a_constant_factor(%q: tensor<4x3x128xbf16>, %k: tensor<?x8448xi8>,
    %t: tensor<1x3xi32>, %w: tensor<4x3xf32>, %s: tensor<4x?xf32>, %x: index)
    -> (index, index) {
  %c1 = arith.constant 1 : index
  %n = affine.min affine_map<(d0) -> (d0, 3)>(%x)
  %table = tensor.extract_slice %t[0, 0] [1, %n] [1, 1] : tensor<1x3xi32> to tensor<1x?xi32>
  %scores = dsa.indexer_scores query(%q : tensor<4x3x128xbf16>) keys(%k : tensor<?x8448xi8>)
      paged layout = <index_132, page = 64> block_table(%table : tensor<1x?xi32>)
      weights(%w : tensor<4x3xf32>) outs(%s : tensor<4x?xf32>)
  %d = tensor.dim %scores, %c1 : tensor<4x?xf32>
  %m = affine.min affine_map<(d0) -> (d0, 193)>(%d)
  %less = affine.min affine_map<(d0) -> (d0, 191)>(%d)
  return %m, %less : index, index
}

// CHECK-LABEL: func.func @from_an_attribute
// CHECK:       return %{{c5.*}} : index
func.func @from_an_attribute(%s: tensor<4x?xf32>, %i: tensor<4x?xi32>, %n: tensor<4xi32>)
    -> index {
  %c1 = arith.constant 1 : index
  %indices, %count = dsa.top_k scores(%s : tensor<4x?xf32>) k = 5
      outs(%i, %n : tensor<4x?xi32>, tensor<4xi32>)
  %d = tensor.dim %indices, %c1 : tensor<4x?xi32>
  %m = affine.min affine_map<(d0) -> (d0, 5)>(%d)
  return %m : index
}

// The init knows what no other operand does.
// CHECK-LABEL: func.func @from_the_init
// CHECK:       %[[S:.*]] = tensor.dim %scores
// CHECK:       return %[[S]] : index
func.func @from_the_init(%q: tensor<4x3x8xf32>, %k: tensor<?x?x8xf32>, %t: tensor<1x?xi32>,
    %w: tensor<4x3xf32>, %x: index) -> index {
  %c1 = arith.constant 1 : index
  %n = affine.min affine_map<(d0) -> (d0, 100)>(%x)
  %s = tensor.empty(%n) : tensor<4x?xf32>
  %scores = dsa.indexer_scores query(%q : tensor<4x3x8xf32>) keys(%k : tensor<?x?x8xf32>) paged
      block_table(%t : tensor<1x?xi32>) weights(%w : tensor<4x3xf32>) outs(%s : tensor<4x?xf32>)
  %d = tensor.dim %scores, %c1 : tensor<4x?xf32>
  %m = affine.min affine_map<(d0) -> (d0, 101)>(%d)
  return %m : index
}

// N and the page are both unknown: nothing bounds their product.
// CHECK-LABEL: func.func @negative_unknown_product
// CHECK:       %[[MIN:.*]] = affine.min
// CHECK:       return %[[MIN]] : index
func.func @negative_unknown_product(%q: tensor<4x3x8xf32>, %k: tensor<?x?x8xf32>,
    %t: tensor<1x?xi32>, %w: tensor<4x3xf32>, %s: tensor<4x?xf32>) -> index {
  %c1 = arith.constant 1 : index
  %scores = dsa.indexer_scores query(%q : tensor<4x3x8xf32>) keys(%k : tensor<?x?x8xf32>) paged
      block_table(%t : tensor<1x?xi32>) weights(%w : tensor<4x3xf32>) outs(%s : tensor<4x?xf32>)
  %d = tensor.dim %scores, %c1 : tensor<4x?xf32>
  %m = affine.min affine_map<(d0) -> (d0, 100)>(%d)
  return %m : index
}

transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
  %min = transform.structured.match ops{["affine.min"]} in %module
      : (!transform.any_op) -> !transform.any_op
  transform.affine.simplify_min_max_affine_ops %min : !transform.any_op
  transform.yield
}
}
