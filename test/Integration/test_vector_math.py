"""The vector functions that CPU kernels call, against NumPy's in float64."""

import functools
import subprocess

import numpy as np

import harness

TARGETS = ("cpu", "cpu with 8 lanes", "cpu with 4 lanes")


@functools.cache
def module_text(target):
    features = [option.removeprefix("--features=") for option in harness.TARGETS[target]
                if option.startswith("--features=")]
    return subprocess.run([harness.BIN / "dsa-test-vector-math", *features], check=True,
                          capture_output=True, text=True, timeout=harness.LIMIT_S).stdout


def apply(folder, target, function, x):
    (y,) = harness.execute(module_text(target), [x, np.full_like(x, 12345)], ["f32"], folder,
                           function=function)
    return y


def all_floats(sign, step):
    """Every `step`-th f32 of a sign, in the order of their magnitude: 0 to inf."""
    bits = np.append(np.arange(0, 0x7F800000, step, dtype=np.uint32), np.uint32(0x7F800000))
    return (bits | np.uint32(sign << 31)).view(np.float32)


def relative_error(got, want):
    return np.abs(got.astype(np.float64) - want) / np.abs(want)


def test_exp2(tmp_path, target):
    """Numbers of all magnitudes, and close ones in [-151, 0]."""
    y = np.concatenate([all_floats(1, 997), np.linspace(-151, 0, 2_000_001, dtype=np.float32)])
    got, want = apply(tmp_path, target, "exp2", y), np.exp2(y.astype(np.float64))
    normal = want >= 2.0**-126
    error = relative_error(got[normal], want[normal])
    assert error.max() <= 2e-7, (error.max(), y[normal][error.argmax()])
    # What is smaller is rounded, or 0.
    tiny, expected = got[~normal], want[~normal].astype(np.float32)
    ulps = np.abs(tiny.view(np.int32) - expected.view(np.int32))
    assert ((ulps <= 2) | (tiny.view(np.int32) == 0)).all()
    assert (got <= 1).all()


def test_exp2_of_special_numbers(tmp_path, target):
    y = np.array([0.0, -0.0, -np.inf, np.nan, -126, -1, -3e38], np.float32)
    got = apply(tmp_path, target, "exp2", y)
    want = np.array([1, 1, 0, np.nan, 2.0**-126, 0.5, 0], np.float32)
    assert np.array_equal(got, want, equal_nan=True)
    assert not np.signbit(got).any()


def test_log(tmp_path, target):
    """Numbers of all magnitudes, denormals included, and all around 1."""
    around = np.arange(0x3F7F0000, 0x3F810000, dtype=np.uint32).view(np.float32)
    x = np.concatenate([all_floats(0, 499)[1:-1], around, around * np.float32(2**0.5)])
    got = apply(tmp_path, target, "log", x)
    want = np.log(x.astype(np.float64))
    assert (got[x == 1] == 0).all()
    error = relative_error(got[x != 1], want[x != 1])
    assert error.max() <= 2e-7, (error.max(), x[x != 1][error.argmax()])


def test_log_of_special_numbers(tmp_path, target):
    x = np.array([0.0, -0.0, np.inf, np.nan, -1, -np.inf, -1e-45], np.float32)
    want = np.array([-np.inf, -np.inf, np.inf] + 4 * [np.nan], np.float32)
    assert np.array_equal(apply(tmp_path, target, "log", x), want, equal_nan=True)
