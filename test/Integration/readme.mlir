// The layer on the first screen of README.md.
// RUN: dsa-opt %s --dsa-reference-pipeline | FileCheck %s --implicit-check-not=dsa.
// CHECK: llvm.func @layer
func.func @layer(%iq: tensor<?x64x128xbf16>, %ik: tensor<?x128xbf16>, %w: tensor<?x64xf32>,
    %q: tensor<?x128x576xbf16>, %kv: tensor<?x576xbf16>, %i: tensor<?x2048xi32>, %n: tensor<?xi32>,
    %o: tensor<?x128x512xbf16>, %l: tensor<?x128xf32>) -> tensor<?x128x512xbf16> {
  %indices, %count = dsa.lightning_indexer query(%iq : tensor<?x64x128xbf16>)
      keys(%ik : tensor<?x128xbf16>) weights(%w : tensor<?x64xf32>) k = 2048
      outs(%i, %n : tensor<?x2048xi32>, tensor<?xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
      keys(%kv : tensor<?x576xbf16>) indices(%indices : tensor<?x2048xi32>)
      counts(%count : tensor<?xi32>) scale = 0.1352337 dv = 512
      outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
  return %out : tensor<?x128x512xbf16>
}
