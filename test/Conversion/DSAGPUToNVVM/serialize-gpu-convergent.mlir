// What all lanes of a warp do together stays outside of branches that some of
// them take. LLVM, on its own, finds that the condition is known on both ways
// into the middle, and that on one of them nothing uses the result.
//
// RUN: dsa-opt %s --dsa-serialize-gpu | FileCheck %s

// CHECK: .visible .entry product(
// CHECK-SAME: @%p1 bra \09[[BEHIND:[^;]*]];
// CHECK-SAME: [[BEHIND]]:{{[^:]*}}mma.sync.aligned
// CHECK-SAME: @%p1 bra
// CHECK-SAME: .visible .entry text(
// CHECK-SAME: @%p1 bra \09[[BEHIND:[^;]*]];
// CHECK-SAME: [[BEHIND]]:{{[^:]*}}frobnicate
// CHECK-SAME: @%p1 bra
gpu.module @kernels {
  llvm.func @product(%out: !llvm.ptr<1>, %a: i32, %b: i32, %f: f32)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %lane = nvvm.read.ptx.sreg.tid.x : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^before, ^middle
  ^before:
    llvm.store volatile %a, %out : i32, !llvm.ptr<1>
    llvm.br ^middle
  ^middle:
    %sum = nvvm.mma.sync A[%a, %a, %a, %a] B[%b, %b] C[%f, %f, %f, %f]
        {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
         multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>,
         shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %x = llvm.extractvalue %sum[0] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.cond_br %first, ^after, ^done
  ^after:
    llvm.store volatile %x, %out : f32, !llvm.ptr<1>
    llvm.br ^done
  ^done:
    llvm.return
  }
  llvm.func @text(%out: !llvm.ptr<1>, %a: i32)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %lane = nvvm.read.ptx.sreg.tid.x : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^before, ^middle
  ^before:
    llvm.store volatile %a, %out : i32, !llvm.ptr<1>
    llvm.br ^middle
  ^middle:
    %x = llvm.inline_asm "frobnicate.sync $0, $1;", "=r,r" %a : (i32) -> i32
    llvm.cond_br %first, ^after, ^done
  ^after:
    llvm.store volatile %x, %out : i32, !llvm.ptr<1>
    llvm.br ^done
  ^done:
    llvm.return
  }
}
