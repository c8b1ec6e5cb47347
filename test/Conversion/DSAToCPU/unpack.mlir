// Packed rows as numbers: rows in parallel, whole vectors of codes where a group
// of elements holds some, masked ones for the rest.
//
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --verify-each | FileCheck %s --check-prefixes=CHECK,TABLE
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=skylake-avx512" \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,GENERIC
// RUN: dsa-opt %s --dsa-to-cpu="triple=aarch64-linux-gnu cpu=generic" --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,GENERIC
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4" --split-input-file \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// 64 codes by two look-ups, 32 products rounded at once; the last field is
// copied.
// REMARK: unpack.mlir:[[#@LINE+18]]:{{.*}}remark: [Passed] dsa-to-cpu {{.*}}"dequantized row by row on znver4 (16 lanes, bf16 pairs)"
// CHECK-LABEL: func.func @records
// CHECK:       omp.wsloop schedule(dynamic)
// CHECK-NEXT:  omp.loop_nest
// TABLE:       vector.load {{.*}} : memref<?x656xi8>, vector<64xi8>
// TABLE-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// TABLE-COUNT-4: arith.mulf {{.*}} : vector<16xf32>
// TABLE-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// GENERIC-NOT: llvm.call_intrinsic
// GENERIC:     arith.extf {{.*}} : vector<[[L:[0-9]+]]xf8E4M3FN> to vector<[[L]]xf32>
// GENERIC:     arith.mulf {{.*}} : vector<[[L]]xf32>
// GENERIC:     arith.truncf {{.*}} : vector<[[L]]xf32> to vector<[[L]]xbf16>
// CHECK:       vector.bitcast {{.*}}xbf16>
// CHECK-NOT:   arith.mulf
// CHECK-NOT:   vector.masked
// CHECK-NOT:   dsa.
// CHECK:       return
func.func @records(%packed: memref<?x656xi8>, %rows: memref<?x576xbf16>) {
  dsa.unpack packed(%packed : memref<?x656xi8>) layout = <mla_656>
      outs(%rows : memref<?x576xbf16>)
  return
}

// -----

// Codes and scales apart, of rows in pages.
// REMARK: remark: [Passed] dsa-to-cpu {{.*}}"codes and scales copied row by row on
// CHECK-LABEL: func.func @raw
// CHECK:       vector.load {{.*}} : memref<7x528xi8>
// CHECK:       vector.store {{.*}} : memref<7x4x128xf8E4M3FN>
// CHECK-NOT:   arith.mulf
// CHECK:       memref.store {{.*}} : memref<7x4xf32>
func.func @raw(%packed: memref<7x528xi8>, %rows: memref<7x4x128xf8E4M3FN>,
    %scales: memref<7x4xf32>) {
  dsa.unpack packed(%packed : memref<7x528xi8>) paged layout = <index_132, page = 4>
      outs(%rows, %scales : memref<7x4x128xf8E4M3FN>, memref<7x4xf32>)
  return
}

// -----

// Groups of 3 elements fill no vector: what is behind them is neither read, at
// the end of the field, nor written.
// CHECK-LABEL: func.func @small_groups
// CHECK:       scf.for
// CHECK:       vector.maskedload
// CHECK:       arith.mulf
// CHECK:       vector.maskedstore
func.func @small_groups(%packed: memref<9x150xi8>, %rows: memref<9x30xf32>) {
  dsa.unpack packed(%packed : memref<9x150xi8>)
      layout = <[30 x f8E4M3FN at 0 scale f32 per 3 at 30], record_bytes = 150>
      outs(%rows : memref<9x30xf32>)
  return
}
