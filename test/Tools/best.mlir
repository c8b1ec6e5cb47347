// The function of docs/Artefacts.md; best.c calls it.
// RUN: dsa-compile %s --emit=header -o - | FileCheck %s
// CHECK: int32_t best(

func.func @best(%scores: tensor<?x?xf32>) -> (tensor<?x4xi32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x4xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 4
      outs(%i, %n : tensor<?x4xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x4xi32>, tensor<?xi32>
}
