// The ops of dsa_gpu, as written and as read back, and their effects.
//
// RUN: dsa-opt %s | dsa-opt | FileCheck %s
// RUN: dsa-opt %s --cse --canonicalize | FileCheck %s --check-prefix=EFFECTS

// CHECK-LABEL: gpu.func @copy
// EFFECTS-LABEL: gpu.func @copy
gpu.module @kernels {
  gpu.func @copy(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    // Shared memory has one address.
    // CHECK: dsa_gpu.shared_memory : !llvm.ptr<3>
    // EFFECTS-COUNT-1: dsa_gpu.shared_memory
    // EFFECTS-NOT: dsa_gpu.shared_memory
    %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
    %again = dsa_gpu.shared_memory : !llvm.ptr<3>
    %x = llvm.load %from : !llvm.ptr<1> -> f32
    llvm.store %x, %tile : f32, !llvm.ptr<3>
    %sum = llvm.load %again : !llvm.ptr<3> -> f32
    // CHECK: dsa_gpu.exp2 %{{.*}} : f32
    // EFFECTS-COUNT-1: dsa_gpu.exp2
    // EFFECTS-NOT: dsa_gpu.exp2
    %p = dsa_gpu.exp2 %x : f32
    %unused = dsa_gpu.exp2 %sum : f32
    // CHECK: dsa_gpu.log2 %{{.*}} : f32
    %l = dsa_gpu.log2 %sum : f32
    %y = arith.addf %p, %l : f32
    llvm.store %y, %to : f32, !llvm.ptr<1>
    gpu.return
  }
  gpu.func @nothing() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// A kernel stays known by its name when passes have rewritten it.
gpu.module @lowered {
  llvm.func @fill(%to: !llvm.ptr<1>, %x: f32)
      attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
    llvm.return
  }
}
gpu.binary @serialized [#gpu.object<#nvvm.target, kernels = <[
    #gpu.kernel_metadata<"add", (i32, i64) -> (), metadata = {nvvm.reqntid = array<i32: 96, 1, 1>}>
  ]>, assembly = "add">]

// CHECK-LABEL: func.func @launches
// EFFECTS-LABEL: func.func @launches
func.func @launches(%call: !llvm.ptr, %stride: i64, %n: i64, %one: i64, %from: !llvm.ptr<1>,
    %to: !llvm.ptr<1>, %x: f32, %count: i32) {
  // CHECK: dsa_gpu.check_aligned %{{.*}}, %{{.*}} : !llvm.ptr, i64, multiple = 16, what = "keys: its row stride"
  // EFFECTS: dsa_gpu.check_aligned
  dsa_gpu.check_aligned %call, %stride : !llvm.ptr, i64, multiple = 16, what = "keys: its row stride"
  // CHECK: dsa_gpu.check_equal %{{.*}}, %{{.*}} : !llvm.ptr, i64, expected = 2, what = "keys: its last stride"
  // EFFECTS: dsa_gpu.check_equal
  dsa_gpu.check_equal %call, %stride : !llvm.ptr, i64, expected = 2, what = "keys: its last stride"
  // CHECK: dsa_gpu.launch %{{.*}} : !llvm.ptr, @kernels::@copy blocks(%{{.*}}, %{{.*}}, %{{.*}}) threads = 128 shared_bytes = 1024 args(%{{.*}}, %{{.*}} : !llvm.ptr<1>, !llvm.ptr<1>)
  // EFFECTS: dsa_gpu.launch {{.*}} @kernels::@copy
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@copy blocks(%n, %one, %one) threads = 128
      shared_bytes = 1024 args(%from, %to : !llvm.ptr<1>, !llvm.ptr<1>)
  // Twice is not once.
  // CHECK: dsa_gpu.launch %{{.*}} : !llvm.ptr, @kernels::@nothing blocks(%{{.*}}, %{{.*}}, %{{.*}}) threads = 32 shared_bytes = 0{{$}}
  // EFFECTS-COUNT-2: dsa_gpu.launch {{.*}} @kernels::@nothing
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@nothing blocks(%n, %one, %one) threads = 32 shared_bytes = 0
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@nothing blocks(%n, %one, %one) threads = 32 shared_bytes = 0
  // CHECK: dsa_gpu.launch %{{.*}} : !llvm.ptr, @lowered::@fill
  dsa_gpu.launch %call : !llvm.ptr, @lowered::@fill blocks(%n, %one, %one) threads = 64
      shared_bytes = 0 args(%to, %x : !llvm.ptr<1>, f32)
  // CHECK: dsa_gpu.launch %{{.*}} : !llvm.ptr, @serialized::@add
  dsa_gpu.launch %call : !llvm.ptr, @serialized::@add blocks(%n, %one, %one) threads = 96
      shared_bytes = 0 args(%count, %n : i32, i64)
  return
}
