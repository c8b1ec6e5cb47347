"""--accumulate-type=f64, which the reference target has: sums free of rounding of its own."""

import numpy as np
import pytest

from harness import indexer_scores, merge_attention
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


def test_a_merge_in_f64(tmp_path):
    rng = inputs.rng(8)
    outs = rng.standard_normal((7, 5, 2, 9)).astype(np.float32)
    lses = (rng.standard_normal((7, 5, 2)) * 5).astype(np.float32)
    out, lse = merge_attention(tmp_path, [outs], [lses], options=["--accumulate-type=f64"])
    want = ops.merge_attention([outs], [lses])
    compare.values_close("out", out, want[0], 1e-7, 1.5e-7)
    compare.values_close("lse", lse, want[1], 1e-7, 1.5e-7)
