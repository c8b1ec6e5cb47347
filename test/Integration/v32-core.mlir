// The attention core of DeepSeek-V3.2: score all keys with 64 index heads of
// width 128, select 2048 of them, attend with 128 heads over latent rows of
// 576 columns whose first 512 are the values. Any number of query rows T and
// keys S; row t sees keys [0, hi[t]). tools/quickstart.sh runs it.
//
// RUN: dsa-opt %s | FileCheck %s
// RUN: dsa-opt %s --dsa-reference-pipeline | FileCheck %s --check-prefix=LOWERED --implicit-check-not=dsa.
// RUN: dsa-opt %s --dsa-cpu-pipeline="triple=x86_64-linux-gnu cpu=znver4" | FileCheck %s --check-prefix=LOWERED \
// RUN:   --implicit-check-not=dsa. --implicit-check-not=@malloc

// CHECK-LABEL: func.func @core
// CHECK: %indices, %count = dsa.lightning_indexer
// CHECK: %out, %lse = dsa.sparse_attention
// LOWERED: llvm.func @core
func.func @core(%index_q: tensor<?x64x128xbf16>, %index_k: tensor<?x128xbf16>,
                %weights: tensor<?x64xf32>, %hi: tensor<?xi32>,
                %q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>)
    -> (tensor<?x2048xi32>, tensor<?xi32>, tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x128x576xbf16>
  %i = tensor.empty(%T) : tensor<?x2048xi32>
  %c = tensor.empty(%T) : tensor<?xi32>
  %o = tensor.empty(%T) : tensor<?x128x512xbf16>
  %l = tensor.empty(%T) : tensor<?x128xf32>
  %indices, %count = dsa.lightning_indexer
      query(%index_q : tensor<?x64x128xbf16>) keys(%index_k : tensor<?x128xbf16>)
      weights(%weights : tensor<?x64xf32>) hi(%hi : tensor<?xi32>) k = 2048
      outs(%i, %c : tensor<?x2048xi32>, tensor<?xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      counts(%count : tensor<?xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %indices, %count, %out, %lse : tensor<?x2048xi32>, tensor<?xi32>, tensor<?x128x512xbf16>, tensor<?x128xf32>
}
