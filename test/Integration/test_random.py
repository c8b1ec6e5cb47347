"""Random valid calls, found by hypothesis from a fixed seed, against float64."""

import tempfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from reference import compare, inputs, layouts, ops

TARGETS = ("reference", "cpu")

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
    compare.attention_matches(out, lse, q, keys, indices, type=type_name, **keywords)


@BUDGET
@given(t=extent, page=st.integers(1, 9), pages=st.integers(0, 6), columns=st.integers(0, 5),
       d=st.integers(1, 12), cut=st.booleans(), named=st.booleans(), k=st.integers(1, 40),
       slots=st.booleans(), descending=st.booleans(), dynamic=st.booleans(),
       seed=st.integers(0, 99))
def test_lightning_indexer(t, page, pages, columns, d, cut, named, k, slots, descending, dynamic,
                           seed):
    """Over a pool, through a table; small integers, so that the selection is exact."""
    rng = inputs.rng(seed)
    data = inputs.small_integers(rng, t, pages * page, 3, d)
    pool, scale = data["k"].reshape(pages, page, d), data["key_scale"].reshape(pages, page)
    if pool.size:
        pool, _ = inputs.inject(rng, pool, np.nan)
    lines = 3 if named else 1
    lo, hi = inputs.hostile_bounds(rng, t, columns * page)
    keywords = dict(paged=True, key_scale=scale, lo=lo, hi=hi,
                    block_table=rng.integers(-1, pages + 1, (lines, columns)).astype(np.int32),
                    order="score_descending" if descending else "index_ascending")
    if named:
        keywords["row_ids"] = rng.integers(-1, 4, t).astype(np.int32)
    if slots:
        keywords["translate"] = (rng.integers(-1, 9, (1, 7)).astype(np.int32), 5)
    q, keys = data["q"], pool
    if cut:
        keywords |= dict(q_tail=q[..., d // 2 :], k_tail=keys[..., d // 2 :])
        q, keys = q[..., : d // 2], keys[..., : d // 2]
    with tempfile.TemporaryDirectory() as folder:
        got = harness.lightning_indexer(folder, q, keys, data["w"], k, dynamic=dynamic, **keywords)
    compare.selection_exact(got, ops.lightning_indexer(q, keys, data["w"], k, **keywords))


@BUDGET
@given(batch=st.sampled_from([None, 0, 3]), t=extent, h=st.integers(0, 5), dv=st.integers(0, 12),
       sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4), sunk=st.booleans(),
       type_name=st.sampled_from(["f32", "f16", "bf16"]), wide=st.booleans(),
       dynamic=st.booleans(), seed=st.integers(0, 99))
def test_merge_attention(batch, t, h, dv, sizes, sunk, type_name, wide, dynamic, seed):
    rng, lead = inputs.rng(seed), () if batch is None else (batch,)
    outs = [rng.standard_normal((n,) + lead + (t, h, dv)).astype(harness.DTYPES[type_name])
            for n in sizes]
    lses = [(rng.standard_normal(x.shape[:-1]) * 5).astype(np.float32) for x in outs]
    lses = [np.where(rng.random(x.shape) < 0.2, -np.inf, x).astype(np.float32) for x in lses]
    sink = rng.choice(np.array([0.5, -np.inf, np.inf], np.float32), h) if sunk else None
    with tempfile.TemporaryDirectory() as folder:
        out, lse = harness.merge_attention(folder, outs, lses, sink, dynamic=dynamic,
                                           out_type="f32" if wide else type_name)
    compare.attention_close(out, lse, *ops.merge_attention(outs, lses, sink), type=type_name)


@st.composite
def own_layout(draw):
    """A record of one to three fields in any order with gaps, flat or paged."""
    page = draw(st.sampled_from([None, 1, 4]))
    apart = page is not None and draw(st.booleans())
    fields, used, scales = [], 0, 0
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["f8E4M3FN", "f8E4M3FN", "bf16", "f16", "f32"]))
        scale = draw(st.sampled_from([None, "f32", "e8m0"]))
        group, groups = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        used += draw(st.integers(0, 3))
        offset, used = used, used + group * groups * layouts.DTYPES[kind].itemsize
        size = {None: 0, "f32": 4, "e8m0": 1}[scale] * groups
        place = scales if apart else used
        scales, used = (scales + size, used) if apart else (scales, used + size)
        fields.append(layouts.Field(group * groups, kind, offset, group if scale else 0, scale,
                                    place if scale else 0))
    record = used + draw(st.integers(0, 3))
    extra = scales + draw(st.integers(0, 2)) if apart and scales else 0
    size = page * (record + extra) + draw(st.integers(0, 5)) if page else 0
    return layouts.KVLayout("own", tuple(fields), record, page, extra, size)


@BUDGET
@given(layout=own_layout(), rows=st.integers(0, 5), narrow=st.booleans(), dynamic=st.booleans(),
       seed=st.integers(0, 99))
def test_unpack(layout, rows, narrow, dynamic, seed):
    size = layout.page_bytes if layout.page else layout.record_bytes
    packed = inputs.rng(seed).integers(0, 256, (rows, size)).astype(np.uint8)
    to = "bf16" if narrow else "f32"
    with tempfile.TemporaryDirectory() as folder:
        (got,) = harness.unpack(folder, packed, layout, paged=layout.page is not None, to=to,
                                dynamic=dynamic)
    with np.errstate(all="ignore"):
        want = layouts.decode(packed, layout).astype(np.float32).astype(harness.DTYPES[to])
    compare.values_close("rows", got, want, 0, 0)
