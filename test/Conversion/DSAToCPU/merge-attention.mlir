// Merging of partials: rows in parallel, the weights of a row in scratch memory
// from outside of the loops, columns in vectors of the CPU's width.
//
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --verify-each | FileCheck %s --check-prefixes=CHECK,SCALE
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 features=-avx512f" \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,EIGHT
// RUN: dsa-opt %s --dsa-to-cpu="triple=aarch64-linux-gnu cpu=generic" --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FOUR
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// The largest lse, the weights, then columns: eight vectors at a time, one, and
// a masked one. A partial whose lse is -inf is not read.
// REMARK: merge-attention.mlir:[[#@LINE+32]]:{{.*}}remark: [Passed] dsa-to-cpu {{.*}}"partials merged row by row on znver4 (16 lanes, bf16 pairs)"
// CHECK-LABEL: func.func @merge
// CHECK:       memref.alloc(
// CHECK:       omp.parallel num_threads(
// CHECK-NOT:   memref.alloc
// CHECK:       omp.wsloop schedule(dynamic)
// CHECK-NEXT:  omp.loop_nest
// CHECK:       scf.for
// CHECK:       arith.maximumf
// CHECK:       scf.for
// SCALE:       llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"
// SCALE:       llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// EIGHT-NOT:   llvm.call_intrinsic
// EIGHT:       math.floor {{.*}} : vector<8xf32>
// FOUR-NOT:    llvm.call_intrinsic
// FOUR:        math.floor {{.*}} : vector<4xf32>
// CHECK:       scf.if
// SCALE-COUNT-8: vector.load {{.*}} : memref<?x?x?x?xf32>, vector<16xf32>
// EIGHT-COUNT-8: vector.load {{.*}} : memref<?x?x?x?xf32>, vector<8xf32>
// FOUR-COUNT-8: vector.load {{.*}} : memref<?x?x?x?xf32>, vector<4xf32>
// CHECK-NOT:   vector.load
// CHECK:       scf.if
// CHECK:       vector.load
// CHECK-NOT:   vector.load
// CHECK:       scf.if
// CHECK:       vector.maskedload
// CHECK:       vector.maskedstore
// CHECK:       omp.yield
// CHECK-NOT:   dsa.
// CHECK:       return
func.func @merge(%outs: memref<?x?x?x?xf32>, %lses: memref<?x?x?xf32>, %sink: memref<?xf32>,
    %out: memref<?x?x?xf32>, %lse: memref<?x?xf32>) {
  dsa.merge_attention parts(%outs : memref<?x?x?x?xf32>) lses(%lses : memref<?x?x?xf32>)
      sink(%sink : memref<?xf32>) outs(%out, %lse : memref<?x?x?xf32>, memref<?x?xf32>)
  return
}

// -----

// Rows are [batch, t, head]; bf16 widens on the way in, and is rounded once.
// CHECK-LABEL: func.func @batched
// CHECK:       vector.load {{.*}} : memref<2x3x4x5x512xbf16>, vector<[[L:[0-9]+]]xbf16>
// CHECK:       arith.extf {{.*}} : vector<[[L]]xbf16> to vector<[[L]]xf32>
// CHECK:       arith.truncf {{.*}} : vector<[[L]]xf32> to vector<[[L]]xbf16>
// CHECK-NOT:   vector.maskedload
// CHECK:       return
func.func @batched(%outs: memref<2x3x4x5x512xbf16>, %lses: memref<2x3x4x5xf32>,
    %out: memref<3x4x5x512xbf16>, %lse: memref<3x4x5xf32>) {
  dsa.merge_attention parts(%outs : memref<2x3x4x5x512xbf16>) lses(%lses : memref<2x3x4x5xf32>)
      outs(%out, %lse : memref<3x4x5x512xbf16>, memref<3x4x5xf32>)
  return
}
