"""dsa.lightning_indexer: bit-equal to scores and top-k, and right against float64."""

import itertools

import numpy as np
import pytest

from harness import BF16, F8, indexer_scores, lightning_indexer
from reference import compare, inputs, layouts, ops

TARGETS = ("reference", "cpu", "cpu with 8 lanes")

INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def check(folder, q, k, w, top, *, dynamic=False, ids=None, translate=None,
          translate_row_ids=None, order="index_ascending", **score):
    """Exactly top-k of the target's own scores; returns the selection."""
    selection = dict(ids=ids, translate=translate, translate_row_ids=translate_row_ids,
                     order=order)
    got = lightning_indexer(folder, q, k, w, top, dynamic=dynamic, **selection, **score)
    scores = indexer_scores(folder, q, k, w, dynamic=not dynamic, **score)
    bounds = {name: score[name] for name in ("lo", "hi") if name in score}
    compare.selection_from_scores(got, scores, top, **bounds, **selection)
    return got


@pytest.mark.parametrize("order", ["index_ascending", "score_descending"])
def test_real_inputs(tmp_path, order):
    data = inputs.index_inputs(inputs.rng(1), 5, 700, 8, 32)
    _, hi = inputs.causal_bounds(5, 700)
    got = check(tmp_path, data["q"], data["k"], data["w"], 64, hi=hi, order=order)
    scores, magnitude = ops.indexer_scores(data["q"], data["k"], data["w"], hi=hi)
    compare.selection_close(got, scores, magnitude, 64, type="bf16", hi=hi, order=order)


@pytest.mark.parametrize("activation", ["relu", "none"])
def test_small_integers_are_exact(tmp_path, activation):
    rng = inputs.rng(2)
    data = inputs.small_integers(rng, 6, 211, 8, 16)
    lo, hi = inputs.hostile_bounds(rng, 6, 211)
    keywords = dict(key_scale=data["key_scale"], lo=lo, hi=hi, activation=activation)
    got = check(tmp_path, data["q"], data["k"], data["w"], 33, dynamic=True, **keywords)
    compare.selection_exact(got, ops.lightning_indexer(data["q"], data["k"], data["w"], 33,
                                                       **keywords))


@pytest.mark.parametrize("kind", ["zero", "equal"])
def test_ties_go_to_the_first_positions(tmp_path, kind):
    data = inputs.tie_inputs(inputs.rng(3), 3, 50, 4, 8, kind)
    got = check(tmp_path, data["q"], data["k"], data["w"], 7)
    assert (got[0] == np.arange(7)).all()


def test_more_than_there_are(tmp_path):
    data = inputs.small_integers(inputs.rng(4), 3, 5, 4, 8)
    k = data["k"].copy()
    k[2] = np.nan
    got = check(tmp_path, data["q"], k, data["w"], 9)
    assert (got[1] == 4).all() and (got[0][:, 4:] == -1).all()


@pytest.mark.parametrize("t, s, hi, d", [(0, 5, 4, 8), (3, 0, 4, 8), (3, 5, 0, 8), (3, 5, 4, 0)])
def test_zero_extents(tmp_path, t, s, hi, d):
    data = inputs.small_integers(inputs.rng(5), t, s, hi, d)
    got = check(tmp_path, data["q"], data["k"], data["w"], 4, dynamic=True)
    compare.selection_exact(got, ops.lightning_indexer(data["q"], data["k"], data["w"], 4))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_zero_pages(tmp_path, shape):
    """No page, or a table without columns: every row is empty."""
    pool, table = np.zeros((shape[0], 4, 8), np.float32), np.zeros((1, shape[1]), np.int32)
    q, w = np.ones((2, 3, 8), np.float32), np.ones((2, 3), np.float32)
    got = check(tmp_path, q, pool, w, 4, block_table=table, paged=True, dynamic=True)
    assert (got[0] == -1).all() and not got[1].any()


@pytest.mark.parametrize("order", ["index_ascending", "score_descending"])
@pytest.mark.parametrize("top", [2, 5])
def test_the_whole_product_of_bounds_and_scores(tmp_path, top, order):
    """Bounds x NaN x ties x k > S, nothing left out: S = 3. With one head of one column, of weight
    and query 1, each score is its key."""
    values = [np.nan, -np.inf, np.inf, 0.0, 1.0]
    edges = [INT_MIN, -1, 0, 1, 2, 3, 4, INT_MAX]
    k = np.array(list(itertools.product(values, repeat=3)), np.float32)[..., None]
    bounds = np.array(list(itertools.product(edges, edges)), np.int32)
    rows = (len(k), len(bounds))
    lo, hi = (np.broadcast_to(x, rows).copy() for x in bounds.T)
    got = lightning_indexer(tmp_path, np.ones(rows + (1, 1), np.float32), k,
                            np.ones(rows + (1,), np.float32), top, activation="none", lo=lo,
                            hi=hi, order=order, dynamic="mixed")
    scores = np.broadcast_to(k[:, None, :, 0], rows + (3,))
    compare.selection_from_scores(got, scores, top, lo=lo, hi=hi, order=order)


@pytest.mark.parametrize("type_name, dtype", [("f32", np.float32), ("f16", np.float16),
                                              ("bf16", BF16), ("f8", F8)])
def test_types_against_float64(tmp_path, type_name, dtype):
    """Real inputs: a key may only be swapped for one whose score is as good up to rounding."""
    data = inputs.index_inputs(inputs.rng(9), 4, 300, 7, 33)
    q, k = (np.clip(data[x].astype(np.float32), -400, 400).astype(dtype) for x in "qk")
    lo, hi = inputs.hostile_bounds(inputs.rng(10), 4, 300)
    got = check(tmp_path, q, k, data["w"], 48, lo=lo, hi=hi, dynamic="mixed")
    scores, magnitude = ops.indexer_scores(q, k, data["w"], lo=lo, hi=hi)
    compare.selection_close(got, scores, magnitude, 48, type=type_name, lo=lo, hi=hi)


def test_values_are_optional(tmp_path):
    data = inputs.small_integers(inputs.rng(11), 5, 40, 4, 8)
    whole = lightning_indexer(tmp_path, data["q"], data["k"], data["w"], 9)
    short = lightning_indexer(tmp_path, data["q"], data["k"], data["w"], 9, values=False)
    assert len(short) == 2
    compare.selection_exact(short, whole)


def test_column_pieces_equal_their_concatenation(tmp_path):
    """Dense and paged; values, too, bit for bit."""
    rng = inputs.rng(12)
    data = inputs.index_inputs(rng, 4, 48, 6, 24)
    q, k, w = data["q"], data["k"], data["w"]
    pool, table = inputs.paginate(rng, k[None], 8)
    whole = lightning_indexer(tmp_path, q, k, w, 11)
    for rows, source in ((k, {}), (pool, dict(block_table=table, paged=True))):
        pieces = check(tmp_path, q[..., :17], np.ascontiguousarray(rows[..., :17]), w, 11,
                       q_tail=q[..., 17:], k_tail=np.ascontiguousarray(rows[..., 17:]), **source)
        for x, y in zip(whole, pieces):
            assert np.array_equal(x.view(np.uint32), y.view(np.uint32))


def test_non_finite_keys_and_weights(tmp_path):
    data = inputs.small_integers(inputs.rng(13), 5, 30, 4, 8)
    k, w, scale = data["k"].copy(), data["w"].copy(), data["key_scale"].copy()
    k[3, 1], k[7, 0], k[11, 2] = np.nan, np.inf, -np.inf
    w[1, 2], w[2, 0] = np.nan, np.inf
    scale[5:9] = np.nan, np.inf, -np.inf, -1
    for activation in ("relu", "none"):
        got = check(tmp_path, data["q"], k, w, 12, key_scale=scale, activation=activation)
        compare.selection_exact(got, ops.lightning_indexer(data["q"], k, w, 12, key_scale=scale,
                                                           activation=activation))


def test_batch_with_ids_and_translation(tmp_path):
    rng = inputs.rng(6)
    data = inputs.small_integers(rng, 3, 20, 4, 8, batch=2, type="bf16")
    ids = np.sort(rng.choice(40, (2, 20), replace=True), -1) * 20 + np.arange(20)
    table = rng.integers(-1, 9, (2, 30)).astype(np.int32)
    for shape in ((2, 20), (20,)):
        part = ids.astype(np.int32) if len(shape) == 2 else ids[0].astype(np.int32)
        check(tmp_path, data["q"], data["k"], data["w"], 6, ids=part, translate=(table, 32),
              key_scale=data["key_scale"])


def test_ragged_rows_of_a_pool(tmp_path):
    rng = inputs.rng(7)
    rows = rng.standard_normal((3, 30, 16)).astype(BF16)
    pool, table = inputs.paginate(rng, rows, 8)
    q = rng.standard_normal((7, 4, 16)).astype(BF16)
    w = rng.standard_normal((7, 4)).astype(np.float32)
    seq = np.array([0, 0, 1, 2, 3, -1, 2], np.int32)
    hi = np.array([30, 1, 17, 0, 9, 9, 64], np.int32)
    slots = rng.integers(0, 50, (3, 4)).astype(np.int32)
    check(tmp_path, q, pool, w, 11, block_table=table, row_ids=seq, paged=True, hi=hi,
          translate=(slots, 8), translate_row_ids=seq, dynamic=True)


def test_translation_rows_out_of_range(tmp_path):
    """A row whose translation table does not exist selects nothing, whatever its scores."""
    rng = inputs.rng(9)
    q, k = (rng.standard_normal(shape, np.float32) for shape in ((5, 4, 8), (40, 8)))
    w = rng.standard_normal((5, 4), np.float32)
    table = np.array([[3, 0, -1, 7]], np.int32)
    row_ids = np.array([0, 1, INT_MAX, INT_MIN, 0], np.int32)
    for order in ("index_ascending", "score_descending"):
        got = check(tmp_path, q, k, w, 5, translate=(table, 10), translate_row_ids=row_ids,
                    order=order)
        assert (got[1] == [5, 0, 0, 0, 5]).all()


@pytest.mark.parametrize("form", ["flat 656", "paged 656", "584"])
def test_packed_rows(tmp_path, form):
    rng = inputs.rng(14)
    layout = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(3),
              "584": layouts.mla_584(3)}[form]
    shape = (12,) if form == "flat 656" else (4, 3)
    packed = layouts.encode(rng.standard_normal(shape + (layout.width,)), layout)
    source = {} if form == "flat 656" else dict(
        paged=True, block_table=np.array([[2, 0, -1, 4, 3]], np.int32))
    q = rng.standard_normal((3, 4, layout.width)).astype(BF16)
    w = rng.standard_normal((3, 4)).astype(np.float32)
    got = check(tmp_path, q, packed, w, 5, layout=layout, dynamic=form == "584", **source)
    scores, magnitude = ops.indexer_scores(q, packed, w, layout=layout, **source)
    compare.selection_close(got, scores, magnitude, 5, type="packed")


def test_index_pages(tmp_path):
    rng = inputs.rng(8)
    layout = layouts.index_132(4)
    packed = layouts.encode(rng.standard_normal((6, 4, 128)), layout)
    table = np.array([[3, 0, -1, 4], [5, 1, 2, INT_MAX]], np.int32)
    q = rng.standard_normal((2, 2, 4, 128)).astype(BF16)
    w = rng.standard_normal((2, 2, 4)).astype(np.float32)
    check(tmp_path, q, packed, w, 5, block_table=table, paged=True, layout=layout)
