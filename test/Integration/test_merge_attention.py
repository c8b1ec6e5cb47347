"""dsa.merge_attention against the float64 reference, and against the whole."""

import itertools

import numpy as np
import pytest

from harness import BF16, merge_attention, sparse_attention
from reference import compare, inputs, ops


def check(folder, outs, lses, sink=None, *, type="f32", **keywords):
    out, lse = merge_attention(folder, outs, lses, sink, **keywords)
    compare.attention_close(out, lse, *ops.merge_attention(outs, lses, sink), type=type)
    return out, lse


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("batched", [False, True])
def test_parts_equal_the_whole(tmp_path, parts, batched):
    rng = inputs.rng(parts)
    lead = (2, 3) if batched else (5,)
    q = rng.standard_normal(lead + (2, 8)).astype(np.float32)
    kv = rng.standard_normal(((2,) if batched else ()) + (60, 8)).astype(np.float32)
    idx = inputs.indices(rng, lead[-1], 60, 21, batch=2 if batched else None)
    sink = rng.standard_normal(2).astype(np.float32)
    keywords = dict(scale=0.5, dv=6)
    whole = ops.sparse_attention(q, [kv], [idx], sink=sink, **keywords)
    outs, lses = [], []
    for piece in np.array_split(idx, parts, axis=-1):
        out, lse = sparse_attention(tmp_path, q, [kv], [np.ascontiguousarray(piece)], **keywords)
        outs.append(out)
        lses.append(lse)
    # The first in an operand of its own, the rest in one.
    groups = [slice(0, 1), slice(1, None)] if parts > 1 else [slice(0, 1)]
    out, lse = check(tmp_path, [np.stack(outs[g]) for g in groups],
                     [np.stack(lses[g]) for g in groups], sink, dynamic=batched)
    compare.attention_close(out, lse, *whole, type="f32")


def test_special_values_enumerated(tmp_path):
    """Every triple of lse among finite, ±inf and NaN, with every kind of sink, and outs that are
    NaN where lse is -inf."""
    values = [0.7, -3.0, -np.inf, np.inf, np.nan]
    lses = np.array(list(itertools.product(values, repeat=3)), np.float32).T
    sinks = np.array([0.0, -np.inf, np.inf, np.nan], np.float32)
    lses = np.repeat(lses[:, :, None], 4, axis=2)
    outs = inputs.rng(1).standard_normal(lses.shape + (3,)).astype(np.float32)
    outs[np.isneginf(lses)] = np.nan
    check(tmp_path, [outs], [lses], sinks)
    check(tmp_path, [outs], [lses])


@pytest.mark.parametrize("n, t, h, dv", [(0, 2, 3, 4), (2, 0, 3, 4), (2, 2, 0, 4), (2, 2, 3, 0)])
def test_zero_extents(tmp_path, n, t, h, dv):
    rng = inputs.rng(2)
    check(tmp_path, [rng.standard_normal((n, t, h, dv)).astype(np.float32)],
          [rng.standard_normal((n, t, h)).astype(np.float32)], np.zeros(h, np.float32),
          dynamic=True)


@pytest.mark.parametrize("dtype, out_type", [(BF16, "bf16"), (BF16, "f32"), (np.float16, "f16")])
def test_narrow_parts(tmp_path, dtype, out_type):
    rng = inputs.rng(3)
    outs = rng.standard_normal((4, 5, 2, 9)).astype(dtype)
    lses = (rng.standard_normal((4, 5, 2)) * 20).astype(np.float32)
    check(tmp_path, [outs], [lses], type="bf16", out_type=out_type)
