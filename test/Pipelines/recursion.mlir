// A recursive function is rewritten like any other, but has no entry point.
//
// RUN: not dsa-opt %s --dsa-reference-pipeline 2>&1 | FileCheck %s --check-prefix=PIPELINE
// RUN: dsa-opt %s --inline --dsa-tile=rows=4 | FileCheck %s

// PIPELINE: recursion.mlir:[[#@LINE+16]]:{{.*}}: error: 'func.call' op is a call, which an entry point cannot contain: run 'inline' first; a function that is recursive or has no body cannot be inlined
// CHECK-LABEL: func.func @f
// CHECK: scf.if
// CHECK: scf.for
// CHECK: dsa.top_k
func.func @f(%s: tensor<8x99xf32>, %n: tensor<8xi32>, %depth: i32) -> tensor<8x7xi32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %i = tensor.empty() : tensor<8x7xi32>
  %last = arith.cmpi sle, %depth, %c0 : i32
  %r = scf.if %last -> tensor<8x7xi32> {
    %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
        outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
    scf.yield %indices : tensor<8x7xi32>
  } else {
    %less = arith.subi %depth, %c1 : i32
    %x = func.call @f(%s, %n, %less) : (tensor<8x99xf32>, tensor<8xi32>, i32) -> tensor<8x7xi32>
    scf.yield %x : tensor<8x7xi32>
  }
  return %r : tensor<8x7xi32>
}
