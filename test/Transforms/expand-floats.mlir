// Conversions of narrow floats as operations on their bits. Their numbers are
// tested on all codes by execution.
//
// RUN: dsa-opt %s --dsa-expand-floats --split-input-file --verify-diagnostics | FileCheck %s

// Round to nearest even by adding just under half and the last bit that stays;
// a NaN is cut and made quiet instead.
// CHECK-LABEL: func.func @truncf_f32_to_bf16
// CHECK-SAME: (%[[X:.*]]: f32)
// CHECK-DAG:  %[[BITS:.*]] = arith.bitcast %[[X]] : f32 to i32
// CHECK-DAG:  %[[HALF:.*]] = arith.constant 32767 : i32
// CHECK-DAG:  %[[QUIET_BIT:.*]] = arith.constant 64 : i32
// CHECK-DAG:  %[[NAN:.*]] = arith.cmpf uno, %[[X]], %[[X]]
// CHECK:      %[[CHOICE:.*]] = arith.select %[[NAN]], %{{.*}}, %{{.*}} : i32
// CHECK:      %[[CODE:.*]] = arith.trunci %[[CHOICE]] : i32 to i16
// CHECK:      %[[R:.*]] = arith.bitcast %[[CODE]] : i16 to bf16
// CHECK:      return %[[R]]
func.func @truncf_f32_to_bf16(%x: f32) -> bf16 {
  %0 = arith.truncf %x : f32 to bf16
  return %0 : bf16
}

// To f32 rounding to odd, so that the second rounding decides alone.
// CHECK-LABEL: func.func @truncf_f64_to_bf16
// CHECK:      %[[NEAREST:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK:      %[[INEXACT:.*]] = arith.cmpf one,
// CHECK:      %[[ODD:.*]] = arith.ori
// CHECK:      arith.select %[[INEXACT]], %[[ODD]], %{{.*}} : i32
// CHECK-NOT:  arith.truncf
// CHECK:      return
func.func @truncf_f64_to_bf16(%x: f64) -> bf16 {
  %0 = arith.truncf %x : f64 to bf16
  return %0 : bf16
}

// CHECK-LABEL: func.func @truncf_f64_to_f16
// CHECK:      arith.truncf %{{.*}} : f64 to f32
// CHECK:      arith.ori
// CHECK:      %[[R:.*]] = arith.truncf %{{.*}} : f32 to f16
// CHECK:      return %[[R]]
func.func @truncf_f64_to_f16(%x: f64) -> f16 {
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// CHECK-LABEL: func.func @f8E4M3FN_scalars
// CHECK-NOT:  arith.extf %{{.*}} : f8E4M3FN
// CHECK-NOT:  arith.truncf %{{.*}} to f8E4M3FN
// CHECK-NOT:  arith.cmpf {{.*}} : f8E4M3FN
// CHECK:      arith.bitcast %{{.*}} : f8E4M3FN to i8
// CHECK:      arith.bitcast %{{.*}} : i8 to f8E4M3FN
// CHECK:      arith.cmpf olt, %{{.*}}, %{{.*}} : f32
func.func @f8E4M3FN_scalars(%x: f8E4M3FN, %y: f16, %z: bf16, %w: f64)
    -> (f32, f16, bf16, f64, f8E4M3FN, f8E4M3FN, f8E4M3FN, i1) {
  %0 = arith.extf %x : f8E4M3FN to f32
  %1 = arith.extf %x : f8E4M3FN to f16
  %2 = arith.extf %x : f8E4M3FN to bf16
  %3 = arith.extf %x : f8E4M3FN to f64
  %4 = arith.truncf %y : f16 to f8E4M3FN
  %5 = arith.truncf %z : bf16 to f8E4M3FN
  %6 = arith.truncf %w : f64 to f8E4M3FN
  %7 = arith.cmpf olt, %x, %4 : f8E4M3FN
  return %0, %1, %2, %3, %4, %5, %6, %7 : f32, f16, bf16, f64, f8E4M3FN, f8E4M3FN, f8E4M3FN, i1
}

// Elementwise on vectors, constants included.
// CHECK-LABEL: func.func @vectors
// CHECK-SAME: (%[[X:.*]]: vector<4xf8E4M3FN>)
// CHECK:      arith.bitcast %[[X]] : vector<4xf8E4M3FN> to vector<4xi8>
// CHECK:      arith.constant dense<127> : vector<4xi32>
// CHECK-NOT:  arith.extf
// CHECK:      return
func.func @vectors(%x: vector<4xf8E4M3FN>) -> vector<4xf32> {
  %0 = arith.extf %x : vector<4xf8E4M3FN> to vector<4xf32>
  return %0 : vector<4xf32>
}

// A power of two: the byte is the exponent. Code 0 is the subnormal 2^-127.
// CHECK-LABEL: func.func @extf_f8E8M0FNU
// CHECK-SAME: (%[[X:.*]]: f8E8M0FNU)
// CHECK:      %[[BYTE:.*]] = arith.bitcast %[[X]] : f8E8M0FNU to i8
// CHECK:      %[[CODE:.*]] = arith.extui %[[BYTE]] : i8 to i32
// CHECK:      arith.shli %[[CODE]], %c23_i32
// CHECK:      arith.select %{{.*}}, %c4194304_i32,
// CHECK:      arith.select %{{.*}}, %c2143289344_i32,
func.func @extf_f8E8M0FNU(%x: f8E8M0FNU) -> f32 {
  %0 = arith.extf %x : f8E8M0FNU to f32
  return %0 : f32
}

// CHECK-LABEL: func.func @bf16_widens_by_a_shift
// CHECK:      arith.shli %{{.*}}, %c16_i32
// CHECK-NOT:  arith.extf %{{.*}} : bf16
// CHECK:      arith.cmpf ogt, %{{.*}}, %{{.*}} : f32
func.func @bf16_widens_by_a_shift(%x: bf16, %y: bf16) -> (f64, i1) {
  %0 = arith.extf %x : bf16 to f64
  %1 = arith.cmpf ogt, %x, %y : bf16
  return %0, %1 : f64, i1
}

// What LLVM lowers by itself stays.
// CHECK-LABEL: func.func @negative_f16
// CHECK:      arith.extf %{{.*}} : f16 to f32
// CHECK:      arith.truncf %{{.*}} : f32 to f16
// CHECK:      arith.truncf %{{.*}} : f64 to f32
func.func @negative_f16(%x: f16, %y: f64) -> (f16, f32) {
  %0 = arith.extf %x : f16 to f32
  %1 = arith.truncf %0 : f32 to f16
  %2 = arith.truncf %y : f64 to f32
  return %1, %2 : f16, f32
}

// -----

func.func @rounding_mode(%x: f32) -> bf16 {
  // expected-error @below {{'arith.truncf' op from 'f32' to 'bf16' rounds toward_zero, but can only round to_nearest_even}}
  %0 = arith.truncf %x toward_zero : f32 to bf16
  return %0 : bf16
}

// -----

func.func @to_f8E8M0FNU(%x: f32) -> f8E8M0FNU {
  // expected-error @below {{'arith.truncf' op from 'f32' to 'f8E8M0FNU' has no expansion; f8E4M3FN converts from and to f16, bf16, f32 and f64, f8E8M0FNU to bf16, f32 and f64, and bf16 from and to f32 and f64}}
  %0 = arith.truncf %x : f32 to f8E8M0FNU
  return %0 : f8E8M0FNU
}

// -----

func.func @f8E8M0FNU_to_f16(%x: f8E8M0FNU) -> f16 {
  // expected-error @below {{from 'f8E8M0FNU' to 'f16' has no expansion}}
  %0 = arith.extf %x : f8E8M0FNU to f16
  return %0 : f16
}
