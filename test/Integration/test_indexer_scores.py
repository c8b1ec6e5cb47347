"""dsa.indexer_scores against the float64 reference."""

import numpy as np
import pytest

from harness import BF16, F8, indexer_scores
from own_layouts import OWN, encoded
from reference import compare, inputs, layouts, ops
from reference.layouts import Field, KVLayout, encode

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes", "cpu without bf16 pairs")
NAMES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8}
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def check(folder, q, k, w, exact=False, **keywords):
    dynamic = keywords.pop("dynamic", False)
    options = keywords.pop("options", ())
    got = indexer_scores(folder, q, k, w, dynamic=dynamic, options=options, **keywords)
    want, magnitude = ops.indexer_scores(q, k, w, **keywords)
    if exact:
        compare.values_close("scores", got, want, 0, 0)
    else:
        compare.scores_close(got, want, magnitude)
    return got


@pytest.mark.parametrize("type_name", NAMES)
@pytest.mark.parametrize("activation", ["relu", "none"])
def test_types_on_real_inputs(tmp_path, type_name, activation):
    data = inputs.index_inputs(inputs.rng(1), 5, 67, 9, 33, type=type_name)
    check(tmp_path, data["q"], data["k"], data["w"], activation=activation)


@pytest.mark.parametrize("dynamic", [False, True])
def test_small_integers_are_exact(tmp_path, dynamic):
    rng = inputs.rng(2)
    data = inputs.small_integers(rng, 6, 131, 16, 32)
    lo, hi = inputs.hostile_bounds(rng, 6, 131)
    check(tmp_path, data["q"], data["k"], data["w"], exact=True, key_scale=data["key_scale"],
          lo=lo, hi=hi, dynamic=dynamic)


@pytest.mark.parametrize("t, s, hi, d", [(0, 5, 2, 3), (2, 0, 2, 3), (2, 5, 0, 3), (2, 5, 2, 0),
                                         (1, 1, 1, 1)])
def test_zero_and_one_extents(tmp_path, t, s, hi, d):
    rng = inputs.rng(3)
    q, k = rng.standard_normal((t, hi, d)), rng.standard_normal((s, d))
    check(tmp_path, q.astype(np.float32), k.astype(np.float32),
          rng.standard_normal((t, hi)).astype(np.float32), dynamic=True)


@pytest.mark.parametrize("b, p, n, page", [(0, 2, 2, 4), (1, 0, 2, 4), (2, 2, 0, 4), (1, 0, 0, 1)])
def test_zero_batch_pages_and_columns(tmp_path, b, p, n, page):
    q, w = np.ones((b, 2, 3, 5), np.float32), np.ones((b, 2, 3), np.float32)
    pool, table = np.ones((p, page, 5), np.float32), np.zeros((b, n), np.int32)
    check(tmp_path, q, pool, w, exact=True, block_table=table, paged=True, dynamic=True)


def test_a_table_without_rows(tmp_path):
    """Whatever row_ids say, every row is empty."""
    q, w = np.ones((3, 2, 5), np.float32), np.ones((3, 2), np.float32)
    pool, table = np.ones((4, 2, 5), np.float32), np.zeros((0, 3), np.int32)
    got = check(tmp_path, q, pool, w, exact=True, block_table=table, paged=True, dynamic=True,
                row_ids=np.array([0, -1, 1], np.int32))
    assert got.shape == (3, 6) and np.isneginf(got).all()


def test_more_batch_entries_than_heads(tmp_path):
    data = inputs.small_integers(inputs.rng(13), 1, 5, 1, 3, batch=9)
    check(tmp_path, data["q"], data["k"], data["w"], exact=True, dynamic="mixed")


def test_batch(tmp_path):
    rng = inputs.rng(4)
    data = inputs.small_integers(rng, 3, 21, 4, 8, batch=2, type="bf16")
    _, hi = inputs.hostile_bounds(rng, 6, 21)
    check(tmp_path, data["q"], data["k"], data["w"], exact=True, key_scale=data["key_scale"],
          hi=hi.reshape(2, 3), dynamic=True)


def test_f8_keys_with_bf16_queries(tmp_path):
    data = inputs.index_inputs(inputs.rng(5), 3, 40, 4, 16)
    check(tmp_path, data["q"], data["k"].astype(np.float32).astype(F8), data["w"])


def test_denormals(tmp_path):
    """Where bf16 is multiplied in pairs, denormal elements, products and sums count as zero."""
    rng = inputs.rng(20)
    q, k = (rng.standard_normal(shape, np.float32).astype(BF16) for shape in ((3, 17, 16), (40, 16)))
    q[:, ::3] = (q[:, ::3].astype(np.float32) * 2.0**-120).astype(BF16)
    k[::2] = (k[::2].astype(np.float32) * 2.0**-128).astype(BF16)
    w = rng.standard_normal((3, 17), np.float32)
    got = indexer_scores(tmp_path, q, k, w)
    want, magnitude = ops.indexer_scores(q, k, w)
    compare.scores_close(got, want, magnitude, floor=compare.denormal_floor(w, 16))


def test_non_finite_inputs(tmp_path):
    """A NaN in a key row reaches that column alone; relu keeps NaN; 0·inf is NaN."""
    rng = inputs.rng(6)
    data = inputs.small_integers(rng, 4, 30, 4, 8)
    k = data["k"].copy()
    k[3, 1], k[7, 0], k[11, 2] = np.nan, np.inf, -np.inf
    w = data["w"].copy()
    w[1, 2] = np.nan
    for activation in ("relu", "none"):
        check(tmp_path, data["q"], k, w, exact=True, activation=activation)


@pytest.mark.parametrize("type_name", ["f16", "f8E4M3FN"])
def test_non_finite_narrow_inputs(tmp_path, type_name):
    """As above in narrow types (f8 has no infinity), with key scales that are not numbers."""
    data = inputs.small_integers(inputs.rng(15), 4, 30, 4, 8, type=type_name)
    k, q, scale = data["k"].copy(), data["q"].copy(), data["key_scale"].copy()
    k[3, 1], q[2, 1, 5] = np.nan, np.nan
    if type_name == "f16":
        k[7, 0], k[11, 2] = np.inf, -np.inf
    scale[15:20] = np.nan, np.inf, -np.inf, 0, -2
    for activation in ("relu", "none"):
        check(tmp_path, q, k, data["w"], exact=True, key_scale=scale, activation=activation)


def test_nan_outside_the_bounds_and_in_other_rows(tmp_path):
    """NaN keys and scales outside [lo, hi), NaN queries of other rows: no trace of them."""
    data = inputs.small_integers(inputs.rng(16), 3, 20, 4, 8)
    k, scale, q = data["k"].copy(), data["key_scale"].copy(), data["q"].copy()
    k[:5], k[15:], scale[:5], q[1] = np.nan, np.nan, np.nan, np.nan
    lo, hi = np.full(3, 5, np.int32), np.full(3, 15, np.int32)
    got = check(tmp_path, q, k, data["w"], exact=True, key_scale=scale, lo=lo, hi=hi)
    assert np.isfinite(got[::2, 5:15]).all() and np.isneginf(got[:, :5]).all()


def test_column_pieces_equal_their_concatenation(tmp_path):
    data = inputs.index_inputs(inputs.rng(7), 4, 50, 6, 24)
    q, k, w = data["q"], data["k"], data["w"]
    whole = indexer_scores(tmp_path, q, k, w)
    pieces = check(tmp_path, q[..., :17], k[..., :17], w, q_tail=q[..., 17:], k_tail=k[..., 17:],
                   dynamic=True)
    assert np.array_equal(whole.view(np.uint32), pieces.view(np.uint32))


def test_column_pieces_of_a_pool(tmp_path):
    rng = inputs.rng(17)
    pool, table = paged(rng, 2, 30, 7)
    q = rng.standard_normal((2, 3, 4, 16)).astype(BF16)
    w = rng.standard_normal((2, 3, 4)).astype(np.float32)
    keywords = dict(block_table=table, paged=True, key_scale=rng.random(pool.shape[:2], np.float32))
    whole = indexer_scores(tmp_path, q, pool, w, **keywords)
    pieces = check(tmp_path, q[..., :3], pool[..., :3], w, q_tail=q[..., 3:], k_tail=pool[..., 3:],
                   dynamic="mixed", **keywords)
    assert np.array_equal(whole.view(np.uint32), pieces.view(np.uint32))


def paged(rng, batch, size, page, pages_bad=0.2, type_name="bf16", width=16):
    rows = rng.standard_normal((batch, size, width)).astype(NAMES[type_name])
    pool, table = inputs.paginate(rng, rows, page)
    return pool, inputs.poison_table(rng, table, pool.shape[0], pages_bad)


@pytest.mark.parametrize("page", [1, 5, 64])
def test_paged_with_invalid_entries(tmp_path, page):
    """One table row, the batch entry's, or the one that row_ids name (some do not exist)."""
    rng = inputs.rng(8)
    pool, table = paged(rng, 3, 41, page)
    q = rng.standard_normal((3, 2, 4, 16)).astype(BF16)
    w = rng.standard_normal((3, 2, 4)).astype(np.float32)
    hi = np.array([[41, 40], [0, 7], [41, INT_MAX]], np.int32)
    scale = rng.random(pool.shape[:2]).astype(np.float32)
    # Positions past the end of a sequence read NaN rows where hi lets them.
    check(tmp_path, q, pool, w, block_table=table, paged=True, hi=hi, key_scale=scale)
    check(tmp_path, q[0], pool, w[0], block_table=table[:1], paged=True, hi=hi[0], dynamic=True)
    rows = np.array([2, -1, 0, 3, 1, INT_MIN], np.int32)
    check(tmp_path, q.reshape(6, 4, 16), pool, w.reshape(6, 4), block_table=table, row_ids=rows,
          paged=True, hi=hi.reshape(6), dynamic=True)


@pytest.mark.parametrize("query", ["bf16", "f8E4M3FN"])
@pytest.mark.parametrize("pow2", [True, False])
def test_index_pages(tmp_path, query, pow2):
    rng = inputs.rng(10)
    layout = layouts.index_132(8)
    rows = rng.standard_normal((5, 8, 128)).astype(np.float32)
    packed = layouts.encode(rows, layout, pow2=pow2)
    table = np.array([[3, 0, 9, 4], [-1, 1, 2, INT_MAX]], np.int32)
    q = rng.standard_normal((2, 3, 4, 128)).astype(NAMES[query])
    w = rng.standard_normal((2, 3, 4)).astype(np.float32)
    check(tmp_path, q, packed, w, block_table=table, paged=True, layout=layout, dynamic=True)


@pytest.mark.parametrize("form", ["flat 656", "paged 656", "paged 584"])
def test_rows_with_several_scales(tmp_path, form):
    rng = inputs.rng(11)
    layout = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(3),
              "paged 584": layouts.mla_584(3)}[form]
    width = sum(field.count for field in layout.fields)
    q = rng.standard_normal((2, 4, width)).astype(BF16)
    w = rng.standard_normal((2, 4)).astype(np.float32)
    if form == "flat 656":
        packed = layouts.encode(rng.standard_normal((6, width)), layout, pow2=False)
        check(tmp_path, q, packed, w, layout=layout)
    else:
        packed = layouts.encode(rng.standard_normal((4, 3, width)), layout)
        table = np.array([[2, 0, -1]], np.int32)
        check(tmp_path, q, packed, w, layout=layout, paged=True, block_table=table, dynamic=True)


@pytest.mark.parametrize("name", OWN)
def test_layouts_without_a_name(tmp_path, name):
    """Unscaled fields hold numbers that are exact in bf16, as which SCORE reads them."""
    rng, layout = inputs.rng(18), OWN[name]
    packed = encoded(rng, layout, 4, integers=any(f.type in ("f16", "f32") for f in layout.fields))
    q = rng.standard_normal((3, 2, layout.width)).astype(BF16)
    w = rng.standard_normal((3, 2)).astype(np.float32)
    source = dict(paged=True, block_table=np.array([[3, -1, 0]], np.int32)) if layout.page else {}
    check(tmp_path, q, packed, w, layout=layout, dynamic="mixed", **source)


def test_unscaled_fields_are_read_as_bf16(tmp_path):
    layout = KVLayout("f32", (Field(4, "f32", 0),), 16)
    packed = encode(np.full((1, 4), 1 + 2.0**-9), layout)
    q, w = np.ones((1, 1, 4), BF16), np.ones((1, 1), np.float32)
    check(tmp_path, q, packed, w, exact=True, layout=layout)


def test_one_scale_per_row_acts_after_the_sum(tmp_path):
    """Whatever the element type: as key_scale, so that no element is rounded."""
    rng = inputs.rng(19)
    layout = KVLayout("scaled f16", (Field(8, "f16", 4, 8, "f32", 0),), 20)
    packed = encode(rng.standard_normal((9, 8)), layout, pow2=False)
    rows = np.ascontiguousarray(packed[:, 4:]).view(np.float16).astype(np.float32)
    scale = np.ascontiguousarray(packed[:, :4]).view(np.float32)[:, 0]
    q = rng.standard_normal((3, 2, 8)).astype(BF16)
    w = rng.standard_normal((3, 2)).astype(np.float32)
    got = indexer_scores(tmp_path, q, packed, w, layout=layout, dynamic=True)
    compare.scores_close(got, *ops.indexer_scores(q, rows, w, key_scale=scale))
