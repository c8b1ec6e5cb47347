"""dsa.top_k on given scores: the selection is exact."""

import itertools

import numpy as np
import pytest

from harness import top_k
from reference import compare, inputs, ops

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


@pytest.mark.parametrize("kind", inputs.TIES)
def test_ties_over_many_columns(tmp_path, kind):
    scores = inputs.tie_scores(inputs.rng(1), 5, 3001, kind)
    for k, order in ((2048, "index_ascending"), (100, "score_descending")):
        check(tmp_path, scores, k, order=order)


@pytest.mark.parametrize("s", [0, 1, 15, 16, 17, 63])
def test_widths_around_k(tmp_path, s):
    scores = inputs.rng(s).standard_normal((3, s)).astype(np.float32)
    check(tmp_path, scores, 16, dynamic=s % 2 == 1)


def test_no_rows(tmp_path):
    got = check(tmp_path, np.zeros((0, 7), np.float32), 4, dynamic=True)
    assert got[0].shape == (0, 4)


def test_denormal_and_large_scores(tmp_path):
    bits = inputs.rng(2).integers(0, 2**32, (8, 257), dtype=np.uint32)
    check(tmp_path, bits.view(np.float32), 64, order="score_descending")


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


def test_a_tie_does_not_depend_on_the_other_rows(tmp_path):
    row = inputs.tie_scores(inputs.rng(7), 1, 500, "plateau")
    alone = top_k(tmp_path, row, 64)
    among = top_k(tmp_path, np.concatenate([row, inputs.tie_scores(inputs.rng(8), 6, 500, "few")]),
                  64)
    for x, y in zip(alone, among):
        assert np.array_equal(x[0], y[0])
