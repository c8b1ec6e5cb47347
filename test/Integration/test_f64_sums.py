"""--accumulate-type=f64, which the reference target has: sums free of rounding of its own."""

import numpy as np
import pytest

from harness import indexer_scores, merge_attention, sparse_attention
from reference import compare, inputs, ops


@pytest.mark.parametrize("type_name", ["f32", "bf16"])
def test_sums_in_f64_are_rounded_once(tmp_path, type_name):
    """With --accumulate-type=f64 a score is the float64 reference's, rounded to f32."""
    data = inputs.index_inputs(inputs.rng(14), 4, 60, 9, 64, type=type_name)
    got = indexer_scores(tmp_path, data["q"], data["k"], data["w"],
                         options=["--accumulate-type=f64"])
    want, magnitude = ops.indexer_scores(data["q"], data["k"], data["w"])
    # Half a unit in the last place, and the two f64 sums' difference where terms cancel.
    assert (np.abs(got - want) <= 2.0**-24 * np.abs(want) + 1e-14 * magnitude).all()


def test_large_logits(tmp_path):
    rng = inputs.rng(6)
    q = (rng.standard_normal((4, 2, 8)) * 1e3).astype(np.float32)
    kv = (rng.standard_normal((20, 8)) * 1e2).astype(np.float32)
    idx = rng.integers(0, 20, (4, 9)).astype(np.int32)
    # Logits up to 1e6 have errors of f32 sums far above the tolerance of moderate ones.
    out, lse = sparse_attention(tmp_path, q, [kv], [idx], scale=1.0, dv=8,
                                options=["--accumulate-type=f64"])
    want = ops.sparse_attention(q, [kv], [idx], scale=1.0, dv=8)
    compare.attention_close(out, lse, *want, type="f32")


def test_attention_in_f64(tmp_path):
    """With --accumulate-type=f64 results are the float64 reference's up to one rounding."""
    rng = inputs.rng(24)
    data = inputs.attention_inputs(rng, 4, 60, 3, 32, type="f32")
    idx = inputs.indices(rng, 4, 60, 31)
    keywords = dict(scale=data["scale"], dv=20, sink=data["sink"])
    out, lse = sparse_attention(tmp_path, data["q"], [data["kv"]], [idx],
                                options=["--accumulate-type=f64"], **keywords)
    want = ops.sparse_attention(data["q"], [data["kv"]], [idx], **keywords)
    compare.values_close("out", out, want[0], 1e-7, 1.5e-7)
    compare.values_close("lse", lse, want[1], 1e-7, 1.5e-7)


def test_a_merge_in_f64(tmp_path):
    rng = inputs.rng(8)
    outs = rng.standard_normal((7, 5, 2, 9)).astype(np.float32)
    lses = (rng.standard_normal((7, 5, 2)) * 5).astype(np.float32)
    out, lse = merge_attention(tmp_path, [outs], [lses], options=["--accumulate-type=f64"])
    want = ops.merge_attention([outs], [lses])
    compare.values_close("out", out, want[0], 1e-7, 1.5e-7)
    compare.values_close("lse", lse, want[1], 1e-7, 1.5e-7)
