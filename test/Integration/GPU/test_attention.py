"""dsa.sparse_attention's GPU kernel on the emulator, against the float64 reference: borders of its
tiles, shapes of models, and every feature beside every other; for both classes of shared memory.

The emulator fails a run in which two threads race or memory is read that no tensor has."""

import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpu
from problems import make
from reference import inputs

TARGETS = ("sm_80", "sm_86")

# Each number of heads, slots and rows, and each pair of widths, stands in two rows or more.
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


@settings(max_examples=20, derandomize=True, deadline=None, database=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(t=st.integers(0, 5), h=st.sampled_from([1, 4, 16, 17, 40, 65]),
       sets=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 150),
                               st.sampled_from([1, 7, 16])), min_size=1, max_size=3),
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
