"""The bits of a score, and of a row, depend on its own inputs alone: never on other rows, on the
number of rows or keys, on the position, on paging, pieces, packing or fusion."""

import numpy as np
import pytest

import harness
from harness import BF16, F8
from reference import inputs, layouts

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes", "cpu without bf16 pairs")
TYPES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8}
T, S, HI, D = 7, 48, 5, 19


def same_bits(got, want):
    """Equal bits, but for the sign of zero, which scores do not specify."""
    zero = (got == 0) & (want == 0)
    assert got.dtype == want.dtype and got.shape == want.shape
    bits = f"u{got.dtype.itemsize}"
    wrong = np.argwhere((np.ascontiguousarray(got).view(bits)
                         != np.ascontiguousarray(want).view(bits)) & ~zero)
    assert not len(wrong), (wrong[:4], got[tuple(wrong[0])], want[tuple(wrong[0])])


def index_arrays(type_name):
    """q, k, w and key_scale whose scores are all selectable: finite, all heads' weights used."""
    data = inputs.index_inputs(inputs.rng(1), T, S, HI, D)
    q, k = (np.clip(data[x].astype(np.float32), -400, 400).astype(TYPES[type_name]) for x in "qk")
    return q, k, data["w"], (inputs.rng(2).random(S) + 0.5).astype(np.float32)


@pytest.fixture(scope="module", params=TYPES)
def scored(request, target, tmp_path_factory):
    """The arrays and their scores, as one static call of all rows and keys gives them."""
    q, k, w, scale = index_arrays(request.param)
    want = harness.indexer_scores(tmp_path_factory.mktemp("scored"), q, k, w, key_scale=scale)
    # Plateaus and twins are in it, so not all are distinct; but they are not constant either.
    assert np.isfinite(want).all() and len(np.unique(want)) > S
    return q, k, w, scale, want


def test_one_row_and_few_keys(tmp_path, scored):
    q, k, w, scale, want = scored
    one = harness.indexer_scores(tmp_path, q[4:5], k, w[4:5], key_scale=scale, dynamic=True)
    same_bits(one, want[4:5])
    few = harness.indexer_scores(tmp_path, q, k[20:23], w, key_scale=scale[20:23], dynamic="mixed")
    same_bits(few, want[:, 20:23])


def test_another_position_and_other_neighbours(tmp_path, scored):
    """Keys in another order, between NaN keys, in rows between NaN rows, with bounds."""
    q, k, w, scale, want = scored
    order = inputs.rng(3).permutation(S)
    nan = np.full_like(k, np.nan)
    keys = np.stack([k[order], nan], axis=1).reshape(2 * S, D)
    scales = np.stack([scale[order], np.full_like(scale, np.nan)], axis=1).reshape(2 * S)
    rows = np.stack([np.full_like(q, np.nan), q], axis=1).reshape(2 * T, HI, D)
    lo, hi = np.full(2 * T, 6, np.int32), np.full(2 * T, 2 * S - 9, np.int32)
    got = harness.indexer_scores(tmp_path, rows, keys, np.repeat(w, 2, axis=0), key_scale=scales,
                                 lo=lo, hi=hi)[1::2]
    assert np.isneginf(got[:, :6]).all() and np.isneginf(got[:, -9:]).all()
    same_bits(got[:, 6:-9:2], want[:, order][:, 3:-4])


def test_paged_batched_and_in_pieces(tmp_path, scored):
    q, k, w, scale, want = scored
    rng = inputs.rng(4)
    pool, table = inputs.paginate(rng, k[None], 16)
    scale_pool = np.ones(pool.shape[:2], np.float32)
    scale_pool[table[0]] = scale.reshape(3, 16)
    keywords = dict(key_scale=scale_pool, paged=True)
    got = harness.indexer_scores(tmp_path, q, pool, w, block_table=table, **keywords)
    same_bits(got, want)
    tables = np.concatenate([np.full_like(table, -1), table])
    got = harness.indexer_scores(tmp_path, q[2:], pool, w[2:], block_table=tables, dynamic=True,
                                 row_ids=np.array([1, 0, 1, 2, 1], np.int32), **keywords)
    same_bits(got[::2], want[2::2])
    assert np.isneginf(got[1::2]).all()
    got = harness.indexer_scores(
        tmp_path, q[:6, :, :4].reshape(2, 3, HI, 4), pool[..., :4], w[:6].reshape(2, 3, HI),
        block_table=tables[[1, 1]], q_tail=q[:6, :, 4:].reshape(2, 3, HI, D - 4),
        k_tail=pool[..., 4:], **keywords)
    same_bits(got.reshape(6, S), want[:6])


def test_fused(tmp_path, scored):
    """The values of a selection of everything are the scores themselves; of one row, and paged."""
    q, k, w, scale, want = scored
    indices, count, values = harness.lightning_indexer(tmp_path, q, k, w, S, key_scale=scale)
    assert (count == S).all() and (indices == np.arange(S)).all()
    same_bits(values, want)
    pool, table = inputs.paginate(inputs.rng(5), k[None], 8)
    scale_pool = np.ones(pool.shape[:2], np.float32)
    scale_pool[table[0]] = scale.reshape(6, 8)
    indices, count, values = harness.lightning_indexer(
        tmp_path, q[4:5], pool, w[4:5], S + 3, key_scale=scale_pool, block_table=table, paged=True,
        dynamic=True)
    assert count[0] == S and (indices[0, :S] == np.arange(S)).all()
    same_bits(values[:, :S], want[4:5])


def test_one_scale_per_row_is_a_key_scale(tmp_path):
    """Index pages, against the codes and scales that stand in them."""
    rng = inputs.rng(6)
    layout = layouts.index_132(4)
    packed = layouts.encode(rng.standard_normal((3, 4, 128)), layout, pow2=False)
    codes, scales = harness.unpack(tmp_path, packed, layout, paged=True, to="codes")
    table = np.array([[2, 0, 1]], np.int32)
    w = rng.standard_normal((T, HI)).astype(np.float32)
    for dtype in (BF16, F8):
        q = rng.standard_normal((T, HI, 128)).astype(dtype)
        from_pages = harness.indexer_scores(tmp_path, q, packed, w, layout=layout, paged=True,
                                            block_table=table)
        from_codes = harness.indexer_scores(
            tmp_path, q, codes[table[0]].reshape(12, 128), w,
            key_scale=scales[table[0]].reshape(12), dynamic=True)
        same_bits(from_pages, from_codes)


@pytest.mark.parametrize("form", ["flat 656", "paged 656", "584"])
def test_packed_rows_are_their_unpacked_rows(tmp_path, form):
    rng = inputs.rng(7)
    layout = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(3),
              "584": layouts.mla_584(3)}[form]
    shape = (9,) if form == "flat 656" else (3, 3)
    packed = layouts.encode(rng.standard_normal(shape + (layout.width,)), layout)
    (rows,) = harness.unpack(tmp_path, packed, layout, paged=len(shape) == 2, to="bf16")
    q = rng.standard_normal((3, 2, layout.width)).astype(BF16)
    w = rng.standard_normal((3, 2)).astype(np.float32)
    source = {} if form == "flat 656" else dict(paged=True,
                                                block_table=np.array([[2, 0, 1]], np.int32))
    same_bits(harness.indexer_scores(tmp_path, q, packed, w, layout=layout, **source),
              harness.indexer_scores(tmp_path, q, rows, w, dynamic=True, **source))
    # The same rows, attended: packed, and unpacked.
    idx = inputs.indices(rng, 3, 9, 5)
    keywords = dict(scale=0.1, dv=512, paged=form != "flat 656")
    for x, y in zip(harness.sparse_attention(tmp_path, q, [packed], [idx], layouts=[layout],
                                             **keywords),
                    harness.sparse_attention(tmp_path, q, [rows], [idx], **keywords)):
        same_bits(x, y)


@pytest.mark.parametrize("type_name", ["f32", "bf16"])
def test_attention_of_a_row_ignores_the_others(tmp_path, type_name):
    """Every other row's queries, indices and counts are replaced, by NaN among others."""
    rng = inputs.rng(8)
    data = inputs.attention_inputs(rng, 6, 40, 3, 16, type=type_name)
    q, kv = data["q"], data["kv"]
    idx, counts = inputs.indices(rng, 6, 40, 9), inputs.counts(rng, 6, 9)
    keywords = dict(scale=data["scale"], dv=12, sink=data["sink"])
    whole = harness.sparse_attention(tmp_path, q, [kv], [idx], counts=[counts], **keywords)
    q2, idx2, counts2 = q.copy(), idx.copy(), counts.copy()
    q2[1::2], idx2[1::2], counts2[1::2] = np.nan, rng.integers(-1, 41, (3, 9)), 9
    # Rows that no even row of the call names may be NaN too.
    kv2 = kv.copy()
    used = np.unique(np.concatenate([row[:max(n, 0)] for row, n in zip(idx[::2], counts[::2])]))
    unused = np.setdiff1d(np.arange(40), used)
    assert len(unused)
    kv2[unused] = np.nan
    other = harness.sparse_attention(tmp_path, q2, [kv2], [idx2], counts=[counts2], dynamic=True,
                                     **keywords)
    for x, y in zip(whole, other):
        same_bits(y[::2], x[::2])
    assert np.isfinite(whole[0]).all()


def test_merge_of_a_row_ignores_the_others(tmp_path):
    rng = inputs.rng(9)
    outs = rng.standard_normal((3, 6, 2, 5)).astype(np.float32)
    lses = rng.standard_normal((3, 6, 2)).astype(np.float32)
    whole = harness.merge_attention(tmp_path, [outs], [lses])
    outs[:, 1::2], lses[:, 1::2] = np.nan, np.inf
    for x, y in zip(whole, harness.merge_attention(tmp_path, [outs], [lses], dynamic=True)):
        same_bits(y[::2], x[::2])
    # One part is itself, up to rounding of exp and log; an empty part changes no bit.
    outs, lses = outs[:, ::2], lses[:, ::2]
    empty_out, empty_lse = np.full_like(outs[:1], np.nan), np.full_like(lses[:1], -np.inf)
    for x, y in zip(harness.merge_attention(tmp_path, [outs], [lses]),
                    harness.merge_attention(tmp_path, [outs, empty_out], [lses, empty_lse])):
        same_bits(y, x)


@pytest.mark.parametrize("heads", [13, 16])
@pytest.mark.parametrize("type_name", ["f32", "bf16"])
def test_known_and_unknown_heads(tmp_path, heads, type_name):
    """Enough heads that the order in which they are added shows."""
    rng = inputs.rng(12)
    q, k = (rng.standard_normal(shape, np.float32).astype(TYPES[type_name])
            for shape in ((T, heads, D), (S, D)))
    w = rng.standard_normal((T, heads), np.float32)
    known = harness.indexer_scores(tmp_path, q, k, w)
    same_bits(harness.indexer_scores(tmp_path, q, k, w, dynamic=True), known)
