"""Packed layouts that have no name, and rows in them."""

import numpy as np

from reference.layouts import DTYPES, Field, KVLayout, encode, locate

OWN = {
    # Two scaled fields, a gap, and scales of the second in between.
    "two scaled": KVLayout("two", (Field(8, "f8E4M3FN", 4, 4, "f32", 12),
                                   Field(6, "f8E4M3FN", 20, 3, "e8m0", 30)), 33),
    "f16 in padded pages": KVLayout("f16", (Field(8, "f16", 2),), 20, 3, page_bytes=71),
    "f32 and bf16": KVLayout("mixed", (Field(3, "f32", 8), Field(4, "bf16", 0)), 20, 2,
                             page_bytes=47),
    "odd scales": KVLayout("odd", (Field(5, "f8E4M3FN", 1, 1, "e8m0", 2),), 7, 5, 9, 80),
}


def encoded(rng, layout, rows, integers=False):
    """Packed rows (of pages, if there are pages); the bytes between and behind them are 0xFF, NaN
    in every type."""
    shape = (rows,) if layout.page is None else (rows, layout.page)
    numbers = rng.standard_normal(shape + (layout.width,))
    packed = encode(np.rint(8 * numbers) if integers else numbers, layout)
    used = np.zeros(packed.shape[-1], bool)
    for row, element in np.ndindex(layout.page or 1, layout.width):
        byte, type_name, scale, scale_type = locate(layout, row, element)
        used[byte : byte + DTYPES[type_name].itemsize] = True
        if scale is not None:
            used[scale : scale + {"f32": 4, "e8m0": 1}[scale_type]] = True
    assert not used.all()
    return np.where(used, packed, 0xFF).astype(np.uint8)
