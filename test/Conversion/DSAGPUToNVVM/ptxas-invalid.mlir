// Text that ptxas refuses, by kernel and line.
//
// REQUIRES: ptxas
// RUN: not dsa-opt %s --dsa-serialize-gpu=format=cubin 2>&1 | FileCheck %s

// CHECK: ptxas-invalid.mlir:[[#@LINE+1]]:1: error: ptxas refuses the text for sm_80: second, line [[#]]: {{.*}}'frobnicate'{{.*}}
gpu.module @kernels {
  llvm.func @first() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.return
  }
  llvm.func @second() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.inline_asm has_side_effects "frobnicate;", "" : () -> ()
    llvm.return
  }
}
