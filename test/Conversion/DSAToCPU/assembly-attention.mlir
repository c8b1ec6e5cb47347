// What LLVM makes of the register tiles of attention: their sums stay in
// registers, and no instruction is one that the CPU lacks.
//
// DEFINE: %{cpu} =
// DEFINE: %{triple} = x86_64-linux-gnu
// DEFINE: %{compile} = dsa-opt %s --dsa-cpu-pipeline="triple=%{triple} %{cpu}" \
// DEFINE:   | mlir-translate --mlir-to-llvmir | opt -O3 -S | llc -O3 -o %t.s
// DEFINE: %{loops} = %python %S/check_loops.py
//
// REDEFINE: %{cpu} = cpu=znver4
// RUN: %{compile}
// RUN: %{loops} x86 vdpbf16ps 8 < %t.s
// RUN: FileCheck %s --check-prefix=LIBRARY < %t.s
//
// REDEFINE: %{cpu} = cpu=skylake-avx512
// RUN: %{compile}
// RUN: %{loops} x86 vfmadd 8 < %t.s
// RUN: FileCheck %s --check-prefix=SKYLAKE < %t.s
// SKYLAKE-NOT: {{vdpbf16ps|vpermi2b|vcvtne}}
//
// REDEFINE: %{cpu} = cpu=haswell
// RUN: %{compile}
// RUN: %{loops} x86 vfmadd 10 < %t.s
// RUN: FileCheck %s --check-prefix=AVX2 < %t.s
// AVX2-NOT: {{zmm|vdpbf16ps|vpcompressd|%k[1-7]}}
//
// REDEFINE: %{triple} = aarch64-linux-gnu
// REDEFINE: %{cpu} = cpu=neoverse-n1
// RUN: %{compile}
// RUN: %{loops} aarch64 fmla 8 < %t.s
//
// Kernels allocate nothing; all they call is the runtime's.
// LIBRARY-NOT: {{malloc|aligned_alloc|free|memset}}

func.func @heads_128(%q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>, %i: tensor<?x2048xi32>,
    %o: tensor<?x128x512xbf16>, %l: tensor<?x128xf32>)
    -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%i : tensor<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}

func.func @heads_24_of_records(%q: tensor<?x24x576xbf16>, %kv: tensor<?x656xi8>,
    %i: tensor<?x2048xi32>, %o: tensor<?x24x512xf32>, %l: tensor<?x24xf32>)
    -> (tensor<?x24x512xf32>, tensor<?x24xf32>) {
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x24x576xbf16>)
      keys(%kv : tensor<?x656xi8>) layouts = [#dsa.kv_layout<mla_656>]
      indices(%i : tensor<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x24x512xf32>, tensor<?x24xf32>)
  return %out, %lse : tensor<?x24x512xf32>, tensor<?x24xf32>
}

func.func @any_heads(%q: tensor<?x?x576xf32>, %kv: tensor<?x576xf32>, %i: tensor<?x?xi32>,
    %o: tensor<?x?x512xf32>, %l: tensor<?x?xf32>) -> (tensor<?x?x512xf32>, tensor<?x?xf32>) {
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x?x576xf32>) keys(%kv : tensor<?x576xf32>)
      indices(%i : tensor<?x?xi32>) scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x?x512xf32>, tensor<?x?xf32>)
  return %out, %lse : tensor<?x?x512xf32>, tensor<?x?xf32>
}
