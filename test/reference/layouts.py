"""Packed key rows: which byte holds which element, and the conversion to and from numbers.

A row is a list of fields. Each field has elements of one type at a byte offset of the row's record;
an f8 field may be scaled in groups. Scales stand in the record, or in a scale record of their own
behind all records of the page. Multi-byte numbers are little endian.
"""
from dataclasses import dataclass

import ml_dtypes
import numpy as np

DTYPES = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
}
F8_MAX = 448.0
_SCALE_BYTES = {"f32": 4, "e8m0": 1}


def type_name(dtype):
    """Name in DTYPES of a NumPy dtype; f64 counts as f32 (a convenience for hand-made tests)."""
    dtype = np.dtype(dtype)
    if dtype == np.float64:
        return "f32"
    for name, known in DTYPES.items():
        if known == dtype:
            return name
    raise ValueError(f"no element type for {dtype}")


def cast(x, name):
    """x rounded once from f32 to the named type; finite values too large for f8 become +-448."""
    x = np.asarray(x).astype(np.float32)
    if name == "f8E4M3FN":
        x = np.where(np.isfinite(x), np.clip(x, -F8_MAX, F8_MAX), x)
    with np.errstate(over="ignore", invalid="ignore"):
        return x.astype(DTYPES[name])


def rounded(x, name):
    """x rounded to the named type, as f64."""
    return cast(x, name).astype(np.float64)


def e8m0_values():
    """The 256 values of an E8M0 byte as f32: 2^(byte - 127), byte 255 is NaN."""
    table = np.ldexp(np.float64(1), np.arange(256) - 127)
    table[255] = np.nan
    return table.astype(np.float32)


@dataclass(frozen=True)
class Field:
    """`count` elements of `type` at byte `offset`; with group > 0 one scale per `group` elements,
    of `scale_type`, consecutive from byte `scale_offset` of whatever record holds the scales."""

    count: int
    type: str
    offset: int
    group: int = 0
    scale_type: str | None = None
    scale_offset: int = 0

    @property
    def groups(self):
        """Number of scales of this field in one row."""
        return self.count // self.group if self.group else 0


@dataclass(frozen=True)
class KVLayout:
    """A packed row. page: rows per page, or None for flat rows. scale_record_bytes 0: scales stand
    in the record; else scales of row r of a page lie at page*record_bytes + r*scale_record_bytes
    + scale_offset. page_bytes counts padding. min_scale: the smallest scale `encode` writes."""

    name: str
    fields: tuple
    record_bytes: int
    page: int | None = None
    scale_record_bytes: int = 0
    page_bytes: int = 0
    min_scale: float = 1e-4

    def __post_init__(self):
        for f in self.fields:
            if f.type not in DTYPES or f.offset + f.count * DTYPES[f.type].itemsize > (
                self.record_bytes
            ):
                raise ValueError(f"{self.name}: bad field {f}")
            if f.group and (f.count % f.group or f.scale_type not in _SCALE_BYTES):
                raise ValueError(f"{self.name}: bad scales of field {f}")
        if self.page is None and (self.scale_record_bytes or self.page_bytes):
            raise ValueError(f"{self.name}: flat rows hold their scales in the record")
        if self.page is not None and self.page_bytes < self.page * (
            self.record_bytes + self.scale_record_bytes
        ):
            raise ValueError(f"{self.name}: page_bytes too small")

    @property
    def width(self):
        """D, the number of elements of a row."""
        return sum(f.count for f in self.fields)

    @property
    def row_scale(self):
        """True if the row is one f8 field under one scale: the scale may act after the sum."""
        f = self.fields[0]
        return len(self.fields) == 1 and f.type == "f8E4M3FN" and f.groups == 1


def mla_656(page=None):
    """656-byte record: 512 f8 in 4 groups of 128 with f32 scales in the record, then 64 bf16."""
    fields = (Field(512, "f8E4M3FN", 0, 128, "f32", 512), Field(64, "bf16", 528))
    return KVLayout("mla_656", fields, 656, page, page_bytes=656 * page if page else 0)


def mla_584(page):
    """576-byte record: 448 f8 in 7 groups of 64, then 64 bf16; 8-byte scale records (7 E8M0 bytes,
    1 pad) at the page's end; the page is padded to a multiple of 576 bytes."""
    fields = (Field(448, "f8E4M3FN", 0, 64, "e8m0", 0), Field(64, "bf16", 448))
    return KVLayout("mla_584", fields, 576, page, 8, -(-page * 584 // 576) * 576)


def index_132(page):
    """128-byte record of f8 under one f32 scale, which lies in a 4-byte record at the page's end;
    the scale's floor is that of the index quantiser, amax >= 1e-4."""
    fields = (Field(128, "f8E4M3FN", 0, 128, "f32", 0),)
    return KVLayout("index_132", fields, 128, page, 4, 132 * page, 1e-4 / F8_MAX)


def locate(layout, row, element):
    """(byte of the element, its type, byte of its scale or None, scale type) in the page, or in
    the record if rows are flat (row is then 0)."""
    for f in layout.fields:
        if element < f.count:
            break
        element -= f.count
    byte = row * layout.record_bytes + f.offset + element * DTYPES[f.type].itemsize
    if not f.group:
        return byte, f.type, None, None
    scale = f.scale_offset + element // f.group * _SCALE_BYTES[f.scale_type]
    if layout.scale_record_bytes:
        scale += layout.page * layout.record_bytes + row * layout.scale_record_bytes
    else:
        scale += row * layout.record_bytes
    return byte, f.type, scale, f.scale_type


def _as_bytes(x):
    """The bytes of an array's last axis."""
    return np.ascontiguousarray(x).view(np.uint8)


def _take(records, offset, count, dtype):
    """`count` numbers of `dtype` from byte `offset` of each record."""
    part = records[..., offset : offset + count * dtype.itemsize]
    return np.ascontiguousarray(part).view(dtype)


def _homes(packed, layout):
    """(records, records that hold the scales), each rows x bytes, of a packed source."""
    packed = np.asarray(packed)
    if packed.dtype == np.int8:
        packed = packed.view(np.uint8)
    want = layout.record_bytes if layout.page is None else layout.page_bytes
    if packed.dtype != np.uint8 or packed.shape[-1] != want:
        raise ValueError(f"{layout.name}: got {packed.dtype} {packed.shape}, want {want} bytes")
    if layout.page is None:
        return packed, packed
    lead, page, split = packed.shape[:-1], layout.page, layout.page * layout.record_bytes
    records = packed[..., :split].reshape(lead + (page, layout.record_bytes))
    if not layout.scale_record_bytes:
        return records, records
    end = split + page * layout.scale_record_bytes
    return records, packed[..., split:end].reshape(lead + (page, layout.scale_record_bytes))


def _field_scales(home, field):
    """f32 scales of one field, rows x groups."""
    if field.scale_type == "e8m0":
        return e8m0_values()[home[..., field.scale_offset : field.scale_offset + field.groups]]
    return _take(home, field.scale_offset, field.groups, DTYPES["f32"])


def decode(packed, layout):
    """Packed source -> rows as f64: each element is f32(code) * f32(scale), product in f32.

    S x bytes -> S x D, P x page_bytes -> P x page x D; further leading dimensions are kept."""
    records, home = _homes(packed, layout)
    parts = []
    for f in layout.fields:
        x = _take(records, f.offset, f.count, DTYPES[f.type]).astype(np.float32)
        if f.group:
            with np.errstate(all="ignore"):
                x = x * np.repeat(_field_scales(home, f), f.group, axis=-1)
        parts.append(x)
    return np.concatenate(parts, axis=-1).astype(np.float64)


def decode_codes(packed, layout):
    """Packed source -> (f8 codes, rows x D; f32 scales, rows x G, G dropped if it is 1).

    Only for a layout that is a single scaled f8 field: no other row is all f8 codes."""
    f = layout.fields[0]
    if len(layout.fields) != 1 or f.type != "f8E4M3FN" or not f.group:
        raise ValueError(f"{layout.name}: not a single scaled f8 field")
    records, home = _homes(packed, layout)
    scales = _field_scales(home, f)
    codes = _take(records, f.offset, f.count, DTYPES[f.type])
    return codes, scales[..., 0] if f.groups == 1 else scales


def quantiser_scales(groups, min_scale, pow2, scale_type):
    """Scale of each group (last axis): max(amax/448, min_scale), with pow2 rounded up to a power
    of two. amax runs over the finite elements."""
    size = np.where(np.isfinite(groups), np.abs(groups), 0).max(axis=-1, initial=0)
    scale = np.maximum(size.astype(np.float64) / F8_MAX, min_scale)
    if not pow2:
        if scale_type == "e8m0":
            raise ValueError("E8M0 scales are powers of two")
        return scale.astype(np.float32)
    mantissa, exponent = np.frexp(scale)
    return np.ldexp(1.0, exponent - (mantissa == 0.5)).astype(np.float32)


def encode(rows, layout, pow2=True):
    """Rows -> packed uint8: code = f8(clamp(x / scale, +-448)); padding bytes are 0.

    [..] x S x D for flat rows, P x page x D for pages. pow2=False: arbitrary f32 scales."""
    rows = np.asarray(rows).astype(np.float32)
    lead, page = rows.shape[:-1], layout.page
    if rows.shape[-1] != layout.width or (page is not None and lead[-1] != page):
        raise ValueError(f"{layout.name}: rows of shape {rows.shape}")
    records = np.zeros(lead + (layout.record_bytes,), np.uint8)
    apart = np.zeros(lead + (layout.scale_record_bytes,), np.uint8)
    home = apart if layout.scale_record_bytes else records
    column = 0
    for f in layout.fields:
        x = rows[..., column : column + f.count]
        column += f.count
        if f.group:
            x = x.reshape(lead + (f.groups, f.group))
            scale = quantiser_scales(x, layout.min_scale, pow2, f.scale_type)
            x = np.clip(x / scale[..., None], -F8_MAX, F8_MAX).reshape(lead + (f.count,))
            if f.scale_type == "e8m0":
                scale = (np.frexp(scale)[1] - 1 + 127).astype(np.uint8)
            code = _as_bytes(scale)
            home[..., f.scale_offset : f.scale_offset + code.shape[-1]] = code
        code = _as_bytes(cast(x, f.type))
        records[..., f.offset : f.offset + code.shape[-1]] = code
    if page is None:
        return records
    pages = np.zeros(lead[:-1] + (layout.page_bytes,), np.uint8)
    split, size = page * layout.record_bytes, page * layout.scale_record_bytes
    pages[..., :split] = records.reshape(lead[:-1] + (split,))
    pages[..., split : split + size] = apart.reshape(lead[:-1] + (size,))
    return pages
