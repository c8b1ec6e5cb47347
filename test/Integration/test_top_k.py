"""dsa.top_k on given scores: the selection is exact."""

import itertools

import numpy as np
import pytest

from harness import top_k
from reference import compare, inputs, ops

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes")

INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def check(folder, scores, k, **keywords):
    dynamic = keywords.pop("dynamic", False)
    got = top_k(folder, scores, k, dynamic=dynamic, **keywords)
    compare.selection_exact(got, ops.top_k(scores, k, **keywords))
    return got


@pytest.mark.parametrize("order", ["index_ascending", "score_descending"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_bounds_and_scores_enumerated(tmp_path, k, order):
    """Every combination of bounds, and of scores with NaN, -inf, ties and both zeros, for S = 4;
    k = 6 exceeds S."""
    values = [np.nan, -np.inf, np.inf, -0.0, 0.0, 1.0]
    edges = [INT_MIN, -1, 0, 1, 3, 4, 5, INT_MAX]
    rows = list(itertools.product(values, repeat=4))
    ties = [(1.0,) * 4, (0.0,) * 4, (-0.0, 0.0, -0.0, 0.0), (np.nan,) * 4, (-np.inf,) * 4,
            (1.0, np.nan, 1.0, -np.inf), (-1.0, -1.0, -2.0, -1.0)]
    bounded = list(itertools.product(ties, edges, edges))
    scores = np.array(rows + [row for row, _, _ in bounded], np.float32)
    lo = np.array([0] * len(rows) + [x for _, x, _ in bounded], np.int32)
    hi = np.array([4] * len(rows) + [x for _, _, x in bounded], np.int32)
    check(tmp_path, scores, k, lo=lo, hi=hi, order=order)


@pytest.mark.parametrize("order", ["index_ascending", "score_descending"])
@pytest.mark.parametrize("k", [2, 5])
def test_the_whole_product_of_bounds_and_scores(tmp_path, k, order):
    """Bounds x NaN x ties x k > S, nothing left out: S = 3, one batch entry per row of scores,
    one row per pair of bounds."""
    values = [np.nan, -np.inf, np.inf, -0.0, 0.0, 1.0]
    edges = [INT_MIN, -1, 0, 1, 2, 3, 4, INT_MAX]
    rows = np.array(list(itertools.product(values, repeat=3)), np.float32)
    bounds = np.array(list(itertools.product(edges, edges)), np.int32)
    shape = (len(rows), len(bounds))
    scores = np.broadcast_to(rows[:, None], shape + (3,)).copy()
    lo, hi = (np.broadcast_to(x, shape).copy() for x in bounds.T)
    check(tmp_path, scores, k, lo=lo, hi=hi, order=order, dynamic="mixed")


@pytest.mark.parametrize("kind", inputs.TIES)
def test_ties_over_many_columns(tmp_path, kind):
    scores = inputs.tie_scores(inputs.rng(1), 5, 3001, kind)
    for k, order in ((2048, "index_ascending"), (100, "score_descending")):
        check(tmp_path, scores, k, order=order)


@pytest.mark.parametrize("s", [0, 1, 15, 16, 17, 63])
def test_widths_around_k(tmp_path, s):
    scores = inputs.rng(s).standard_normal((3, s)).astype(np.float32)
    check(tmp_path, scores, 16, dynamic=s % 2 == 1)


@pytest.mark.parametrize("shape", [(0, 7), (0, 2, 7), (2, 0, 7), (2, 3, 0)])
@pytest.mark.parametrize("dynamic", [False, True])
def test_no_rows(tmp_path, shape, dynamic):
    got = check(tmp_path, np.zeros(shape, np.float32), 4, dynamic=dynamic)
    assert got[0].shape == shape[:-1] + (4,)


def test_values_are_optional(tmp_path):
    scores = inputs.rng(10).standard_normal((5, 40)).astype(np.float32)
    whole, short = top_k(tmp_path, scores, 9), top_k(tmp_path, scores, 9, values=False)
    assert len(short) == 2
    compare.selection_exact(short, whole)


def test_values_are_the_scores_they_came_from(tmp_path):
    """Bits and all: denormals and the largest numbers are not rounded, scaled or flushed."""
    scores = np.array([[1e-45, -1e-45, 3.4028235e38, 1.1754942e-38, -3.4028235e38]], np.float32)
    indices, _, values = top_k(tmp_path, scores, 5)
    assert np.array_equal(values.view(np.uint32), scores.view(np.uint32))
    assert indices[0].tolist() == list(range(5))


def test_only_one_bound(tmp_path):
    rng = inputs.rng(11)
    scores = rng.choice(np.array([0, 1, np.nan], np.float32), (9, 12))
    lo, hi = inputs.hostile_bounds(rng, 9, 12)
    check(tmp_path, scores, 4, lo=lo)
    check(tmp_path, scores, 4, hi=hi, dynamic="mixed")


def test_more_rows_than_columns_and_k(tmp_path):
    check(tmp_path, inputs.tie_scores(inputs.rng(12), 333, 2, "few"), 1, dynamic="mixed")


def test_denormal_and_large_scores(tmp_path):
    bits = inputs.rng(2).integers(0, 2**32, (8, 257), dtype=np.uint32)
    check(tmp_path, bits.view(np.float32), 64, order="score_descending")


def test_long_rows_with_fewer_candidates_than_k(tmp_path):
    rng = inputs.rng(16)
    scores = np.full((4, 5000), np.nan, np.float32)
    scores[1:3, rng.integers(0, 5000, 30)] = [[1.0], [-np.inf]]
    scores[3, 4000:4100] = rng.standard_normal(100)
    check(tmp_path, scores, 100)
    check(tmp_path, scores, 40, order="score_descending")


def test_batch_with_bounds(tmp_path):
    rng = inputs.rng(3)
    scores = rng.choice(np.array([-1, 0, 2, np.nan], np.float32), (2, 5, 33))
    lo, hi = inputs.hostile_bounds(rng, 10, 33)
    check(tmp_path, scores, 8, lo=lo.reshape(2, 5), hi=hi.reshape(2, 5), dynamic=True)


@pytest.mark.parametrize("batched, rank", [(False, 1), (False, 2), (True, 1), (True, 2),
                                           (True, 3)])
def test_ids(tmp_path, batched, rank):
    rng = inputs.rng(4)
    lead = (2, 3) if batched else (3,)
    scores = rng.choice(np.array([0, 1, 2], np.float32), lead + (20,))
    shape = {1: (20,), 2: (2, 20) if batched else (3, 20), 3: (2, 3, 20)}[rank]
    ids = np.sort(rng.choice(1000, int(np.prod(shape)), replace=False).reshape(shape), -1)
    # Ids that are not valid stand anywhere.
    ids = np.where(rng.random(shape) < 0.2, rng.choice([-1, INT_MIN], shape), ids)
    lo = np.full(lead, 2, np.int32)
    for order in ("index_ascending", "score_descending"):
        check(tmp_path, scores, 6, lo=lo, ids=ids.astype(np.int32), order=order)


TABLE = np.array([[3, -1, 0, 7, 2**29], [INT_MIN, 5, INT_MAX, 1, 2]], np.int32)


def test_translate_through_one_row(tmp_path):
    """Page 4 of 5 blocks: a block beyond the table, a negative entry, and one whose slots pass
    2^31 - 1 are never selected."""
    scores = np.zeros((2, 23), np.float32)
    check(tmp_path, scores, 30, translate=(TABLE[:1], 4))
    check(tmp_path, scores, 30, translate=(TABLE[1:], 4))


def test_translate_by_batch_entry(tmp_path):
    scores = inputs.rng(5).standard_normal((2, 3, 20)).astype(np.float32)
    check(tmp_path, scores, 7, translate=(TABLE, 4), order="score_descending", dynamic=True)


def test_translate_by_row_ids(tmp_path):
    scores = inputs.rng(6).standard_normal((6, 20)).astype(np.float32)
    rows = np.array([1, 0, -1, 2, INT_MAX, 1], np.int32)
    check(tmp_path, scores, 7, translate=(TABLE, 4), translate_row_ids=rows)


def test_translate_ids(tmp_path):
    scores = np.ones((3, 6), np.float32)
    ids = np.array([0, 5, 9, 13, 18, INT_MAX], np.int32)
    check(tmp_path, scores, 6, ids=ids, translate=(TABLE[:1], 4))


def test_translate_at_the_last_i32(tmp_path):
    """A page whose first slots are i32 and whose last are not; tables of one column and of none."""
    page = 5
    last = INT_MAX // page  # its slots are INT_MAX - 2 and on
    table = np.array([[last, 0, last - 1, last + 1]], np.int32)
    scores = np.ones((1, 4 * page), np.float32)
    got = check(tmp_path, scores, 4 * page, translate=(table, page))
    assert got[0][0, 2] == INT_MAX and got[1][0] == 3 + page + page
    check(tmp_path, scores, 4, translate=(table[:, :1], INT_MAX))
    check(tmp_path, scores, 4, translate=(table[:, :0], page), dynamic=True)


@pytest.mark.parametrize("page", [1, 16, 17, 64])
def test_translate_pages_of_several_lengths(tmp_path, page):
    """Rows that begin and end inside of blocks; blocks without an entry, with a negative one, and
    with one whose last slots pass 2^31 - 1."""
    rng = inputs.rng(15)
    scores = rng.choice(np.array([0, 1, 2, np.nan], np.float32), (2, 3, 333))
    blocks = 333 // page - 1
    table = rng.permutation(1000)[:2 * blocks].reshape(2, blocks)
    table[:, 1::2], table[0, 2], table[1, 3] = -1, INT_MAX // page, INT_MIN
    lo = rng.integers(0, 40, (2, 3)).astype(np.int32)
    hi = rng.integers(250, 340, (2, 3)).astype(np.int32)
    for k, order in ((20, "index_ascending"), (200, "score_descending")):
        check(tmp_path, scores, k, lo=lo, hi=hi, translate=(table.astype(np.int32), page),
              order=order, dynamic="mixed")


def test_translate_through_a_table_without_rows(tmp_path):
    scores, rows = np.ones((3, 6), np.float32), np.array([0, -1, 1], np.int32)
    indices, count, values = top_k(tmp_path, scores, 4, translate=(TABLE[:0], 4),
                                   translate_row_ids=rows, dynamic=True)
    assert (indices == -1).all() and not count.any() and np.isneginf(values).all()


@pytest.mark.parametrize("order", ["index_ascending", "score_descending"])
def test_translated_slots_keep_the_order_of_positions(tmp_path, order):
    """Slots descend while positions ascend, and different positions have one slot."""
    table = np.array([[4, 3, 2, 2, 0]], np.int32)
    scores = inputs.tie_scores(inputs.rng(13), 4, 20, "few")
    got = check(tmp_path, scores, 20, translate=(table, 4), order=order)
    if order == "index_ascending":
        assert got[0][0, 0] == 16 and got[0][0, -1] == 3


def test_ids_bounds_and_translation_together(tmp_path):
    rng = inputs.rng(14)
    scores = rng.choice(np.array([0, 1, np.nan, -np.inf], np.float32), (2, 4, 17))
    ids = np.cumsum(rng.integers(1, 50, (2, 4, 17)), axis=-1)
    ids = np.where(rng.random(ids.shape) < 0.2, -1, ids).astype(np.int32)
    lo, hi = inputs.hostile_bounds(rng, 8, 17)
    table = rng.integers(-1, 1000, (2, 20)).astype(np.int32)
    for order in ("index_ascending", "score_descending"):
        check(tmp_path, scores, 6, lo=lo.reshape(2, 4), hi=hi.reshape(2, 4),
              ids=ids, translate=(table, 33), order=order, dynamic="mixed")


def test_a_tie_does_not_depend_on_the_other_rows(tmp_path):
    row = inputs.tie_scores(inputs.rng(7), 1, 500, "plateau")
    alone = top_k(tmp_path, row, 64)
    among = top_k(tmp_path, np.concatenate([row, inputs.tie_scores(inputs.rng(8), 6, 500, "few")]),
                  64)
    for x, y in zip(alone, among):
        assert np.array_equal(x[0], y[0])
