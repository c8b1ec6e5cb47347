// One loop over rows for all that rows need.
//
// RUN: dsa-opt %s --dsa-tile=rows=4 --split-input-file | FileCheck %s
// RUN: dsa-opt %s --dsa-tile=rows=4 --split-input-file --remarks-filter=dsa \
// RUN:   --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: dsa-opt %s --dsa-tile=rows=8 --split-input-file --remarks-filter=dsa \
// RUN:   --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=EIGHT
// RUN: dsa-opt %s --dsa-tile=rows=4 --split-input-file --eliminate-empty-tensors \
// RUN:   --one-shot-bufferize=bufferize-function-boundaries --dsa-buffer-cleanup \
// RUN:   | FileCheck %s --check-prefix=BUFFER
// RUN: not dsa-opt %s --dsa-tile=rows=0 --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ZERO

// ZERO: error: rows is 0, but must be at least 1
// REMARK: tile.mlir:[[#@LINE+17]]:{{.*}}remark: [Passed] dsa-tile {{.*}}"computed 4 rows at a time"
// EIGHT: [Missed] dsa-tile {{.*}}"has at most 8 rows, no more than a tile"
// CHECK-LABEL: func.func @layer
// CHECK: scf.for %[[ROW:[a-z0-9]+]] = %c0 to %c8 step %c4 iter_args(%[[OUT:.*]] = %arg5)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %arg0[%[[ROW]], 0, 0] [4, 4, 16] [1, 1, 1]
// CHECK: %[[I:.*]], %[[N:.*]] = dsa.lightning_indexer query(%[[SLICE]] : tensor<4x4x16xf32>) keys(%arg1
// CHECK: %[[O:.*]], %{{.*}} = dsa.sparse_attention {{.*}} indices(%[[I]] : tensor<4x7xi32>) counts(%[[N]]
// CHECK: tensor.insert_slice %[[O]] into %[[OUT]][%[[ROW]], 0, 0] [4, 3, 8]
// CHECK-NOT: dsa.
func.func @layer(%iq: tensor<8x4x16xf32>, %ik: tensor<99x16xf32>, %w: tensor<8x4xf32>,
    %q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>, %o: tensor<8x3x8xf32>,
    %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
  %i = tensor.empty() : tensor<8x7xi32>
  %n = tensor.empty() : tensor<8xi32>
  %indices, %count = dsa.lightning_indexer query(%iq : tensor<8x4x16xf32>)
      keys(%ik : tensor<99x16xf32>) weights(%w : tensor<8x4xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%indices : tensor<8x7xi32>) counts(%count : tensor<8xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xf32>
}

// -----

// Scores exist for the rows of a tile only, in tensors and in buffers, and no
// result is copied on its way.
// CHECK-LABEL: func.func @dynamic
// CHECK: scf.for
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: %[[TILE:.*]] = tensor.empty(%[[SIZE]], %{{.*}}) : tensor<?x?xf32>
// CHECK: dsa.indexer_scores {{.*}} outs(%[[TILE]] : tensor<?x?xf32>)
// CHECK: dsa.top_k
// CHECK: dsa.sparse_attention
// BUFFER-LABEL: func.func @dynamic
// BUFFER-NOT: memref<?x?xf32>
// BUFFER: scf.for
// BUFFER-NOT: memref.copy
// BUFFER: %[[SIZE:.*]] = affine.min
// BUFFER-NOT: memref.copy
// BUFFER: memref.alloc(%[[SIZE]], %{{.*}}) {{.*}} : memref<?x?xf32>
// BUFFER-NOT: memref.copy
// BUFFER: dsa.indexer_scores
// BUFFER-NOT: memref.copy
// BUFFER: dsa.top_k
// BUFFER-NOT: memref.copy
// BUFFER: dsa.sparse_attention
// BUFFER-NOT: memref.copy
// BUFFER: return
func.func @dynamic(%iq: tensor<?x4x16xf32>, %ik: tensor<?x16xf32>, %w: tensor<?x4xf32>,
    %q: tensor<?x3x12xf32>, %kv: tensor<?x12xf32>) -> (tensor<?x3x8xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x4x16xf32>
  %S = tensor.dim %ik, %c0 : tensor<?x16xf32>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x7xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %o = tensor.empty(%T) : tensor<?x3x8xf32>
  %l = tensor.empty(%T) : tensor<?x3xf32>
  %scores = dsa.indexer_scores query(%iq : tensor<?x4x16xf32>) keys(%ik : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) outs(%s : tensor<?x?xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x3x12xf32>) keys(%kv : tensor<?x12xf32>)
      indices(%indices : tensor<?x7xi32>) counts(%count : tensor<?xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<?x3x8xf32>, tensor<?x3xf32>)
  return %out, %lse : tensor<?x3x8xf32>, tensor<?x3xf32>
}

// -----

// A result that is used after the loop is put together there.
// CHECK-LABEL: func.func @indices_too
// CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[I:.*]] = %arg3, %{{.*}} = %arg5)
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[I]]
// CHECK: dsa.top_k {{.*}} outs(%[[TILE]], %{{.*}} : tensor<2x4x7xi32>, tensor<2x4xi32>)
// CHECK: return %[[LOOP]]#0, %[[LOOP]]#1
func.func @indices_too(%s: tensor<2x8x99xf32>, %q: tensor<2x8x3x12xf32>,
    %kv: tensor<2x99x12xf32>, %i: tensor<2x8x7xi32>, %n: tensor<2x8xi32>,
    %o: tensor<2x8x3x8xf32>, %l: tensor<2x8x3xf32>) -> (tensor<2x8x7xi32>, tensor<2x8x3x8xf32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<2x8x99xf32>) k = 7
      outs(%i, %n : tensor<2x8x7xi32>, tensor<2x8xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<2x8x3x12xf32>)
      keys(%kv : tensor<2x99x12xf32>) indices(%indices : tensor<2x8x7xi32>)
      counts(%count : tensor<2x8xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<2x8x3x8xf32>, tensor<2x8x3xf32>)
  return %indices, %out : tensor<2x8x7xi32>, tensor<2x8x3x8xf32>
}

// -----

// Keys are read whole, so their rows are no rows of the attention.
// REMARK: [Missed] dsa-tile {{.*}}"is used whole by an op of the loop"
// CHECK-LABEL: func.func @attend_to_results
// CHECK: scf.for
// CHECK: dsa.merge_attention
// CHECK: scf.yield
// CHECK: scf.for
// CHECK: dsa.sparse_attention
func.func @attend_to_results(%parts: tensor<3x8x1x16xf32>, %lses: tensor<3x8x1xf32>,
    %m: tensor<8x1x16xf32>, %ml: tensor<8x1xf32>, %q: tensor<8x3x16xf32>, %idx: tensor<8x7xi32>,
    %o: tensor<8x3x8xf32>, %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
  %merged, %mlse = dsa.merge_attention parts(%parts : tensor<3x8x1x16xf32>)
      lses(%lses : tensor<3x8x1xf32>) outs(%m, %ml : tensor<8x1x16xf32>, tensor<8x1xf32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x16xf32>)
      keys(%merged : tensor<8x1x16xf32>) paged indices(%idx : tensor<8x7xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xf32>
}

// -----

// REMARK: [Missed] dsa-tile {{.*}}"is used before the loop ends by an op outside of it"
// CHECK-LABEL: func.func @user_between
// CHECK: scf.for
// CHECK: dsa.top_k
// CHECK: linalg.generic
// CHECK: scf.for
// CHECK: dsa.sparse_attention
func.func @user_between(%s: tensor<8x99xf32>, %q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
    %i: tensor<8x7xi32>, %n: tensor<8xi32>, %j: tensor<8x7xi32>, %o: tensor<8x3x8xf32>,
    %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %one = arith.constant 1 : i32
  %moved = linalg.generic {
      indexing_maps = [affine_map<(t, c) -> (t, c)>, affine_map<(t, c) -> (t, c)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<8x7xi32>) outs(%j : tensor<8x7xi32>) {
  ^bb0(%index: i32, %x: i32):
    %next = arith.addi %index, %one : i32
    linalg.yield %next : i32
  } -> tensor<8x7xi32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%moved : tensor<8x7xi32>) counts(%count : tensor<8xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xf32>
}

// -----

// An init is never read, but a tensor that another op made is its storage.
// REMARK: [Missed] dsa-tile {{.*}}"is an init of an op of the loop"
// CHECK-LABEL: func.func @result_as_init
// CHECK: scf.for
// CHECK: scf.for
func.func @result_as_init(%s: tensor<8x99xf32>, %r: tensor<8x99xf32>, %i: tensor<8x7xi32>,
    %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %first, %c0 = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %second, %c1 = dsa.top_k scores(%r : tensor<8x99xf32>) k = 7
      outs(%first, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %second : tensor<8x7xi32>
}

// -----

// REMARK: [Missed] dsa-tile {{.*}}"has no rows T"
// REMARK: [Missed] dsa-tile {{.*}}"has rows without elements, which have no parts"
// REMARK: [Missed] dsa-tile {{.*}}"has no uses"
// REMARK: [Missed] dsa-tile {{.*}}"is on memrefs: tile before bufferization"
// CHECK-LABEL: func.func @negative
// CHECK-NOT: scf.for
func.func @negative(%packed: tensor<9x656xi8>, %rows: tensor<9x576xf32>, %s: tensor<8x0xf32>,
    %i: tensor<8x7xi32>, %n: tensor<8xi32>, %r: tensor<8x99xf32>, %ms: memref<8x99xf32>,
    %mi: memref<8x7xi32>, %mn: memref<8xi32>) -> (tensor<9x576xf32>, tensor<8x7xi32>) {
  dsa.top_k scores(%ms : memref<8x99xf32>) k = 7 outs(%mi, %mn : memref<8x7xi32>, memref<8xi32>)
  %unused, %c0 = dsa.top_k scores(%r : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %indices, %c1 = dsa.top_k scores(%s : tensor<8x0xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %unpacked = dsa.unpack packed(%packed : tensor<9x656xi8>) layout = <mla_656>
      outs(%rows : tensor<9x576xf32>)
  return %unpacked, %indices : tensor<9x576xf32>, tensor<8x7xi32>
}
