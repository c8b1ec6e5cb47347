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

// RUN: dsa-opt %s --dsa-tile="rows=4 to-save-memory" --split-input-file --remarks-filter=dsa \
// RUN:   --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=SAVE

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
// CHECK: scf.yield
// CHECK: tensor.insert_slice
// CHECK: scf.for
// CHECK: dsa.sparse_attention
func.func @user_between(%s: tensor<8x99xf32>, %q: tensor<8x3x12xf32>, %kv: tensor<99x12xf32>,
    %i: tensor<8x7xi32>, %n: tensor<8xi32>, %own: tensor<1x7xi32>, %o: tensor<8x3x8xf32>,
    %l: tensor<8x3xf32>) -> tensor<8x3x8xf32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %moved = tensor.insert_slice %own into %indices[0, 0] [1, 7] [1, 1]
      : tensor<1x7xi32> into tensor<8x7xi32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x3x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%moved : tensor<8x7xi32>) counts(%count : tensor<8xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x3x8xf32>, tensor<8x3xf32>)
  return %out : tensor<8x3x8xf32>
}

// -----

// Glue in front, between and behind is in the loop; views of what is not made
// there stay outside. The position in an iteration space counts from the tile.
// CHECK-LABEL: func.func @glue
// CHECK: %[[Q:.*]] = tensor.expand_shape %arg0
// CHECK: scf.for %[[ROW:[a-z0-9]+]] = {{.*}} iter_args(%[[FLAT:.*]] = %{{.*}}) -> (tensor<?x24xbf16>)
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[Q]][%[[ROW]], 0, 0] [%[[SIZE]], 3, 12]
// CHECK: linalg.generic {{.*}} ins(%[[SLICE]] : tensor<?x3x12xf32>) outs(%{{.*}} : tensor<?x3x12xbf16>)
// CHECK: %[[INDICES:.*]], %{{.*}} = dsa.top_k
// CHECK: linalg.generic {{.*}} ins(%[[INDICES]] : tensor<?x7xi32>)
// CHECK: %[[INDEX:.*]] = linalg.index 0
// CHECK: affine.apply #{{.*}}(%[[ROW]])[%[[INDEX]]]
// CHECK: %[[O:.*]], %{{.*}} = dsa.sparse_attention
// CHECK: %[[NARROW:.*]] = linalg.generic {{.*}} ins(%[[O]] : tensor<?x3x8xf32>)
// CHECK: %[[TILE:.*]] = tensor.collapse_shape %[[NARROW]]
// CHECK: tensor.insert_slice %[[TILE]] into %[[FLAT]][%[[ROW]], 0] [%[[SIZE]], 24]
// CHECK: scf.yield
// CHECK-NOT: linalg
func.func @glue(%x: tensor<?x36xf32>, %s: tensor<?x99xf32>, %kv: tensor<99x12xbf16>,
    %T: index) -> tensor<?x24xbf16> {
  %q0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%T, 3, 12]
      : tensor<?x36xf32> into tensor<?x3x12xf32>
  %e = tensor.empty(%T) : tensor<?x3x12xbf16>
  %q = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, h, d)>, affine_map<(t, h, d) -> (t, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q0 : tensor<?x3x12xf32>) outs(%e : tensor<?x3x12xbf16>) {
  ^bb0(%wide: f32, %old: bf16):
    %narrow = arith.truncf %wide : f32 to bf16
    linalg.yield %narrow : bf16
  } -> tensor<?x3x12xbf16>
  %i = tensor.empty(%T) : tensor<?x7xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%s : tensor<?x99xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  %moved = linalg.generic {
      indexing_maps = [affine_map<(t, c) -> (t, c)>, affine_map<(t, c) -> (t, c)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<?x7xi32>) outs(%i : tensor<?x7xi32>) {
  ^bb0(%index: i32, %old: i32):
    %t = linalg.index 0 : index
    %by = arith.index_cast %t : index to i32
    %next = arith.addi %index, %by : i32
    linalg.yield %next : i32
  } -> tensor<?x7xi32>
  %o = tensor.empty(%T) : tensor<?x3x8xf32>
  %l = tensor.empty(%T) : tensor<?x3xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x3x12xbf16>) keys(%kv : tensor<99x12xbf16>)
      indices(%moved : tensor<?x7xi32>) counts(%count : tensor<?xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<?x3x8xf32>, tensor<?x3xf32>)
  %b = tensor.empty(%T) : tensor<?x3x8xbf16>
  %narrowed = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, h, d)>, affine_map<(t, h, d) -> (t, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%out : tensor<?x3x8xf32>) outs(%b : tensor<?x3x8xbf16>) {
  ^bb0(%wide: f32, %old: bf16):
    %narrow = arith.truncf %wide : f32 to bf16
    linalg.yield %narrow : bf16
  } -> tensor<?x3x8xbf16>
  %flat = tensor.collapse_shape %narrowed [[0], [1, 2]]
      : tensor<?x3x8xbf16> into tensor<?x24xbf16>
  return %flat : tensor<?x24xbf16>
}

// -----

// Sums over rows and rows in another order are not by rows: what they read is
// put together, and what reads them waits.
// CHECK-LABEL: func.func @no_glue
// CHECK: scf.for
// CHECK: dsa.top_k
// CHECK: scf.yield
// CHECK: linalg.reduce
// CHECK: linalg.generic
func.func @no_glue(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>,
    %init: tensor<7xi32>) -> (tensor<7xi32>, tensor<8xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %sum = linalg.reduce { arith.addi } ins(%indices : tensor<8x7xi32>) outs(%init : tensor<7xi32>)
      dimensions = [0]
  %back = linalg.generic {
      indexing_maps = [affine_map<(t) -> (7 - t)>, affine_map<(t) -> (t)>],
      iterator_types = ["parallel"]} ins(%count : tensor<8xi32>) outs(%n : tensor<8xi32>) {
  ^bb0(%x: i32, %old: i32):
    linalg.yield %x : i32
  } -> tensor<8xi32>
  return %sum, %back : tensor<7xi32>, tensor<8xi32>
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

// -----

// Both results of one op are the caller's: a loop would hold as much. What
// nobody uses, and the candidates of a fused selection, exist by tiles.
// SAVE: [Missed] dsa-tile {{.*}}"holds as much memory in a loop"
// SAVE-LABEL: func.func @needless
// SAVE-NOT: scf.for
// SAVE-LABEL: func.func @unused
// SAVE: scf.for
// SAVE-LABEL: func.func @candidates
// SAVE: scf.for
// CHECK-LABEL: func.func @needless
// CHECK: scf.for
func.func @needless(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> (tensor<8x7xi32>, tensor<8xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices, %count : tensor<8x7xi32>, tensor<8xi32>
}
func.func @unused(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> tensor<8x7xi32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}
func.func @candidates(%q: tensor<8x4x16xf32>, %k: tensor<99x16xf32>, %w: tensor<8x4xf32>,
    %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> (tensor<8x7xi32>, tensor<8xi32>) {
  %indices, %count = dsa.lightning_indexer query(%q : tensor<8x4x16xf32>)
      keys(%k : tensor<99x16xf32>) weights(%w : tensor<8x4xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices, %count : tensor<8x7xi32>, tensor<8xi32>
}
