// The option `checked`: indices that are out of range become status 3.
//
// RUN: dsa-opt %s --dsa-function-abi=checked=true | FileCheck %s
// RUN: dsa-opt %s --dsa-function-abi | FileCheck %s --check-prefix=UNCHECKED

// Slots below the clamped count are looked at, in front of the op, which runs
// all the same; the padding -1 is fine; the first failure stays.
// CHECK-LABEL: func.func @counted(
// CHECK:      %[[CELL:.*]] = memref.alloca() : memref<i32>
// CHECK:      memref.store %c0_i32{{.*}}, %[[CELL]][]
// CHECK:      scf.for %[[ROW:.*]] = {{.*}} {
// CHECK:        %[[COUNT:.*]] = tensor.extract %{{.*}}[%[[ROW]]] : tensor<?xi32>
// CHECK:        %[[INDEX_COUNT:.*]] = arith.index_cast %[[COUNT]]
// CHECK:        %[[NOT_NEGATIVE:.*]] = arith.maxsi %[[INDEX_COUNT]], %c0
// CHECK:        %[[SLOTS:.*]] = arith.minsi %[[NOT_NEGATIVE]], %c8
// CHECK:        scf.for %[[SLOT:.*]] = %{{.*}} to %[[SLOTS]]
// CHECK:          tensor.extract %{{.*}}[%[[ROW]], %[[SLOT]]] : tensor<?x8xi32>
// CHECK:          %[[INDEX:.*]] = arith.index_cast
// CHECK:          arith.cmpi eq, %[[INDEX]], %c-1
// CHECK:          memref.load %[[CELL]][]
// CHECK:          scf.if
// CHECK-DAG:        %[[ROW64:.*]] = arith.index_cast %[[ROW]]
// CHECK-DAG:        %[[SLOT64:.*]] = arith.index_cast %[[SLOT]]
// CHECK-DAG:        %[[INDEX64:.*]] = arith.index_cast %[[INDEX]]
// CHECK:            %[[STATUS:.*]] = func.call @dsa_fail_index(%[[ROW64]], %[[SLOT64]], %[[INDEX64]], %{{.*}})
// CHECK:            memref.store %[[STATUS]], %[[CELL]][]
// CHECK:      dsa.sparse_attention
// CHECK:      %[[RESULT:.*]] = memref.load %[[CELL]][]
// CHECK-NEXT: scf.yield %[[RESULT]]
//
// UNCHECKED-NOT: dsa_fail_index
// UNCHECKED:     dsa.sparse_attention
// UNCHECKED-NOT: dsa_fail_index
func.func @counted(%q: tensor<?x4x16xf32>, %k: tensor<?x16xf32>, %i: tensor<?x8xi32>,
    %n: tensor<?xi32>, %o: tensor<?x4x16xf32>, %l: tensor<?x4xf32>) -> tensor<?x4x16xf32> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x16xf32>)
      indices(%i : tensor<?x8xi32>) counts(%n : tensor<?xi32>) scale = 0.25 dv = 16
      outs(%o, %l : tensor<?x4x16xf32>, tensor<?x4xf32>)
  return %out : tensor<?x4x16xf32>
}

// Rows of a batch count through; a position is valid if its page is.
// CHECK-LABEL: func.func @batched_and_paged(
// CHECK:      scf.for %[[B:.*]] = %{{.*}} to %c3
// CHECK:        scf.for %[[T:.*]] = %{{.*}} to %c2
// CHECK:          %[[BASE:.*]] = arith.muli %[[B]], %c2
// CHECK:          %[[ROW:.*]] = arith.addi %[[BASE]], %[[T]]
// CHECK:          scf.for
// CHECK:            tensor.extract %{{.*}}[%[[B]], %{{.*}}] : tensor<3x4xi32>
// CHECK:            %[[ROW64:.*]] = arith.index_cast %[[ROW]]
// CHECK:            func.call @dsa_fail_index(%[[ROW64]]
// CHECK:      dsa.sparse_attention
func.func @batched_and_paged(%q: tensor<3x2x4x16xf32>, %k: tensor<9x8x16xf32>, %table: tensor<3x4xi32>,
    %i: tensor<3x2x8xi32>, %o: tensor<3x2x4x16xf32>, %l: tensor<3x2x4xf32>) -> tensor<3x2x4x16xf32> {
  %out, %lse = dsa.sparse_attention query(%q : tensor<3x2x4x16xf32>) keys(%k : tensor<9x8x16xf32>) paged
      block_tables(%table : tensor<3x4xi32>) indices(%i : tensor<3x2x8xi32>) scale = 0.25 dv = 16
      outs(%o, %l : tensor<3x2x4x16xf32>, tensor<3x2x4xf32>)
  return %out : tensor<3x2x4x16xf32>
}
