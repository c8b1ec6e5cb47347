"""dsa.sparse_attention against the float64 reference, given the indices."""

import numpy as np
import pytest

from harness import BF16, F8, TYPES, sparse_attention
from reference import compare, inputs, layouts, ops

NAMES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8}
INT_MAX = 2**31 - 1


def check(folder, q, keys, indices, **keywords):
    harness_only = {name: keywords.pop(name) for name in ("dynamic", "out_type") if name in keywords}
    out, lse = sparse_attention(folder, q, keys, indices, **keywords, **harness_only)
    want_out, want_lse = ops.sparse_attention(q, keys, indices, **keywords)
    compute = keywords.get("compute_type") or TYPES[q.dtype]
    narrow = compute != "f32" or out.dtype != np.float32
    kind = "bf16" if narrow else "f32"
    compare.attention_close(out, lse, want_out, want_lse, type=kind)
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


@pytest.mark.parametrize("sink", [-np.inf, np.inf, np.nan, 0.0, 80.0, -80.0])
def test_sinks(tmp_path, sink):
    rng = inputs.rng(4)
    q = rng.standard_normal((3, 2, 8)).astype(np.float32)
    kv = rng.standard_normal((10, 8)).astype(np.float32)
    idx = np.array([[1, 2, 3], [4, -1, 5], [-1, -1, -1]], np.int32)
    check(tmp_path, q, [kv], [idx], scale=1.0, dv=5, sink=np.array([sink, 0.3], np.float32))


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


def test_large_logits(tmp_path):
    rng = inputs.rng(6)
    q = (rng.standard_normal((4, 2, 8)) * 1e3).astype(np.float32)
    kv = (rng.standard_normal((20, 8)) * 1e2).astype(np.float32)
    idx = rng.integers(0, 20, (4, 9)).astype(np.int32)
    # Logits up to 1e6 have errors of f32 sums far above the tolerance of moderate ones.
    out, lse = sparse_attention(tmp_path, q, [kv], [idx], scale=1.0, dv=8,
                                options=["--accumulate-type=f64"])
    want = ops.sparse_attention(q, [kv], [idx], scale=1.0, dv=8)
    compare.attention_close(out, lse, *want, type="f32")


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
    whole = sparse_attention(tmp_path, q, [kv], [idx], scale=0.2, dv=16)
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


@pytest.mark.parametrize("form", ["flat 656", "paged 656", "paged 584"])
@pytest.mark.parametrize("pow2", [True, False])
def test_packed_rows(tmp_path, form, pow2):
    rng = inputs.rng(14)
    layout = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(5),
              "paged 584": layouts.mla_584(5)}[form]
    width = sum(field.count for field in layout.fields)
    pow2 = pow2 or form == "paged 584"
    shape = (15,) if form == "flat 656" else (3, 5)
    packed = layouts.encode(rng.standard_normal(shape + (width,)), layout, pow2=pow2)
    q = (rng.standard_normal((3, 4, width)) / 8).astype(BF16)
    idx = inputs.indices(rng, 3, 15, 8, invalid=0.2)
    check(tmp_path, q, [packed], [idx], layouts=[layout], paged=form != "flat 656", scale=0.1,
          dv=512 if width == 576 else width, dynamic=True)


def test_a_packed_and_a_dense_set(tmp_path):
    rng = inputs.rng(15)
    packed = layouts.encode(rng.standard_normal((6, 576)), layouts.mla_656())
    dense = rng.standard_normal((9, 576)).astype(BF16)
    q = (rng.standard_normal((3, 2, 576)) / 8).astype(BF16)
    idx = [inputs.indices(rng, 3, 6, 4), inputs.indices(rng, 3, 9, 5)]
    check(tmp_path, q, [packed, dense], idx, layouts=[layouts.mla_656(), None], scale=0.1, dv=512)


def test_nan_codes_of_packed_rows(tmp_path):
    """A NaN code in a selected row is NaN in its outputs; E8M0 byte 0xFF is NaN."""
    rng = inputs.rng(16)
    layout = layouts.mla_584(4)
    packed = layouts.encode(rng.standard_normal((2, 4, 512)), layout)
    packed[0, 576 + 100] = 0x7F
    packed[1, 4 * 576 + 8 * 2] = 0xFF
    q = (rng.standard_normal((3, 2, 512)) / 8).astype(BF16)
    idx = np.array([[0, 1, 2], [4, 5, 6], [0, 2, 3]], np.int32)
    check(tmp_path, q, [packed], [idx], layouts=[layout], paged=True, scale=0.1, dv=512)
