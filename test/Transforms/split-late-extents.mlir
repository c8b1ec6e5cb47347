// Parts of a dynamic extent that becomes known later: the empty ones still begin
// within it, where upstream's canonicalization of subviews looks.
//
// RUN: dsa-opt %s --dsa-split=position-parts=7 \
// RUN:   --one-shot-bufferize=bufferize-function-boundaries --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @five_positions
// CHECK-COUNT-8: dsa.top_k
func.func @five_positions(%five: tensor<4x5xf32>, %i: tensor<4x2xi32>, %n: tensor<4xi32>)
    -> tensor<4x2xi32> {
  %s = tensor.cast %five : tensor<4x5xf32> to tensor<4x?xf32>
  %indices, %count = dsa.top_k scores(%s : tensor<4x?xf32>) k = 2
      outs(%i, %n : tensor<4x2xi32>, tensor<4xi32>)
  return %indices : tensor<4x2xi32>
}
