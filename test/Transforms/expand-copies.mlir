// Copies as loops, strided or not.
//
// RUN: dsa-opt %s --dsa-expand-copies --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @strided
// CHECK-SAME: (%[[A:.*]]: memref<?x4xf32, strided<[?, ?], offset: ?>>, %[[B:.*]]: memref<?x4xf32>)
// CHECK-NOT:  memref.copy
// CHECK:      linalg.generic {{.*}} ins(%[[A]] : {{.*}}) outs(%[[B]] :
func.func @strided(%a: memref<?x4xf32, strided<[?, ?], offset: ?>>, %b: memref<?x4xf32>) {
  memref.copy %a, %b : memref<?x4xf32, strided<[?, ?], offset: ?>> to memref<?x4xf32>
  return
}

// -----

func.func @unranked(%a: memref<*xf32>, %b: memref<*xf32>) {
  // expected-error @below {{'memref.copy' op from 'memref<*xf32>' to 'memref<*xf32>' has an unknown rank and cannot become a loop}}
  memref.copy %a, %b : memref<*xf32> to memref<*xf32>
  return
}
