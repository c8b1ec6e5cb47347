// What LLVM makes of the register tiles: their sums stay in registers, and no
// instruction is one that the CPU lacks.
//
// DEFINE: %{cpu} =
// DEFINE: %{triple} = x86_64-linux-gnu
// DEFINE: %{compile} = dsa-opt %s --dsa-cpu-pipeline="triple=%{triple} %{cpu}" \
// DEFINE:   | mlir-translate --mlir-to-llvmir | opt -O3 -S | llc -O3 -o %t.s
// DEFINE: %{loops} = %python %S/check_loops.py
//
// REDEFINE: %{cpu} = cpu=znver4
// RUN: %{compile}
// RUN: %{loops} x86 vdpbf16ps 16 < %t.s
// RUN: FileCheck %s --check-prefix=LIBRARY < %t.s
//
// REDEFINE: %{cpu} = cpu=znver4 features=-avx512bf16
// RUN: %{compile}
// RUN: %{loops} x86 vfmadd 16 < %t.s
// RUN: FileCheck %s --check-prefix=NO-PAIRS < %t.s
// NO-PAIRS-NOT: vdpbf16ps
//
// REDEFINE: %{cpu} = cpu=skylake-avx512
// RUN: %{compile}
// RUN: %{loops} x86 vfmadd 16 < %t.s
// RUN: FileCheck %s --check-prefix=SKYLAKE < %t.s
// SKYLAKE-NOT: {{vdpbf16ps|vpermi2b}}
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
// RUN: %{loops} aarch64 fmla 20 < %t.s
//
// Kernels allocate nothing; all they call is the runtime's.
// LIBRARY-NOT: {{malloc|aligned_alloc|free|memset}}

func.func @indexer(%q: tensor<?x64x128xbf16>, %k: tensor<?x128xbf16>, %w: tensor<?x64xf32>,
    %i: tensor<?x2048xi32>, %n: tensor<?xi32>) -> (tensor<?x2048xi32>, tensor<?xi32>) {
  %indices, %count = dsa.lightning_indexer query(%q : tensor<?x64x128xbf16>)
      keys(%k : tensor<?x128xbf16>) weights(%w : tensor<?x64xf32>) k = 2048
      outs(%i, %n : tensor<?x2048xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x2048xi32>, tensor<?xi32>
}

func.func @scaled(%q: tensor<?x64x128xbf16>, %k: tensor<?x128xf8E4M3FN>, %s: tensor<?xf32>,
    %w: tensor<?x64xf32>, %o: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<?x64x128xbf16>) keys(%k : tensor<?x128xf8E4M3FN>)
      key_scale(%s : tensor<?xf32>) weights(%w : tensor<?x64xf32>) outs(%o : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
