"""dsa.sparse_attention against the float64 reference, given the indices."""

import itertools

import numpy as np
import pytest

import gpu
from harness import BF16, F8, TYPES, Failure, is_gpu, sparse_attention
from reference import compare, inputs, layouts, ops

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes", "cpu without bf16 pairs",
           "sm_80")
NAMES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8}
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def run(folder, q, keys, indices, **keywords):
    q, keys, keywords = gpu.fitted(q, keys, **keywords)
    return sparse_attention(folder, q, keys, indices, **keywords)


def check(folder, q, keys, indices, **keywords):
    """out and lse, which match; None where the target declines the types, as it says."""
    q, keys, keywords = gpu.fitted(q, keys, **keywords)
    harness_only = {name: keywords.pop(name) for name in ("dynamic", "out_type")
                    if name in keywords}
    if is_gpu() and not gpu.is_covered(q, keys, keywords["compute_type"]):
        with pytest.raises(Failure, match="; the GPU kernel (has|computes in) "):
            sparse_attention(folder, q, keys, indices, **keywords, **harness_only)
        return None
    out, lse = sparse_attention(folder, q, keys, indices, **keywords, **harness_only)
    compute = keywords.get("compute_type") or TYPES[q.dtype]
    narrow = compute != "f32" or out.dtype != np.float32
    kind = "bf16" if narrow else "f32"
    compare.attention_matches(out, lse, q, keys, indices, type=kind, **keywords)
    return out, lse


@pytest.mark.parametrize("type_name", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("h", [1, 5])
def test_types_and_head_counts(tmp_path, type_name, h):
    rng = inputs.rng(1)
    data = inputs.attention_inputs(rng, 7, 61, h, 24, type=type_name)
    idx = inputs.indices(rng, 7, 61, 17, duplicates=0.2, invalid=0.2)
    check(tmp_path, data["q"], [data["kv"]], [idx], scale=data["scale"], dv=16,
          counts=[inputs.counts(rng, 7, 17)], sink=data["sink"], dynamic=h == 5)


@pytest.mark.parametrize("t, s, h, d, k, dv", [
    (0, 5, 2, 4, 3, 2), (2, 0, 2, 4, 3, 2), (2, 5, 0, 4, 3, 2), (2, 5, 2, 0, 3, 0),
    (2, 5, 2, 4, 0, 2), (2, 5, 2, 4, 3, 0), (1, 1, 1, 1, 1, 1)])
def test_zero_and_one_extents(tmp_path, t, s, h, d, k, dv):
    rng = inputs.rng(2)
    q = rng.standard_normal((t, h, d)).astype(np.float32)
    kv = rng.standard_normal((s, d)).astype(np.float32)
    idx = rng.integers(-1, 3, (t, k)).astype(np.int32)
    check(tmp_path, q, [kv], [idx], scale=0.5, dv=dv, dynamic=True)


def test_every_invalid_index_is_a_hole(tmp_path):
    """-1, S, INT_MIN, INT_MAX and the peers' paddings, in rows whose other rows are NaN."""
    rng = inputs.rng(3)
    q = rng.standard_normal((4, 3, 8)).astype(np.float32)
    kv = rng.standard_normal((10, 8)).astype(np.float32)
    kv[5:] = np.nan
    holes = [-1, 10, -(2**31), INT_MAX, 2147480000, -123456, 11]
    idx = np.array([[0, *holes], [*holes, 1], [2, 2, *holes[:5], 2], [*holes, -1]], np.int32)
    out, lse = check(tmp_path, q, [kv], [idx], scale=0.4, dv=8,
                     sink=np.array([0, np.inf, -np.inf], np.float32))
    assert not np.isnan(out).any() and np.isneginf(lse[3]).all() and not out[3].any()


@pytest.mark.parametrize("dynamic", [False, True])
def test_indices_counts_rows_and_sinks_enumerated(tmp_path, dynamic):
    """Every triple of indices among a plain row, one whose values are NaN, one of -inf and one of
    +inf logits, and two holes; with every count; with every kind of sink. The values of the -inf
    logit are NaN too: alone they make a 0."""
    kv = np.array([[0.5, 1], [-0.25, 2], [-np.inf, 3], [np.inf, 4]], np.float32)
    values = np.array([[1, 2], [np.nan, 3], [np.nan, 5], [6, 7]], np.float32)
    triples = list(itertools.product([0, 1, 2, 3, -1, 4], repeat=3))
    rows = list(itertools.product(triples, [INT_MIN, 0, 1, 2, 3, INT_MAX]))
    idx = np.array([triple for triple, _ in rows], np.int32)
    counts = np.array([count for _, count in rows], np.int32)
    q = np.full((len(rows), 5, 2), (1.0, 0.5), np.float32)
    sink = np.array([0.3, -np.inf, np.inf, np.nan, -2], np.float32)
    check(tmp_path, q, [kv], [idx], counts=[counts], values=[values], sink=sink, scale=0.75, dv=2,
          dynamic=dynamic)
    if dynamic:
        check(tmp_path, q, [kv], [idx], values=[values], scale=0.75, dv=2)


@pytest.mark.parametrize("sink", [-np.inf, np.inf, np.nan, 0.0, 80.0, -80.0])
def test_sinks(tmp_path, sink):
    rng = inputs.rng(4)
    q = rng.standard_normal((3, 2, 8)).astype(np.float32)
    kv = rng.standard_normal((10, 8)).astype(np.float32)
    idx = np.array([[1, 2, 3], [4, -1, 5], [-1, -1, -1]], np.int32)
    check(tmp_path, q, [kv], [idx], scale=1.0, dv=5, sink=np.array([sink, 0.3], np.float32))


@pytest.mark.parametrize("h", [1, 16])
def test_an_infinite_value_of_the_last_key(tmp_path, h):
    """An odd number of keys: whatever stands beside the last one, 0 times inf is not added."""
    rng = inputs.rng(24)
    q, kv, values = (rng.standard_normal(x).astype(BF16) for x in ((1, h, 32), (9, 32), (9, 32)))
    values[8, 3] = np.inf
    out, _ = check(tmp_path, q, [kv], [np.arange(9, dtype=np.int32)[None]], values=[values],
                   scale=0.2, dv=32)
    assert np.isposinf(out[..., 3]).all()


def test_non_finite_rows(tmp_path):
    """NaN in a selected row reaches its outputs and no others; NaN and +inf logits make NaN;
    a row of -inf logits is empty."""
    rng = inputs.rng(5)
    q = np.abs(rng.standard_normal((6, 2, 8))).astype(np.float32)
    kv = rng.standard_normal((12, 8)).astype(np.float32)
    kv[3, 7] = np.nan
    kv[4, 0], kv[5, 0] = np.inf, -np.inf
    q[5, 1, 2] = np.nan
    idx = np.array([[0, 1, 2], [0, 3, 1], [0, 4, 1], [5, 5, -1], [0, 1, 3], [0, 1, 2]], np.int32)
    counts = np.array([3, 3, 3, 3, 2, 3], np.int32)
    # Values from columns that are finite, so that a weight of 0 keeps them finite.
    values = rng.standard_normal((12, 4)).astype(np.float32)
    check(tmp_path, q, [kv], [idx], counts=[counts], values=[values], scale=0.5, dv=4)


def test_a_logit_that_scaling_makes_infinite(tmp_path):
    """The dot product is finite in f32, and so is the logit in f64: not for the reference."""
    q, kv = np.ones((1, 1, 1), np.float32), np.array([[1e38], [1]], np.float32)
    out, lse = run(tmp_path, q, [kv], [np.array([[1, 0]], np.int32)], scale=8.0, dv=1)
    assert np.isnan(out).all() and np.isnan(lse).all()


@pytest.mark.parametrize("compute", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("type_name", ["f32", "bf16"])
def test_compute_and_output_types(tmp_path, compute, type_name):
    rng = inputs.rng(7)
    data = inputs.attention_inputs(rng, 3, 40, 4, 16, type=type_name)
    idx = inputs.indices(rng, 3, 40, 12)
    check(tmp_path, data["q"], [data["kv"]], [idx], scale=data["scale"], dv=16,
          compute_type=compute, out_type="f32")


def test_f8_keys(tmp_path):
    rng = inputs.rng(8)
    data = inputs.attention_inputs(rng, 3, 40, 4, 16)
    kv = np.clip(data["kv"].astype(np.float32), -400, 400).astype(F8)
    check(tmp_path, data["q"], [kv], [inputs.indices(rng, 3, 40, 12)], scale=data["scale"], dv=9)


def test_batch_of_two_sets_with_counts(tmp_path):
    rng = inputs.rng(9)
    q = rng.standard_normal((2, 3, 4, 8)).astype(np.float32)
    keys = [rng.standard_normal((2, s, 8)).astype(np.float32) for s in (13, 7)]
    idx = [inputs.indices(rng, 3, s, k, batch=2, duplicates=0.3) for s, k in ((13, 6), (7, 5))]
    counts = [inputs.counts(rng, 3, k, batch=2) for k in (6, 5)]
    check(tmp_path, q, keys, idx, counts=counts, scale=0.35, dv=8, dynamic=True,
          sink=rng.standard_normal(4).astype(np.float32))


def test_separate_values(tmp_path):
    rng = inputs.rng(10)
    q = rng.standard_normal((4, 2, 8)).astype(BF16)
    k, v = (rng.standard_normal((21, d)).astype(BF16) for d in (8, 13))
    idx = inputs.indices(rng, 4, 21, 9)
    check(tmp_path, q, [k], [idx], values=[v], scale=0.35, dv=13, dynamic=True)


def test_column_pieces_equal_their_concatenation(tmp_path):
    rng = inputs.rng(11)
    data = inputs.attention_inputs(rng, 4, 30, 3, 24)
    q, kv, idx = data["q"], data["kv"], inputs.indices(rng, 4, 30, 9)
    whole = run(tmp_path, q, [kv], [idx], scale=0.2, dv=16)
    pieces = check(tmp_path, q[..., :16], [kv[:, :16]], [idx], q_tail=q[..., 16:],
                   key_tails=[kv[:, 16:]], scale=0.2, dv=16, dynamic=True)
    for x, y in zip(whole, pieces):
        assert np.array_equal(x.view(np.uint8), y.view(np.uint8))


@pytest.mark.parametrize("page", [1, 7, 16])
def test_pools(tmp_path, page):
    """Slots without a table; positions through the batch entry's table row, and through row_ids,
    with entries outside the pool."""
    rng = inputs.rng(12)
    rows = rng.standard_normal((3, 40, 8)).astype(np.float32)
    pool, table = inputs.paginate(rng, rows, page)
    table = inputs.poison_table(rng, table, pool.shape[0])
    q = rng.standard_normal((3, 2, 2, 8)).astype(np.float32)
    idx = inputs.indices(rng, 2, 40, 9, batch=3, invalid=0.2)
    check(tmp_path, q, [pool], [idx], block_tables=[table], paged=True, scale=0.3, dv=6,
          dynamic=True)
    row_ids = np.array([2, -1, 0, 3, 1, INT_MAX], np.int32)
    check(tmp_path, q.reshape(6, 2, 8), [pool], [idx.reshape(6, 9)], block_tables=[table],
          row_ids=row_ids, paged=True, scale=0.3, dv=6, dynamic=True)
    finite = np.where(np.isnan(pool), 1, pool).astype(np.float32)
    slots = inputs.indices(rng, 6, finite.shape[0] * page, 9, invalid=0.2)
    check(tmp_path, q.reshape(6, 2, 8), [finite], [slots], paged=True, scale=0.3, dv=6)


def test_two_pools_of_different_pages(tmp_path):
    rng = inputs.rng(13)
    q = rng.standard_normal((5, 2, 8)).astype(np.float32)
    pools = [rng.standard_normal((p, n, 8)).astype(np.float32) for p, n in ((4, 8), (9, 2))]
    tables = [rng.integers(-1, p + 1, (1, n)).astype(np.int32) for p, n in ((4, 3), (9, 6))]
    idx = [inputs.indices(rng, 5, 24, 6), inputs.indices(rng, 5, 12, 4)]
    counts = [inputs.counts(rng, 5, 6), inputs.counts(rng, 5, 4)]
    check(tmp_path, q, pools, idx, block_tables=tables, counts=counts, paged=True, scale=0.3, dv=8)


@pytest.mark.parametrize("b, p, n", [(0, 2, 2), (1, 0, 2), (2, 2, 0)])
def test_zero_batch_pages_and_columns(tmp_path, b, p, n):
    q, pool = np.ones((b, 2, 3, 5), np.float32), np.ones((p, 4, 5), np.float32)
    table, idx = np.zeros((b, n), np.int32), np.zeros((b, 2, 3), np.int32)
    out, lse = check(tmp_path, q, [pool], [idx], block_tables=[table], paged=True, scale=0.5, dv=4,
                     dynamic=True)
    assert not out.any() and np.isneginf(lse).all()


def test_sets_without_rows_or_slots(tmp_path):
    """One set of no rows, one of no slots, one of both kinds, and one that has rows."""
    rng = inputs.rng(17)
    q = rng.standard_normal((3, 2, 4)).astype(np.float32)
    sizes = [(0, 3), (5, 0), (0, 0), (6, 2)]
    keys = [rng.standard_normal((s, 4)).astype(np.float32) for s, _ in sizes]
    idx = [rng.integers(-1, 6, (3, k)).astype(np.int32) for _, k in sizes]
    for dynamic in (False, "mixed"):
        check(tmp_path, q, keys, idx, scale=0.5, dv=4, dynamic=dynamic)


def test_more_batch_entries_than_heads(tmp_path):
    rng = inputs.rng(18)
    q = rng.standard_normal((9, 2, 1, 4)).astype(np.float32)
    kv = rng.standard_normal((9, 6, 4)).astype(np.float32)
    check(tmp_path, q, [kv], [inputs.indices(rng, 2, 6, 3, batch=9)], scale=0.5, dv=4,
          dynamic="mixed")


def test_two_sets_in_two_pieces_with_pages_and_values(tmp_path):
    """All groups at once, batched and by row_ids; pieces give the bits of their concatenation."""
    rng, unit = inputs.rng(19), gpu.UNIT if is_gpu() else 1
    q = rng.standard_normal((2, 3, 2, 12 * unit)).astype(BF16)
    pools = [rng.standard_normal((p, n, 12 * unit)).astype(BF16) for p, n in ((4, 8), (9, 2))]
    values = [rng.standard_normal(pool.shape[:2] + (5 * unit,)).astype(BF16) for pool in pools]
    tables = [rng.integers(-1, len(pool) + 1, (2, n)).astype(np.int32)
              for pool, n in zip(pools, (3, 6))]
    idx = [inputs.indices(rng, 3, 24, 6, batch=2, invalid=0.2),
           inputs.indices(rng, 3, 12, 4, batch=2, invalid=0.2)]
    counts = [inputs.counts(rng, 3, k, batch=2) for k in (6, 4)]
    keywords = dict(values=values, block_tables=tables, paged=True, scale=0.3 / unit,
                    dv=5 * unit,
                    sink=rng.standard_normal(2).astype(np.float32), out_type="f32")

    def tails(pieces, call, query, *lists, **more):
        cut = pieces * unit
        return call(tmp_path, query[..., :cut], [pool[..., :cut] for pool in pools], *lists,
                    q_tail=query[..., cut:], key_tails=[pool[..., cut:] for pool in pools],
                    **keywords, **more)

    whole = check(tmp_path, q, pools, idx, counts=counts, dynamic=True, **keywords)
    for x, y in zip(whole, tails(7, check, q, idx, counts=counts, dynamic="mixed")):
        assert np.array_equal(x.view(np.uint32), y.view(np.uint32))
    tails(3, check, q.reshape(6, 2, -1), [x.reshape(6, -1) for x in idx],
          counts=[x.reshape(6) for x in counts],
          row_ids=np.array([1, -1, 0, 2, INT_MIN, 1], np.int32))


def test_no_tail_columns_and_no_first_columns(tmp_path):
    rng = inputs.rng(20)
    q, kv = (rng.standard_normal(x).astype(np.float32) for x in ((3, 2, 6), (9, 6)))
    idx = inputs.indices(rng, 3, 9, 4)
    for cut, dv in ((6, 6), (0, 0)):
        check(tmp_path, q[..., :cut], [kv[:, :cut]], [idx], q_tail=q[..., cut:],
              key_tails=[kv[:, cut:]], scale=0.4, dv=dv, dynamic=True)


def test_nan_in_unselected_rows_of_pools_and_values(tmp_path):
    """Rows that no valid slot of any row names are NaN: in keys, tails and values."""
    rng = inputs.rng(21)
    q = rng.standard_normal((4, 2, 8)).astype(np.float32)
    pool = rng.standard_normal((5, 3, 8)).astype(np.float32)
    value = rng.standard_normal((5, 3, 4)).astype(np.float32)
    table = np.array([[4, 1, 5, 0]], np.int32)
    idx = np.array([[0, 4, 7, 2], [-1, 6, 12, 0], [4, 4, 9, 8], [2, 0, 4, 10]], np.int32)
    counts = np.array([2, 3, 2, 3], np.int32)
    used = {(4, 0), (4, 2), (1, 1)}  # positions 0, 2 and 4; the rest are holes or uncounted
    for at in np.ndindex(5, 3):
        if at not in used:
            pool[at], value[at] = np.nan, np.nan
    out, lse = check(tmp_path, q[..., :6], [pool[..., :6]], [idx], q_tail=q[..., 6:],
                     key_tails=[pool[..., 6:]], values=[value], block_tables=[table],
                     counts=[counts], paged=True, scale=0.4, dv=4)
    assert np.isfinite(out).all() and np.isneginf(lse[1]).all() and np.isfinite(lse[::2]).all()


@pytest.mark.parametrize("compute", ["f32", "f16", "bf16"])
def test_f8_keys_and_values_by_compute_type(tmp_path, compute):
    rng = inputs.rng(22)
    q = rng.standard_normal((3, 2, 16)).astype(BF16)
    keys, values = (rng.standard_normal((20, d)).astype(F8) for d in (16, 7))
    check(tmp_path, q, [keys], [inputs.indices(rng, 3, 20, 8)], values=[values], scale=0.25, dv=7,
          compute_type=compute, out_type="f32")


def test_nan_codes_of_f8_keys(tmp_path):
    rng = inputs.rng(23)
    keys = rng.standard_normal((6, 8)).astype(F8)
    keys[2, 1] = np.nan
    idx = np.array([[0, 1, 3], [0, 2, 3], [4, 5, 1]], np.int32)
    results = check(tmp_path, rng.standard_normal((3, 2, 8)).astype(BF16), [keys], [idx],
                    scale=0.3, dv=8)
    if results:
        assert np.isnan(results[0]).all(axis=(1, 2)).tolist() == [False, True, False]


def test_rounding_to_f16_overflows_to_infinity(tmp_path):
    """70000 is +inf in f16: selected it makes NaN, or an empty row; unselected it is nothing."""
    q, kv = np.ones((3, 1, 2), np.float32), np.ones((4, 2), np.float32)
    kv[1, 0], kv[2] = 70000, (-70000, -1)
    idx = np.array([[0, 3], [0, 1], [2, 2]], np.int32)
    out, lse = check(tmp_path, q, [kv], [idx], values=[np.ones((4, 1), np.float32)], scale=1.0,
                     dv=1, compute_type="f16")
    assert np.isfinite(out[0]).all() and np.isnan(lse[1]).all() and np.isneginf(lse[2]).all()
