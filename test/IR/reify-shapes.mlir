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
