// The functions of docs/Tutorial.md, which test/Docs runs.
// RUN: dsa-opt %s --dsa-reference-pipeline | FileCheck %s --implicit-check-not=dsa.
// CHECK: llvm.func @select
// CHECK: llvm.func @attend

func.func @select(%scores: tensor<?x?xf32>) -> (tensor<?x4xi32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x4xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 4
      outs(%i, %n : tensor<?x4xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x4xi32>, tensor<?xi32>
}

func.func @attend(%q: tensor<?x8x16xf32>, %kv: tensor<?x16xf32>,
                  %indices: tensor<?x4xi32>, %count: tensor<?xi32>) -> tensor<?x8x12xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x8x16xf32>
  %o = tensor.empty(%T) : tensor<?x8x12xf32>
  %l = tensor.empty(%T) : tensor<?x8xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x8x16xf32>)
      keys(%kv : tensor<?x16xf32>) indices(%indices : tensor<?x4xi32>)
      counts(%count : tensor<?xi32>) scale = 0.25 dv = 12
      outs(%o, %l : tensor<?x8x12xf32>, tensor<?x8xf32>)
  return %out : tensor<?x8x12xf32>
}
