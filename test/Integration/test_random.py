"""Random valid calls, found by hypothesis from a fixed seed, against float64."""

import tempfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from reference import compare, inputs, ops

# One process a call, so few of them; the same ones in every run.
BUDGET = settings(max_examples=12, derandomize=True, deadline=None, database=None,
                  suppress_health_check=[HealthCheck.too_slow])
extent = st.integers(0, 9)


@BUDGET
@given(batch=st.sampled_from([None, 1, 3]), t=extent, s=st.integers(0, 70), k=st.integers(1, 40),
       bounds=st.booleans(), with_ids=st.booleans(), page=st.sampled_from([None, 1, 7]),
       descending=st.booleans(), dynamic=st.booleans(), seed=st.integers(0, 99))
def test_top_k(batch, t, s, k, bounds, with_ids, page, descending, dynamic, seed):
    rng = inputs.rng(seed)
    rows = (t,) if batch is None else (batch, t)
    scores = rng.choice(np.array([np.nan, -np.inf, np.inf, -0.0, 0, 1, 2, -3], np.float32),
                        rows + (s,))
    keywords = {"order": "score_descending" if descending else "index_ascending"}
    if bounds:
        lo, hi = inputs.hostile_bounds(rng, int(np.prod(rows)), s)
        keywords |= {"lo": lo.reshape(rows), "hi": hi.reshape(rows)}
    if with_ids:
        ids = np.sort(rng.choice(200, s, replace=False))
        keywords["ids"] = np.where(rng.random(s) < 0.1, -1, ids).astype(np.int32)
    if page:
        keywords["translate"] = (rng.integers(-2, 9, (batch or 1, 12)).astype(np.int32), page)
    with tempfile.TemporaryDirectory() as folder:
        got = harness.top_k(folder, scores, k, dynamic=dynamic, **keywords)
    compare.selection_exact(got, ops.top_k(scores, k, **keywords))


@BUDGET
@given(batch=st.sampled_from([None, 2]), t=extent, s=st.integers(0, 40), hi_heads=st.integers(0, 6),
       d=st.integers(0, 12), type_name=st.sampled_from(["f32", "f16", "bf16", "f8E4M3FN"]),
       relu=st.booleans(), dynamic=st.booleans(), seed=st.integers(0, 99))
def test_indexer_scores(batch, t, s, hi_heads, d, type_name, relu, dynamic, seed):
    data = inputs.small_integers(inputs.rng(seed), t, s, hi_heads, d, batch=batch, type=type_name)
    keywords = {"activation": "relu" if relu else "none", "key_scale": data["key_scale"]}
    with tempfile.TemporaryDirectory() as folder:
        got = harness.indexer_scores(folder, data["q"], data["k"], data["w"], dynamic=dynamic,
                                     **keywords)
    want, _ = ops.indexer_scores(data["q"], data["k"], data["w"], **keywords)
    compare.values_close("scores", got, want, 0, 0)


@BUDGET
@given(batch=st.sampled_from([None, 2]), t=extent, h=st.integers(0, 5), d=st.integers(0, 12),
       sizes=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=3),
       counted=st.booleans(), sunk=st.booleans(), type_name=st.sampled_from(["f32", "bf16"]),
       dynamic=st.booleans(), seed=st.integers(0, 99))
def test_sparse_attention(batch, t, h, d, sizes, counted, sunk, type_name, dynamic, seed):
    rng, lead = inputs.rng(seed), () if batch is None else (batch,)
    dtype = harness.DTYPES[type_name]
    q = rng.standard_normal(lead + (t, h, d)).astype(dtype)
    keys = [rng.standard_normal(lead + (s, d)).astype(dtype) for s, _ in sizes]
    indices = [inputs.indices(rng, t, s, k, batch=batch, duplicates=0.2) for s, k in sizes]
    keywords = {"scale": 0.4, "dv": d - d // 3}
    if counted:
        keywords["counts"] = [inputs.counts(rng, t, k, batch=batch) for _, k in sizes]
    if sunk:
        keywords["sink"] = rng.choice(np.array([0.5, -np.inf, np.inf], np.float32), h)
    with tempfile.TemporaryDirectory() as folder:
        out, lse = harness.sparse_attention(folder, q, keys, indices, dynamic=dynamic, **keywords)
    want = ops.sparse_attention(q, keys, indices, **keywords)
    compare.attention_close(out, lse, *want, type=type_name)
