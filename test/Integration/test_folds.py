"""What --canonicalize makes of ops with constant operands gives the same bits."""

import numpy as np
import pytest

from harness import execute, rewrite, same_bits
from reference import inputs

SCORES = """
func.func @f(%q: tensor<4x3x8xf32>, %k: tensor<9x8xf32>, %w: tensor<4x3xf32>)
    -> (tensor<4x5xi32>, tensor<4xi32>, tensor<4x5xf32>) {
  %lo = arith.constant dense<[0, -5, -2147483648, 0]> : tensor<4xi32>
  %hi = arith.constant dense<[9, 10, 2147483647, 9]> : tensor<4xi32>
  %s = arith.constant dense<1.0> : tensor<9xf32>
  %e = tensor.empty() : tensor<4x9xf32>
  %i = tensor.empty() : tensor<4x5xi32>
  %n = tensor.empty() : tensor<4xi32>
  %v = tensor.empty() : tensor<4x5xf32>
  %scores = dsa.indexer_scores query(%q : tensor<4x3x8xf32>) keys(%k : tensor<9x8xf32>)
      key_scale(%s : tensor<9xf32>) weights(%w : tensor<4x3xf32>) lo(%lo : tensor<4xi32>)
      hi(%hi : tensor<4xi32>) outs(%e : tensor<4x9xf32>)
  %x:3 = dsa.top_k scores(%scores : tensor<4x9xf32>) k = 5 lo(%lo : tensor<4xi32>)
      hi(%hi : tensor<4xi32>) outs(%i, %n, %v : tensor<4x5xi32>, tensor<4xi32>, tensor<4x5xf32>)
  return %x#0, %x#1, %x#2 : tensor<4x5xi32>, tensor<4xi32>, tensor<4x5xf32>
}
"""

ATTENTION = """
func.func @f(%q: tensor<4x3x8xf32>, %k: tensor<9x8xf32>, %i: tensor<4x5xi32>)
    -> (tensor<4x3x8xf32>, tensor<4x3xf32>) {
  %n = arith.constant dense<[5, 6, 2147483647, 5]> : tensor<4xi32>
  %none = arith.constant dense<0xFF800000> : tensor<3xf32>
  %o = tensor.empty() : tensor<4x3x8xf32>
  %l = tensor.empty() : tensor<4x3xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x3x8xf32>) keys(%k : tensor<9x8xf32>)
      indices(%i : tensor<4x5xi32>) counts(%n : tensor<4xi32>) sink(%none : tensor<3xf32>)
      scale = 0.3 dv = 8 outs(%o, %l : tensor<4x3x8xf32>, tensor<4x3xf32>)
  return %out, %lse : tensor<4x3x8xf32>, tensor<4x3xf32>
}
"""


def hostile(rng, shape):
    """Numbers among NaN, infinities and zeros of both signs."""
    x = rng.standard_normal(shape).astype(np.float32)
    odd = rng.choice(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32), shape)
    return np.where(rng.random(shape) < 0.02, odd, x)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("text, types, gone", [
    (SCORES, ["i32", "i32", "f32"], ("lo(", "hi(", "key_scale(")),
    (ATTENTION, ["f32", "f32"], ("counts(", "sink("))])
def test_same_bits(tmp_path, text, types, gone, seed):
    rng = inputs.rng(seed)
    last = inputs.indices(rng, 4, 9, 5, invalid=0.2) if text is ATTENTION else hostile(rng, (4, 3))
    arrays = [hostile(rng, (4, 3, 8)), hostile(rng, (9, 8)), last]
    folded = rewrite(text, "--canonicalize")
    assert all(clause in text and clause not in folded for clause in gone)
    assert same_bits(execute(text, arrays, types, tmp_path),
                     execute(folded, arrays, types, tmp_path))
