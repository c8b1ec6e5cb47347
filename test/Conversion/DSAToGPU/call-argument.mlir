// Entry points get the call behind their arguments; other functions do not.

// RUN: dsa-opt %s --dsa-gpu-call-argument --verify-each | FileCheck %s --implicit-check-not=dsa_gpu.call

// CHECK: func.func @f_workspace(%{{.*}}: memref<?xf32>, %{{.*}}: i32, %{{.*}}: memref<1xi64>) -> i32
// CHECK: func.func @f(%[[X:.*]]: memref<?xf32>, %{{.*}}: memref<?xi8>, %{{.*}}: i32, %[[CALL:.*]]: !llvm.ptr) -> i32
// CHECK: dsa_gpu.check_aligned %[[CALL]], %[[X]]
func.func @f_workspace(%x: memref<?xf32>, %threads: i32, %bytes: memref<1xi64>) -> i32 {
  %ok = arith.constant 0 : i32
  return %ok : i32
}
func.func @f(%x: memref<?xf32>, %workspace: memref<?xi8>, %threads: i32) -> i32 {
  %call = dsa_gpu.call : !llvm.ptr
  dsa_gpu.check_aligned %call, %x : !llvm.ptr, memref<?xf32>, multiple = 16, what = "x: its address"
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// No entry point: it has no f_workspace beside it.
// CHECK: func.func @other(%{{.*}}: memref<?xf32>) {
func.func @other(%x: memref<?xf32>) {
  return
}
