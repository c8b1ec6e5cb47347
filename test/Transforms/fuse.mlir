// Scores that only a selection reads become one op with it.
//
// RUN: dsa-opt %s --dsa-fuse --split-input-file | FileCheck %s
// RUN: dsa-opt %s --dsa-fuse --split-input-file --remarks-filter=dsa \
// RUN:   --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: fuse.mlir:[[#@LINE+8]]:{{.*}}remark: [Passed] dsa-fuse {{.*}}"fused with the scores it selects from"
// CHECK-LABEL: func.func @select
// CHECK-NOT: dsa.indexer_scores
// CHECK: dsa.lightning_indexer query(%arg0 : tensor<8x4x16xf32>) keys(%arg1 : tensor<99x16xf32>) weights(%arg2 : tensor<8x4xf32>) k = 7 outs(%arg4, %arg5
func.func @select(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>, %w: tensor<8x4xf32>,
    %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}

// -----

// Every clause of both ops carries over; the larger lo and the smaller hi count.
// CHECK-LABEL: func.func @every_clause
// CHECK-SAME: %[[LO:arg[0-9]+]]: tensor<?x3xi32>, %[[HI:arg[0-9]+]]: tensor<?x3xi32>, %[[LO2:arg[0-9]+]]: tensor<?x3xi32>
// CHECK: %[[MAX:.*]] = linalg.max ins(%[[LO]], %[[LO2]] : tensor<?x3xi32>, tensor<?x3xi32>)
// CHECK: dsa.lightning_indexer
// CHECK-SAME: keys(%{{.*}} : tensor<?x264xi8>) paged layout = <index_132, page = 2>
// CHECK-SAME: block_table(%arg5 : tensor<?x?xi32>)
// CHECK-SAME: lo(%[[MAX]] : tensor<?x3xi32>) hi(%[[HI]] : tensor<?x3xi32>) activation = none
// CHECK-SAME: k = 7 ids(%arg7 : tensor<?x?xi32>) translate(%arg8 : tensor<?x?xi32>, page = 64)
// CHECK-SAME: order = score_descending
// CHECK-SAME: outs(%{{.*}} : tensor<?x3x7xi32>, tensor<?x3xi32>, tensor<?x3x7xf32>)
func.func @every_clause(%lo: tensor<?x3xi32>, %hi: tensor<?x3xi32>, %lo2: tensor<?x3xi32>,
    %q: tensor<?x3x4x128xbf16>, %k: tensor<?x264xi8>, %t: tensor<?x?xi32>, %w: tensor<?x3x4xf32>,
    %ids: tensor<?x?xi32>, %t2: tensor<?x?xi32>, %s: tensor<?x3x?xf32>, %i: tensor<?x3x7xi32>,
    %n: tensor<?x3xi32>, %v: tensor<?x3x7xf32>) -> tensor<?x3x7xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<?x3x4x128xbf16>)
      keys(%k : tensor<?x264xi8>) paged layout = <index_132, page = 2>
      block_table(%t : tensor<?x?xi32>) weights(%w : tensor<?x3x4xf32>)
      lo(%lo : tensor<?x3xi32>) activation = none outs(%s : tensor<?x3x?xf32>)
  %indices, %count, %values = dsa.top_k scores(%scores : tensor<?x3x?xf32>) k = 7
      lo(%lo2 : tensor<?x3xi32>) hi(%hi : tensor<?x3xi32>) ids(%ids : tensor<?x?xi32>)
      translate(%t2 : tensor<?x?xi32>, page = 64) order = score_descending
      outs(%i, %n, %v : tensor<?x3x7xi32>, tensor<?x3xi32>, tensor<?x3x7xf32>)
  return %values : tensor<?x3x7xf32>
}

// -----

// A bound that both share is not bounded twice.
// CHECK-LABEL: func.func @same_bound
// CHECK-NOT: linalg
// CHECK: dsa.lightning_indexer {{.*}} hi(%arg0 : tensor<8xi32>)
func.func @same_bound(%hi: tensor<8xi32>, %q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>,
    %w: tensor<8x4xf32>, %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> tensor<8x7xi32> {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) hi(%hi : tensor<8xi32>) outs(%s : tensor<8x99xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7 hi(%hi : tensor<8xi32>)
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}

// -----

// REMARK: [Missed] dsa-fuse {{.*}}"selects from scores that have other uses"
// CHECK-LABEL: func.func @negative_scores_used_twice
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_scores_used_twice(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>,
    %w: tensor<8x4xf32>, %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> (tensor<8x7xi32>, tensor<8x99xf32>) {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices, %scores : tensor<8x7xi32>, tensor<8x99xf32>
}

// -----

// In the loop the scores would be computed n times.
// REMARK: [Missed] dsa-fuse {{.*}}"selects from scores of another block, which may run less often"
// CHECK-LABEL: func.func @negative_other_block
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_other_block(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>,
    %w: tensor<8x4xf32>, %s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>,
    %times: index) -> tensor<8x7xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
  %r = scf.for %x = %c0 to %times step %c1 iter_args(%init = %i) -> tensor<8x7xi32> {
    %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
        outs(%init, %n : tensor<8x7xi32>, tensor<8xi32>)
    scf.yield %indices : tensor<8x7xi32>
  }
  return %r : tensor<8x7xi32>
}

// -----

// REMARK: [Missed] dsa-fuse {{.*}}"has 'ids' for each row, which need the memory of the scores"
// CHECK-LABEL: func.func @negative_ids_for_each_row
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_ids_for_each_row(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>,
    %w: tensor<8x4xf32>, %ids: tensor<8x99xi32>, %s: tensor<8x99xf32>, %i: tensor<8x7xi32>,
    %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
      ids(%ids : tensor<8x99xi32>) outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}

// -----

// REMARK: [Missed] dsa-fuse {{.*}}"selects from scores that no dsa.indexer_scores computes"
// CHECK-LABEL: func.func @negative_scores_from_elsewhere
// CHECK: dsa.top_k
func.func @negative_scores_from_elsewhere(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>,
    %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}

// -----

// REMARK: [Missed] dsa-fuse {{.*}}"is on memrefs: fuse before bufferization"
// CHECK-LABEL: func.func @negative_memrefs
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_memrefs(%q: memref<8x4x16xf32>, %k: memref<99x16xf32>, %w: memref<8x4xf32>,
    %s: memref<8x99xf32>, %i: memref<8x7xi32>, %n: memref<8xi32>) {
  dsa.indexer_scores query(%q : memref<8x4x16xf32>) keys(%k : memref<99x16xf32>)
      weights(%w : memref<8x4xf32>) outs(%s : memref<8x99xf32>)
  dsa.top_k scores(%s : memref<8x99xf32>) k = 7 outs(%i, %n : memref<8x7xi32>, memref<8xi32>)
  return
}

// -----

// Both ops are valid; only one of them can be right about S when it runs.
// REMARK: [Missed] dsa-fuse {{.*}}"selects from S = 98 scores where 99 are computed"
// CHECK-LABEL: func.func @negative_contradicting_extents
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
func.func @negative_contradicting_extents(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>,
    %w: tensor<8x4xf32>, %ids: tensor<98xi32>, %s: tensor<8x?xf32>, %i: tensor<8x7xi32>,
    %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>) keys(%k : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x?xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x?xf32>) k = 7 ids(%ids : tensor<98xi32>)
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}
