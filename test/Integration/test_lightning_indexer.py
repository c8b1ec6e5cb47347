"""dsa.lightning_indexer: bit-equal to scores and top-k, and right against float64."""

import numpy as np
import pytest

from harness import BF16, indexer_scores, lightning_indexer
from reference import compare, inputs, layouts, ops

INT_MAX = 2**31 - 1


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


def test_nothing_to_score(tmp_path):
    for t, s in ((0, 5), (3, 0)):
        data = inputs.small_integers(inputs.rng(5), t, s, 4, 8)
        check(tmp_path, data["q"], data["k"], data["w"], 4, dynamic=True)


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


def test_index_pages(tmp_path):
    rng = inputs.rng(8)
    layout = layouts.index_132(4)
    packed = layouts.encode(rng.standard_normal((6, 4, 128)), layout)
    table = np.array([[3, 0, -1, 4], [5, 1, 2, INT_MAX]], np.int32)
    q = rng.standard_normal((2, 2, 4, 128)).astype(BF16)
    w = rng.standard_normal((2, 2, 4)).astype(np.float32)
    check(tmp_path, q, packed, w, 5, block_table=table, paged=True, layout=layout)
