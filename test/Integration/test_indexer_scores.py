"""dsa.indexer_scores against the float64 reference."""

import numpy as np
import pytest

from harness import BF16, F8, indexer_scores
from reference import compare, inputs, layouts, ops

NAMES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8}
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def check(folder, q, k, w, exact=False, **keywords):
    dynamic = keywords.pop("dynamic", False)
    got = indexer_scores(folder, q, k, w, dynamic=dynamic, **keywords)
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


def test_batch(tmp_path):
    rng = inputs.rng(4)
    data = inputs.small_integers(rng, 3, 21, 4, 8, batch=2, type="bf16")
    _, hi = inputs.hostile_bounds(rng, 6, 21)
    check(tmp_path, data["q"], data["k"], data["w"], exact=True, key_scale=data["key_scale"],
          hi=hi.reshape(2, 3), dynamic=True)


def test_f8_keys_with_bf16_queries(tmp_path):
    data = inputs.index_inputs(inputs.rng(5), 3, 40, 4, 16)
    check(tmp_path, data["q"], data["k"].astype(np.float32).astype(F8), data["w"])


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


def test_column_pieces_equal_their_concatenation(tmp_path):
    data = inputs.index_inputs(inputs.rng(7), 4, 50, 6, 24)
    q, k, w = data["q"], data["k"], data["w"]
    whole = indexer_scores(tmp_path, q, k, w)
    pieces = check(tmp_path, q[..., :17], k[..., :17], w, q_tail=q[..., 17:], k_tail=k[..., 17:],
                   dynamic=True)
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


def test_paged_equals_dense(tmp_path):
    rng = inputs.rng(9)
    data = inputs.index_inputs(rng, 3, 48, 4, 16)
    pool, table = inputs.paginate(rng, data["k"][None], 16)
    dense = indexer_scores(tmp_path, data["q"], data["k"], data["w"])
    paged_scores = indexer_scores(tmp_path, data["q"], pool, data["w"], block_table=table,
                                  paged=True)
    assert np.array_equal(dense.view(np.uint32), paged_scores.view(np.uint32))


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


def test_a_score_depends_on_its_own_inputs_alone(tmp_path):
    """The bits of I[t,s] at T = 1 and 7, and among fewer keys."""
    data = inputs.index_inputs(inputs.rng(12), 7, 53, 5, 19)
    whole = indexer_scores(tmp_path, data["q"], data["k"], data["w"]).view(np.uint32)
    one = indexer_scores(tmp_path, data["q"][4:5], data["k"], data["w"][4:5], dynamic=True)
    few = indexer_scores(tmp_path, data["q"], data["k"][20:23], data["w"])
    assert np.array_equal(one.view(np.uint32)[0], whole[4])
    assert np.array_equal(few.view(np.uint32), whole[:, 20:23])
