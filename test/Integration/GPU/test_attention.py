"""dsa.sparse_attention's GPU kernel on the emulator, against the float64 reference: borders of its
tiles, edges of the softmax in every part of a list, and shapes of models.

The emulator fails a run in which two threads race or memory is read that no tensor has."""

import tempfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpu
import harness
from harness import BF16, Failure, sparse_attention
from problems import TILE, Problem, make
from reference import compare, inputs
from test_cases import CASES, arrays_of, attention

TARGETS = ("sm_80", "sm_86")
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


# Sizes. Each number of heads, slots and rows, and each pair of widths, stands in two rows or more.
SHAPES = [
    # heads, slots, rows, Dk, Dv, values of their own
    (1, 2048, 1, 576, 512, False), (5, 33, 3, 96, 80, False), (8, 64, 1, 64, 64, True),
    (16, 100, 3, 48, 32, False), (17, 31, 3, 192, 128, True), (33, 2047, 1, 320, 304, False),
    (64, 32, 1, 576, 512, True), (65, 1, 3, 512, 512, False), (128, 0, 3, 16, 16, False),
    (1, 1, 3, 512, 512, True), (5, 2047, 1, 16, 16, True), (8, 32, 3, 320, 304, True),
    (16, 0, 1, 192, 128, False), (17, 2048, 1, 512, 512, False), (33, 100, 1, 96, 80, True),
    (64, 64, 3, 48, 32, True), (65, 33, 1, 576, 512, False), (128, 31, 1, 64, 64, False),
    (128, 2048, 1, 576, 512, False), (64, 100, 0, 64, 64, False), (0, 33, 3, 64, 64, True)]


@pytest.mark.parametrize("number", range(len(SHAPES)),
                         ids=["x".join(map(str, shape)) for shape in SHAPES])
def test_sizes(tmp_path, number):
    h, k, t, dk, dv, values = SHAPES[number]
    problem = make(inputs.rng(number), t, h, [(max(k, 40) + 13, k)], dk, dv, values=values,
                   type_name=("bf16", "f16")[number % 2], counts=number % 3 == 0,
                   sink=number % 2 == 0)
    problem.check(tmp_path, out_type=("f32", None)[number // 2 % 2],
                  dynamic=(False, True, "mixed")[number % 3])


@pytest.mark.parametrize("t, h", [(1, 128), (3, 64)])
def test_a_window_and_selected_rows(tmp_path, t, h):
    """Two sets of V4's sizes, with counts: of 128 slots and of 512."""
    problem = make(inputs.rng(30), t, h, [(150, 128), (700, 512)], 512, 512, counts=True, sink=True)
    problem.check(tmp_path)


def test_other_chips(tmp_path):
    """Those of the other versions of PTX, and of more shared memory."""
    problem = make(inputs.rng(29), 1, 64, [(150, 100)], 576, 512, cut=64, sink=True)
    for chip in ("sm_89", "sm_90", "sm_100", "sm_120"):
        with harness.compiled_for(chip):
            problem.check(tmp_path)


# Edges of the softmax.
SINKS = np.array([0.5, np.inf, -np.inf, np.nan, -2, 80], np.float32)
SLOTS = 10 * TILE


def edges(type_name, own_values):
    """A row per edge: in the first tile, in one between, in the last one of a list."""
    rng, S, dk, dv = inputs.rng(31), 400, 96, 80
    q = (rng.standard_normal((16, len(SINKS), dk)) * 0.1).astype(np.float32)
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
    keywords = dict(scale=1.0, dv=dv, counts=[counts])
    if own_values:
        keywords["values"] = [values.astype(harness.DTYPES[type_name])]
    dtype = harness.DTYPES[type_name]
    return Problem(q.astype(dtype), [kv.astype(dtype)], [idx], keywords)


@pytest.mark.parametrize("type_name, own_values", [("bf16", True), ("bf16", False), ("f16", True)])
@pytest.mark.parametrize("options", ["", "sm-count=1", "sm-count=1 stages=1", "batch-invariant"])
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


# FlashMLA's tests, with fewer queries: its sizes, hostile indices, lengths and sinks.
PREFILL = [(128, 128), (256, 256), (512, 512), (592, 128), (1840, 256), (1592, 384), (1521, 512),
           (95, 128), (153, 256), (114, 384), (32, 2048), (64, 2048)]


@pytest.mark.parametrize("number", range(len(PREFILL)),
                         ids=["x".join(map(str, shape)) for shape in PREFILL])
def test_prefill_of_flash_mla(tmp_path, number):
    s, k = PREFILL[number]
    problem = make(inputs.rng(35 + number), 1 + number % 2, (64, 128)[number // 2 % 2], [(s, k)],
                   (576, 512)[number // 3 % 2], 512, counts=number % 2 == 0, sink=True)
    problem.check(tmp_path)


@pytest.mark.parametrize("h", [64, 128])
def test_prefill_without_a_valid_index(tmp_path, h):
    problem = make(inputs.rng(50), 1, h, [(128, 128)], 576, 512, invalid=1.1, sink=True)
    out, lse = problem.check(tmp_path)
    assert not out.any() and np.isneginf(lse).all()


DECODE = [
    # b, s_q, h_q, d, (s_k, topk, page) of the cache and of the extra one
    (2, 1, 128, 576, [(512, 64, 64)]), (3, 2, 64, 576, [(1024, 576, 61)]),
    (2, 2, 64, 576, [(2046, 2048, 64)]), (4, 1, 64, 512, [(512, 64, 2), (1024, 576, 64)]),
    (2, 1, 128, 512, [(650, 576, 53), (512, 64, 69)]), (2, 2, 64, 512, [(256, 128, 64),
                                                                       (512, 512, 64)])]


@pytest.mark.parametrize("b, s_q, h, d, caches", DECODE)
def test_decode_of_flash_mla(tmp_path, b, s_q, h, d, caches):
    """Indices as it has them, slots of the pool; and positions through a block table."""
    def problem(**keywords):
        return make(inputs.rng(51), h=h, sets=[(s, k) for s, k, _ in caches], dk=d, dv=512,
                    page=[page for _, _, page in caches], counts=len(caches) > 1, sink=True,
                    **keywords)

    problem(t=b * s_q).check(tmp_path)
    problem(t=s_q, batch=b, table=True).check(tmp_path)


def test_types_that_no_kernel_takes(tmp_path):
    """The message stands before any work: others are in test/Conversion/DSAToGPU."""
    q, kv = np.ones((1, 2, 24), BF16), np.ones((3, 24), BF16)
    with pytest.raises(Failure, match="has queries of 24 columns; the GPU kernel has multiples of"):
        sparse_attention(tmp_path, q, [kv], [np.zeros((1, 3), np.int32)], scale=1.0, dv=16)


@settings(max_examples=20, derandomize=True, deadline=None, database=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(t=st.integers(0, 5), h=st.sampled_from([1, 4, 16, 17, 40, 65]),
       sets=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 150), st.sampled_from([1, 7, 16])),
                     min_size=1, max_size=3),
       units=st.integers(1, 20), cut=st.integers(0, 4), dv=st.integers(1, 20),
       values=st.booleans(), kind=st.sampled_from(["dense", "batch", "slots", "table", "row_ids",
                                                   "batched table"]),
       type_name=st.sampled_from(["bf16", "f16"]), counts=st.booleans(), sink=st.booleans(),
       wide=st.booleans(), dynamic=st.sampled_from([False, True, "mixed"]),
       seed=st.integers(0, 999))
def test_random_problems(t, h, sets, units, cut, dv, values, kind, type_name, counts, sink, wide,
                         dynamic, seed):
    """Every feature beside every other."""
    problem = make(
        inputs.rng(seed), t, h, [(s, k) for s, k, _ in sets], (units + cut) * gpu.UNIT,
        (dv if values else min(dv, units)) * gpu.UNIT, cut=cut * gpu.UNIT, values=values,
        batch=2 if kind in ("batch", "batched table") else None,
        page=[page for _, _, page in sets] if kind not in ("dense", "batch") else None,
        table=kind in ("table", "row_ids", "batched table"), row_ids=kind == "row_ids",
        type_name=type_name, counts=counts, sink=sink)
    with tempfile.TemporaryDirectory() as folder:
        problem.check(folder, out_type="f32" if wide else None, dynamic=dynamic,
                      options=[f"--seed={seed}"])
