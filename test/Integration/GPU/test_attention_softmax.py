"""dsa.sparse_attention's GPU kernel on the emulator, against the float64 reference: edges of the
softmax in every part of a list, divided or not, and rows that nobody may read."""

import ml_dtypes
import numpy as np
import pytest

import gpu
import harness
from harness import BF16, Failure, sparse_attention
from problems import TILE, Problem, make
from reference import compare, inputs
from test_cases import CASES, arrays_of, attention

TARGETS = ("sm_80",)
INT_MIN, INT_MAX = -(2**31), 2**31 - 1
SINKS = np.array([0.5, np.inf, -np.inf, np.nan, -2, 80], np.float32)
SLOTS = 10 * TILE


def edges(type_name, own_values):
    """A row per edge: in the first tile, in one between, in the last one of a list."""
    rng, S, dk, dv = inputs.rng(31), 400, 96, 80
    q = (rng.standard_normal((17, len(SINKS), dk)) * 0.1).astype(np.float32)
    kv = rng.standard_normal((S, dk)).astype(np.float32)
    values = rng.standard_normal((S, dv)).astype(np.float32)
    # Column 0 of the special rows alone makes a logit; the last one is no value.
    q[..., 0], q[..., -1] = 1, 0.1
    greatest = 65504 if type_name == "f16" else float(ml_dtypes.finfo(BF16).max)
    high, low, nan, inf, minus, hollow = special = range(S - 7, S - 1)
    kv[special, :] = 0
    kv[[high, low], 0] = greatest, -greatest
    kv[nan, -1], kv[inf, -1], kv[[minus, hollow], -1] = np.nan, np.inf, -np.inf
    values[hollow] = np.nan
    # No list has the first row, which is what stands where a row is none, nor another one, which
    # stands behind a row that lists have; some have the last row.
    kv[[0, 50]], values[[0, 50]] = np.nan, np.nan
    idx = np.stack([1 + rng.permutation(S - 8)[:SLOTS] for _ in q]).astype(np.int32)
    idx[idx == 50] = 49
    counts = np.full(len(q), SLOTS + 1, np.int32)
    middle, last = SLOTS // 2 + 6, SLOTS - 1
    idx[3, [0, TILE // 2, TILE, TILE + 20, 2 * TILE + 5, 2 * TILE + 25, last]] = S - 1
    idx[0, [3, middle]] = low, high
    idx[1, [5, last]] = high, low
    idx[2, :4 * TILE + 5] = S
    idx[3, 4 * TILE:8 * TILE] = [-1, INT_MIN, INT_MAX, S] * TILE
    idx[4, middle], idx[5, last], idx[6, 0] = nan, nan, nan
    idx[7, middle], idx[8, last] = inf, inf
    idx[9, middle], idx[9, :TILE] = minus, minus
    idx[10] = hollow
    idx[11], counts[12] = INT_MAX, INT_MIN
    idx[13, :-1] = -1
    idx[14], counts[14] = 49, 3 * TILE - 9
    idx[14, counts[14]:] = nan
    # An infinite query of -inf logits: beside its columns, what fills up the tile is no infinity.
    q[15, :, 0], idx[15] = np.inf, rng.choice(np.flatnonzero(kv[:, 0] < 0), SLOTS)
    # A whole split whose logits are -inf, with values that are NaN: its weights are 0, as they are
    # beside the others without a split.
    idx[16, :4 * TILE] = hollow
    keywords = dict(scale=1.0, dv=dv, counts=[counts])
    if own_values:
        keywords["values"] = [values.astype(harness.DTYPES[type_name])]
    dtype = harness.DTYPES[type_name]
    return Problem(q.astype(dtype), [kv.astype(dtype)], [idx], keywords)


@pytest.mark.parametrize("type_name, own_values", [("bf16", True), ("bf16", False), ("f16", True)])
@pytest.mark.parametrize("options", ["", "sm-count=1", "sm-count=1 stages=1", "sm-count=1 keys=64",
                                     "heads=64"])
def test_softmax_at_its_edges(tmp_path, type_name, own_values, options):
    """Largest and least logits, NaN, infinities, empty tiles, splits and rows; every kind of sink.
    In several splits and, with one multiprocessor, in one."""
    problem = edges(type_name, own_values)
    options = [f"--pipeline-options={options}"] if options else []
    problem.check(tmp_path, out_type="f32", options=options)
    problem.keywords["sink"] = SINKS
    out, lse = problem.check(tmp_path, options=options)
    for empty in (10, 11, 12, 15):
        assert np.isneginf(lse[empty]).all() and not out[empty].any()
    assert np.isnan(lse[4:9]).all() and np.isnan(out[4:9].astype(np.float32)).all()


def test_splits_change_little(tmp_path):
    """Of one list of 2048, as many splits as multiprocessors take; and the same bits from any
    number of multiprocessors that makes as many splits."""
    problem = make(inputs.rng(32), 1, 16, [(3000, 2048)], 192, 128, sink=True)

    def run(count):
        return problem.check(tmp_path, out_type="f32",
                             options=[f"--pipeline-options=sm-count={count}"])

    one, two, many = run(1), run(2), run(108)
    compare.attention_close(*two, *one, type="bf16")
    compare.attention_close(*many, *one, type="bf16")
    assert not harness.same_bits(one, many)
    # 64 tiles, at least 4 of a split.
    assert harness.same_bits(run(16), many) and harness.same_bits(run(500), many)


@pytest.mark.parametrize("batched", [False, True])
def test_more_rows_than_are_split_at_once(tmp_path, batched):
    """Rows beyond the multiprocessors have one split; with a few less, splits in several launches,
    the last one of fewer rows."""
    t = 5
    problem = make(inputs.rng(33), t, 3, [(300, 290)], 64, 48, batch=3 if batched else None,
                   sink=True, counts=True)
    for count in (1, 2, 7, t * 4, t * 7):
        problem.check(tmp_path, options=[f"--pipeline-options=sm-count={count}"])
    problem.check(tmp_path, options=["--pipeline-options=batch-invariant sm-count=2"])


def test_rows_of_pages_that_do_not_exist(tmp_path):
    """Whole pages are NaN that a table has no valid entry for, or no index names; values too."""
    problem = make(inputs.rng(34), 4, 8, [(200, 100), (90, 70)], 96, 64, page=[16, 7], table=True,
                   row_ids=True, values=True, cut=32, counts=True, invalid=0.3)
    assert all(np.isnan(x.astype(np.float32)).any() for x in problem.keys)
    out, _ = problem.check(tmp_path)
    assert not np.isnan(out.astype(np.float32)).any()


def test_cases_of_people(tmp_path):
    """The attention of test/data/cases, rounded to bf16 and padded to what the kernel takes."""
    for case in CASES:
        if case["op"] == "sparse_attention":
            (q, keys, indices), keywords = attention(case["attrs"], arrays_of(case)[0])
            q, keys, keywords = gpu.narrowed(q, keys, **keywords)
            Problem(q, keys, indices, keywords).check(tmp_path)


def test_other_chips(tmp_path):
    """Those of the other versions of PTX, and of more shared memory."""
    problem = make(inputs.rng(29), 1, 64, [(150, 100)], 576, 512, cut=64, sink=True)
    for chip in ("sm_89", "sm_90", "sm_100", "sm_120"):
        with harness.compiled_for(chip):
            problem.check(tmp_path)


def test_types_that_no_kernel_takes(tmp_path):
    """The message stands before any work: others are in test/Conversion/DSAToGPU."""
    q, kv = np.ones((1, 2, 24), BF16), np.ones((3, 24), BF16)
    with pytest.raises(Failure, match="has queries of 24 columns; the GPU kernel has multiples of"):
        sparse_attention(tmp_path, q, [kv], [np.zeros((1, 3), np.int32)], scale=1.0, dv=16)
