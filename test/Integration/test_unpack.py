"""dsa.unpack: exact against the float64 reference, rounded once."""

import numpy as np
import pytest

from harness import BF16, unpack
from reference import compare, inputs, layouts

LAYOUTS = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(3),
           "584": layouts.mla_584(3), "132": layouts.index_132(5)}


def random_bytes(layout, rows=4):
    """Every byte at random: NaN codes, denormals and odd scales included."""
    size = layout.page_bytes if layout.page else layout.record_bytes
    return inputs.rng(1).integers(0, 256, (rows, size)).astype(np.uint8)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("to", ["f32", "bf16"])
def test_rows(tmp_path, name, to):
    layout = LAYOUTS[name]
    packed = random_bytes(layout)
    (rows,) = unpack(tmp_path, packed, layout, paged=bool(layout.page), to=to, dynamic=to == "f32")
    with np.errstate(all="ignore"):
        want = layouts.decode(packed, layout).astype(np.float32)
    compare.values_close("rows", rows, want.astype(BF16) if to == "bf16" else want, 0, 0)


@pytest.mark.parametrize("page", [1, 5, 64])
def test_raw_codes_and_scales(tmp_path, page):
    layout = layouts.index_132(page)
    packed = random_bytes(layout)
    rows, scales = unpack(tmp_path, packed, layout, paged=True, to="codes", dynamic=page == 5)
    codes, want = layouts.decode_codes(packed, layout)
    assert np.array_equal(rows.view(np.uint8), codes.view(np.uint8))
    compare.values_close("scales", scales, want.reshape(scales.shape), 0, 0)


def test_no_pages(tmp_path):
    layout = layouts.index_132(4)
    (rows,) = unpack(tmp_path, random_bytes(layout, 0), layout, paged=True, dynamic=True)
    assert rows.shape == (0, 4, 128)
