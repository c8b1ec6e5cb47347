// Scores on memrefs become loops around register tiles, made for the CPU that
// the options name.
//
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,PAIRS
// RUN: dsa-opt %s --split-input-file \
// RUN:   --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 features=-avx512bf16" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,F32 -DV=16
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=x86_64-linux-gnu cpu=haswell" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,F32 -DV=8
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=aarch64-linux-gnu cpu=neoverse-n1" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,F32 -DV=4
//
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=x86_64-linux-gnu cpu=haswell" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=AVX2
// RUN: dsa-opt %s --split-input-file --dsa-to-cpu="triple=x86_64-linux-gnu cpu=x86-64" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BASELINE

// REMARK: [Passed] dsa-to-cpu {{.*}}"scores by bf16 pairs, heads in lanes, 16 keys at a time, keys read in place on znver4 (16 lanes, bf16 pairs)"
// AVX2: [Passed] dsa-to-cpu {{.*}}"scores by f32, keys in lanes, tiles of up to 6 heads x 2 vectors of keys, keys prepared 16 or 256 at a time on haswell (8 lanes)"
// BASELINE: [Missed] dsa-to-cpu {{.*}}"needs multiply-add of f32 vectors and conversion of f16, FMA with F16C or NEON, which are not among the features of x86-64 (4 lanes)"
// BASELINE: dsa.indexer_scores
// CHECK-LABEL: func.func @scores
// CHECK-NOT: dsa.indexer_scores
// CHECK: omp.parallel num_threads
// CHECK: omp.wsloop schedule(dynamic)
// A tile of 4 keys x 4 vectors of heads: 16 sums in registers.
// PAIRS-COUNT-4: scf.for {{.*}} -> (vector<16xf32>{{(, vector<16xf32>)+}}) {
// PAIRS: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// F32: scf.for
// F32: vector.fma {{.*}} : vector<[[V]]xf32>
// F32-NOT: dpbf16ps
func.func @scores(%q: memref<?x64x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x64xf32>,
    %o: memref<?x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x128xbf16>)
      weights(%w : memref<?x64xf32>) outs(%o : memref<?x?xf32>)
  return
}

// -----

// Keys of another type, or in pages that a vector of positions may leave, are
// copied as the arithmetic needs them, block by block.
// REMARK: [Passed] {{.*}}"scores by bf16 pairs, heads in lanes, 16 keys at a time, keys prepared 16 or 512 at a time
// CHECK-LABEL: func.func @small_pages
// PAIRS: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
func.func @small_pages(%q: memref<?x64x128xbf16>, %k: memref<?x24x128xf8E4M3FN>,
    %t: memref<1x?xi32>, %w: memref<?x64xf32>, %o: memref<?x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x24x128xf8E4M3FN>) paged
      block_table(%t : memref<1x?xi32>) weights(%w : memref<?x64xf32>) outs(%o : memref<?x?xf32>)
  return
}

// -----

// With fewer heads than lanes, keys are in lanes.
// REMARK: [Passed] {{.*}}"scores by bf16 pairs, keys in lanes, tiles of up to 6 heads x 4 vectors of keys, keys prepared 64 or 256 at a time
// CHECK-LABEL: func.func @ten_heads
func.func @ten_heads(%q: memref<?x10x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x10xf32>,
    %o: memref<?x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x10x128xbf16>) keys(%k : memref<?x128xbf16>)
      weights(%w : memref<?x10xf32>) outs(%o : memref<?x?xf32>)
  return
}

// -----

// What a kernel reads contiguously is copied where it is not.
// REMARK: [Missed] {{.*}}"'query' and 'outs' copied, as the innermost stride is not known to be 1"
// CHECK-LABEL: func.func @strided
// CHECK: %[[Q:.*]] = memref.alloc({{.*}}) : memref<?x64x128xf32>
// CHECK: memref.copy %{{.*}}, %[[Q]]
// CHECK: %[[O:.*]] = memref.alloc({{.*}}) : memref<?x?xf32>
// CHECK: omp.parallel
// CHECK: memref.copy %[[O]], %{{.*}}
func.func @strided(%q: memref<?x64x128xf32, strided<[?, ?, 2]>>, %k: memref<?x128xf32>,
    %w: memref<?x64xf32>, %o: memref<?x?xf32, strided<[?, ?]>>) {
  dsa.indexer_scores query(%q : memref<?x64x128xf32, strided<[?, ?, 2]>>)
      keys(%k : memref<?x128xf32>) weights(%w : memref<?x64xf32>)
      outs(%o : memref<?x?xf32, strided<[?, ?]>>)
  return
}

// -----

// REMARK: [Missed] {{.*}}"is on tensors; bufferize first"
// CHECK-LABEL: func.func @negative_on_tensors
// CHECK: dsa.indexer_scores
func.func @negative_on_tensors(%q: tensor<?x64x128xf32>, %k: tensor<?x128xf32>,
    %w: tensor<?x64xf32>, %o: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %s = dsa.indexer_scores query(%q : tensor<?x64x128xf32>) keys(%k : tensor<?x128xf32>)
      weights(%w : tensor<?x64xf32>) outs(%o : tensor<?x?xf32>)
  return %s : tensor<?x?xf32>
}
