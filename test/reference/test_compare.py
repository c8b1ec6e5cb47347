"""Attention and merge against scalar loops; comparison rules, each shown a wrong answer it must
reject; input generators keep their promises.
"""
import math

import numpy as np
import pytest

from reference import compare, inputs, layouts, ops

INF, NAN = np.inf, np.nan


def slow_slot(position, size, page, table_row, pages):
    """Slot of a position, or None."""
    if not 0 <= position < size:
        return None
    if table_row is None:
        return position
    entry = int(table_row[position // page])
    return entry * page + position % page if 0 <= entry < pages else None


def slow_attention(q, sets, scale, dv, sink):
    """sets: (flat rows, flat values, indices, counts, size, page, table_row, pages)."""
    out, lse = np.zeros(q.shape[:2] + (dv,)), np.full(q.shape[:2], -INF)
    for t, h in np.ndindex(*lse.shape):
        terms = []
        for rows, values, idx, count, size, page, table_row, pages in sets:
            for c in range(min(max(count[t], 0), idx.shape[1])):
                slot = slow_slot(int(idx[t, c]), size, page, table_row, pages)
                if slot is not None:
                    z = sum(float(a) * float(b) for a, b in zip(q[t, h], rows[slot]))
                    terms.append((float(np.float32(scale)) * z, values[slot]))
        if terms:
            total = math.fsum(math.exp(z) for z, _ in terms)
            lse[t, h] = math.log(total)
            for d in range(dv):
                out[t, h, d] = math.fsum(math.exp(z) * float(v[d]) for z, v in terms) / (
                    total + math.exp(sink[h]))
    return out, lse


# attention


def test_attention_against_loops():
    """Two dense sets, counts, invalid and repeated indices, tails, sink; then separate values."""
    r = inputs.rng(1)
    q, sink = r.standard_normal((5, 2, 6)), r.standard_normal(2)
    keys = [r.standard_normal((9, 6)), r.standard_normal((4, 6))]
    idx = [inputs.indices(r, 5, 7, 7, duplicates=0.4), inputs.indices(r, 5, 4, 3, invalid=0.3)]
    counts = [inputs.counts(r, 5, 7), inputs.counts(r, 5, 3)]
    for values in ([], [r.standard_normal((9, 4)), r.standard_normal((4, 4))]):
        sets = [(k, (values or keys)[i], idx[i], counts[i], len(k), 1, None, 0)
                for i, k in enumerate(keys)]
        q, keys = q.astype(np.float32), [k.astype(np.float32) for k in keys]
        values = [v.astype(np.float32) for v in values]
        sets = [tuple(x.astype(np.float32) if i < 2 else x for i, x in enumerate(s)) for s in sets]
        want = slow_attention(q, sets, 0.3, 4, sink)
        got = ops.sparse_attention(q, keys, idx, scale=0.3, dv=4, counts=counts, sink=sink,
                                   values=values)
        compare.values_close("out", got[0], want[0], 1e-12, 0)
        compare.values_close("lse", got[1], want[1], 1e-12, 0)
    whole = ops.sparse_attention(q, keys, idx, scale=0.3, dv=3, sink=sink)
    parts = ops.sparse_attention(q[..., :4], [k[:, :4] for k in keys], idx, scale=0.3, dv=3,
                                 sink=sink, q_tail=q[..., 4:], key_tails=[k[:, 4:] for k in keys])
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


def test_attention_paged_against_loops():
    """Batched block tables with bad entries, row ids, and slots without a table; NaN elsewhere."""
    r = inputs.rng(2)
    rows = r.standard_normal((2, 13, 5)).astype(np.float32)
    pool, table = inputs.paginate(r, rows, 4)
    table[0, 1] = len(pool)
    flat = pool.reshape(-1, 5)
    q = r.standard_normal((2, 3, 2, 5)).astype(np.float32)
    idx = inputs.indices(r, 3, 13, 6, batch=2, invalid=0.2)
    idx[(idx >= 13) & (idx < 16)] = -1
    got = ops.sparse_attention(q, [pool], [idx], scale=1, dv=5, block_tables=[table], paged=True)
    for b in range(2):
        lot = (flat, flat, idx[b], [6] * 3, 16, 4, table[b], len(pool))
        want = slow_attention(q[b], [lot], 1, 5, [-INF, -INF])
        compare.values_close("out", got[0][b], want[0], 1e-12, 0)
        compare.values_close("lse", got[1][b], want[1], 1e-12, 0)
        one = ops.sparse_attention(q[b], [pool], [idx[b]], scale=1, dv=5, block_tables=[table],
                                   paged=True, row_ids=[b, 2, b])
        assert np.array_equal(one[0][::2], got[0][b, ::2]) and (one[1][1] == -INF).all()
        slots = np.where((idx[b] >= 0) & (idx[b] < 13),
                         table[b][np.clip(idx[b], 0, 12) // 4] * 4 + idx[b] % 4, -1)
        one = ops.sparse_attention(q[b], [pool], [slots], scale=1, dv=5, paged=True)
        assert np.array_equal(one[0], got[0][b])


def test_attention_packed_and_compute_type():
    r = inputs.rng(3)
    data = inputs.attention_inputs(r, 4, 30, 2, 576)
    idx = inputs.indices(r, 4, 30, 11)
    for layout in (layouts.mla_656(), layouts.mla_656(6)):
        rows = data["kv"].astype(np.float32)
        packed = layouts.encode(rows if layout.page is None else rows.reshape(5, 6, 576), layout,
                                pow2=False)
        got = ops.sparse_attention(data["q"], [packed], [idx], scale=data["scale"], dv=512,
                                   paged=layout.page is not None, layouts=[layout])
        dense = ops.unpack(packed, layout, layout.page is not None, "bf16").reshape(30, 576)
        want = ops.sparse_attention(data["q"], [dense], [idx], scale=data["scale"], dv=512)
        assert np.array_equal(got[0], want[0])
        exact = ops.sparse_attention(data["q"], [packed], [idx], scale=data["scale"], dv=512,
                                     paged=layout.page is not None, layouts=[layout],
                                     compute_type="f32")
        assert not np.array_equal(got[0], exact[0])
    # q and keys in f32 are rounded to the compute type, and only then
    call = {"scale": data["scale"], "dv": 512}
    q, keys = r.standard_normal((4, 2, 576)), r.standard_normal((30, 576))
    narrow = [layouts.cast(x, "bf16").astype(np.float32) for x in (q, keys)]
    for a, b in ((q, narrow[1]), (narrow[0], keys)):
        got = ops.sparse_attention(a, [b], [idx], compute_type="bf16", **call)
        want = ops.sparse_attention(narrow[0], [narrow[1]], [idx], **call)
        assert np.array_equal(got[0], want[0])
        assert not np.array_equal(got[0], ops.sparse_attention(a, [b], [idx], **call)[0])
    with pytest.raises(ValueError):
        ops.sparse_attention(data["q"], [dense], [idx], scale=1, dv=8, compute_type="f8E4M3FN")


def test_attention_special_values():
    q = np.array([[[1.0, 0.0], [-1.0, 0.0]]])
    keys = np.array([[1.0, 2], [3, 4], [NAN, 0], [INF, 1], [0, NAN]])

    def run(idx, **keywords):
        out, lse = ops.sparse_attention(q, [keys], [np.array([idx])], scale=1, dv=2, **keywords)
        return out[0], lse[0]

    out, lse = run([0, 1, -1, 5, 2**31 - 1, -(2**31)])
    p = 1 / (1 + math.exp(-2))
    assert np.allclose(out[0], [1 - p + 3 * p, 2 * (1 - p) + 4 * p], rtol=1e-14)
    assert np.allclose(lse, np.log(np.exp([1, -1]) + np.exp([3, -3])), rtol=1e-14)
    out, lse = run([0, 2])
    assert np.isnan(out).all() and np.isnan(lse).all()
    out, lse = run([0, 3])  # +inf, -inf logits; an infinite value under weight 0
    assert np.isnan(out[0]).all() and np.isnan(lse[0]) and lse[1] == -1
    for sink in (None, [INF, NAN], [3.0, -INF]):
        out, lse = run([-1, 7], sink=sink)
        assert (out == 0).all() and (lse == -INF).all()
    out, lse = run([0], sink=[INF, NAN])
    assert (out[0] == 0).all() and np.isnan(out[1]).all() and lse.tolist() == [1, -1]
    out, lse = run([0], sink=[1 + math.log(3), -INF])
    assert np.allclose(out, [[0.25, 0.5], [1, 2]], rtol=1e-14)
    out, lse = ops.sparse_attention(q[:, :1], [np.array([[-INF, 0.0]])], [np.array([[0]])],
                                    scale=1, dv=1, values=[np.array([[NAN]])])
    assert out.tolist() == [[[0.0]]] and lse.tolist() == [[-INF]]
    far = ops.sparse_attention(q[:, :1], [np.array([[-1e30, 1]])], [np.array([[0]])], scale=1, dv=2)
    assert far[0][0, 0, 1] == 1 and np.allclose(far[1], -1e30)  # no floor under the maximum
    # Four keys whose logit has no digit left for ln 4.
    far, _ = ops.sparse_attention(q[:, :1], [np.array([[1e30, 1]])], [np.array([[0, 0, 0, 0]])],
                                  scale=1, dv=2)
    assert far[0, 0, 1] == 1


@pytest.mark.parametrize("batch", [None, 2])
def test_merge_is_one_softmax(batch):
    r = inputs.rng(5)
    lead = () if batch is None else (batch,)
    q = r.standard_normal(lead + (4, 3, 6)).astype(np.float32)
    keys = r.standard_normal(lead + (20, 6)).astype(np.float32)
    idx = inputs.indices(r, 4, 20, 12, batch=batch)
    sink = r.standard_normal(3)
    want = ops.sparse_attention(q, [keys], [idx], scale=1, dv=6, sink=sink)
    parts = [ops.sparse_attention(q, [keys], [idx[..., a : a + 4]], scale=1, dv=6)
             for a in (0, 4, 8)]
    got = ops.merge_attention([np.stack([p[0] for p in parts[:2]]), parts[2][0][None]],
                              [np.stack([p[1] for p in parts[:2]]), parts[2][1][None]], sink)
    compare.values_close("out", got[0], want[0], 1e-13, 0)
    compare.values_close("lse", got[1], want[1], 1e-13, 0)


def test_merge_special_values():
    outs = np.array([[[[NAN]]], [[[4.0]]]])
    out, lse = ops.merge_attention([outs], [np.array([[[-INF]], [[2.0]]])], sink=np.array([2.0]))
    assert np.allclose(out, 2.0, rtol=1e-14) and lse.tolist() == [[2.0]]
    for bad in (NAN, INF):
        out, lse = ops.merge_attention([outs * 0 + 1], [np.array([[[bad]], [[2.0]]])])
        assert np.isnan(out).all() and np.isnan(lse).all()
    out, lse = ops.merge_attention([outs], [np.full((2, 1, 1), -INF)], sink=np.array([NAN]))
    assert out.tolist() == [[[0.0]]] and lse.tolist() == [[-INF]]
    out, lse = ops.merge_attention([outs[1:]], [np.ones((1, 1, 1))], sink=np.array([NAN]))
    assert np.isnan(out).all() and lse.tolist() == [[1.0]]
    assert ops.merge_attention([outs[:0]], [np.ones((0, 1, 1))])[1].tolist() == [[-INF]]


# comparison rules


def rejects(text, check, *args, **keywords):
    """The check fails, and its message names `text`."""
    with pytest.raises(AssertionError) as error:
        check(*args, **keywords)
    assert text in str(error.value), error.value


def test_values_rules():
    want = np.array([[1.0, -INF], [NAN, 1e-9]])
    assert compare.values_close("x", want, want, 0, 0) == 0
    assert compare.values_close("x", np.array([-0.0]), np.array([0.0]), 0, 0) == 0
    got = want + np.array([[5e-6, 0], [0, 5e-6]])
    assert 0.4 < compare.values_close("x", got, want, 1e-5, 1e-5) <= 1
    rejects("x[0, 0]: got 1.000005, expected 1.0; worst error 5 of", compare.values_close, "x", got,
            want, 1e-6, 1e-6)
    for at, value in (((0, 0), NAN), ((0, 1), INF), ((0, 1), -1e30), ((1, 0), 0), ((1, 1), -INF)):
        bad = want.copy()
        bad[at] = value
        rejects(f"x[{at[0]}, {at[1]}]: got {bad[at]}", compare.values_close, "x", bad, want, 1e9, 1)
    rejects("shape", compare.values_close, "x", want[:1], want, 1, 1)


def test_attention_rules():
    r = inputs.rng(6)
    out, lse = r.standard_normal((3, 4, 8)), r.standard_normal((3, 4))
    rejects("out[", compare.attention_close, out + 1e-4, lse, out, lse)
    rejects("lse[", compare.attention_close, out, lse + 1e-4, out, lse)
    narrow = out.astype(layouts.DTYPES["bf16"])
    assert 0.01 < compare.attention_close(narrow, lse, out, lse, type="bf16") <= 1
    bad = out.copy()
    bad[1, 2, np.abs(out[1, 2]).argmax()] *= 1.017
    rejects("out[1, 2", compare.attention_close, bad, lse, out, lse, type="bf16")
    rejects("cosine", compare.attention_close, out * 1.015, lse, out, lse, type="bf16")
    assert compare.cosine_close("out", out * 0, out * 0, 1e-9) == 0


def test_score_rule():
    data = inputs.index_inputs(inputs.rng(7), 3, 200, 8, 64, type="f32")
    score, size = ops.indexer_scores(**data, hi=[200, 0, 150])
    wide = {x: data[x].astype(np.float32) for x in data}
    single = np.einsum("tj,tjs->ts", wide["w"],
                       np.maximum(np.einsum("tjd,sd->tjs", wide["q"], wide["k"]), 0))
    single = np.where(score == -INF, -INF, single).astype(np.float32)
    assert 0 < compare.scores_close(single, score, size) < 1
    bad = single.copy()
    bad[2, 149] += 1e-3 * size[2, 149]
    rejects("scores[2, 149]", compare.scores_close, bad, score, size)
    bad[2, 149] = -INF
    rejects("scores[2, 149]", compare.scores_close, bad, score, size)
    assert compare.scores_close(single + 1e-30, score, size * 0, tol=1, floor=1) <= 1
    assert compare.denormal_floor(data["w"], 64).shape == (3, 1)


@pytest.mark.parametrize("order", ops.ORDERS)
@pytest.mark.parametrize("batch", [None, 2])
def test_selection_rules(order, batch):
    r = inputs.rng(8)
    lead = (4,) if batch is None else (batch, 2)
    score = np.round(r.standard_normal(lead + (30,)))
    score[score == score.max(axis=-1, keepdims=True)] += 1
    size = np.ones_like(score)
    near = score + 1e-5 * r.standard_normal(score.shape)
    ids = np.arange(30) * 3 - 3
    got = ops.top_k(near, 8, order=order, ids=ids)
    keywords = {"order": order, "ids": ids}
    assert compare.selection_from_scores(got, near, 8, **keywords) == 0
    assert 0 < compare.selection_close(got, score, size, 8, tol=1e-4, **keywords) <= 1
    exact = ops.top_k(score, 8, order=order, ids=ids)
    compare.selection_close(exact, score, size, 8, exact=True, **keywords)
    rejects("indices[", compare.selection_close, got, score, size, 8, exact=True, **keywords)
    row = (2,) if batch is None else (1, 0)
    wrong = [x.copy() for x in exact]
    worst = ids[1 + score[row][1:].argmin()]
    wrong[0][row] = np.sort(np.append(wrong[0][row][1:], worst))
    rejects("", compare.selection_exact, wrong[:2], exact[:2])
    if order == "index_ascending":
        rejects("swapped pair", compare.selection_close, wrong[:2], score, size, 8, tol=1e-4,
                **keywords)
    for change, text in ((lambda x: x[::-1], "after"), (lambda x: x * 0 + x[0], "twice"),
                         (lambda x: x + 1, "not selectable")):
        wrong[0][row] = change(exact[0][row])
        rejects(text, compare.selection_close, wrong[:2], score, size, 8, tol=1e-4, **keywords)
    wrong = [x.copy() for x in exact]
    wrong[2][row][3] += 1
    rejects("3]", compare.selection_close, wrong, score, size, 8, tol=1e-4, **keywords)
    wrong[1][row] -= 1
    rejects("count", compare.selection_close, wrong, score, size, 8, tol=1e-4, **keywords)
    few = ops.top_k(score, 8, order=order, hi=np.full(lead, 5))
    assert compare.selection_close(few, score, size, 8, order=order, hi=np.full(lead, 5)) <= 1
    few[0][row][7] = 0
    rejects("padding", compare.selection_close, few, score, size, 8, order=order,
            hi=np.full(lead, 5))


# inputs


@pytest.mark.parametrize("type", ["f32", "f16", "bf16", "f8E4M3FN"])
def test_inputs_keep_their_promises(type):
    data = inputs.real_model(inputs.rng(9), 3, 400, 8, 64, 4, 96, type=type)
    score, _ = ops.indexer_scores(data["index_q"], data["index_k"], data["index_w"])
    assert ((score == 0).mean(axis=1) > 0.15).all()
    assert np.isfinite(score).all() and np.isfinite(data["kv"].astype(np.float32)).all()
    twins = inputs.index_inputs(inputs.rng(9), 3, 400, 8, 64, type="f32", plateau=0, duplicates=0.3)
    rows, first, which = np.unique(twins["k"], axis=0, return_index=True, return_inverse=True)
    score, _ = ops.indexer_scores(**twins)
    assert 280 < len(rows) < 340 and (score == score[:, first[which.reshape(-1)]]).all()
    small = inputs.small_integers(inputs.rng(9), 3, 40, 8, 64, type=type)
    score, magnitude = ops.indexer_scores(**small)
    assert (score == np.round(score)).all() and magnitude.max() < 2**24
    again = inputs.small_integers(inputs.rng(9), 3, 40, 8, 64, type=type)
    assert all(np.array_equal(small[x], again[x]) for x in small)
    for kind, count in (("zero", 1), ("equal", 1)):
        tie = inputs.tie_inputs(inputs.rng(9), 3, 40, 4, 16, kind, type=type)
        assert all(len(np.unique(x)) == count for x in ops.indexer_scores(**tie)[0])
    bad, mask = inputs.inject(inputs.rng(9), data["kv"], NAN, rows=True)
    assert mask.any() and np.isnan(bad[mask].astype(np.float32)).all()
    assert np.array_equal(bad[~mask], data["kv"][~mask])
    idx = inputs.indices(inputs.rng(9), 200, 20, 16)
    assert (idx == 20).any() and (idx == -(2**31)).any() and ((idx < 0) | (idx >= 20)).mean() < 0.6
    with pytest.raises(ValueError):
        inputs.small_integers(inputs.rng(9), 1, 1, 10000, 1000)
