// Scores are selected from as they come: there is no buffer of T x S of them.
//
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" | FileCheck %s
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] dsa-to-cpu {{.*}}"scores by bf16 pairs, {{.*}}; selected as they come on znver4
// CHECK-LABEL: func.func @indexer
// CHECK-NOT: memref.alloc{{.*}}xf32
// The scores of all chunks, then the rows.
// CHECK: omp.wsloop schedule(dynamic)
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.compress"
// CHECK: omp.wsloop schedule(dynamic)
// CHECK-NOT: dsa.lightning_indexer
func.func @indexer(%q: memref<?x64x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x64xf32>,
    %i: memref<?x2048xi32>, %n: memref<?xi32>) {
  dsa.lightning_indexer query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x128xbf16>)
      weights(%w : memref<?x64xf32>) k = 2048 outs(%i, %n : memref<?x2048xi32>, memref<?xi32>)
  return
}
