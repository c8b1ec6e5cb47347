"""Conversions of narrow floats, on every code: dsa-expand-floats, executed."""

import ml_dtypes
import numpy as np
import pytest

import harness

pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered")

F8, BF16 = np.dtype(ml_dtypes.float8_e4m3fn), np.dtype(ml_dtypes.bfloat16)
CODES8 = np.arange(256, dtype=np.uint8)
CODES16 = np.arange(65536, dtype=np.uint16)
WIDTH = {"f8E4M3FN": 8, "f16": 16, "bf16": 16, "f32": 32, "f64": 64}

FUNCTION = """
func.func @f(%x: tensor<?x{source}>) -> tensor<?x{target}> {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x{source}>
  %init = tensor.empty(%n) : tensor<?x{target}>
  %r = linalg.map ins(%x : tensor<?x{source}>) outs(%init : tensor<?x{target}>)
    (%in: {source}, %out: {target}) {{
      {body}
      linalg.yield %y : {target}
    }}
  return %r : tensor<?x{target}>
}}
"""


def convert(folder, values, source, target, body=None):
    if body is None:
        op = "extf" if WIDTH[target] > WIDTH[source] else "truncf"
        body = f"%y = arith.{op} %in : {source} to {target}"
    text = FUNCTION.format(source=source, target=target, body=body)
    return harness.execute(text, [values], [target], folder)[0]


def check(got, want):
    """Equal bits, zeros' signs included; NaN where NaN is."""
    nan = np.isnan(want.astype(np.float64))
    np.testing.assert_array_equal(np.isnan(got.astype(np.float64)), nan)
    bits = f"u{got.itemsize}"
    np.testing.assert_array_equal(got.view(bits)[~nan], want.view(bits)[~nan])


def neighbours(values, dtype):
    """`values`, the midpoints between them, and what lies next to both."""
    values = np.unique(values[np.isfinite(values)])
    with np.errstate(all="ignore"):
        points = np.concatenate([values, (values[1:] + values[:-1]) / 2]).astype(dtype)
        points = np.concatenate([points, np.nextafter(points, dtype(np.inf)),
                                 np.nextafter(points, dtype(-np.inf))])
    return np.concatenate([points, np.array([np.inf, -np.inf, np.nan, -0.0], dtype)])


def round_to_odd(x):
    """f64 to f32 without a rounding that a second one could repeat."""
    with np.errstate(all="ignore"):
        nearest = x.astype(np.float32)
        wide = nearest.astype(np.float64)
    bits = nearest.view(np.uint32)
    inexact = (wide != x) & ~np.isnan(x)
    bits = np.where(inexact & (np.abs(wide) > np.abs(x)), bits - 1, bits)
    return np.where(inexact, bits | 1, bits).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("target", ["f16", "bf16", "f32", "f64"])
def test_f8_widens(tmp_path, target):
    want = CODES8.view(F8).astype(np.float64).astype(harness.DTYPES[target])
    check(convert(tmp_path, CODES8.view(F8), "f8E4M3FN", target), want)


@pytest.mark.parametrize("target", ["f32", "f64"])
def test_bf16_widens(tmp_path, target):
    want = CODES16.view(BF16).astype(np.float64).astype(harness.DTYPES[target])
    check(convert(tmp_path, CODES16.view(BF16), "bf16", target), want)


@pytest.mark.parametrize("target", ["bf16", "f32", "f64"])
def test_e8m0_widens(tmp_path, target):
    with np.errstate(all="ignore"):
        want = np.ldexp(1.0, CODES8.astype(np.int32) - 127)
    want[255] = np.nan
    body = ("%s = arith.bitcast %in : i8 to f8E8M0FNU\n"
            f"      %y = arith.extf %s : f8E8M0FNU to {target}")
    got = convert(tmp_path, CODES8, "i8", target, body)
    check(got, want.astype(harness.DTYPES[target]))


@pytest.mark.parametrize("source, dtype", [("f16", np.float16), ("bf16", BF16)])
def test_16_bits_narrow_to_f8(tmp_path, source, dtype):
    values = CODES16.view(dtype)
    check(convert(tmp_path, values, source, "f8E4M3FN"), values.astype(np.float32).astype(F8))


@pytest.mark.parametrize("target, codes", [("bf16", CODES16.view(BF16)), ("f8E4M3FN", CODES8.view(F8))])
def test_f32_narrows(tmp_path, target, codes):
    random = np.random.default_rng(1).integers(0, 2**32, 1 << 20, np.uint32).view(np.float32)
    values = np.concatenate([random, neighbours(codes.astype(np.float32), np.float32)])
    with np.errstate(all="ignore"):
        want = values.astype(harness.DTYPES[target])
    check(convert(tmp_path, values, "f32", target), want)


@pytest.mark.parametrize("target, codes", [("bf16", CODES16.view(BF16)), ("f8E4M3FN", CODES8.view(F8)),
                                           ("f16", CODES16.view(np.float16))])
def test_f64_narrows_in_one_rounding(tmp_path, target, codes):
    rng = np.random.default_rng(2)
    random = rng.standard_normal(1 << 18) * 10.0 ** rng.integers(-45, 40, 1 << 18)
    values = np.concatenate([random, neighbours(codes.astype(np.float64), np.float64)])
    with np.errstate(all="ignore"):
        want = (values.astype(np.float16) if target == "f16"
                else round_to_odd(values).astype(harness.DTYPES[target]))
    check(convert(tmp_path, values, "f64", target), want)


def test_every_bf16_code_and_what_surrounds_it(tmp_path):
    """With each low half that decides a rounding: NaNs whose payload lies there alone, too."""
    low = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    values = ((CODES16.astype(np.uint32) << 16)[:, None] | low).reshape(-1).view(np.float32)
    with np.errstate(all="ignore"):
        want = values.astype(BF16)
    check(convert(tmp_path, values, "f32", "bf16"), want)


def test_f8_has_no_infinity(tmp_path):
    values = np.array([448, 464, np.nextafter(np.float32(464), np.float32(465)), 480, np.inf,
                       -464, -465, -np.inf], np.float32)
    got = convert(tmp_path, values, "f32", "f8E4M3FN").view(np.uint8)
    assert got.tolist() == [0x7E, 0x7E, 0x7F, 0x7F, 0x7F, 0xFE, 0xFF, 0xFF]
