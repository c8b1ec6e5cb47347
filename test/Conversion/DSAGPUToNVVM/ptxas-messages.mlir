// Where ptxas is found, and what is made of its messages, by a script that
// stands in for it.
//
// RUN: rm -rf %t && mkdir -p %t/home/bin %t/path
// RUN: cp %S/Inputs/ptxas %t/home/bin/ptxas
// RUN: cp %S/Inputs/ptxas %t/path/ptxas
// RUN: cp %S/Inputs/ptxas %t/other
// RUN: split-file %s %t/in
// RUN: dsa-opt %t/in/kernels.mlir --dsa-serialize-gpu="chip=sm_90 format=cubin ptxas=%t/other" --remarks-filter=dsa --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: env CUDA_HOME=%t/home PATH=%dsa_bin dsa-opt %t/in/kernels.mlir --dsa-serialize-gpu=format=cubin | FileCheck %s --check-prefix=CUBIN
// RUN: env CUDA_HOME=%t/none PATH=%dsa_bin:%t/path dsa-opt %t/in/kernels.mlir --dsa-serialize-gpu=format=cubin | FileCheck %s --check-prefix=CUBIN
// RUN: dsa-opt %t/in/kernels.mlir --dsa-serialize-gpu="chip=sm_90 format=all ptxas=%t/other" | FileCheck %s --check-prefix=ALL80
// RUN: dsa-opt %t/in/kernels.mlir --dsa-serialize-gpu="chip=sm_89 format=all ptxas=%t/other" | FileCheck %s --check-prefix=ALL86
// RUN: not dsa-opt %t/in/errors.mlir --dsa-serialize-gpu="format=cubin ptxas=%t/other" 2>&1 | FileCheck %s --check-prefix=ERRORS
// RUN: not dsa-opt %t/in/silence.mlir --dsa-serialize-gpu="format=cubin ptxas=%t/other" 2>&1 | FileCheck %s --check-prefix=SILENCE
// RUN: not dsa-opt %t/in/old.mlir --dsa-serialize-gpu="chip=sm_120 format=cubin ptxas=%t/other" 2>&1 | FileCheck %s --check-prefix=OLD

// A note has no place in the text: it stands at the module.
// CHECK-DAG: kernels.mlir:4:{{.*}} remark: [Missed] dsa-serialize-gpu | Category:dsa | Reason="second has 255 registers and spills: it stores 16 bytes and loads 20"
// CHECK-DAG: kernels.mlir:1:{{.*}} remark: [Missed] dsa-serialize-gpu | Category:dsa | Reason="(C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function 'second'"
// CHECK-DAG: kernels.mlir:2:{{.*}} remark: [Passed] dsa-serialize-gpu | Category:dsa | Remark="first has 8 registers and does not spill"
// CHECK: gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_90"
// CHECK-SAME: bin = "\7FELF for sm_90"
// CUBIN: bin = "\7FELF for sm_80"

// A cubin for each generation, then the text.
// ALL80: gpu.binary @kernels
// ALL80-SAME: chip = "sm_80"{{.*}} bin = "\7FELF for sm_80">
// ALL80-SAME: chip = "sm_90"{{.*}} bin = "\7FELF for sm_90">
// ALL80-SAME: chip = "sm_100"{{.*}} bin = "\7FELF for sm_100">
// ALL80-SAME: chip = "sm_80"{{.*}} assembly = "
// ALL86: gpu.binary @kernels
// ALL86-SAME: chip = "sm_86"{{.*}} bin = "\7FELF for sm_86">
// ALL86-NOT: "\7FELF for sm_89"
// ALL86-SAME: chip = "sm_120"{{.*}} bin = "\7FELF for sm_120">
// ALL86-SAME: chip = "sm_86"{{.*}} assembly = "

// ERRORS: errors.mlir:1:1: error: ptxas refuses the text for sm_80: first, line 16: Unknown symbol 'x'; first, line 17: Illegal operand type to instruction 'frobnicate'; line 2: Unsupported .version 9.9; current version is '9.0'{{$}}
// SILENCE: error: ptxas refuses the text for sm_80: it ends with 3 and says nothing
// OLD: error: ptxas refuses the text for sm_120: Value 'sm_120' is not defined for option 'gpu-name'

//--- kernels.mlir
gpu.module @kernels {
  llvm.func @first() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.return }
  llvm.func @second() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.return }
}

//--- errors.mlir
gpu.module @errors {
  llvm.func @first() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.inline_asm has_side_effects "frobnicate;", "" : () -> ()
    llvm.return
  }
}

//--- silence.mlir
gpu.module @silence {
  llvm.func @silence() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.return
  }
}

//--- old.mlir
gpu.module @old {
  llvm.func @old() attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.return
  }
}
