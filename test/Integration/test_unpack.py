"""dsa.unpack: exact against the float64 reference, rounded once."""

import numpy as np
import pytest

from harness import BF16, F8, unpack
from own_layouts import OWN, encoded
from reference import compare, inputs, layouts
from reference.layouts import Field, KVLayout

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu with 4 lanes", "cpu without bf16 pairs")

LAYOUTS = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(3),
           "584": layouts.mla_584(3), "132": layouts.index_132(5), **OWN}
# Layouts of one scaled f8 field can be read raw.
GROUPS = Field(6, "f8E4M3FN", 3, 2, "f32", 9)
RAW = {"flat": KVLayout("raw", (GROUPS,), 21),
       "paged": KVLayout("raw pages", (Field(6, "f8E4M3FN", 0, 2, "e8m0", 1),), 7, 3, 4, 40),
       "one scale": KVLayout("raw row", (Field(4, "f8E4M3FN", 4, 4, "f32", 0),), 8)}


def random_bytes(layout, rows=4):
    """Every byte at random: NaN codes, denormals and odd scales included."""
    size = layout.page_bytes if layout.page else layout.record_bytes
    return inputs.rng(1).integers(0, 256, (rows, size)).astype(np.uint8)


def check_exact(rows, want, target):
    """Each element of `rows` is the f32 `want`, rounded once to their type; but a kernel for `cpu`
    that rounds to bf16 may flush denormals."""
    with np.errstate(all="ignore"):
        want = want.astype(rows.dtype)
        if target == "cpu" and rows.dtype == BF16:
            flushed = (rows == 0) & (np.abs(want.astype(np.float32)) <= 2.0**-126)
            want = np.where(flushed, BF16.type(0), want)
    compare.values_close("rows", rows, want, 0, 0)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("to", ["f32", "bf16"])
def test_rows(tmp_path, target, name, to):
    layout = LAYOUTS[name]
    packed = random_bytes(layout)
    (rows,) = unpack(tmp_path, packed, layout, paged=bool(layout.page), to=to, dynamic=to == "f32")
    with np.errstate(all="ignore"):
        want = layouts.decode(packed, layout).astype(np.float32)
    check_exact(rows, want, target)


@pytest.mark.parametrize("page", [1, 5, 64])
def test_raw_codes_and_scales(tmp_path, page):
    layout = layouts.index_132(page)
    packed = random_bytes(layout)
    rows, scales = unpack(tmp_path, packed, layout, paged=True, to="codes", dynamic=page == 5)
    codes, want = layouts.decode_codes(packed, layout)
    assert np.array_equal(rows.view(np.uint8), codes.view(np.uint8))
    compare.values_close("scales", scales, want.reshape(scales.shape), 0, 0)


@pytest.mark.parametrize("name", RAW)
def test_raw_codes_of_own_layouts(tmp_path, name):
    layout = RAW[name]
    packed = random_bytes(layout, 30)
    rows, scales = unpack(tmp_path, packed, layout, paged=bool(layout.page), to="codes",
                          dynamic="mixed")
    codes, want = layouts.decode_codes(packed, layout)
    assert np.array_equal(rows.view(np.uint8), codes.view(np.uint8))
    compare.values_close("scales", scales, want.reshape(scales.shape), 0, 0)
    assert scales.ndim == rows.ndim - (name == "one scale")


@pytest.mark.parametrize("type", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("group", [1, 4, 12, 36, 180])
@pytest.mark.parametrize("to", ["f32", "bf16"])
def test_scales_of_all_types(tmp_path, target, type, group, to):
    """Also elements of the type of the rows are multiplied; groups fill no vector, or several."""
    size = {"f32": 4, "bf16": 2, "f16": 2}[type]
    layout = KVLayout("own", (Field(180, type, 3, group, "f32", 5 + 180 * size),),
                      5 + 180 * size + 4 * (180 // group))
    packed = encoded(inputs.rng(2), layout, 3)
    (rows,) = unpack(tmp_path, packed, layout, paged=False, to=to)
    check_exact(rows, layouts.decode(packed, layout).astype(np.float32), target)


def test_every_code_under_every_e8m0_scale(tmp_path, target):
    """256 x 256 products, f32 denormals, overflows and NaN included, to f32 and rounded to bf16."""
    layout = KVLayout("all", (Field(256, "f8E4M3FN", 1, 256, "e8m0", 0),), 257)
    packed = np.empty((256, 257), np.uint8)
    packed[:, 0], packed[:, 1:] = np.arange(256), np.arange(256)
    with np.errstate(all="ignore"):
        want = layouts.e8m0_values()[:, None] * np.arange(256).astype(np.uint8).view(F8) \
            .astype(np.float32)
    for to in ("f32", "bf16"):
        (rows,) = unpack(tmp_path, packed, layout, paged=False, to=to)
        check_exact(rows, want, target)


@pytest.mark.parametrize("name", ["132", "flat 656", "584"])
@pytest.mark.parametrize("to", ["f32", "bf16"])
def test_no_rows(tmp_path, name, to):
    layout = LAYOUTS[name]
    (rows,) = unpack(tmp_path, random_bytes(layout, 0), layout, paged=bool(layout.page), to=to,
                     dynamic=True)
    assert rows.shape == ((0, layout.page) if layout.page else (0,)) + (layout.width,)
