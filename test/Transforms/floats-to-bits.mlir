// bf16 and f8 values, which are only moved, as integers of their width.
//
// RUN: dsa-opt %s --dsa-floats-to-bits --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: memref.global "private" constant @table : memref<2xi16> = dense<[16256, -16384]>
memref.global "private" constant @table : memref<2xbf16> = dense<[1.0, -2.0]>

// CHECK-LABEL: func.func @moved
// CHECK-SAME: (%[[M:.*]]: memref<?xi16, strided<[?], offset: ?>>, %[[C:.*]]: i1, %{{.*}}: memref<4xi8>, %{{.*}}: f16)
// CHECK:      %[[ONE:.*]] = arith.constant 16256 : i16
// CHECK:      %[[X:.*]] = memref.load %[[M]]
// CHECK:      %[[R:.*]] = scf.if %[[C]] -> (i16)
// CHECK:        scf.yield %[[X]] : i16
// CHECK:        scf.yield %[[ONE]] : i16
// CHECK:      memref.store %[[R]], %[[M]]
func.func @moved(%m: memref<?xbf16, strided<[?], offset: ?>>, %c: i1, %f8: memref<4xf8E4M3FN>, %h: f16) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : bf16
  %x = memref.load %m[%c0] : memref<?xbf16, strided<[?], offset: ?>>
  %r = scf.if %c -> bf16 {
    scf.yield %x : bf16
  } else {
    scf.yield %one : bf16
  }
  memref.store %r, %m[%c0] : memref<?xbf16, strided<[?], offset: ?>>
  return
}

// CHECK-LABEL: func.func @load
// CHECK: memref.load {{.*}} : memref<?xi16>
func.func @load(%m: memref<?xbf16>, %i: index) -> bf16 {
  %x = memref.load %m[%i] : memref<?xbf16>
  return %x : bf16
}

// -----

func.func @computed(%x: bf16) -> bf16 {
  // expected-error @below {{'arith.negf' op computes on ('bf16') -> ('bf16'), but bf16 and f8 can only be converted; widen to f32 first}}
  %0 = arith.negf %x : bf16
  return %0 : bf16
}

// -----

// So do its results.
// CHECK-LABEL: func.func @intrinsic_results
// CHECK: %[[BF16:.*]] = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"({{.*}}) : (vector<16xf32>, vector<16xf32>) -> vector<32xbf16>
// CHECK: %[[BITS:.*]] = llvm.bitcast %[[BF16]] : vector<32xbf16> to vector<32xi16>
// CHECK: vector.store %[[BITS]], {{.*}} : memref<32xi16>, vector<32xi16>
func.func @intrinsic_results(%x: vector<16xf32>, %m: memref<32xbf16>, %i: index) {
  %b = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"(%x, %x)
      : (vector<16xf32>, vector<16xf32>) -> vector<32xbf16>
  vector.store %b, %m[%i] : memref<32xbf16>, vector<32xbf16>
  return
}
