// Parts of ops, by upstream's tiling and fusion. That they compute the same is
// tested by execution (test/Integration/test_rewrites.py).
//
// RUN: dsa-opt %s --transform-interpreter --split-input-file --canonicalize --cse | FileCheck %s

// A part of the positions has a part of the keys, and bounds count from its
// start: clamped first, so that the difference cannot wrap around.
// CHECK-LABEL: func.func @positions
// CHECK: scf.for %[[T:[a-z0-9]+]] = {{.*}} step %c4
// CHECK: scf.for %[[S:[a-z0-9]+]] = {{.*}} step %c32
// CHECK-DAG: %[[ROWS:.*]] = affine.min {{.*}}(%[[T]])
// CHECK-DAG: %[[POSITIONS:.*]] = affine.min {{.*}}(%[[S]])
// CHECK-DAG: %[[Q:.*]] = tensor.extract_slice %arg0[%[[T]], 0, 0] [%[[ROWS]], 4, 16]
// CHECK-DAG: %[[K:.*]] = tensor.extract_slice %arg1[%[[S]], 0] [%[[POSITIONS]], 16]
// CHECK-DAG: %[[LO:.*]] = tensor.extract_slice %arg3[%[[T]]] [%[[ROWS]]]
// CHECK-DAG: %[[START:.*]] = arith.index_cast %[[S]] : index to i32
// CHECK: %[[SHIFTED:.*]] = linalg.generic {{.*}} ins(%[[LO]] :
// CHECK: %[[CLAMPED:.*]] = arith.maxsi %{{.*}}, %c0_i32
// CHECK: arith.subi %[[CLAMPED]], %[[START]]
// CHECK: dsa.indexer_scores query(%[[Q]] : tensor<?x4x16xf32>) keys(%[[K]] : tensor<?x16xf32>) {{.*}} lo(%[[SHIFTED]] : tensor<?xi32>) outs(
func.func @positions(%q: tensor<?x4x16xf32>, %k: tensor<?x16xf32>, %w: tensor<?x4xf32>,
    %lo: tensor<?xi32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) lo(%lo : tensor<?xi32>) outs(%init : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.indexer_scores"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [4, 32]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A part of paged positions has columns of the block table; the pool is whole.
// CHECK-LABEL: func.func @pages
// CHECK: scf.for %[[B:[a-z0-9]+]] = {{.*}} step %c1
// CHECK: scf.for %[[S:[a-z0-9]+]] = {{.*}} step %c128
// CHECK: %[[COLUMN:.*]] = affine.apply {{.*}}(%[[S]])
// CHECK: %[[TABLE:.*]] = tensor.extract_slice %arg2[%[[B]], %[[COLUMN]]] [1, %{{.*}}] [1, 1]
// CHECK: dsa.indexer_scores {{.*}} keys(%arg1 : tensor<?x8448xi8>) {{.*}} block_table(%[[TABLE]] : tensor<1x?xi32>)
func.func @pages(%q: tensor<?x2x64x128xbf16>, %pages: tensor<?x8448xi8>, %table: tensor<?x?xi32>,
    %w: tensor<?x2x64xf32>, %init: tensor<?x2x?xf32>) -> tensor<?x2x?xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<?x2x64x128xbf16>)
      keys(%pages : tensor<?x8448xi8>) paged layout = <index_132, page = 64>
      block_table(%table : tensor<?x?xi32>) weights(%w : tensor<?x2x64xf32>)
      outs(%init : tensor<?x2x?xf32>)
  return %scores : tensor<?x2x?xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.indexer_scores"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [1, 0, 128]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Heads are a part of the queries, of the sink and of the results.
// CHECK-LABEL: func.func @heads
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (2, 3)
// CHECK-DAG: %[[T:.*]] = affine.apply {{.*}}(%[[I]])
// CHECK-DAG: %[[H:.*]] = affine.apply {{.*}}(%[[J]])
// CHECK-DAG: %[[Q:.*]] = tensor.extract_slice %arg0[%[[T]], %[[H]], 0] [4, 2, 12]
// CHECK-DAG: %[[IDX:.*]] = tensor.extract_slice %arg2[%[[T]], 0] [4, 7]
// CHECK-DAG: %[[SINK:.*]] = tensor.extract_slice %arg3[%[[H]]] [2]
// CHECK: dsa.sparse_attention query(%[[Q]] : {{.*}}) keys(%arg1 : tensor<99x12xf32>) indices(%[[IDX]] : tensor<4x7xi32>) sink(%[[SINK]] : tensor<2xf32>)
func.func @heads(%q: tensor<8x6x12xf32>, %kv: tensor<99x12xf32>, %idx: tensor<8x7xi32>,
    %sink: tensor<6xf32>, %o: tensor<8x6x8xf32>, %l: tensor<8x6xf32>) -> tensor<8x6x8xf32> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x6x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%idx : tensor<8x7xi32>) sink(%sink : tensor<6xf32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x6x8xf32>, tensor<8x6xf32>)
  return %out : tensor<8x6x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.sparse_attention"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [4, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// On memrefs parts are subviews.
// CHECK-LABEL: func.func @buffers
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK-DAG: %[[S:.*]] = memref.subview %arg0[%[[T]], 0] [4, 99]
// CHECK-DAG: %[[HI:.*]] = memref.subview %arg1[%[[T]]] [4]
// CHECK-DAG: %[[I:.*]] = memref.subview %arg2[%[[T]], 0] [4, 7]
// CHECK: dsa.top_k scores(%[[S]] : {{.*}}) k = 7 hi(%[[HI]] : {{.*}}) outs(%[[I]],
func.func @buffers(%s: memref<8x99xf32>, %hi: memref<8xi32>, %i: memref<8x7xi32>,
    %n: memref<8xi32>) {
  dsa.top_k scores(%s : memref<8x99xf32>) k = 7 hi(%hi : memref<8xi32>)
      outs(%i, %n : memref<8x7xi32>, memref<8xi32>)
  return
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

// -----

// A producer joins the loop of its consumer. (That a consumer joins the loop of
// its producer is shown in test/Transforms/Functions.cpp.)
// CHECK-LABEL: func.func @producer
// CHECK: scf.for
// CHECK: dsa.top_k {{.*}} outs({{.*}} : tensor<4x7xi32>, tensor<4xi32>)
// CHECK: dsa.sparse_attention {{.*}} indices(%{{.*}} : tensor<4x7xi32>)
// CHECK-NOT: dsa.
// CHECK: return
func.func @producer(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>,
    %q: tensor<8x6x12xf32>, %kv: tensor<99x12xf32>, %o: tensor<8x6x8xf32>, %l: tensor<8x6xf32>)
    -> tensor<8x6x8xf32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x6x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%indices : tensor<8x7xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x6x8xf32>, tensor<8x6xf32>)
  return %out : tensor<8x6x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.sparse_attention"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [4, 0] {apply_cleanup}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A dimension that does not exist is valid IR, and says nothing of a part.
// CHECK-LABEL: func.func @no_such_dimension
// CHECK: dsa.top_k
func.func @no_such_dimension(%s: tensor<?x9xf32>, %i: tensor<?x7xi32>, %n: tensor<?xi32>,
    %o: tensor<?x?xi32>) -> tensor<?x?xi32> {
  %c9 = arith.constant 9 : index
  %indices, %count = dsa.top_k scores(%s : tensor<?x9xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  %d = tensor.dim %n, %c9 : tensor<?xi32>
  %r = scf.forall (%x) in (4) shared_outs(%a = %o) -> tensor<?x?xi32> {
    %slice = tensor.extract_slice %indices[0, 0] [%d, 7] [1, 1]
        : tensor<?x7xi32> to tensor<?x7xi32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %slice into %a[%x, 0] [%d, 7] [1, 1]
          : tensor<?x7xi32> into tensor<?x?xi32>
    }
  }
  return %r : tensor<?x?xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dsa.top_k"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %loop = transform.structured.match ops{["scf.forall"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %fused, %new_loop = transform.structured.fuse_into_containing_op %op into %loop
        : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
