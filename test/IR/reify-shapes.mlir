// Extents of results come from the inputs, constants where the op has them, so
// that asking for one does not keep the op alive.
// RUN: dsa-opt %s --resolve-ranked-shaped-type-result-dims --cse | FileCheck %s --implicit-check-not=dsa.

// CHECK-LABEL: func.func @scores_of_pages
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x4x8xf32>, %[[K:.*]]: tensor<?x?x8xf32>, %[[T:.*]]: tensor<?x?xi32>,
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[Q]], %[[C1]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[T]], %[[C1]]
// CHECK-DAG: %[[PAGE:.*]] = tensor.dim %[[K]], %[[C1]]
// CHECK-DAG: %[[S:.*]] = arith.muli %[[N]], %[[PAGE]]
// CHECK: return %[[ROWS]], %[[S]]
func.func @scores_of_pages(%q: tensor<?x?x4x8xf32>, %k: tensor<?x?x8xf32>, %t: tensor<?x?xi32>,
    %w: tensor<?x?x4xf32>, %o: tensor<?x?x?xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %scores = dsa.indexer_scores query(%q : tensor<?x?x4x8xf32>) keys(%k : tensor<?x?x8xf32>) paged
      block_table(%t : tensor<?x?xi32>) weights(%w : tensor<?x?x4xf32>)
      outs(%o : tensor<?x?x?xf32>)
  %T = tensor.dim %scores, %c1 : tensor<?x?x?xf32>
  %S = tensor.dim %scores, %c2 : tensor<?x?x?xf32>
  return %T, %S : index, index
}

// CHECK-LABEL: func.func @selection
// CHECK-SAME: (%[[S:.*]]: tensor<?x?xf32>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[K:.*]] = arith.constant 7 : index
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[S]], %[[C0]]
// CHECK: return %[[K]], %[[T]]
func.func @selection(%s: tensor<?x?xf32>, %i: tensor<?x?xi32>, %c: tensor<?xi32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %indices, %count = dsa.top_k scores(%s : tensor<?x?xf32>) k = 7
      outs(%i, %c : tensor<?x?xi32>, tensor<?xi32>)
  %K = tensor.dim %indices, %c1 : tensor<?x?xi32>
  %T = tensor.dim %count, %c0 : tensor<?xi32>
  return %K, %T : index, index
}

// CHECK-LABEL: func.func @attention
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x8xf32>,
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[DV:.*]] = arith.constant 6 : index
// CHECK-DAG: %[[H:.*]] = tensor.dim %[[Q]], %[[C1]]
// CHECK: return %[[DV]], %[[H]]
func.func @attention(%q: tensor<?x?x8xf32>, %k: tensor<?x8xf32>, %i: tensor<?x?xi32>,
    %o: tensor<?x?x?xf32>, %l: tensor<?x?xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x?x8xf32>) keys(%k : tensor<?x8xf32>)
      indices(%i : tensor<?x?xi32>) scale = 1.0 dv = 6
      outs(%o, %l : tensor<?x?x?xf32>, tensor<?x?xf32>)
  %D = tensor.dim %out, %c2 : tensor<?x?x?xf32>
  %H = tensor.dim %lse, %c1 : tensor<?x?xf32>
  return %D, %H : index, index
}

// CHECK-LABEL: func.func @merge_and_unpack
// CHECK-SAME: (%[[P:.*]]: tensor<3x?x?x?xf32>, %{{.*}}: tensor<3x?x?xf32>, %[[U:.*]]: tensor<?x264xi8>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[PAGE:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[DV:.*]] = tensor.dim %[[P]], %[[C3]]
// CHECK-DAG: %[[PAGES:.*]] = tensor.dim %[[U]], %[[C0]]
// CHECK: return %[[DV]], %[[PAGES]], %[[PAGE]]
func.func @merge_and_unpack(%p: tensor<3x?x?x?xf32>, %s: tensor<3x?x?xf32>, %u: tensor<?x264xi8>,
    %o: tensor<?x?x?xf32>, %l: tensor<?x?xf32>, %r: tensor<?x?x128xf32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %out, %lse = dsa.merge_attention parts(%p : tensor<3x?x?x?xf32>) lses(%s : tensor<3x?x?xf32>)
      outs(%o, %l : tensor<?x?x?xf32>, tensor<?x?xf32>)
  %rows = dsa.unpack packed(%u : tensor<?x264xi8>) paged layout = <index_132, page = 2>
      outs(%r : tensor<?x?x128xf32>)
  %D = tensor.dim %out, %c2 : tensor<?x?x?xf32>
  %P = tensor.dim %rows, %c0 : tensor<?x?x128xf32>
  %G = tensor.dim %rows, %c1 : tensor<?x?x128xf32>
  return %D, %P, %G : index, index, index
}

// Flat keys: S is theirs, T that of the query.
// CHECK-LABEL: func.func @scores_of_rows
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x8xf32>, %[[K:.*]]: tensor<?x8xf32>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG: %[[S:.*]] = tensor.dim %[[K]], %[[C0]]
// CHECK: return %[[T]], %[[S]]
func.func @scores_of_rows(%q: tensor<?x4x8xf32>, %k: tensor<?x8xf32>, %w: tensor<?x4xf32>,
    %o: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scores = dsa.indexer_scores query(%q : tensor<?x4x8xf32>) keys(%k : tensor<?x8xf32>)
      weights(%w : tensor<?x4xf32>) outs(%o : tensor<?x?xf32>)
  %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %S = tensor.dim %scores, %c1 : tensor<?x?xf32>
  return %T, %S : index, index
}

// The page of packed keys is that of their layout: S is N times a constant.
// CHECK-LABEL: func.func @scores_of_packed_pages
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x4x128xbf16>, %{{.*}}: tensor<?x264xi8>, %[[TABLE:.*]]: tensor<?x?xi32>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[TABLE]], %[[C1]]
// CHECK-DAG: %[[S:.*]] = arith.muli %[[N]], %[[C2]]
// CHECK: return %[[B]], %[[S]]
func.func @scores_of_packed_pages(%q: tensor<?x?x4x128xbf16>, %k: tensor<?x264xi8>, %t: tensor<?x?xi32>,
    %w: tensor<?x?x4xf32>, %o: tensor<?x?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %scores = dsa.indexer_scores query(%q : tensor<?x?x4x128xbf16>) keys(%k : tensor<?x264xi8>) paged
      layout = <index_132, page = 2> block_table(%t : tensor<?x?xi32>) weights(%w : tensor<?x?x4xf32>)
      outs(%o : tensor<?x?x?xf32>)
  %B = tensor.dim %scores, %c0 : tensor<?x?x?xf32>
  %S = tensor.dim %scores, %c2 : tensor<?x?x?xf32>
  return %B, %S : index, index
}

// An extent that any operand has as a constant is one: here N, page, T.
// CHECK-LABEL: func.func @scores_of_known_extents
// CHECK-DAG: %[[S:.*]] = arith.constant 160 : index
// CHECK-DAG: %[[T:.*]] = arith.constant 3 : index
// CHECK-NOT: tensor.dim
// CHECK: return %[[T]], %[[S]]
func.func @scores_of_known_extents(%q: tensor<?x4x8xf32>, %k: tensor<?x32x8xf32>, %t: tensor<1x5xi32>,
    %w: tensor<3x4xf32>, %o: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scores = dsa.indexer_scores query(%q : tensor<?x4x8xf32>) keys(%k : tensor<?x32x8xf32>) paged
      block_table(%t : tensor<1x5xi32>) weights(%w : tensor<3x4xf32>) outs(%o : tensor<?x?xf32>)
  %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %S = tensor.dim %scores, %c1 : tensor<?x?xf32>
  return %T, %S : index, index
}

// Every result of a selection in a batch, by top_k and by lightning_indexer.
// CHECK-LABEL: func.func @batched_selection
// CHECK-SAME: (%[[S:.*]]: tensor<?x?x?xf32>, %[[Q:.*]]: tensor<?x?x4x8xf32>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[K0:.*]] = arith.constant 7 : index
// CHECK-DAG: %[[K1:.*]] = arith.constant 9 : index
// CHECK-DAG: %[[B0:.*]] = tensor.dim %[[S]], %[[C0]]
// CHECK-DAG: %[[T0:.*]] = tensor.dim %[[S]], %[[C1]]
// CHECK-DAG: %[[B1:.*]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG: %[[T1:.*]] = tensor.dim %[[Q]], %[[C1]]
// CHECK: return %[[B0]], %[[T0]], %[[K0]], %[[B1]], %[[T1]], %[[K1]]
func.func @batched_selection(%s: tensor<?x?x?xf32>, %q: tensor<?x?x4x8xf32>, %k: tensor<?x?x8xf32>,
    %w: tensor<?x?x4xf32>, %i: tensor<?x?x?xi32>, %c: tensor<?x?xi32>, %v: tensor<?x?x?xf32>)
    -> (index, index, index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a:3 = dsa.top_k scores(%s : tensor<?x?x?xf32>) k = 7
      outs(%i, %c, %v : tensor<?x?x?xi32>, tensor<?x?xi32>, tensor<?x?x?xf32>)
  %b:3 = dsa.lightning_indexer query(%q : tensor<?x?x4x8xf32>) keys(%k : tensor<?x?x8xf32>)
      weights(%w : tensor<?x?x4xf32>) k = 9
      outs(%i, %c, %v : tensor<?x?x?xi32>, tensor<?x?xi32>, tensor<?x?x?xf32>)
  %B0 = tensor.dim %a#0, %c0 : tensor<?x?x?xi32>
  %T0 = tensor.dim %a#1, %c1 : tensor<?x?xi32>
  %K0 = tensor.dim %a#2, %c2 : tensor<?x?x?xf32>
  %B1 = tensor.dim %b#1, %c0 : tensor<?x?xi32>
  %T1 = tensor.dim %b#2, %c1 : tensor<?x?x?xf32>
  %K1 = tensor.dim %b#0, %c2 : tensor<?x?x?xi32>
  return %B0, %T0, %K0, %B1, %T1, %K1 : index, index, index, index, index, index
}

// CHECK-LABEL: func.func @batched_attention
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x?x8xf32>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[Q]], %[[C0]]
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[Q]], %[[C1]]
// CHECK-DAG: %[[H:.*]] = tensor.dim %[[Q]], %[[C2]]
// CHECK: return %[[B]], %[[T]], %[[H]], %[[H]]
func.func @batched_attention(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x8xf32>, %i: tensor<?x?x?xi32>,
    %o: tensor<?x?x?x6xf32>, %l: tensor<?x?x?xf32>) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x?x?x8xf32>) keys(%k : tensor<?x?x8xf32>)
      indices(%i : tensor<?x?x?xi32>) scale = 1.0 dv = 6
      outs(%o, %l : tensor<?x?x?x6xf32>, tensor<?x?x?xf32>)
  %B = tensor.dim %out, %c0 : tensor<?x?x?x6xf32>
  %T = tensor.dim %lse, %c1 : tensor<?x?x?xf32>
  %H = tensor.dim %out, %c2 : tensor<?x?x?x6xf32>
  %G = tensor.dim %lse, %c2 : tensor<?x?x?xf32>
  return %B, %T, %H, %G : index, index, index, index
}

// The leading dimension of a part is no dimension of the results.
// CHECK-LABEL: func.func @batched_merge
// CHECK-SAME: (%[[P:.*]]: tensor<?x?x?x?x8xf32>,
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[P]], %[[C1]]
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[P]], %[[C2]]
// CHECK-DAG: %[[H:.*]] = tensor.dim %[[P]], %[[C3]]
// CHECK: return %[[B]], %[[T]], %[[H]]
func.func @batched_merge(%p: tensor<?x?x?x?x8xf32>, %s: tensor<?x?x?x?xf32>, %o: tensor<?x?x?x?xf32>,
    %l: tensor<?x?x?xf32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %out, %lse = dsa.merge_attention parts(%p : tensor<?x?x?x?x8xf32>) lses(%s : tensor<?x?x?x?xf32>)
      outs(%o, %l : tensor<?x?x?x?xf32>, tensor<?x?x?xf32>)
  %B = tensor.dim %out, %c0 : tensor<?x?x?x?xf32>
  %T = tensor.dim %lse, %c1 : tensor<?x?x?xf32>
  %H = tensor.dim %out, %c2 : tensor<?x?x?x?xf32>
  return %B, %T, %H : index, index, index
}

// Columns and groups of a layout are constants.
// CHECK-LABEL: func.func @unpack_raw
// CHECK-SAME: (%[[U:.*]]: tensor<?x72xi8>,
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[D:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[G:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[S:.*]] = tensor.dim %[[U]], %[[C0]]
// CHECK: return %[[S]], %[[D]], %[[S]], %[[G]]
func.func @unpack_raw(%u: tensor<?x72xi8>, %r: tensor<?x?xf8E4M3FN>, %x: tensor<?x?xf32>)
    -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows, %scales = dsa.unpack packed(%u : tensor<?x72xi8>)
      layout = <[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72>
      outs(%r, %x : tensor<?x?xf8E4M3FN>, tensor<?x?xf32>)
  %S = tensor.dim %rows, %c0 : tensor<?x?xf8E4M3FN>
  %D = tensor.dim %rows, %c1 : tensor<?x?xf8E4M3FN>
  %S1 = tensor.dim %scales, %c0 : tensor<?x?xf32>
  %G = tensor.dim %scales, %c1 : tensor<?x?xf32>
  return %S, %D, %S1, %G : index, index, index, index
}
