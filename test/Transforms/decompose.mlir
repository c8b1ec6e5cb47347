// A definition in short. What definitions compute is tested by execution.
//
// RUN: dsa-opt %s --dsa-decompose | FileCheck %s

// CHECK-LABEL: func.func @unpack
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK-NOT: dsa.
func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
  %rows = dsa.unpack packed(%packed : tensor<9x20xi8>)
      layout = <[16 x f8E4M3FN at 0 scale f32 per 16 at 16], record_bytes = 20>
      outs(%init : tensor<9x16xf32>)
  return %rows : tensor<9x16xf32>
}
