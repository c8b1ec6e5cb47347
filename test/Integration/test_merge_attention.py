"""dsa.merge_attention against the float64 reference, and against the whole."""

import itertools

import numpy as np
import pytest

import gpu
from harness import BF16, TYPES, is_gpu, merge_attention, sparse_attention
from reference import compare, inputs, ops

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes", "cpu without bf16 pairs",
           "sm_80")


def check(folder, outs, lses, sink=None, *, type="f32", **keywords):
    out, lse = merge_attention(folder, outs, lses, sink, **keywords)
    compare.attention_close(out, lse, *ops.merge_attention(outs, lses, sink), type=type)
    return out, lse


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("batched", [False, True])
def test_parts_equal_the_whole(tmp_path, parts, batched):
    rng = inputs.rng(parts)
    lead = (2, 3) if batched else (5,)
    q = rng.standard_normal(lead + (2, 8)).astype(np.float32)
    kv = rng.standard_normal(((2,) if batched else ()) + (60, 8)).astype(np.float32)
    idx = inputs.indices(rng, lead[-1], 60, 21, batch=2 if batched else None)
    sink = rng.standard_normal(2).astype(np.float32)
    q, [kv], keywords = gpu.fitted(q, [kv], scale=0.5, dv=6)
    whole = ops.sparse_attention(q, [kv], [idx], sink=sink, **keywords)
    outs, lses = [], []
    for piece in np.array_split(idx, parts, axis=-1):
        out, lse = sparse_attention(tmp_path, q, [kv], [np.ascontiguousarray(piece)],
                                    out_type="f32", **keywords)
        outs.append(out)
        lses.append(lse)
    # The first in an operand of its own, the rest in one.
    groups = [slice(0, 1), slice(1, None)] if parts > 1 else [slice(0, 1)]
    out, lse = check(tmp_path, [np.stack(outs[g]) for g in groups],
                     [np.stack(lses[g]) for g in groups], sink, dynamic=batched)
    compare.attention_close(out, lse, *whole, type=TYPES[q.dtype])


def test_special_values_enumerated(tmp_path):
    """Every triple of lse among finite, ±inf and NaN, with every kind of sink, and outs that are
    NaN where lse is -inf."""
    values = [0.7, -3.0, -np.inf, np.inf, np.nan]
    lses = np.array(list(itertools.product(values, repeat=3)), np.float32).T
    sinks = np.array([0.0, -np.inf, np.inf, np.nan], np.float32)
    lses = np.repeat(lses[:, :, None], 4, axis=2)
    outs = inputs.rng(1).standard_normal(lses.shape + (3,)).astype(np.float32)
    outs[np.isneginf(lses)] = np.nan
    check(tmp_path, [outs], [lses], sinks)
    check(tmp_path, [outs], [lses])


@pytest.mark.parametrize("n, t, h, dv", [(0, 2, 3, 4), (2, 0, 3, 4), (2, 2, 0, 4), (2, 2, 3, 0)])
def test_zero_extents(tmp_path, n, t, h, dv):
    rng = inputs.rng(2)
    check(tmp_path, [rng.standard_normal((n, t, h, dv)).astype(np.float32)],
          [rng.standard_normal((n, t, h)).astype(np.float32)], np.zeros(h, np.float32),
          dynamic=True)


@pytest.mark.parametrize("dtype, out_type", [(BF16, "bf16"), (BF16, "f32"), (np.float16, "f16")])
def test_narrow_parts(tmp_path, dtype, out_type):
    rng = inputs.rng(3)
    outs = rng.standard_normal((4, 5, 2, 9)).astype(dtype)
    lses = (rng.standard_normal((4, 5, 2)) * 20).astype(np.float32)
    check(tmp_path, [outs], [lses], type="bf16", out_type=out_type)


def test_operands_of_several_sizes(tmp_path):
    """Parts in operands of 0, 1, 3 and 0 partials are the parts in one operand, bit for bit."""
    rng = inputs.rng(4)
    outs = rng.standard_normal((4, 2, 3, 2, 5)).astype(np.float32)
    lses = (rng.standard_normal((4, 2, 3, 2)) * 3).astype(np.float32)
    lses[1, 0, 1], lses[2, 1] = -np.inf, -np.inf
    sink = np.array([0.5, -1], np.float32)
    cuts = [slice(0, 0), slice(0, 1), slice(1, 4), slice(4, 4)]
    one = check(tmp_path, [outs], [lses], sink)
    many = check(tmp_path, [outs[c] for c in cuts], [lses[c] for c in cuts], sink, dynamic="mixed")
    for x, y in zip(one, many):
        assert np.array_equal(x.view(np.uint32), y.view(np.uint32))


@pytest.mark.parametrize("b", [0, 1, 9])
def test_batches(tmp_path, b):
    rng = inputs.rng(5)
    check(tmp_path, [rng.standard_normal((2, b, 3, 1, 4)).astype(np.float32)],
          [rng.standard_normal((2, b, 3, 1)).astype(np.float32)], dynamic=True)


def test_far_apart_lses(tmp_path):
    """Differences that under- or overflow exp, and sums that no exp of an lse could hold."""
    values = [-3e4, -200.0, -88.0, 0.0, 88.0, 89.0, 200.0, 3e4]
    lses = np.array(list(itertools.product(values, repeat=2)), np.float32).T
    sinks = np.array([-3e4, 0.0, 88.5, 3e4], np.float32)
    lses = np.repeat(lses[:, :, None], 4, axis=2)
    outs = inputs.rng(6).standard_normal(lses.shape + (3,)).astype(np.float32)
    check(tmp_path, [outs], [lses], sinks)


@pytest.mark.parametrize("dtype", [BF16, np.float16, np.float32])
def test_special_outs(tmp_path, dtype):
    """NaN and infinities in outs: of parts that count they pass, of empty ones they do not."""
    outs = np.array([[1, np.nan, np.inf, -np.inf, np.inf], [2, 3, 1, 2, -np.inf]], dtype)
    outs = np.broadcast_to(outs[:, None, None], (2, 4, 1, 5)).copy()
    lses = np.array([[0.5, -np.inf, 0.25, -np.inf], [0.5, 0.5, -np.inf, -np.inf]], np.float32)
    check(tmp_path, [outs], [lses[..., None]], type="f32" if dtype is np.float32 else "bf16",
          out_type="f32")


def test_the_sink_stands_once(tmp_path):
    """Split without a sink and merged with it is the whole with it; in f16 and bf16, too."""
    rng, width = inputs.rng(7), gpu.whole(8) if is_gpu() else 8
    for dtype, name in ((BF16, "bf16"), (np.float16, "f16")):
        q, kv = (rng.standard_normal(x).astype(dtype) for x in ((4, 3, width), (30, width)))
        idx, sink = inputs.indices(rng, 4, 30, 12), np.array([2, np.inf, -np.inf], np.float32)
        halves = [sparse_attention(tmp_path, q, [kv], [np.ascontiguousarray(part)], scale=0.4,
                                   dv=width, out_type="f32") for part in np.split(idx, 2, axis=-1)]
        out, lse = check(tmp_path, [np.stack([out for out, _ in halves])],
                         [np.stack([lse for _, lse in halves])], sink)
        whole = ops.sparse_attention(q, [kv], [idx], sink=sink, scale=0.4, dv=width)
        compare.attention_close(out, lse, *whole, type=name)


@pytest.mark.parametrize("dv", [1, 3, 4, 31, 64, 100, 129, 300])
@pytest.mark.parametrize("dtype, out_type", [(np.float32, "f32"), (BF16, "bf16"), (BF16, "f32"),
                                             (np.float16, "f16")])
def test_widths(tmp_path, dv, dtype, out_type):
    """Columns that fill no vector, some, and many; more rows than a thread takes at a time."""
    rng = inputs.rng(9)
    outs = [rng.standard_normal((n, 7, 5, dv)).astype(dtype) for n in (3, 2)]
    lses = [(rng.standard_normal((n, 7, 5)) * 4).astype(np.float32) for n in (3, 2)]
    lses[0][1, ::2], outs[0][1, ::2] = -np.inf, np.nan
    check(tmp_path, outs, lses, rng.standard_normal(5).astype(np.float32), out_type=out_type,
          type="f32" if dtype is np.float32 else "bf16", dynamic="mixed" if dv % 2 else False)
