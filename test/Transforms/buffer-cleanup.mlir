// Copies of a buffer onto itself, as bufferization leaves them.
//
// RUN: dsa-opt %s --dsa-buffer-cleanup | FileCheck %s

// Two equal subviews of one buffer are one value, also across a loop that only
// hands the buffer on.
// CHECK-LABEL: func.func @self_copy_through_a_loop
// CHECK:      scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{[a-z0-9]+}} {
// CHECK-NOT:  memref.copy
// CHECK:      return
func.func @self_copy_through_a_loop(%m: memref<8x4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = arith.constant 1.0 : f32
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %m) -> memref<8x4xf32> {
    %from = memref.subview %acc[%i, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
    memref.store %x, %from[%c0, %c0] : memref<1x4xf32, strided<[4, 1], offset: ?>>
    %to = memref.subview %acc[%i, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
    memref.copy %from, %to : memref<1x4xf32, strided<[4, 1], offset: ?>> to memref<1x4xf32, strided<[4, 1], offset: ?>>
    scf.yield %acc : memref<8x4xf32>
  }
  memref.copy %r, %m : memref<8x4xf32> to memref<8x4xf32>
  return
}

// CHECK-LABEL: func.func @negative_two_buffers
// CHECK: memref.copy
func.func @negative_two_buffers(%a: memref<4xf32>, %b: memref<4xf32>) {
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  return
}
