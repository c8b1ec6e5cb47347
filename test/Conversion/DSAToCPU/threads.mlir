// The number of threads is an argument of entry points, and of nothing that only
// has a name like theirs. Each thread counts itself, on the stack of the caller.
//
// RUN: dsa-opt %s --split-input-file \
// RUN:   --dsa-to-cpu="triple=x86_64-linux-gnu cpu=haswell" | FileCheck %s

// CHECK-LABEL: func.func @entry
// CHECK-SAME: %[[THREADS:[a-z0-9]+]]: i32) -> i32
// CHECK: %[[COUNTER:.*]] = memref.alloca() : memref<i64>
// CHECK: arith.maxsi %[[THREADS]], %{{.*}} : i32
// CHECK: memref.store %{{.*}}, %[[COUNTER]][]
// CHECK: omp.parallel
// CHECK: memref.atomic_rmw addi %{{.*}}, %[[COUNTER]][]
func.func @entry(%s: memref<?x?xf32>, %i: memref<?x8xi32>, %n: memref<?xi32>,
    %workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  dsa.top_k scores(%s : memref<?x?xf32>) k = 8 outs(%i, %n : memref<?x8xi32>, memref<?xi32>)
  return %zero : i32
}
func.func @entry_workspace(%s: memref<?x?xf32>, %threads: i32, %bytes: memref<1xi64>) -> i32 {
  %zero = arith.constant 0 : i32
  return %zero : i32
}

// -----

// CHECK-LABEL: func.func @negative_no_entry
// CHECK-NOT: arith.maxsi %{{.*}} : i32
// CHECK: omp.parallel
func.func @negative_no_entry(%s: memref<?x?xf32>, %i: memref<?x8xi32>, %n: memref<?xi32>) {
  dsa.top_k scores(%s : memref<?x?xf32>) k = 8 outs(%i, %n : memref<?x8xi32>, memref<?xi32>)
  return
}
func.func @negative_no_entry_workspace(%a: i32, %b: i32) {
  return
}
