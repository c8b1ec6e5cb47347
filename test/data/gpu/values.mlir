// Values that are not columns of the keys.
func.func @values(%q: tensor<?x64x576xbf16>, %k: tensor<?x576xbf16>, %v: tensor<?x512xbf16>,
    %i: tensor<?x?xi32>) -> (tensor<?x64x512xbf16>, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x64x576xbf16>
  %o = tensor.empty(%t) : tensor<?x64x512xbf16>
  %l = tensor.empty(%t) : tensor<?x64xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x64x576xbf16>)
      keys(%k : tensor<?x576xbf16>) values(%v : tensor<?x512xbf16>)
      indices(%i : tensor<?x?xi32>) scale = 0.0625 dv = 512
      outs(%o, %l : tensor<?x64x512xbf16>, tensor<?x64xf32>)
  return %out, %lse : tensor<?x64x512xbf16>, tensor<?x64xf32>
}
