"""The core with glue on both sides, as models have it: columns of one wider tensor, cast and split
into heads, weights widened and scaled, results narrowed, flattened and put to base 2. All of it by
rows, but the cast of the latent rows.
"""

import numpy as np

from harness import BF16
from reference import inputs

S, HI, D, H, DK, DV, K = 211, 8, 16, 6, 24, 16, 32
WIDTH = HI * D + H * DK
GLUE = f"""
func.func @glue(%x: tensor<?x{WIDTH}xf32>, %k: tensor<?x{D}xbf16>, %w: tensor<?x{HI}xbf16>,
                %kv: tensor<?x{DK}xf32>) -> (tensor<?x{H * DV}xbf16>, tensor<?x{H}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x{WIDTH}xf32>
  %iq0 = tensor.extract_slice %x[0, 0] [%T, {HI * D}] [1, 1]
      : tensor<?x{WIDTH}xf32> to tensor<?x{HI * D}xf32>
  %iq1 = arith.truncf %iq0 : tensor<?x{HI * D}xf32> to tensor<?x{HI * D}xbf16>
  %iq = tensor.expand_shape %iq1 [[0], [1, 2]] output_shape [%T, {HI}, {D}]
      : tensor<?x{HI * D}xbf16> into tensor<?x{HI}x{D}xbf16>
  %aq0 = tensor.extract_slice %x[0, {HI * D}] [%T, {H * DK}] [1, 1]
      : tensor<?x{WIDTH}xf32> to tensor<?x{H * DK}xf32>
  %aq1 = tensor.expand_shape %aq0 [[0], [1, 2]] output_shape [%T, {H}, {DK}]
      : tensor<?x{H * DK}xf32> into tensor<?x{H}x{DK}xf32>
  %aq = arith.truncf %aq1 : tensor<?x{H}x{DK}xf32> to tensor<?x{H}x{DK}xbf16>
  %rows = arith.truncf %kv : tensor<?x{DK}xf32> to tensor<?x{DK}xbf16>

  %w0 = arith.extf %w : tensor<?x{HI}xbf16> to tensor<?x{HI}xf32>
  %we = tensor.empty(%T) : tensor<?x{HI}xf32>
  %factor = arith.constant 0.125 : f32
  %factors = linalg.fill ins(%factor : f32) outs(%we : tensor<?x{HI}xf32>) -> tensor<?x{HI}xf32>
  %weights = arith.mulf %w0, %factors : tensor<?x{HI}xf32>

  %i = tensor.empty(%T) : tensor<?x{K}xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.lightning_indexer query(%iq : tensor<?x{HI}x{D}xbf16>)
      keys(%k : tensor<?x{D}xbf16>) weights(%weights : tensor<?x{HI}xf32>) k = {K}
      outs(%i, %n : tensor<?x{K}xi32>, tensor<?xi32>)
  %o = tensor.empty(%T) : tensor<?x{H}x{DV}xf32>
  %l = tensor.empty(%T) : tensor<?x{H}xf32>
  %out, %lse = dsa.sparse_attention query(%aq : tensor<?x{H}x{DK}xbf16>)
      keys(%rows : tensor<?x{DK}xbf16>) indices(%indices : tensor<?x{K}xi32>)
      counts(%count : tensor<?xi32>) scale = 0.2 dv = {DV}
      outs(%o, %l : tensor<?x{H}x{DV}xf32>, tensor<?x{H}xf32>)

  %narrow = arith.truncf %out : tensor<?x{H}x{DV}xf32> to tensor<?x{H}x{DV}xbf16>
  %flat = tensor.collapse_shape %narrow [[0], [1, 2]]
      : tensor<?x{H}x{DV}xbf16> into tensor<?x{H * DV}xbf16>
  %base2 = linalg.generic {{
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}}
      ins(%lse : tensor<?x{H}xf32>) outs(%l : tensor<?x{H}xf32>) {{
  ^bb0(%x0: f32, %old: f32):
    %log2e = arith.constant 1.4426950408889634 : f32
    %y = arith.mulf %x0, %log2e : f32
    linalg.yield %y : f32
  }} -> tensor<?x{H}xf32>
  return %flat, %base2 : tensor<?x{H * DV}xbf16>, tensor<?x{H}xf32>
}}
"""


def make_inputs(rows):
    """Of @glue; scores are exact, so that every target selects the same."""
    rng = inputs.rng(6)
    index = inputs.small_integers(rng, rows, S, HI, D, type="bf16")
    attention = inputs.attention_inputs(rng, rows, S, H, DK, type="bf16")
    x = np.concatenate([index["q"].reshape(rows, -1), attention["q"].reshape(rows, -1)], axis=1)
    return [x.astype(np.float32), index["k"], index["w"].astype(BF16),
            attention["kv"].astype(np.float32)]
