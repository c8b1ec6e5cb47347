// The whole road for a GPU: a kernel as text or code in the function that
// launches it, and only what translates to LLVM at the end.
//
// RUN: dsa-opt %s --dsa-gpu-pipeline -verify-each | FileCheck %s --implicit-check-not=gpu.binary
// RUN: dsa-opt %s --dsa-gpu-pipeline=chip=sm_86 | FileCheck %s --check-prefix=SM86
// RUN: dsa-opt %s --dsa-gpu-pipeline=features=+ptx80 | FileCheck %s --check-prefix=PTX80
// RUN: dsa-opt %s --dsa-gpu-pipeline=format=llvm | FileCheck %s --check-prefix=LLVM
// RUN: dsa-opt %s --dsa-gpu-pipeline="format=cubin chip=sm_90 ptxas=%S/../Conversion/DSAGPUToNVVM/Inputs/ptxas" | FileCheck %s --check-prefix=CUBIN
// RUN: %if ptxas %{ dsa-opt %s --dsa-gpu-pipeline=format=cubin -o /dev/null --remarks-filter=dsa --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=PTXAS %}
// RUN: dsa-opt %s --dsa-gpu-pipeline | mlir-translate --mlir-to-llvmir | FileCheck %s --check-prefix=HOST
// RUN: not dsa-opt %s --dsa-gpu-pipeline=chip=sm_70 2>&1 | FileCheck %s --check-prefix=CHIP

// SM86: @dsa_gpu_program.compute_86({{.*}}.target sm_86
// PTX80: .version 8.0
// LLVM: gpu.binary @kernels
// LLVM-SAME: offload = "; ModuleID
// All lanes take part in a product: it stays where it is.
// LLVM-SAME: call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.bf16({{[^)]*}}) #[[CONVERGENT:[0-9]+]]\0A
// LLVM-SAME: attributes #[[CONVERGENT]] = { convergent }
// LLVM: llvm.func @multiply(
// LLVM: dsa_gpu.launch
// CUBIN: @dsa_gpu_program.sm_90("\7FELF for sm_90")
// PTXAS: [Passed] dsa-serialize-gpu {{.*}}"tile has {{[0-9]+}} registers and does not spill"
// CHIP: error: chip 'sm_70' is not one that kernels are made for
// HOST: @dsa_gpu_program = constant { ptr, ptr, ptr, i32, i32 } { ptr @dsa_gpu_program.images, ptr @dsa_gpu_program.kernels, ptr @dsa_gpu_program.state, i32 1, i32 1 }
// HOST: define void @multiply(
// HOST: call void @dsa_gpu_launch(ptr %0, i32 0, i64 %5, i64 1, i64 1, i32 32, i32 2048, ptr

// CHECK: llvm.func @multiply(
// CHECK: llvm.call @dsa_gpu_check_aligned(
// CHECK: llvm.call @dsa_gpu_launch(

// A product of tiles as kernels have it: copies that are waited for, a loop with
// what mma.sync adds to, shuffles.
// CHECK: llvm.mlir.global internal constant @dsa_gpu_program.compute_80(
// CHECK-SAME: .version 7.8
// CHECK-SAME: .target sm_80
// CHECK-SAME: .extern .shared .align 1024 .b8 dsa_shared_memory[];
// CHECK-SAME: .visible .entry tile(
// CHECK-SAME: .reqntid 32, 1, 1
// CHECK-SAME: cp.async.cg.shared.global [{{[^]]*}}], [{{[^]]*}}], 16
// CHECK-SAME: cp.async.commit_group;
// CHECK-SAME: cp.async.wait_group
// CHECK-SAME: bar.sync
// CHECK-SAME: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-SAME: ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16
// CHECK-SAME: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK-SAME: shfl.sync.bfly.b32
// CHECK-SAME: cvt.rn.bf16x2.f32
// CHECK-SAME: st.global
#row = #nvvm.mma_layout<row>
#col = #nvvm.mma_layout<col>
!acc = !llvm.struct<(f32, f32, f32, f32)>
gpu.module @kernels {
  gpu.func @tile(%a: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias}, %d: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias}, %n: i32) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c16 = arith.constant 16 : i32
    %c31 = arith.constant 31 : i32
    %all = arith.constant -1 : i32
    %zero = arith.constant 0.0 : f32
    %shared = dsa_gpu.shared_memory : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.tid.x : i32
    %at = arith.muli %lane, %c16 : i32
    %to = llvm.getelementptr %shared[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %sums:4 = scf.for %i = %c0 to %n step %c1
        iter_args(%s0 = %zero, %s1 = %zero, %s2 = %zero, %s3 = %zero) -> (f32, f32, f32, f32) : i32 {
      %rows = arith.muli %i, %c31 : i32
      %offset = arith.addi %rows, %at : i32
      %wide = arith.extsi %offset : i32 to i64
      %from = llvm.getelementptr %a[%wide] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i8
      %inside = arith.cmpi slt, %offset, %n : i32
      %bytes = arith.select %inside, %c16, %c0 : i32
      nvvm.cp.async.shared.global %to, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
      nvvm.cp.async.commit.group
      nvvm.cp.async.wait.group 0
      nvvm.barrier0
      %x = nvvm.ldmatrix %to {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #row, num = 4 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %y = nvvm.ldmatrix %to {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #col, num = 2 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32)>
      %x0 = llvm.extractvalue %x[0] : !llvm.struct<(i32, i32, i32, i32)>
      %x1 = llvm.extractvalue %x[1] : !llvm.struct<(i32, i32, i32, i32)>
      %x2 = llvm.extractvalue %x[2] : !llvm.struct<(i32, i32, i32, i32)>
      %x3 = llvm.extractvalue %x[3] : !llvm.struct<(i32, i32, i32, i32)>
      %y0 = llvm.extractvalue %y[0] : !llvm.struct<(i32, i32)>
      %y1 = llvm.extractvalue %y[1] : !llvm.struct<(i32, i32)>
      %sum = nvvm.mma.sync A[%x0, %x1, %x2, %x3] B[%y0, %y1] C[%s0, %s1, %s2, %s3]
          {layoutA = #row, layoutB = #col,
           multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>,
           shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !acc
      %t0 = llvm.extractvalue %sum[0] : !acc
      %t1 = llvm.extractvalue %sum[1] : !acc
      %t2 = llvm.extractvalue %sum[2] : !acc
      %t3 = llvm.extractvalue %sum[3] : !acc
      nvvm.barrier0
      scf.yield %t0, %t1, %t2, %t3 : f32, f32, f32, f32
    }
    %other = nvvm.shfl.sync bfly %all, %sums#0, %c2, %c31 : f32 -> f32
    %most = arith.maxnumf %sums#0, %other : f32
    %weight = dsa_gpu.exp2 %most : f32
    %pair = vector.from_elements %weight, %sums#1 : vector<2xf32>
    %narrow = arith.truncf %pair : vector<2xf32> to vector<2xbf16>
    %first = arith.cmpi eq, %lane, %c0 : i32
    scf.if %first {
      llvm.store %narrow, %d {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<1>
    }
    gpu.return
  }
}

llvm.func @multiply(%call: !llvm.ptr, %a: !llvm.ptr<1>, %d: !llvm.ptr<1>, %n: i32, %stride: i64, %blocks: i64) {
  %one = arith.constant 1 : i64
  dsa_gpu.check_aligned %call, %stride : !llvm.ptr, i64, multiple = 16, what = "rows: their stride"
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@tile blocks(%blocks, %one, %one) threads = 32
      shared_bytes = 2048 args(%a, %d, %n : !llvm.ptr<1>, !llvm.ptr<1>, i32)
  llvm.return
}
