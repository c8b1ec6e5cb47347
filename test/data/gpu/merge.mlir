// Partial results of any number of parts of the keys, and a sink; the result is f32 as the parts are.
func.func @merge(%outs: tensor<?x?x128x512xf32>, %lses: tensor<?x?x128xf32>,
    %sink: tensor<128xf32>) -> (tensor<?x128x512xf32>, tensor<?x128xf32>) {
  %c1 = arith.constant 1 : index
  %t = tensor.dim %outs, %c1 : tensor<?x?x128x512xf32>
  %o = tensor.empty(%t) : tensor<?x128x512xf32>
  %l = tensor.empty(%t) : tensor<?x128xf32>
  %out, %lse = dsa.merge_attention parts(%outs : tensor<?x?x128x512xf32>)
      lses(%lses : tensor<?x?x128xf32>) sink(%sink : tensor<128xf32>)
      outs(%o, %l : tensor<?x128x512xf32>, tensor<?x128xf32>)
  return %out, %lse : tensor<?x128x512xf32>, tensor<?x128xf32>
}
