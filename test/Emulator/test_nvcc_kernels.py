"""Kernels that nvcc compiled, on the emulator, against NumPy (kernels/README.md)."""

import functools
import pathlib

import emulator
import numpy as np
import pytest
from kernel_case import KERNELS, execute, ptx
from nvcc_cases import CASES

SEEDS = range(4)
FEATURES = {
    "baseline": set(),
    "avx2": {"avx2", "fma", "f16c"},
    "avx512": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
each_case = pytest.mark.parametrize("case", CASES, ids=str)


@functools.cache
def features_of_this_machine():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    return frozenset(next(line for line in text.splitlines() if line.startswith("flags")).split())


@functools.cache
def module(file, arch="sm_80"):
    return emulator.load(ptx(file, arch))


@functools.cache
def execute_all(case, isa):
    """Of each seed the report and the arguments afterwards. The modules stay
    loaded, so that their variables hold what earlier launches left."""
    return [execute(module(case.file), case.kernel, case.run(seed), seed=seed, isa=isa)
            for seed in SEEDS]


def bits(args):
    return [a.tobytes() for a in args if isinstance(a, np.ndarray)]


@each_case
def test_values(case):
    for seed, (report, args) in zip(SEEDS, execute_all(case, "best")):
        case.run(seed).check(args)
        assert report.races == [], seed


@pytest.mark.parametrize("isa", FEATURES)
@each_case
def test_bits_are_those_of_every_isa(case, isa):
    if missing := FEATURES[isa] - features_of_this_machine():
        pytest.skip(f"this machine has no {', '.join(sorted(missing))}")
    for (report, got), (_, best) in zip(execute_all(case, isa), execute_all(case, "best")):
        assert report.races == []
        assert unordered(case, bits(got)) == unordered(case, bits(best))


def unordered(case, values):
    """`atomics` says which value was exchanged last."""
    return values[:1] if case.kernel == "atomics" else values


@each_case
def test_the_schedule_does_not_show(case):
    run = case.run(0)
    _, first = execute_all(case, "best")[0]
    for seed in (1, 2, 3):
        report, args = execute(module(case.file), case.kernel, run, seed=seed)
        run.check(args)
        assert report.races == []
        assert unordered(case, bits(args)) == unordered(case, bits(first))


def find(kernel):
    return next(case for case in CASES if case.kernel == kernel)


@pytest.mark.parametrize("arch", ["sm_90", "sm_120"])
@pytest.mark.parametrize("kernel", ["gemm_bf16", "softmax"])
def test_targets(kernel, arch):
    case = find(kernel)
    with pytest.raises(emulator.EmulatorError):
        emulator.load(ptx(case.file, arch))  # which the default device cannot run
    emulator.set_option("device", arch)
    try:
        for seed in SEEDS:
            report, args = execute(module(case.file, arch), kernel, case.run(seed), seed=seed)
            case.run(seed).check(args)
            assert report.races == []
        # What is compiled for an older device runs on a newer one.
        report, args = execute(module(case.file), kernel, case.run(0))
        case.run(0).check(args)
    finally:
        emulator.set_option("device", "sm_80")


# A size at which what the kernel leaves out matters.
RACY = {
    "gemm_bf16.racy_barrier": ("gemm_bf16", 0),
    "gemm_bf16.racy_wait": ("gemm_bf16", 0),
    "named_barriers.racy_empty": ("producer_consumer", 0),
    "transpose.racy_syncwarp": ("transpose", 0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("file", RACY)
def test_races_are_reported(file, seed):
    kernel, size = RACY[file]
    report, _ = execute(module(file), kernel, find(kernel).run(size), seed=seed)
    assert report.race_count > 0
    # Where it is, so that it can be mended.
    assert kernel in report.races[0] and "line" in report.races[0], report.races[0]
    unchecked, _ = execute(module(file), kernel, find(kernel).run(size), seed=seed,
                           check_races=False)
    assert unchecked.races == [] and unchecked.race_count == 0


def test_every_kernel_has_its_case():
    compiled = {path.name for path in KERNELS.glob("*.ptx")}
    used = {f"{case.file}.sm_80.ptx" for case in CASES} | {f"{file}.sm_80.ptx" for file in RACY}
    used |= {f"{file}.{arch}.ptx" for file in ("gemm_bf16", "softmax") for arch in ("sm_90", "sm_120")}
    assert compiled == used
    entries = {line.split(".entry ")[1].strip("( \n")
               for path in KERNELS.glob("*.ptx") for line in path.read_text().splitlines()
               if ".entry " in line}
    assert entries == {case.kernel for case in CASES}
