// Launches, checks and images as what the runtime reads.
//
// RUN: dsa-opt %s --dsa-gpu-host-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-NOT: gpu.binary
// CHECK-NOT: dsa_gpu.
// CHECK-LABEL: func.func @launches(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr, %[[N:.*]]: i64, %[[ONE:.*]]: i64, %[[TO:.*]]: !llvm.ptr<1>, %[[X:.*]]: f32, %[[COUNT:.*]]: index)
// Memory for arguments, of the last launch and of the first, is outside of the
// loop.
// CHECK: llvm.alloca %{{.*}} x !llvm.struct<(ptr<1>, f32)>
// CHECK: llvm.alloca %{{.*}} x !llvm.array<2 x ptr>
// CHECK: %[[VALUES:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr<1>, f32)>
// CHECK: %[[ADDRESSES:.*]] = llvm.alloca %{{.*}} x !llvm.array<2 x ptr>
// CHECK: scf.for
// CHECK-NOT: llvm.alloca
// CHECK: %[[SECOND:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: %[[THREADS:.*]] = llvm.mlir.constant(64 : i32)
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(1024 : i32)
// CHECK: %[[V0:.*]] = llvm.getelementptr %[[VALUES]][0, 0]
// CHECK: llvm.store %[[TO]], %[[V0]]
// CHECK: %[[A0:.*]] = llvm.getelementptr %[[ADDRESSES]][0, 0]
// CHECK: llvm.store %[[V0]], %[[A0]]
// CHECK: %[[V1:.*]] = llvm.getelementptr %[[VALUES]][0, 1]
// CHECK: llvm.store %[[X]], %[[V1]]
// CHECK: %[[A1:.*]] = llvm.getelementptr %[[ADDRESSES]][0, 1]
// CHECK: llvm.store %[[V1]], %[[A1]]
// CHECK: llvm.call @dsa_gpu_launch(%[[CALL]], %[[SECOND]], %[[N]], %[[ONE]], %[[ONE]], %[[THREADS]], %[[BYTES]], %[[ADDRESSES]])
// CHECK: %[[FIRST:.*]] = llvm.mlir.constant(0 : i32)
// CHECK: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: llvm.call @dsa_gpu_launch(%[[CALL]], %[[FIRST]], %[[ONE]], %[[N]], %[[ONE]], %{{.*}}, %{{.*}}, %[[NULL]])

// Text ends in a zero, code does not need one.
// CHECK: llvm.mlir.global internal constant @dsa_gpu_program.compute_80.name("compute_80\00")
// CHECK: llvm.mlir.global internal constant @dsa_gpu_program.compute_80(".version 7.8\00") {{{.*}}alignment = 16
// CHECK: llvm.mlir.global internal constant @dsa_gpu_program.sm_120.name("sm_120\00")
// CHECK: llvm.mlir.global internal constant @dsa_gpu_program.sm_120("\7FELF") {{{.*}}alignment = 16
// CHECK: @dsa_gpu_program.images() {{.*}} : !llvm.array<2 x struct<(ptr, ptr, i32, i32, i32, i32)>>
// CHECK: llvm.mlir.addressof @dsa_gpu_program.compute_80.name
// CHECK: llvm.mlir.addressof @dsa_gpu_program.compute_80
// CHECK: llvm.mlir.constant(1 : i32)
// CHECK: llvm.mlir.constant(8 : i32)
// CHECK: llvm.mlir.constant(0 : i32)
// CHECK: llvm.mlir.addressof @dsa_gpu_program.sm_120.name
// CHECK: llvm.mlir.addressof @dsa_gpu_program.sm_120
// CHECK: llvm.mlir.constant(0 : i32)
// CHECK: llvm.mlir.constant(12 : i32)
// CHECK: llvm.mlir.constant(0 : i32)
// A kernel asks for the most of its launches.
// CHECK: @dsa_gpu_program.kernels() {{.*}} : !llvm.array<2 x struct<(ptr, i32, i32)>>
// CHECK: llvm.mlir.addressof @dsa_gpu_program.fill
// CHECK: llvm.mlir.constant(0 : i32)
// CHECK: llvm.mlir.addressof @dsa_gpu_program.store
// CHECK: llvm.mlir.constant(2048 : i32)
// 64 devices, and 1 + 2 words for each of two images.
// CHECK: llvm.mlir.global internal @dsa_gpu_program.state() {{.*}} : !llvm.array<70 x ptr> {
// CHECK: llvm.mlir.zero
// CHECK: llvm.mlir.global external constant @dsa_gpu_program() {{.*}} : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
// CHECK: llvm.mlir.addressof @dsa_gpu_program.images
// CHECK: llvm.mlir.addressof @dsa_gpu_program.kernels
// CHECK: llvm.mlir.addressof @dsa_gpu_program.state
// CHECK: llvm.mlir.constant(2 : i32)
// CHECK: llvm.mlir.constant(2 : i32)
gpu.binary @kernels [
  #gpu.object<#nvvm.target<chip = "sm_80">, kernels = <[
    #gpu.kernel_metadata<"store", (!llvm.ptr<1>, f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>,
    #gpu.kernel_metadata<"fill", () -> (), metadata = {nvvm.reqntid = array<i32: 32, 1, 1>}>
  ]>, assembly = ".version 7.8">,
  #gpu.object<#nvvm.target<chip = "sm_120">, kernels = <[
    #gpu.kernel_metadata<"store", (!llvm.ptr<1>, f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>,
    #gpu.kernel_metadata<"fill", () -> (), metadata = {nvvm.reqntid = array<i32: 32, 1, 1>}>
  ]>, bin = "\7FELF">]
func.func @launches(%call: !llvm.ptr, %n: i64, %one: i64, %to: !llvm.ptr<1>, %x: f32, %count: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %count step %c1 {
    dsa_gpu.launch %call : !llvm.ptr, @kernels::@store blocks(%n, %one, %one) threads = 64
        shared_bytes = 1024 args(%to, %x : !llvm.ptr<1>, f32)
  }
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@fill blocks(%one, %n, %one) threads = 32 shared_bytes = 0
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@store blocks(%n, %one, %one) threads = 64
      shared_bytes = 2048 args(%to, %x : !llvm.ptr<1>, f32)
  return
}

// -----

// The same text stands there once.
// CHECK-LABEL: func.func @checks(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr, %[[VALUE:.*]]: i64
// CHECK: %[[MULTIPLE:.*]] = llvm.mlir.constant(16 : i64)
// CHECK: %[[WHAT:.*]] = llvm.mlir.addressof @dsa_gpu_checked : !llvm.ptr
// CHECK: llvm.call @dsa_gpu_check_aligned(%[[CALL]], %[[VALUE]], %[[MULTIPLE]], %[[WHAT]])
// CHECK: llvm.mlir.addressof @dsa_gpu_checked : !llvm.ptr
// CHECK: %[[OTHER:.*]] = llvm.mlir.addressof @[[NAME:dsa_gpu_checked.+]] : !llvm.ptr
// CHECK: llvm.call @dsa_gpu_check_aligned(%[[CALL]], %[[VALUE]], %{{.*}}, %[[OTHER]])
// CHECK: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK: %[[AGAIN:.*]] = llvm.mlir.addressof @[[NAME]] : !llvm.ptr
// CHECK: llvm.call @dsa_gpu_check_equal(%[[CALL]], %[[VALUE]], %[[TWO]], %[[AGAIN]])
// CHECK: llvm.mlir.global internal constant @dsa_gpu_checked("keys: its row stride\00")
// CHECK: llvm.mlir.global internal constant @[[NAME]]("query\00")
func.func @checks(%call: !llvm.ptr, %value: i64) {
  dsa_gpu.check_aligned %call, %value : !llvm.ptr, i64, multiple = 16, what = "keys: its row stride"
  dsa_gpu.check_aligned %call, %value : !llvm.ptr, i64, multiple = 8, what = "keys: its row stride"
  dsa_gpu.check_aligned %call, %value : !llvm.ptr, i64, multiple = 16, what = "query"
  dsa_gpu.check_equal %call, %value : !llvm.ptr, i64, expected = 2, what = "query"
  return
}

// -----

// expected-error @below {{kernels of @kernels are not compiled; run 'dsa-serialize-gpu' before}}
gpu.module @kernels {
}

// -----

gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <>, assembly = "">]
// expected-error @below {{@others is a gpu.binary beside @kernels; a program has one, whose images hold all of its kernels}}
gpu.binary @others [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <>, assembly = "">]

// -----

// expected-error @below {{image for sm_80 is neither PTX nor a cubin, which are what the driver loads}}
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <>, offload = "">]

// -----

// expected-error @below {{image has no table of its kernels, as 'dsa-serialize-gpu' writes it}}
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "">]

// -----

// expected-error @below {{images hold different kernels}}
gpu.binary @kernels [
  #gpu.object<#nvvm.target<chip = "sm_80">, kernels = <>, assembly = "">,
  #gpu.object<#nvvm.target<chip = "sm_80">, kernels = <[#gpu.kernel_metadata<"store", () -> ()>]>, bin = "">]

// -----

// expected-error @below {{chip 'sm_50' is not one that kernels are made for}}
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_50">, kernels = <>, assembly = "">]

// -----

gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <>, assembly = "">]
// expected-error @below {{'dsa_gpu_program' is the name of a module's kernels}}
func.func private @dsa_gpu_program()

// -----

// The documentation's.
// CHECK-LABEL: func.func @launch(
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = <[
    #gpu.kernel_metadata<"store", (f32) -> (), metadata = {nvvm.reqntid = array<i32: 64, 1, 1>}>
  ]>, assembly = ".version 7.8">]
func.func @launch(%call: !llvm.ptr, %n: i64, %one: i64, %x: f32) {
  dsa_gpu.check_aligned %call, %n : !llvm.ptr, i64, multiple = 16, what = "rows"
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@store blocks(%n, %one, %one) threads = 64
      shared_bytes = 1024 args(%x : f32)
  return
}
