// Cubins, where there is a ptxas: for every chip, the same bytes each time, and
// what it says of each kernel.
//
// REQUIRES: ptxas
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_80 format=cubin" -o %t.80 --remarks-filter=dsa --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARKS
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_80 format=cubin" -o %t.again
// RUN: cmp %t.80 %t.again
// RUN: FileCheck %s --check-prefix=CUBIN < %t.80
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_86 format=cubin" -o -  | FileCheck %s --check-prefix=CUBIN
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_89 format=cubin" -o -  | FileCheck %s --check-prefix=CUBIN
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_90 format=cubin" -o -  | FileCheck %s --check-prefixes=CUBIN,SM90
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_100 format=cubin" -o -  | FileCheck %s --check-prefix=CUBIN
// RUN: dsa-opt %s --dsa-serialize-gpu="chip=sm_120 format=cubin" -o -  | FileCheck %s --check-prefixes=CUBIN,SM120

// SM90: chip = "sm_90"
// SM120: chip = "sm_120"
// CUBIN: bin = "\7FELF
// REMARKS-DAG: ptxas.mlir:[[#@LINE+2]]:{{.*}} remark: [Passed] dsa-serialize-gpu | Category:dsa | Remark="few has {{[0-9]+}} registers and does not spill"
gpu.module @kernels {
  llvm.func @few(%out: !llvm.ptr<1>, %x: f32) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.return
  }
  // More values at once than it may have registers.
  // REMARKS-DAG: ptxas.mlir:[[#@LINE+1]]:{{.*}} remark: [Missed] dsa-serialize-gpu | Category:dsa | Reason="many has 24 registers and spills: it stores {{[1-9][0-9]*}} bytes and loads {{[1-9][0-9]*}}"
  llvm.func @many(%out: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxnreg = 24 : i32, nvvm.reqntid = array<i32: 32, 1, 1>} {
    %v0 = llvm.load volatile %out : !llvm.ptr<1> -> vector<4xf64>
    %v1 = llvm.load volatile %out : !llvm.ptr<1> -> vector<4xf64>
    %v2 = llvm.load volatile %out : !llvm.ptr<1> -> vector<4xf64>
    %v3 = llvm.load volatile %out : !llvm.ptr<1> -> vector<4xf64>
    llvm.store volatile %v3, %out : vector<4xf64>, !llvm.ptr<1>
    llvm.store volatile %v2, %out : vector<4xf64>, !llvm.ptr<1>
    llvm.store volatile %v1, %out : vector<4xf64>, !llvm.ptr<1>
    llvm.store volatile %v0, %out : vector<4xf64>, !llvm.ptr<1>
    llvm.return
  }
}
