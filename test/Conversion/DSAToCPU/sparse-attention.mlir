// Attention becomes one pass over the rows that each list names, made for the
// CPU that the options name.
//
// RUN: dsa-opt %s --split-input-file --verify-each \
// RUN:   --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" | FileCheck %s --check-prefixes=CHECK,PAIRS
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

// Sums of all ranges of all rows that are worked on, the scratch memory of each
// thread, then rows in parallel: the list without holes; dot products of 8 keys
// with two vectors of heads, while the next keys are prefetched; the greatest;
// weights as pairs; values, of 4 heads by 4 vectors of elements.
// REMARK: [Passed] dsa-to-cpu {{.*}}"attention by bf16 pairs, 64 keys at a time, heads in lanes for 32 heads, keys read in place on znver4 (16 lanes, bf16 pairs)"
// AVX2: [Passed] dsa-to-cpu {{.*}}"attention by f32, 72 keys at a time, heads in lanes for 16 heads, keys copied block by block on haswell (8 lanes)"
// CHECK-LABEL: func.func @in_place
// CHECK-COUNT-3: memref.alloc({{.*}} : memref<{{.*}}xf32>
// CHECK:       omp.parallel num_threads(
// CHECK-NOT:   memref.alloc
// CHECK:       omp.wsloop schedule(dynamic)
// PAIRS:       llvm.call_intrinsic "llvm.x86.avx512.mask.compress"
// PAIRS:       memref.prefetch {{.*}} : memref<?xbf16, strided<[1], offset: ?>>
// PAIRS:       scf.for {{.*}} -> (vector<16xf32>{{(, vector<16xf32>)+}}) {
// PAIRS:       llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// PAIRS:       scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>) {
// PAIRS:       llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// PAIRS:       llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// PAIRS:       scf.for {{.*}} -> (vector<16xf32>{{(, vector<16xf32>)+}}) {
// PAIRS:       llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// F32:         vector.fma {{.*}} : vector<[[V]]xf32>
// F32:         math.floor {{.*}} : vector<[[V]]xf32>
// F32:         vector.fma {{.*}} : vector<[[V]]xf32>
// F32-NOT:     llvm.call_intrinsic
// CHECK-NOT:   dsa.sparse_attention
func.func @in_place(%q: memref<?x128x576xbf16>, %kv: memref<?x576xbf16>, %i: memref<?x2048xi32>,
    %o: memref<?x128x512xbf16>, %l: memref<?x128xf32>) {
  dsa.sparse_attention query(%q : memref<?x128x576xbf16>) keys(%kv : memref<?x576xbf16>)
      indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x128x512xbf16>, memref<?x128xf32>)
  return
}

// -----

// Packed rows are dequantised as their block is copied; of few heads, a lane
// holds elements.
// REMARK: [Passed] dsa-to-cpu {{.*}}"attention by bf16 pairs, 64 keys at a time, heads in lanes for 16 heads, then elements in lanes for 5 heads, keys copied block by block on
// CHECK-LABEL: func.func @packed
// PAIRS: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// CHECK-NOT:   dsa.sparse_attention
func.func @packed(%q: memref<?x21x576xbf16>, %kv: memref<?x41984xi8>, %t: memref<1x?xi32>,
    %i: memref<?x?xi32>, %o: memref<?x21x512xf32>, %l: memref<?x21xf32>) {
  dsa.sparse_attention query(%q : memref<?x21x576xbf16>) keys(%kv : memref<?x41984xi8>)
      paged layouts = [#dsa.kv_layout<mla_656, page = 64>] block_tables(%t : memref<1x?xi32>)
      indices(%i : memref<?x?xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x21x512xf32>, memref<?x21xf32>)
  return
}

// -----

// Two column pieces are both read in place; nothing of them is copied.
// REMARK: [Passed] dsa-to-cpu {{.*}}"attention by bf16 pairs, 64 keys at a time, heads in lanes for 16 heads, keys read in place on
// CHECK-LABEL: func.func @pieces
// PAIRS: memref.prefetch {{.*}} : memref<?xbf16, strided<[1], offset: ?>>
// PAIRS: memref.prefetch {{.*}} : memref<?xbf16, strided<[1], offset: ?>>
func.func @pieces(%q: memref<?x16x512xbf16>, %qr: memref<?x16x64xbf16>, %kv: memref<?x512xbf16>,
    %kr: memref<?x64xbf16>, %i: memref<?x2048xi32>, %o: memref<?x16x512xf32>,
    %l: memref<?x16xf32>) {
  dsa.sparse_attention query(%q : memref<?x16x512xbf16>) query_tail(%qr : memref<?x16x64xbf16>)
      keys(%kv : memref<?x512xbf16>) key_tails(%kr : memref<?x64xbf16>)
      indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x16x512xf32>, memref<?x16xf32>)
  return
}

// -----

// Any number of heads, each of both ways for what it has.
// REMARK: [Passed] dsa-to-cpu {{.*}}"attention by f32, 64 keys at a time, heads in lanes for up to 16 heads, then elements in lanes for up to 8 heads, keys copied block by block on
// CHECK-LABEL: func.func @any
// CHECK: vector.fma
// CHECK-NOT: dpbf16ps
func.func @any(%q: memref<?x?x?xf32>, %kv: memref<?x?xf32>, %i: memref<?x?xi32>,
    %o: memref<?x?x100xf32>, %l: memref<?x?xf32>) {
  dsa.sparse_attention query(%q : memref<?x?x?xf32>) keys(%kv : memref<?x?xf32>)
      indices(%i : memref<?x?xi32>) scale = 0.1 dv = 100
      outs(%o, %l : memref<?x?x100xf32>, memref<?x?xf32>)
  return
}
