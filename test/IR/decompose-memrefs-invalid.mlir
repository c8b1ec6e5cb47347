// The decomposition interface refuses ops on memrefs; --dsa-decompose makes tensors of them first.
// RUN: dsa-opt %s --transform-interpreter --verify-diagnostics

module attributes {transform.with_named_sequence} {
  func.func @all_ops(%q: memref<4x8x16xf32>, %k: memref<9x16xf32>, %w: memref<4x8xf32>, %e: memref<4x9xf32>,
      %i: memref<4x3xi32>, %c: memref<4xi32>, %o: memref<4x8x16xf32>, %p: memref<1x4x8x16xf32>,
      %s: memref<1x4x8xf32>, %u: memref<9x656xi8>, %r: memref<9x576xbf16>) {
    // expected-error @below {{'dsa.indexer_scores' op can only be decomposed on tensors}}
    dsa.indexer_scores query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>) weights(%w : memref<4x8xf32>) outs(%e : memref<4x9xf32>)
    // expected-error @below {{'dsa.top_k' op can only be decomposed on tensors}}
    dsa.top_k scores(%e : memref<4x9xf32>) k = 3 outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
    // expected-error @below {{'dsa.lightning_indexer' op can only be decomposed on tensors}}
    dsa.lightning_indexer query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>) weights(%w : memref<4x8xf32>) k = 3 outs(%i, %c : memref<4x3xi32>, memref<4xi32>)
    // expected-error @below {{'dsa.sparse_attention' op can only be decomposed on tensors}}
    dsa.sparse_attention query(%q : memref<4x8x16xf32>) keys(%k : memref<9x16xf32>) indices(%i : memref<4x3xi32>) scale = 1.0 dv = 16 outs(%o, %w : memref<4x8x16xf32>, memref<4x8xf32>)
    // expected-error @below {{'dsa.merge_attention' op can only be decomposed on tensors}}
    dsa.merge_attention parts(%p : memref<1x4x8x16xf32>) lses(%s : memref<1x4x8xf32>) outs(%o, %w : memref<4x8x16xf32>, memref<4x8xf32>)
    // expected-error @below {{'dsa.unpack' op can only be decomposed on tensors}}
    dsa.unpack packed(%u : memref<9x656xi8>) layout = <mla_656> outs(%r : memref<9x576xbf16>)
    return
  }

  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %ops = transform.structured.match ops{["dsa.indexer_scores", "dsa.top_k", "dsa.lightning_indexer",
        "dsa.sparse_attention", "dsa.merge_attention", "dsa.unpack"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.foreach %ops : !transform.any_op {
    ^bb0(%op: !transform.any_op):
      transform.sequence %op : !transform.any_op failures(suppress) {
      ^bb0(%one: !transform.any_op):
        %new = transform.structured.decompose_interface %one : (!transform.any_op) -> !transform.any_op
      }
    }
    transform.yield
  }
}
