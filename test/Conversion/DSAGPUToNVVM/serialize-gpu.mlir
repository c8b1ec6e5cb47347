// Kernels to PTX: what is in the text, for which chips, and that it does not
// change from run to run.
//
// RUN: dsa-opt %s --dsa-serialize-gpu | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_89 | FileCheck %s --check-prefixes=CHECK,SM86
// RUN: dsa-opt %s --dsa-serialize-gpu=features=+ptx80 | FileCheck %s --check-prefix=PTX80
// RUN: dsa-opt %s --dsa-serialize-gpu=opt-level=0 | FileCheck %s --check-prefix=SLOW
// RUN: dsa-opt %s --dsa-serialize-gpu=format=llvm | FileCheck %s --check-prefix=LLVM

// The text is that of the base: chips that run it get the same bytes.
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_80 -o %t.80
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_90 -o %t.90
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_100 -o %t.100
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_86 -o %t.86
// RUN: dsa-opt %s --dsa-serialize-gpu=chip=sm_120 -o %t.120
// RUN: cmp %t.80 %t.90
// RUN: cmp %t.80 %t.100
// RUN: cmp %t.86 %t.120

// CHECK-NOT: gpu.module
// CHECK: gpu.binary @kernels
// SM80-SAME: #nvvm.target<O = 3, chip = "sm_80", features = "+ptx78">
// SM86-SAME: #nvvm.target<O = 3, chip = "sm_86", features = "+ptx78">
// CHECK-SAME: kernels = <[#gpu.kernel_metadata<"first", (!llvm.ptr<1>) -> (), metadata = {nvvm.reqntid = array<i32: 32, 1, 1>}>,
// CHECK-SAME: #gpu.kernel_metadata<"store", (!llvm.ptr<1>, f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>]>,
// CHECK-SAME: assembly = "
// CHECK-SAME: .version 7.8
// SM80-SAME: .target sm_80\0A
// SM86-SAME: .target sm_86\0A
// CHECK-SAME: .extern .shared .align 1024 .b8 dsa_shared_memory[];
// CHECK-SAME: .visible .entry store(
// CHECK-SAME: .param .u64 .ptr .global .align 16 store_param_0
// CHECK-SAME: .param .f32 store_param_1
// CHECK-SAME: .reqntid 64, 1, 1\0A
// CHECK-SAME: .maxnreg 240\0A
// A product and a sum are rounded each.
// CHECK-SAME: mul.rn.f32
// CHECK-NOT: mul.rn.f32
// CHECK-SAME: ex2.approx.ftz.f32
// CHECK-SAME: lg2.approx.f32
// CHECK-SAME: add.rn.f32
// CHECK-SAME: st.global.b32
// CHECK-SAME: .visible .entry first(
// CHECK-SAME: mov.b64 {{[^;]*}}, dsa_shared_memory;

// PTX80: features = "+ptx80"
// PTX80-SAME: .version 8.0

// Unoptimised, the same product is there twice.
// SLOW: O = 0
// SLOW-SAME: mul.rn.f32
// SLOW-SAME: mul.rn.f32

// LLVM: offload = "; ModuleID
// LLVM-SAME: define ptx_kernel void @store(
// LLVM-SAME: call float @llvm.nvvm.ex2.approx.ftz.f32(
gpu.module @kernels {
  llvm.mlir.global external @dsa_shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @store(%out: !llvm.ptr<1> {llvm.align = 16 : i64}, %x: f32)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>, nvvm.maxnreg = 240 : i32} {
    %m = llvm.fmul %x, %x : f32
    llvm.br ^again
  ^again:
    %n = llvm.fmul %x, %x : f32
    %p = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%m) : (f32) -> f32
    %l = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"(%p) : (f32) -> f32
    %y = llvm.fadd %n, %l : f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @first(%out: !llvm.ptr<1>)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    %tile = llvm.mlir.addressof @dsa_shared_memory : !llvm.ptr<3>
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %at = llvm.getelementptr %tile[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %x = llvm.load %at : !llvm.ptr<3> -> f32
    llvm.store %x, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
