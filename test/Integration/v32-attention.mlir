// The attention of DeepSeek-V3.2's core, apart from its selection: 128 heads
// over 2048 selected latent rows of 576 columns whose first 512 are the values.
// Any number of query rows T and keys S. tools/quickstart.sh runs it on the
// emulator of a GPU.
//
// RUN: dsa-opt %s --dsa-gpu-pipeline=chip=sm_80 | FileCheck %s --implicit-check-not=dsa. --implicit-check-not=@malloc
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4" | FileCheck %s --check-prefix=CPU --implicit-check-not=dsa.

// CHECK: llvm.func @attention({{.*}}, %{{[^,]*}}: i32, %{{[^,]*}}: !llvm.ptr) -> i32
// CHECK: llvm.call @dsa_gpu_launch
// CPU: llvm.func @attention
func.func @attention(%q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>,
                     %indices: tensor<?x2048xi32>, %count: tensor<?xi32>)
    -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x576xbf16>
  %o = tensor.empty(%T) : tensor<?x128x512xbf16>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      counts(%count : tensor<?xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}
