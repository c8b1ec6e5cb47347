// The function of docs/Artefacts.md for GPUs, by tensors of the CPU or of one.
// RUN: dsa-compile %s --target=cpu,sm_86 --emit=header -o - | FileCheck %s
// RUN: dsa-compile %s --target=sm_86 --emit=header -o - | FileCheck %s
// RUN: dsa-compile %s --target=cpu --emit=header -o - | FileCheck %s --check-prefix=CPU
// CHECK: All tensors of a call are on the CPU or on one GPU, kDLCUDA
// CHECK: int32_t attend_prepare(
// CHECK-NEXT: int32_t device);
// CPU-NOT: kDLCUDA
// CPU-NOT: _prepare

func.func @attend(%q: tensor<?x16x576xbf16>, %keys: tensor<?x576xbf16>,
    %indices: tensor<?x2048xi32>) -> (tensor<?x16x512xbf16>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %q, %c0 : tensor<?x16x576xbf16>
  %o = tensor.empty(%rows) : tensor<?x16x512xbf16>
  %l = tensor.empty(%rows) : tensor<?x16xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x16x576xbf16>)
      keys(%keys : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x16x512xbf16>, tensor<?x16xf32>)
  return %out, %lse : tensor<?x16x512xbf16>, tensor<?x16xf32>
}
