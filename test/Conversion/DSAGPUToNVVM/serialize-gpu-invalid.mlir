// What dsa-serialize-gpu refuses: options, and a cubin where there is no ptxas.
//
// RUN: not dsa-opt %s --dsa-serialize-gpu=chip=sm_75 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dsa-opt %s --dsa-serialize-gpu=format=bin 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not dsa-opt %s --dsa-serialize-gpu=features=ptx80 2>&1 | FileCheck %s --check-prefix=FEATURE
// RUN: not dsa-opt %s --dsa-serialize-gpu=features=+ptx78,+sse2 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not dsa-opt %s --dsa-serialize-gpu=features=+sm_90 2>&1 | FileCheck %s --check-prefix=CHIPOF
// RUN: not dsa-opt %s --dsa-serialize-gpu=features=+ptx60 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not dsa-opt %s "--dsa-serialize-gpu=chip=sm_120 features=+ptx70" 2>&1 | FileCheck %s --check-prefix=OLD86
// RUN: not dsa-opt %s --dsa-serialize-gpu=opt-level=4 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not dsa-opt %s "--dsa-serialize-gpu=format=cubin ptxas=%t.none" 2>&1 | FileCheck %s --check-prefix=GIVEN
// RUN: not dsa-opt %s "--dsa-serialize-gpu=format=cubin ptxas=%S/Inputs/not-ptxas" 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not dsa-opt %s "--dsa-serialize-gpu=ptxas=%S/Inputs/ptxas" 2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: env CUDA_HOME=%t.none PATH=%dsa_bin not dsa-opt %s --dsa-serialize-gpu=format=cubin 2>&1 | FileCheck %s --check-prefix=NONE

// CHIP: error: chip 'sm_75' is not one that kernels are made for: sm_80, sm_86, sm_89, sm_90, sm_100, sm_120
// FORMAT: error: format is 'bin', expected llvm, ptx, cubin or all
// FEATURE: error: features has 'ptx80', but takes a version of PTX that has sm_80 and that LLVM writes, as in +ptx80
// UNKNOWN: error: features has '+sse2', but takes
// CHIPOF: error: features has '+sm_90', but takes
// OLD: error: features has '+ptx60', but takes a version of PTX that has sm_80
// OLD86: error: features has '+ptx70', but takes a version of PTX that has sm_86
// LEVEL: error: opt-level is 4, expected 0, 1, 2 or 3
// GIVEN: error: ptxas '{{.*}}.none' is no program that can be run
// OTHER: error: '{{.*}}not-ptxas' ends well but writes no cubin: it is not ptxas
// UNUSED: error: ptxas is given, but format 'ptx' has no cubin
// NONE: error: a cubin needs ptxas, which is neither in $CUDA_HOME/bin nor on PATH: install the CUDA toolkit, or run `pip install nvidia-cuda-nvcc` and name the ptxas that it brings; PTX needs none
gpu.module @kernels {
  llvm.func @store(%out: !llvm.ptr<1> {llvm.align = 16 : i64}, %x: f32)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
