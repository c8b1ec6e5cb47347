// Ops are pure on tensors; on memrefs they read their inputs and write their
// inits.
// RUN: dsa-opt %s --cse --split-input-file | FileCheck %s
// RUN: dsa-opt %s --canonicalize --split-input-file | FileCheck %s --check-prefix=CANON
// RUN: dsa-opt %s --loop-invariant-code-motion --split-input-file | FileCheck %s --check-prefix=LICM

// CHECK-LABEL: func.func @unused_on_tensors
// CHECK-NOT: dsa.
// CHECK: return
func.func @unused_on_tensors(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

// CHECK-LABEL: func.func @equal_on_tensors
// CHECK: %[[ROWS:.*]] = dsa.unpack
// CHECK-NOT: dsa.
// CHECK: return %[[ROWS]], %[[ROWS]]
func.func @equal_on_tensors(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>)
    -> (tensor<9x576xbf16>, tensor<9x576xbf16>) {
  %a = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  %b = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  return %a, %b : tensor<9x576xbf16>, tensor<9x576xbf16>
}

// -----

// CHECK-LABEL: func.func @equal_on_memrefs
// CHECK-COUNT-2: dsa.unpack
// LICM-LABEL: func.func @equal_on_memrefs
func.func @equal_on_memrefs(%p: memref<9x656xi8>, %o: memref<9x576xbf16>) {
  dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  return
}

// -----

// A value read after the op has written it is read again.
// CHECK-LABEL: func.func @write_between_reads
// CHECK: memref.load
// CHECK: dsa.merge_attention
// CHECK: memref.load
func.func @write_between_reads(%p: memref<2x1x1x1xf32>, %s: memref<2x1x1xf32>,
    %o: memref<1x1x1xf32>, %l: memref<1x1xf32>) -> (f32, f32) {
  %c0 = arith.constant 0 : index
  %a = memref.load %l[%c0, %c0] : memref<1x1xf32>
  dsa.merge_attention parts(%p : memref<2x1x1x1xf32>) lses(%s : memref<2x1x1xf32>)
      outs(%o, %l : memref<1x1x1xf32>, memref<1x1xf32>)
  %b = memref.load %l[%c0, %c0] : memref<1x1xf32>
  return %a, %b : f32, f32
}

// -----

// LICM-LABEL: func.func @hoisted_on_tensors
// LICM: dsa.unpack
// LICM: scf.for
func.func @hoisted_on_tensors(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>, %n: index)
    -> tensor<9x576xbf16> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %o) -> tensor<9x576xbf16> {
    %a = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
    scf.yield %a : tensor<9x576xbf16>
  }
  return %r : tensor<9x576xbf16>
}

// -----

// LICM-LABEL: func.func @not_hoisted_on_memrefs
// LICM: scf.for
// LICM: dsa.unpack
func.func @not_hoisted_on_memrefs(%p: memref<9x656xi8>, %o: memref<9x576xbf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  }
  return
}

// -----

// Every op goes where nothing uses it.
// CHECK-LABEL: func.func @every_op_unused_on_tensors
// CHECK-NOT: dsa.
// CHECK: return
// CANON-LABEL: func.func @every_op_unused_on_tensors
// CANON-NOT: dsa.
// CANON: return
func.func @every_op_unused_on_tensors(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>,
    %i: tensor<4x3xi32>, %c: tensor<4xi32>, %p: tensor<2x4x8x16xf32>, %x: tensor<2x4x8xf32>, %o: tensor<4x8x16xf32>,
    %l: tensor<4x8xf32>, %u: tensor<9x656xi8>, %r: tensor<9x576xbf16>) {
  %scores = dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>)
      outs(%e : tensor<4x9xf32>)
  %top_k:2 = dsa.top_k scores(%e : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %indexer:2 = dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %attention:2 = dsa.sparse_attention query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %merge:2 = dsa.merge_attention parts(%p : tensor<2x4x8x16xf32>) lses(%x : tensor<2x4x8xf32>)
      outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %unpack = dsa.unpack packed(%u : tensor<9x656xi8>) layout = <mla_656> outs(%r : tensor<9x576xbf16>)
  return
}

// -----

// Two equal ops are one.
// CHECK-LABEL: func.func @every_op_equal_on_tensors
// CHECK: %[[V0:[a-z0-9_]+]] = dsa.indexer_scores
// CHECK: %[[V1:[a-z0-9_]+]], %{{[a-z0-9_]+}} = dsa.top_k
// CHECK: %[[V2:[a-z0-9_]+]], %{{[a-z0-9_]+}} = dsa.lightning_indexer
// CHECK: %[[V3:[a-z0-9_]+]], %{{[a-z0-9_]+}} = dsa.sparse_attention
// CHECK: %[[V4:[a-z0-9_]+]], %{{[a-z0-9_]+}} = dsa.merge_attention
// CHECK: %[[V5:[a-z0-9_]+]] = dsa.unpack
// CHECK-NOT: dsa.
// CHECK: return %[[V0]], %[[V1]], %[[V2]], %[[V3]], %[[V4]], %[[V5]], %[[V0]], %[[V1]], %[[V2]], %[[V3]], %[[V4]], %[[V5]]
func.func @every_op_equal_on_tensors(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>,
    %i: tensor<4x3xi32>, %c: tensor<4xi32>, %p: tensor<2x4x8x16xf32>, %x: tensor<2x4x8xf32>, %o: tensor<4x8x16xf32>,
    %l: tensor<4x8xf32>, %u: tensor<9x656xi8>, %r: tensor<9x576xbf16>)
    -> (tensor<4x9xf32>, tensor<4x3xi32>, tensor<4x3xi32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<9x576xbf16>,
        tensor<4x9xf32>, tensor<4x3xi32>, tensor<4x3xi32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<9x576xbf16>) {
  %scores = dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>)
      outs(%e : tensor<4x9xf32>)
  %top_k:2 = dsa.top_k scores(%e : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %indexer:2 = dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %attention:2 = dsa.sparse_attention query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %merge:2 = dsa.merge_attention parts(%p : tensor<2x4x8x16xf32>) lses(%x : tensor<2x4x8xf32>)
      outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %unpack = dsa.unpack packed(%u : tensor<9x656xi8>) layout = <mla_656> outs(%r : tensor<9x576xbf16>)
  %scores_b = dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>)
      outs(%e : tensor<4x9xf32>)
  %top_k_b:2 = dsa.top_k scores(%e : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %indexer_b:2 = dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  %attention_b:2 = dsa.sparse_attention query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
      indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %merge_b:2 = dsa.merge_attention parts(%p : tensor<2x4x8x16xf32>) lses(%x : tensor<2x4x8xf32>)
      outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
  %unpack_b = dsa.unpack packed(%u : tensor<9x656xi8>) layout = <mla_656> outs(%r : tensor<9x576xbf16>)
  return %scores, %top_k#0, %indexer#0, %attention#0, %merge#0, %unpack,
      %scores_b, %top_k_b#0, %indexer_b#0, %attention_b#0, %merge_b#0, %unpack_b
      : tensor<4x9xf32>, tensor<4x3xi32>, tensor<4x3xi32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<9x576xbf16>,
        tensor<4x9xf32>, tensor<4x3xi32>, tensor<4x3xi32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<9x576xbf16>
}

// -----

// No op goes on memrefs, used or not.
// CHECK-LABEL: func.func @every_op_on_memrefs
// CHECK: dsa.indexer_scores
// CHECK: dsa.top_k
// CHECK: dsa.lightning_indexer
// CHECK: dsa.sparse_attention
// CHECK: dsa.merge_attention
// CHECK: dsa.unpack
// CANON-LABEL: func.func @every_op_on_memrefs
// CANON: dsa.indexer_scores
// CANON: dsa.top_k
// CANON: dsa.lightning_indexer
// CANON: dsa.sparse_attention
// CANON: dsa.merge_attention
// CANON: dsa.unpack
func.func @every_op_on_memrefs(%q: memref<4x8x16xf32>, %k: memref<9x16xf32>, %w: memref<4x8xf32>, %e: memref<4x9xf32>,
    %i: memref<4x3xi32>, %c: memref<4xi32>, %p: memref<2x4x8x16xf32>, %x: memref<2x4x8xf32>, %o: memref<4x8x16xf32>,
    %l: memref<4x8xf32>, %u: memref<9x656xi8>, %r: memref<9x576xbf16>) {
  dsa.indexer_scores query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>) weights(%w : memref<4x8xf32>)
      outs(%e : memref<4x9xf32>)
  dsa.top_k scores(%e : memref<4x9xf32>) k = 3
      outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
  dsa.lightning_indexer query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>)
      weights(%w : memref<4x8xf32>) k = 3 outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
  dsa.sparse_attention query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>)
      indices(%i : memref<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
  dsa.merge_attention parts(%p : memref<2x4x8x16xf32>) lses(%x : memref<2x4x8xf32>)
      outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
  dsa.unpack packed(%u : memref<9x656xi8>) layout = <mla_656> outs(%r : memref<9x576xbf16>)
  return
}

// -----

// A loop that may not run gives up what does not depend on it: no op traps.
// LICM-LABEL: func.func @every_op_hoisted_on_tensors
// LICM: dsa.indexer_scores
// LICM: dsa.top_k
// LICM: dsa.lightning_indexer
// LICM: dsa.sparse_attention
// LICM: dsa.merge_attention
// LICM: dsa.unpack
// LICM: scf.for
// LICM-NOT: dsa.
// LICM: return
func.func @every_op_hoisted_on_tensors(%q: tensor<4x8x16xf32>, %k: tensor<9x16xf32>, %w: tensor<4x8xf32>, %e: tensor<4x9xf32>,
    %i: tensor<4x3xi32>, %c: tensor<4xi32>, %p: tensor<2x4x8x16xf32>, %x: tensor<2x4x8xf32>, %o: tensor<4x8x16xf32>,
    %l: tensor<4x8xf32>, %u: tensor<9x656xi8>, %r: tensor<9x576xbf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %j = %c0 to %n step %c1 {
    %scores = dsa.indexer_scores query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>) weights(%w : tensor<4x8xf32>)
        outs(%e : tensor<4x9xf32>)
    %top_k:2 = dsa.top_k scores(%e : tensor<4x9xf32>) k = 3
        outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
    %indexer:2 = dsa.lightning_indexer query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
        weights(%w : tensor<4x8xf32>) k = 3 outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
    %attention:2 = dsa.sparse_attention query(%q : tensor<4x8x16xf32>) keys(%k : tensor<9x16xf32>)
        indices(%i : tensor<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
    %merge:2 = dsa.merge_attention parts(%p : tensor<2x4x8x16xf32>) lses(%x : tensor<2x4x8xf32>)
        outs(%o, %l : tensor<4x8x16xf32>, tensor<4x8xf32>)
    %unpack = dsa.unpack packed(%u : tensor<9x656xi8>) layout = <mla_656> outs(%r : tensor<9x576xbf16>)
  }
  return
}

// -----

// LICM-LABEL: func.func @every_op_stays_on_memrefs
// LICM: scf.for
// LICM: dsa.indexer_scores
// LICM: dsa.top_k
// LICM: dsa.lightning_indexer
// LICM: dsa.sparse_attention
// LICM: dsa.merge_attention
// LICM: dsa.unpack
func.func @every_op_stays_on_memrefs(%q: memref<4x8x16xf32>, %k: memref<9x16xf32>, %w: memref<4x8xf32>, %e: memref<4x9xf32>,
    %i: memref<4x3xi32>, %c: memref<4xi32>, %p: memref<2x4x8x16xf32>, %x: memref<2x4x8xf32>, %o: memref<4x8x16xf32>,
    %l: memref<4x8xf32>, %u: memref<9x656xi8>, %r: memref<9x576xbf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %j = %c0 to %n step %c1 {
    dsa.indexer_scores query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>) weights(%w : memref<4x8xf32>)
        outs(%e : memref<4x9xf32>)
    dsa.top_k scores(%e : memref<4x9xf32>) k = 3
        outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
    dsa.lightning_indexer query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>)
        weights(%w : memref<4x8xf32>) k = 3 outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
    dsa.sparse_attention query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>)
        indices(%i : memref<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
    dsa.merge_attention parts(%p : memref<2x4x8x16xf32>) lses(%x : memref<2x4x8xf32>)
        outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
    dsa.unpack packed(%u : memref<9x656xi8>) layout = <mla_656> outs(%r : memref<9x576xbf16>)
  }
  return
}
