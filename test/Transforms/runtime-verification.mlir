// What types leave open about extents is asserted at run time.
//
// RUN: dsa-opt %s --generate-runtime-verification=verbose-level=0 | FileCheck %s

// CHECK-LABEL: func.func @paged
// CHECK: %[[FOUND:.*]] = memref.dim %arg4, %c1{{.*}}
// CHECK: %[[N:.*]] = memref.dim %arg2, %c1{{.*}}
// CHECK: %[[PAGE:.*]] = memref.dim %arg1, %c1{{.*}}
// CHECK: %[[EXPECTED:.*]] = arith.muli %[[N]], %[[PAGE]]
// CHECK: cf.assert {{.*}} dimension 0 of 'query' must be T, where T is dimension 0 of 'outs'\0A
// CHECK: cf.assert {{.*}} dimension 2 of 'keys' must be D, where D is dimension 2 of 'query'\0A
// CHECK: cf.assert {{.*}} dimension 0 of 'block_table' must be 1\0A
// CHECK: cf.assert {{.*}} dimension 0 of 'weights' must be T, where T is dimension 0 of 'outs'\0A
// CHECK: %[[EQUAL:.*]] = arith.cmpi eq, %[[FOUND]], %[[EXPECTED]]
// CHECK: cf.assert %[[EQUAL]], {{.*}} dimension 1 of 'outs' must be N*page, where N is dimension 1 of 'block_table' and page is dimension 1 of 'keys'\0A
// CHECK: cf.assert {{.*}} dimension page must be at least 1\0A
// CHECK-NOT: cf.assert
func.func @paged(%q: memref<?x4x16xf32>, %k: memref<?x?x?xf32>, %t: memref<?x?xi32>,
    %w: memref<?x4xf32>, %s: memref<8x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x4x16xf32>) keys(%k : memref<?x?x?xf32>) paged
      block_table(%t : memref<?x?xi32>) weights(%w : memref<?x4xf32>) outs(%s : memref<8x?xf32>)
  return
}

// CHECK-LABEL: func.func @static
// CHECK-NOT: cf.assert
// CHECK: return
func.func @static(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> tensor<8x7xi32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}
