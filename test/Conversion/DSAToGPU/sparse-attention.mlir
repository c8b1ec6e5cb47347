// The schedule of each shape, what the kernel is made of and what the host does.

// RUN: dsa-opt %s -split-input-file -verify-each -dsa-to-gpu=chip=sm_80 --remarks-filter=dsa -o %t.80.mlir 2>&1 | FileCheck %s --check-prefix=R80
// RUN: dsa-opt %s -split-input-file -verify-each -dsa-to-gpu=chip=sm_86 --remarks-filter=dsa -o %t.86.mlir 2>&1 | FileCheck %s --check-prefix=R86
// RUN: FileCheck %s < %t.80.mlir

// R80: [Passed] dsa-to-gpu {{.*}}"attention by mma of bf16: 64 heads x 32 keys x 2 stages, 8 warps, 5 query steps in registers, 2 passes for scores, 152064 bytes of shared memory on sm_80"
// R86: [Passed] dsa-to-gpu {{.*}}"attention by mma of bf16: 32 heads x 32 keys x 2 stages, 8 warps, 9 query steps in registers, 1 passes for scores, 96640 bytes of shared memory on sm_86"

// CHECK:       gpu.module @dsa_kernels
// CHECK:         gpu.func @v32_sparse_attention(
// CHECK-SAME:      kernel attributes {known_block_size = array<i32: 256, 1, 1>}
// Two stages: one is on its way before the loop.
// CHECK:           nvvm.cp.async.commit.group
// CHECK:           scf.for
// CHECK:             nvvm.cp.async.wait.group 0
// CHECK-NEXT:        nvvm.barrier0
// CHECK:             nvvm.cp.async.commit.group
// Two passes over nine steps of 32 heads x 16 keys: 4 x 9 x 2 products.
// CHECK-COUNT-72:    nvvm.mma.sync
// CHECK-NOT:         nvvm.mma.sync
// CHECK:             nvvm.barrier0
// CHECK-COUNT-8:     dsa_gpu.exp2
// CHECK:             nvvm.barrier0
// 64 heads x 64 columns x 32 keys.
// CHECK-COUNT-64:    nvvm.mma.sync
// CHECK-NOT:         nvvm.mma.sync
// CHECK:             scf.yield
// CHECK:           gpu.return
// CHECK:         gpu.func @v32_sparse_attention_merge(
// CHECK:         kernel attributes {known_block_size = array<i32: 128, 1, 1>}
// CHECK-LABEL: func.func @v32
// CHECK:         %[[CALL:.*]] = dsa_gpu.call
// CHECK:         dsa_gpu.check_aligned %[[CALL]], {{.*}} multiple = 16, what = "query: its address"
// CHECK:         dsa_gpu.check_aligned %[[CALL]], {{.*}} multiple = 16, what = "out: its address"
// CHECK:         dsa_gpu.check_aligned %[[CALL]], {{.*}} multiple = 16, what = "keys[0]: its address"
// CHECK-NOT:     dsa_gpu.check_aligned
// CHECK:         %[[PARTS:.*]] = memref.alloc(%{{.*}}) : memref<?x128x512xf32>
// CHECK:         memref.reinterpret_cast %[[PARTS]]
// CHECK:         memref.alloc(%{{.*}}) : memref<?x128xf32>
// CHECK:         scf.for
// CHECK:           dsa_gpu.launch %[[CALL]] : !llvm.ptr, @dsa_kernels::@v32_sparse_attention blocks({{.*}}) threads = 256 shared_bytes = 152064
// CHECK:           scf.if
// CHECK:             dsa_gpu.launch %[[CALL]] : !llvm.ptr, @dsa_kernels::@v32_sparse_attention_merge blocks({{.*}}) threads = 128 shared_bytes = 0
// CHECK-NOT:     dsa.sparse_attention
func.func @v32(%q: memref<?x128x576xbf16>, %kv: memref<?x576xbf16>, %i: memref<?x2048xi32>,
    %o: memref<?x128x512xbf16>, %l: memref<?x128xf32>) {
  dsa.sparse_attention query(%q : memref<?x128x576xbf16>) keys(%kv : memref<?x576xbf16>)
      indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x128x512xbf16>, memref<?x128xf32>)
  return
}

// -----

// Few heads: a smaller tile of them, and four warps.
// R80: 16 heads x 32 keys x 2 stages, 4 warps
// R86: 16 heads x 32 keys x 2 stages, 4 warps
// CHECK:       gpu.func @eight_sparse_attention
// Rows come from two pieces; strides of the caller are checked.
// CHECK-LABEL: func.func @eight
// CHECK:         what = "query_tail: its address"
// CHECK:         what = "keys[0]: the stride in bytes of its dimension 0"
// CHECK:         what = "key_tails[0]: its address"
func.func @eight(%q: memref<?x8x512xf16>, %qt: memref<?x8x64xf16>,
    %k: memref<?x64x512xf16, strided<[?, ?, 1], offset: ?>>, %kt: memref<?x64x64xf16>,
    %table: memref<1x?xi32>, %i: memref<?x2048xi32>, %o: memref<?x8x512xf32>,
    %l: memref<?x8xf32>) {
  dsa.sparse_attention query(%q : memref<?x8x512xf16>) query_tail(%qt : memref<?x8x64xf16>)
      keys(%k : memref<?x64x512xf16, strided<[?, ?, 1], offset: ?>>)
      key_tails(%kt : memref<?x64x64xf16>) paged block_tables(%table : memref<1x?xi32>)
      indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x8x512xf32>, memref<?x8xf32>)
  return
}

// -----

// Separate values need a tile of their own: smaller schedules fit.
// R80: 32 heads x 32 keys x 2 stages, 8 warps
// R86: 32 heads x 32 keys x 1 stages, 8 warps
// CHECK:       gpu.func @values_sparse_attention
// A row is 9 chunks of each eight threads for the keys, 8 for the values.
// CHECK-COUNT-17:  nvvm.cp.async.shared.global
// CHECK:           nvvm.cp.async.commit.group
func.func @values(%q: memref<?x64x576xbf16>, %k: memref<?x576xbf16>, %v: memref<?x512xbf16>,
    %i: memref<?x?xi32>, %o: memref<?x64x512xbf16>, %l: memref<?x64xf32>) {
  dsa.sparse_attention query(%q : memref<?x64x576xbf16>) keys(%k : memref<?x576xbf16>)
      values(%v : memref<?x512xbf16>) indices(%i : memref<?x?xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x64x512xbf16>, memref<?x64xf32>)
  return
}

// -----

// A name of MLIR that is none of PTX.
// CHECK: gpu.func @_1st_of_v3_2_merge_attention
func.func @"1st of:v3.2"(%parts: memref<2x4x8x64xf32>, %lses: memref<2x4x8xf32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  dsa.merge_attention parts(%parts : memref<2x4x8x64xf32>) lses(%lses : memref<2x4x8xf32>)
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}
