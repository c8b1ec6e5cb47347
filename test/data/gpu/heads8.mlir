// 8 heads, as a part of a model on one of several GPUs has.
func.func @heads8(%q: tensor<?x8x576xbf16>, %kv: tensor<?x576xbf16>, %i: tensor<?x2048xi32>)
    -> (tensor<?x8x512xbf16>, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x8x576xbf16>
  %o = tensor.empty(%t) : tensor<?x8x512xbf16>
  %l = tensor.empty(%t) : tensor<?x8xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x8x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%i : tensor<?x2048xi32>)
      scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x8x512xbf16>, tensor<?x8xf32>)
  return %out, %lse : tensor<?x8x512xbf16>, tensor<?x8xf32>
}
