"""Conversions of narrow floats, against ml_dtypes, on every code."""

import ml_dtypes
import numpy as np
import pytest

from harness import DTYPES, TYPES, execute

F32 = np.float32


def convert(folder, values, type_name, op):
    """`values` through arith.extf or arith.truncf to `type_name`."""
    source = TYPES[values.dtype]
    n = len(values)
    text = f"""
func.func @f(%x: tensor<{n}x{source}>) -> tensor<{n}x{type_name}> {{
  %init = tensor.empty() : tensor<{n}x{type_name}>
  %y = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}}
      ins(%x : tensor<{n}x{source}>) outs(%init : tensor<{n}x{type_name}>) {{
    ^bb0(%a: {source}, %b: {type_name}):
      %c = arith.{op} %a : {source} to {type_name}
      linalg.yield %c : {type_name}
    }} -> tensor<{n}x{type_name}>
  return %y : tensor<{n}x{type_name}>
}}
"""
    return execute(text, [values], [type_name], folder)[0]


def assert_same(got, values, type_name):
    """Equal codes where `values` rounded to the type is a number, and NaN where it is not."""
    with np.errstate(all="ignore"):
        want = values.astype(DTYPES[type_name])
    nan = np.isnan(want.astype(np.float64))
    assert np.array_equal(np.isnan(got.astype(np.float64)), nan)
    unsigned = f"u{want.dtype.itemsize}"
    wrong = np.flatnonzero((got.view(unsigned) != want.view(unsigned)) & ~nan)
    assert not len(wrong), (values[wrong[:4]], got[wrong[:4]], want[wrong[:4]])


@pytest.mark.parametrize("type_name", ["f32", "bf16", "f16", "f64"])
def test_every_f8_code_widens_exactly(tmp_path, type_name):
    codes = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn)
    assert_same(convert(tmp_path, codes, type_name, "extf"), codes, type_name)


def test_f32_to_bf16_on_every_code_and_around_it(tmp_path):
    high = np.arange(65536, dtype=np.uint32) << 16
    low = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    values = (high[:, None] | low).reshape(-1).view(F32)
    assert_same(convert(tmp_path, values, "bf16", "truncf"), values, "bf16")


@pytest.mark.parametrize("source", ["f16", "bf16"])
def test_every_half_to_f8(tmp_path, source):
    values = np.arange(65536, dtype=np.uint16).view(DTYPES[source])
    assert_same(convert(tmp_path, values, "f8E4M3FN", "truncf"), values, "f8E4M3FN")


def test_f32_to_f8_around_every_code_and_tie(tmp_path):
    codes = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(F32)
    finite = np.unique(codes[np.isfinite(codes)])
    ties = (finite[1:].astype(np.float64) + finite[:-1]) / 2
    points = np.concatenate([finite, ties.astype(F32), [464, -464, 480, 1e30, 0.0, -0.0]])
    points = points.astype(F32)
    around = np.concatenate([points, np.nextafter(points, F32(np.inf)),
                             np.nextafter(points, F32(-np.inf)),
                             np.array([np.nan, np.inf, -np.inf], F32)])
    assert_same(convert(tmp_path, around, "f8E4M3FN", "truncf"), around, "f8E4M3FN")
