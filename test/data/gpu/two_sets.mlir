// Two key sets, a window of 128 rows and 512 selected ones, of 512 columns that
// are keys and values; counts and a sink.
func.func @two_sets(%q: tensor<?x64x512xbf16>, %window: tensor<?x512xbf16>,
    %rows: tensor<?x512xbf16>, %recent: tensor<?x128xi32>, %selected: tensor<?x512xi32>,
    %n0: tensor<?xi32>, %n1: tensor<?xi32>, %sink: tensor<64xf32>)
    -> (tensor<?x64x512xbf16>, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x64x512xbf16>
  %o = tensor.empty(%t) : tensor<?x64x512xbf16>
  %l = tensor.empty(%t) : tensor<?x64xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x64x512xbf16>)
      keys(%window, %rows : tensor<?x512xbf16>, tensor<?x512xbf16>)
      indices(%recent, %selected : tensor<?x128xi32>, tensor<?x512xi32>)
      counts(%n0, %n1 : tensor<?xi32>, tensor<?xi32>)
      sink(%sink : tensor<64xf32>) scale = 0.04419417 dv = 512
      outs(%o, %l : tensor<?x64x512xbf16>, tensor<?x64xf32>)
  return %out, %lse : tensor<?x64x512xbf16>, tensor<?x64xf32>
}
