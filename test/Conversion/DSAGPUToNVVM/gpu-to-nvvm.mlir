// Kernels to the LLVM and NVVM dialects: what the pass itself lowers, and that
// nothing else is left.
//
// RUN: dsa-opt %s --dsa-gpu-to-nvvm --split-input-file --verify-diagnostics | FileCheck %s

// Shared memory is one external array. What is said of the kernel and of its
// parameters stays.
// CHECK-LABEL: gpu.module @kernels
// CHECK: llvm.mlir.global external @dsa_shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-NOT: llvm.mlir.global
// CHECK: llvm.func @weigh(%[[OUT:.*]]: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias}) attributes {
// CHECK-SAME: nvvm.kernel, nvvm.maxnreg = 240 : i32, nvvm.reqntid = array<i32: 64, 1, 1>}
// CHECK: %[[TILE:.*]] = llvm.mlir.addressof @dsa_shared_memory : !llvm.ptr<3>
// CHECK: %[[X:.*]] = llvm.load %[[TILE]] : !llvm.ptr<3> -> f32
// CHECK: %[[P:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%[[X]]) : (f32) -> f32
// CHECK: %[[L:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"(%[[P]]) : (f32) -> f32
// CHECK: llvm.store %[[L]], %[[OUT]]
// CHECK: llvm.func @other
// CHECK: llvm.mlir.addressof @dsa_shared_memory : !llvm.ptr<3>
gpu.module @kernels {
  gpu.func @weigh(%out: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias}) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>, nvvm.maxnreg = 240 : i32} {
    %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
    %x = llvm.load %tile : !llvm.ptr<3> -> f32
    %p = dsa_gpu.exp2 %x : f32
    %l = dsa_gpu.log2 %p : f32
    llvm.store %l, %out : f32, !llvm.ptr<1>
    gpu.return
  }
  gpu.func @other(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
    llvm.store %x, %tile : f32, !llvm.ptr<3>
    gpu.return
  }
}

// -----

// CHECK-LABEL: llvm.func @arithmetic
// CHECK: llvm.add %{{.*}}, %{{.*}} : i32
// CHECK: llvm.icmp "slt"
// CHECK: llvm.cond_br
// CHECK: llvm.intr.maxnum
// CHECK: nvvm.barrier0
// CHECK: llvm.return
gpu.module @upstream {
  gpu.func @arithmetic(%out: !llvm.ptr<1>, %n: i32, %x: f32, %z: f32) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>} {
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %i = arith.addi %thread, %n : i32
    %less = arith.cmpi slt, %i, %n : i32
    cf.cond_br %less, ^store, ^done
  ^store:
    %y = arith.maxnumf %x, %z : f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    cf.br ^done
  ^done:
    nvvm.barrier0
    gpu.return
  }
}

// -----

gpu.module @left_over {
  gpu.func @structured(%n: i32, %to: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    // expected-error @below {{failed to legalize operation 'scf.for'}}
    scf.for %i = %c0 to %n step %c1 : i32 {
      llvm.store %i, %to : i32, !llvm.ptr<1>
    }
    gpu.return
  }
}

// -----

gpu.module @left_over {
  gpu.func @cast(%x: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error @below {{'builtin.unrealized_conversion_cast' op has no lowering to LLVM for ('i32') -> ('f8E4M3FN')}}
    %0 = builtin.unrealized_conversion_cast %x : i32 to f8E4M3FN
    // expected-error @below {{'builtin.unrealized_conversion_cast' op has no lowering to LLVM for ('f8E4M3FN') -> ('f32')}}
    %1 = builtin.unrealized_conversion_cast %0 : f8E4M3FN to f32
    %2 = dsa_gpu.exp2 %1 : f32
    gpu.return
  }
}

// -----

gpu.module @left_over {
  gpu.func @library(%x: f32, %to: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error @below {{'llvm.call' op is of '__nv_sinf', which the module does not define; kernels are linked with no library: use an instruction, as dsa_gpu.exp2 is one}}
    %y = math.sin %x : f32
    llvm.store %y, %to : f32, !llvm.ptr<1>
    gpu.return
  }
}

// -----

// CHECK-LABEL: llvm.func @weights
// CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
gpu.module @kernels {
  gpu.func @weights(%x: f32, %out: !llvm.ptr<1> {llvm.align = 16 : i64}) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
    %p = dsa_gpu.exp2 %x : f32
    llvm.store %p, %tile : f32, !llvm.ptr<3>
    gpu.return
  }
}
