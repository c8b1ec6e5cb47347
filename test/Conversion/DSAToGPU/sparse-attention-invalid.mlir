// What the kernel declines is an error that names the op, the type and the limit.

// RUN: dsa-opt %s -split-input-file -dsa-to-gpu -verify-diagnostics

func.func @f32(%q: memref<4x8x64xf32>, %kv: memref<9x64xf32>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{'dsa.sparse_attention' op has queries of f32; the GPU kernel has f16 and bf16}}
  dsa.sparse_attention query(%q : memref<4x8x64xf32>) keys(%kv : memref<9x64xf32>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @f8(%q: memref<4x8x64xbf16>, %kv: memref<9x64xf8E4M3FN>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has keys of f8E4M3FN with queries of bf16; the GPU kernel has keys of the type of queries}}
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xf8E4M3FN>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @packed(%q: memref<4x8x576xbf16>, %kv: memref<9x656xi8>, %i: memref<4x7xi32>,
    %o: memref<4x8x512xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has keys of i8 with queries of bf16; the GPU kernel has keys of the type of queries}}
  dsa.sparse_attention query(%q : memref<4x8x576xbf16>) keys(%kv : memref<9x656xi8>)
      layouts = [#dsa.kv_layout<mla_656>] indices(%i : memref<4x7xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<4x8x512xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @compute(%q: memref<4x8x64xbf16>, %kv: memref<9x64xbf16>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op computes in f32 on rows of bf16; the GPU kernel computes in the type of its rows}}
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64 compute_type = f32
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @narrow(%q: memref<4x8x24xbf16>, %kv: memref<9x24xbf16>, %i: memref<4x7xi32>,
    %o: memref<4x8x16xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has queries of 24 columns; the GPU kernel has multiples of 16 from 16 to 576}}
  dsa.sparse_attention query(%q : memref<4x8x24xbf16>) keys(%kv : memref<9x24xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 16
      outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @wide(%q: memref<4x8x512xbf16>, %qt: memref<4x8x80xbf16>, %kv: memref<9x512xbf16>,
    %kt: memref<9x80xbf16>, %i: memref<4x7xi32>, %o: memref<4x8x16xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has key rows of 592 columns; the GPU kernel has multiples of 16 from 16 to 576}}
  dsa.sparse_attention query(%q : memref<4x8x512xbf16>) query_tail(%qt : memref<4x8x80xbf16>)
      keys(%kv : memref<9x512xbf16>) key_tails(%kt : memref<9x80xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 16
      outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @unknown(%q: memref<4x8x?xbf16>, %kv: memref<9x?xbf16>, %i: memref<4x7xi32>,
    %o: memref<4x8x16xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has queries of a number of columns that is not known; the GPU kernel has multiples of 16 from 16 to 576}}
  dsa.sparse_attention query(%q : memref<4x8x?xbf16>) keys(%kv : memref<9x?xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 16
      outs(%o, %l : memref<4x8x16xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @values(%q: memref<4x8x64xbf16>, %kv: memref<9x64xbf16>, %v: memref<9x528xbf16>,
    %i: memref<4x7xi32>, %o: memref<4x8x528xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has value rows of 528 columns; the GPU kernel has multiples of 16 from 16 to 512}}
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xbf16>)
      values(%v : memref<9x528xbf16>) indices(%i : memref<4x7xi32>) scale = 0.1 dv = 528
      outs(%o, %l : memref<4x8x528xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @tensors(%q: tensor<4x8x64xbf16>, %kv: tensor<9x64xbf16>, %i: tensor<4x7xi32>,
    %o: tensor<4x8x64xf32>, %l: tensor<4x8xf32>) -> tensor<4x8x64xf32> {
  // expected-error @below {{op is on tensors; bufferize first}}
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x8x64xbf16>) keys(%kv : tensor<9x64xbf16>)
      indices(%i : tensor<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : tensor<4x8x64xf32>, tensor<4x8xf32>)
  return %out : tensor<4x8x64xf32>
}

// -----

func.func @other(%s: memref<4x9xf32>, %i: memref<4x2xi32>, %n: memref<4xi32>) {
  // expected-error @below {{'dsa.top_k' op has no GPU kernel}}
  dsa.top_k scores(%s : memref<4x9xf32>) k = 2 outs(%i, %n : memref<4x2xi32>, memref<4xi32>)
  return
}

// -----

func.func @host(%q: memref<4x8x64xbf16>, %kv: memref<9x64xbf16>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>, %copy: memref<4x8xf32>) {
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  // expected-error @below {{'memref.copy' op copies memory of the device, for which there is no kernel; results of a function that a branch, a loop or a reshape gives become such copies}}
  memref.copy %l, %copy : memref<4x8xf32> to memref<4x8xf32>
  return
}

// -----

// A function without an op of dsa gets the device's memory, too.
func.func @fill(%x: memref<4xf32>) {
  %one = arith.constant 1.0 : f32
  // expected-error @below {{'linalg.fill' op reads or writes memory, which is the device's}}
  linalg.fill ins(%one : f32) outs(%x : memref<4xf32>)
  return
}

// -----

func.func @apart(%q: memref<4x8x64xbf16>, %kv: memref<9x64xbf16>,
    %v: memref<9x64xbf16, strided<[192, 3], offset: 1>>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has values[0] of 'memref<9x64xbf16, strided<[192, 3], offset: 1>>', whose columns are 3 elements apart; the GPU kernel has rows of adjacent elements}}
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xbf16>)
      values(%v : memref<9x64xbf16, strided<[192, 3], offset: 1>>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @out_apart(%q: memref<4x8x64xbf16>, %kv: memref<9x64xbf16>, %i: memref<4x7xi32>,
    %o: memref<4x8x64xf32, strided<[1024, 128, 2]>>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has out of 'memref<4x8x64xf32, strided<[1024, 128, 2]>>', whose columns are 2 elements apart}}
  dsa.sparse_attention query(%q : memref<4x8x64xbf16>) keys(%kv : memref<9x64xbf16>)
      indices(%i : memref<4x7xi32>) scale = 0.1 dv = 64
      outs(%o, %l : memref<4x8x64xf32, strided<[1024, 128, 2]>>, memref<4x8xf32>)
  return
}

// -----

memref.global "private" constant @table : memref<8xf32> = dense<1.0>

func.func @constant(%parts: memref<2x4x8x64xf32>, %lses: memref<2x4x8xf32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{'memref.get_global' op of 'memref<8xf32>' is a constant in the host's memory, which kernels cannot read; make it an argument of the function}}
  %sink = memref.get_global @table : memref<8xf32>
  dsa.merge_attention parts(%parts : memref<2x4x8x64xf32>) lses(%lses : memref<2x4x8xf32>)
      sink(%sink : memref<8xf32>) outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @stack(%parts: memref<2x4x8x64xf32>, %lses: memref<2x4x8xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{'memref.alloca' op of 'memref<4x8x64xf32>' is on the host's stack, which kernels cannot read; memref.alloc is in the workspace}}
  %o = memref.alloca() : memref<4x8x64xf32>
  dsa.merge_attention parts(%parts : memref<2x4x8x64xf32>) lses(%lses : memref<2x4x8xf32>)
      outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

// expected-error @below {{'func.func' op has the name of what a program with GPU kernels gets; rename it}}
func.func @dsa_kernels() {
  return
}

// -----

// expected-error @below {{'func.func' op has the name of what a program with GPU kernels gets; rename it}}
func.func @dsa_gpu_check_equal() {
  return
}

// -----

func.func private @elsewhere() -> memref<8xf32>

func.func @called(%parts: memref<2x4x8x64xf32>, %lses: memref<2x4x8xf32>,
    %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{'func.call' op of 'memref<8xf32>' returns memory that may be the host's, which kernels cannot read; inline what it calls}}
  %sink = func.call @elsewhere() : () -> memref<8xf32>
  dsa.merge_attention parts(%parts : memref<2x4x8x64xf32>) lses(%lses : memref<2x4x8xf32>)
      sink(%sink : memref<8xf32>) outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

func.func @space(%parts: memref<2x4x8x64xf32>, %lses: memref<2x4x8xf32>,
    %sink: memref<8xf32, 3>, %o: memref<4x8x64xf32>, %l: memref<4x8xf32>) {
  // expected-error @below {{op has an operand of memref<8xf32, 3>; GPU kernels have memory without a memory space, as the device's global memory}}
  dsa.merge_attention parts(%parts : memref<2x4x8x64xf32>) lses(%lses : memref<2x4x8xf32>)
      sink(%sink : memref<8xf32, 3>) outs(%o, %l : memref<4x8x64xf32>, memref<4x8xf32>)
  return
}

// -----

// What the host does without memory is nobody's business.
func.func @number(%n: index) {
  %c1 = arith.constant 1 : index
  %positive = arith.cmpi sge, %n, %c1 : index
  cf.assert %positive, "no rows"
  return
}
