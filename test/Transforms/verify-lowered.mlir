// The end of a pipeline: whatever LLVM does not know is an error.
//
// RUN: dsa-opt %s --dsa-verify-lowered --split-input-file --verify-diagnostics

llvm.func @lowered(%x: i32) -> i32 {
  llvm.return %x : i32
}

// -----

llvm.func @left_over(%x: i8) {
  %0 = builtin.unrealized_conversion_cast %x : i8 to f8E4M3FN // expected-error {{'builtin.unrealized_conversion_cast' op has no lowering to LLVM for ('i8') -> ('f8E4M3FN')}}
  // expected-error @below {{'arith.extf' op has no lowering to LLVM for ('f8E4M3FN') -> ('f32')}}
  %1 = arith.extf %0 : f8E4M3FN to f32
  llvm.return
}

// -----

// One error for an op, none for what is inside.
// expected-error @below {{'func.func' op has no lowering to LLVM}}
func.func @region() {
  return
}
