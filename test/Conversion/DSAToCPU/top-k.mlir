// Selection by radix: rows in parallel, vectors of the CPU's width, scratch
// memory from outside of the loops.
//
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --verify-each | FileCheck %s --check-prefixes=CHECK,COMPRESS
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 features=-avx512f" \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,EIGHT
// RUN: dsa-opt %s --dsa-to-cpu="triple=aarch64-linux-gnu cpu=generic" --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FOUR
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// Two passes over the scores: one counts digits, one packs candidates, by an
// instruction where there is one. Whole vectors in the loops, a masked one
// behind each.
// REMARK: top-k.mlir:[[#@LINE+30]]:{{.*}}remark: [Passed] dsa-to-cpu {{.*}}"selected by radix on znver4 (16 lanes, bf16 pairs)"
// CHECK-LABEL: func.func @plain
// CHECK:       memref.alloc(
// CHECK:       omp.parallel num_threads(
// CHECK-NOT:   memref.alloc
// CHECK:       omp.wsloop schedule(dynamic)
// CHECK-NEXT:  omp.loop_nest
// COMPRESS:    scf.for
// COMPRESS:    vector.load {{.*}} : memref<?x?xf32>, vector<16xf32>
// COMPRESS:    vector.maskedload {{.*}} : memref<?x?xf32>, vector<16xi1>
// COMPRESS-NOT: llvm.call_intrinsic
// COMPRESS:    scf.for
// COMPRESS:    vector.load {{.*}} : memref<?x?xf32>, vector<16xf32>
// COMPRESS-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.mask.compress"
// COMPRESS:    vector.maskedload {{.*}} : memref<?x?xf32>, vector<16xi1>
// EIGHT-NOT:   vector<16x
// EIGHT-NOT:   llvm.call_intrinsic
// EIGHT-COUNT-2: vector.load {{.*}} : memref<?x?xf32>, vector<8xf32>
// EIGHT-NOT:   vector<16x
// EIGHT-NOT:   llvm.call_intrinsic
// FOUR-NOT:    vector<8x
// FOUR-NOT:    llvm.call_intrinsic
// FOUR-COUNT-2: vector.load {{.*}} : memref<?x?xf32>, vector<4xf32>
// FOUR-NOT:    vector<8x
// FOUR-NOT:    llvm.call_intrinsic
// CHECK-NOT:   dsa.
// CHECK:       omp.yield
// CHECK-NOT:   dsa.
// CHECK:       return
func.func @plain(%scores: memref<?x?xf32>, %indices: memref<?x8xi32>, %count: memref<?xi32>) {
  dsa.top_k scores(%scores : memref<?x?xf32>) k = 8
      outs(%indices, %count : memref<?x8xi32>, memref<?xi32>)
  return
}

// -----

// Ids side by side are read as the scores are.
// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"selected by radix, positions excluded a vector at a time on
// CHECK-LABEL: func.func @ids_of_rows
// COMPRESS:    vector.load {{.*}} : memref<2x3x40xf32>, vector<16xf32>
// COMPRESS:    vector.load {{.*}} : memref<2x3x40xi32>, vector<16xi32>
func.func @ids_of_rows(%scores: memref<2x3x40xf32>, %ids: memref<2x3x40xi32>,
    %indices: memref<2x3x4xi32>, %count: memref<2x3xi32>) {
  dsa.top_k scores(%scores : memref<2x3x40xf32>) k = 4 ids(%ids : memref<2x3x40xi32>)
      outs(%indices, %count : memref<2x3x4xi32>, memref<2x3xi32>)
  return
}

// -----

// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"selected by radix, positions excluded one by one on
// CHECK-LABEL: func.func @ids_apart
// CHECK-NOT:   vector.{{.*}}load {{.*}} : memref<40xi32
// CHECK:       return
func.func @ids_apart(%scores: memref<3x40xf32>, %ids: memref<40xi32, strided<[?]>>,
    %indices: memref<3x4xi32>, %count: memref<3xi32>) {
  dsa.top_k scores(%scores : memref<3x40xf32>) k = 4 ids(%ids : memref<40xi32, strided<[?]>>)
      outs(%indices, %count : memref<3x4xi32>, memref<3xi32>)
  return
}

// -----

// One entry is read for all positions of its block, in each pass.
// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"selected by radix, positions excluded a block at a time on
// CHECK-LABEL: func.func @pages
// CHECK:       scf.for
// CHECK:       scf.for
// CHECK:       memref.load {{.*}} : memref<1x?xi32>
// CHECK:       scf.for
// CHECK-NEXT:  vector.load {{.*}} : memref<?x?xf32>
func.func @pages(%scores: memref<?x?xf32>, %table: memref<1x?xi32>, %indices: memref<?x8xi32>,
    %count: memref<?xi32>) {
  dsa.top_k scores(%scores : memref<?x?xf32>) k = 8 translate(%table : memref<1x?xi32>, page = 64)
      outs(%indices, %count : memref<?x8xi32>, memref<?xi32>)
  return
}

// -----

// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"selected by radix, positions excluded a vector at a time on
// CHECK-LABEL: func.func @pages_of_one_slot
func.func @pages_of_one_slot(%scores: memref<?x?xf32>, %table: memref<1x?xi32>,
    %indices: memref<?x8xi32>, %count: memref<?xi32>) {
  dsa.top_k scores(%scores : memref<?x?xf32>) k = 8 translate(%table : memref<1x?xi32>, page = 1)
      outs(%indices, %count : memref<?x8xi32>, memref<?xi32>)
  return
}

// -----

// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"selected by radix, positions excluded one by one on
// CHECK-LABEL: func.func @pages_shorter_than_a_vector
func.func @pages_shorter_than_a_vector(%scores: memref<?x?xf32>, %table: memref<1x?xi32>,
    %indices: memref<?x8xi32>, %count: memref<?xi32>) {
  dsa.top_k scores(%scores : memref<?x?xf32>) k = 8 translate(%table : memref<1x?xi32>, page = 3)
      outs(%indices, %count : memref<?x8xi32>, memref<?xi32>)
  return
}
