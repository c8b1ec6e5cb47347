// DeepSeek-V3.2: 128 heads, rows of 576 columns of which 512 are values.
func.func @v32(%q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>, %i: tensor<?x2048xi32>)
    -> (tensor<?x128x512xbf16>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x128x576xbf16>
  %o = tensor.empty(%t) : tensor<?x128x512xbf16>
  %l = tensor.empty(%t) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%i : tensor<?x2048xi32>)
      scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xbf16>, tensor<?x128xf32>
}
