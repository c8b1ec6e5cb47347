// Ops without a kernel become their definition; the others stay.
//
// RUN: dsa-opt %s --dsa-decompose-for-cpu="triple=x86_64-linux-gnu cpu=haswell" | FileCheck %s
// RUN: dsa-opt %s --dsa-decompose-for-cpu="triple=x86_64-linux-gnu cpu=x86-64" \
// RUN:   | FileCheck %s --check-prefix=BASELINE
// RUN: dsa-opt %s --dsa-decompose-for-cpu="triple=x86_64-linux-gnu cpu=x86-64" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// REMARK: [Missed] dsa-decompose-for-cpu {{.*}}"is computed by its definition: needs multiply-add of f32 vectors
// CHECK-LABEL: func.func @unpack
// CHECK: dsa.unpack
// BASELINE-LABEL: func.func @unpack
// BASELINE-NOT: dsa.unpack
// BASELINE: linalg.generic
func.func @unpack(%packed: tensor<9x20xi8>, %init: tensor<9x16xf32>) -> tensor<9x16xf32> {
  %rows = dsa.unpack packed(%packed : tensor<9x20xi8>)
      layout = <[16 x f8E4M3FN at 0 scale f32 per 16 at 16], record_bytes = 20>
      outs(%init : tensor<9x16xf32>)
  return %rows : tensor<9x16xf32>
}

// CHECK-LABEL: func.func @select
// CHECK: dsa.top_k
// Selection needs no arithmetic, scores do.
// BASELINE-LABEL: func.func @select
// BASELINE: dsa.top_k
func.func @select(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>)
    -> (tensor<8x7xi32>, tensor<8xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices, %count : tensor<8x7xi32>, tensor<8xi32>
}

// CHECK-LABEL: func.func @score
// CHECK: dsa.indexer_scores
// BASELINE-LABEL: func.func @score
// BASELINE-NOT: dsa.indexer_scores
func.func @score(%q: tensor<?x4x16xf32>, %k: tensor<?x16xf32>, %w: tensor<?x4xf32>,
    %o: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %s = dsa.indexer_scores query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) outs(%o : tensor<?x?xf32>)
  return %s : tensor<?x?xf32>
}
