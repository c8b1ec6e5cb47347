// Selections from, and attention to, parts of the keys.
//
// RUN: dsa-opt %s --dsa-split="position-parts=3 slot-parts=2" --split-input-file | FileCheck %s
// RUN: dsa-opt %s --dsa-split="position-parts=3 slot-parts=2" --split-input-file \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: dsa-opt %s --dsa-split=position-parts=3 --split-input-file \
// RUN:   | FileCheck %s --check-prefix=POSITIONS
// RUN: dsa-opt %s --dsa-split=slot-parts=2 --split-input-file | FileCheck %s --check-prefix=SLOTS
// RUN: not dsa-opt %s --dsa-split=position-parts=0 --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ZERO
// RUN: not dsa-opt %s --dsa-split=position-parts=4611686018427387904 --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MANY
// RUN: not dsa-opt %s --dsa-split=slot-parts=-1 --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NEGATIVE

// ZERO: error: position-parts is 0, but must be 1 to 1024
// MANY: error: position-parts is 4611686018427387904, but must be 1 to 1024
// NEGATIVE: error: slot-parts is -1, but must be 1 to 1024

// REMARK: split.mlir:[[#@LINE+16]]:{{.*}}remark: [Passed] dsa-split {{.*}}"split into 3 parts"
// CHECK-LABEL: func.func @select
// CHECK: %[[IDS:.*]] = tensor.empty() : tensor<8x21xi32>
// CHECK: %[[VALUES:.*]] = tensor.empty() : tensor<8x21xf32>
// CHECK: %[[KEYS:.*]] = tensor.extract_slice %arg1[0, 0] [33, 16] [1, 1]
// CHECK: dsa.lightning_indexer {{.*}} keys(%[[KEYS]] : tensor<33x16xf32>) {{.*}} k = 7 ids({{.*}} : tensor<33xi32>) outs(
// CHECK: dsa.lightning_indexer
// CHECK: %[[KEYS2:.*]] = tensor.extract_slice %arg1[66, 0] [33, 16] [1, 1]
// CHECK: dsa.lightning_indexer {{.*}} keys(%[[KEYS2]] : tensor<33x16xf32>)
// CHECK: %[[INDICES:.*]], %{{.*}} = dsa.top_k scores(%{{.*}} : tensor<8x21xf32>) k = 7 ids(%{{.*}} : tensor<8x21xi32>) order = score_descending outs(%arg3, %arg4
// CHECK: return %[[INDICES]]
// SLOTS-LABEL: func.func @select
// SLOTS-NOT: dsa.top_k
// SLOTS: return
func.func @select(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>, %w: tensor<8x4xf32>,
    %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %indices, %count = dsa.lightning_indexer query(%q : tensor<8x4x16xf32>)
      keys(%k : tensor<99x16xf32>) weights(%w : tensor<8x4xf32>) k = 7 order = score_descending
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}

// -----

// Parts of pages begin at pages, bounds count from there, the table is
// translated through at the end, and what it cannot translate is no candidate.
// CHECK-LABEL: func.func @paged
// CHECK-SAME: %[[TABLE:arg[0-9]+]]: tensor<2x40xi32>, %[[HI:arg[0-9]+]]: tensor<2x8xi32>, %[[TARGET:arg[0-9]+]]: tensor<2x5xi32>
// CHECK: %[[COLUMNS:.*]] = tensor.extract_slice %[[TABLE]][0, 14] [2, 14] [1, 1]
// CHECK: %[[SHIFTED:.*]] = linalg.generic {{.*}} ins(%[[HI]] : tensor<2x8xi32>)
// CHECK: arith.maxsi
// CHECK: arith.subi
// CHECK: %[[IDS:.*]] = linalg.generic
// CHECK: tensor.extract %[[TARGET]]
// CHECK: dsa.lightning_indexer {{.*}} block_table(%[[COLUMNS]] : tensor<2x14xi32>) {{.*}} hi(%[[SHIFTED]] : tensor<2x8xi32>) k = 7 ids(%[[IDS]] : tensor<2x56xi32>) outs(
// CHECK: tensor.extract_slice %[[TABLE]][0, 28] [2, 12] [1, 1]
// CHECK: dsa.top_k scores({{.*}}) k = 7 ids({{.*}} : tensor<2x8x21xi32>) translate(%[[TARGET]] : tensor<2x5xi32>, page = 16)
func.func @paged(%table: tensor<2x40xi32>, %hi: tensor<2x8xi32>, %target: tensor<2x5xi32>,
    %q: tensor<2x8x4x16xf32>, %k: tensor<?x4x16xf32>, %w: tensor<2x8x4xf32>,
    %i: tensor<2x8x7xi32>, %n: tensor<2x8xi32>) -> tensor<2x8x7xi32> {
  %indices, %count = dsa.lightning_indexer query(%q : tensor<2x8x4x16xf32>)
      keys(%k : tensor<?x4x16xf32>) paged block_table(%table : tensor<2x40xi32>)
      weights(%w : tensor<2x8x4xf32>) hi(%hi : tensor<2x8xi32>) k = 7
      translate(%target : tensor<2x5xi32>, page = 16)
      outs(%i, %n : tensor<2x8x7xi32>, tensor<2x8xi32>)
  return %indices : tensor<2x8x7xi32>
}

// -----

// Partial results are f32, the sink is added once, the result is rounded once.
// REMARK: [Passed] dsa-split {{.*}}"split into 2 parts"
// CHECK-LABEL: func.func @attend
// CHECK: %[[OUTS:.*]] = tensor.empty() : tensor<2x8x3x8xf32>
// CHECK: %[[FIRST:.*]] = tensor.extract_slice %arg2[0, 0] [8, 4] [1, 1]
// CHECK: dsa.sparse_attention {{.*}} indices(%[[FIRST]] : tensor<8x4xi32>) counts(%arg3 : tensor<8xi32>) scale
// CHECK: %[[LAST:.*]] = tensor.extract_slice %arg2[0, 4] [8, 3] [1, 1]
// CHECK: %[[COUNTS:.*]] = linalg.generic {{.*}} ins(%arg3 : tensor<8xi32>)
// CHECK: dsa.sparse_attention {{.*}} indices(%[[LAST]] : tensor<8x3xi32>) counts(%[[COUNTS]] : tensor<8xi32>) scale
// CHECK: dsa.merge_attention parts({{.*}} : tensor<2x8x3x8xf32>) lses({{.*}} : tensor<2x8x3xf32>) sink(%arg4 : tensor<3xf32>) outs({{.*}} : tensor<8x3x8xf32>, tensor<8x3xf32>)
// CHECK: arith.truncf
// POSITIONS-LABEL: func.func @attend
// POSITIONS-NOT: dsa.merge_attention
// POSITIONS: return
func.func @attend(%q: tensor<8x3x12xbf16>, %kv: tensor<99x12xbf16>, %idx: tensor<8x7xi32>,
    %counts: tensor<8xi32>, %sink: tensor<3xf32>, %o: tensor<8x3x8xbf16>,
    %l: tensor<8x3xf32>) -> tensor<8x3x8xbf16> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xbf16>) keys(%kv : tensor<99x12xbf16>)
      indices(%idx : tensor<8x7xi32>) counts(%counts : tensor<8xi32>) sink(%sink : tensor<3xf32>)
      scale = 0.5 dv = 8 outs(%o, %l : tensor<8x3x8xbf16>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xbf16>
}

// -----

// A key set whose slots are all in earlier parts is left out.
// CHECK-LABEL: func.func @sets_of_different_size
// CHECK: dsa.sparse_attention {{.*}} indices(%{{.*}}, %{{.*}} : tensor<8x4xi32>, tensor<8x1xi32>)
// CHECK: dsa.sparse_attention {{.*}} keys(%arg1 : tensor<99x12xf32>) indices(%{{.*}} : tensor<8x3xi32>) scale
func.func @sets_of_different_size(%q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
    %idx: tensor<8x7xi32>, %one: tensor<8x1xi32>, %o: tensor<8x3x8xf32>, %l: tensor<8x3xf32>)
    -> tensor<8x3x8xf32> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>)
      keys(%kv, %kv : tensor<99x12xf32>, tensor<99x12xf32>)
      indices(%idx, %one : tensor<8x7xi32>, tensor<8x1xi32>)
      scale = 0.5 dv = 8 outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xf32>
}

// -----

// REMARK: [Missed] dsa-split {{.*}}"has 'translate_row_ids': the ids of its parts would take as much memory as its scores"
// REMARK: [Missed] dsa-split {{.*}}"has pages of dynamic extent, at which parts cannot begin"
// REMARK: [Missed] dsa-split {{.*}}"has 1 positions, too few for parts"
// REMARK: [Missed] dsa-split {{.*}}"has parts that select 99 candidates, from which to select takes as long"
// REMARK: [Missed] dsa-split {{.*}}"has at most one slot per key set"
// REMARK: [Missed] dsa-split {{.*}}"is on memrefs: split before bufferization"
// REMARK: [Missed] dsa-split {{.*}}"has no parts: 'scores' has no elements"
// CHECK-LABEL: func.func @negative
// CHECK-NOT: tensor.extract_slice
// CHECK: return
func.func @negative(%s: tensor<8x99xf32>, %t: tensor<3x5xi32>, %r: tensor<8xi32>,
    %q: tensor<8x4x16xf32>, %pool: tensor<?x?x16xf32>, %table: tensor<1x?xi32>,
    %w: tensor<8x4xf32>, %s1: tensor<8x1xf32>, %aq: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
    %idx: tensor<8x1xi32>, %ms: memref<8x99xf32>, %mi: memref<8x7xi32>, %mn: memref<8xi32>,
    %i33: tensor<8x33xi32>, %s0: tensor<8x0xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>, %o: tensor<8x3x8xf32>,
    %l: tensor<8x3xf32>) {
  %0:2 = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7 translate(%t : tensor<3x5xi32>, page = 4)
      translate_row_ids(%r : tensor<8xi32>) outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %1:2 = dsa.lightning_indexer query(%q : tensor<8x4x16xf32>) keys(%pool : tensor<?x?x16xf32>)
      paged block_table(%table : tensor<1x?xi32>) weights(%w : tensor<8x4xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %2:2 = dsa.top_k scores(%s1 : tensor<8x1xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %half:2 = dsa.top_k scores(%s : tensor<8x99xf32>) k = 33
      outs(%i33, %n : tensor<8x33xi32>, tensor<8xi32>)
  %3:2 = dsa.sparse_attention query(%aq : tensor<8x3x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%idx : tensor<8x1xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  dsa.top_k scores(%ms : memref<8x99xf32>) k = 7 outs(%mi, %mn : memref<8x7xi32>, memref<8xi32>)
  %4:2 = dsa.top_k scores(%s0 : tensor<8x0xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return
}
