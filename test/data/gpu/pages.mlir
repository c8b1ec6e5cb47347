// Rows of f16 in two column pieces, in pages of 64 behind a block table.
func.func @pages(%q: tensor<?x128x512xf16>, %q_rope: tensor<?x128x64xf16>,
    %latent: tensor<?x64x512xf16>, %rope: tensor<?x64x64xf16>, %table: tensor<1x?xi32>,
    %i: tensor<?x2048xi32>) -> (tensor<?x128x512xf32>, tensor<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x128x512xf16>
  %o = tensor.empty(%t) : tensor<?x128x512xf32>
  %l = tensor.empty(%t) : tensor<?x128xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x512xf16>)
      query_tail(%q_rope : tensor<?x128x64xf16>) keys(%latent : tensor<?x64x512xf16>)
      key_tails(%rope : tensor<?x64x64xf16>) paged block_tables(%table : tensor<1x?xi32>)
      indices(%i : tensor<?x2048xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xf32>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xf32>, tensor<?x128xf32>
}
