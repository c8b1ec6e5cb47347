"""PTX ISA 9.7.9: cvt, and mov that packs and unpacks."""

from fractions import Fraction
import math

import numpy as np
import pytest

from isa import (
    BF16,
    FORMATS,
    TYPES,
    bits,
    each,
    floats,
    flushed,
    integers,
    pairs,
    rounded,
    same,
    wrap,
)

INTEGERS = ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"]


def limits(kind):
    size = int(kind[1:])
    return (0, 2**size - 1) if kind[0] == "u" else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)


@pytest.mark.parametrize("source", INTEGERS)
def test_between_integers(source):
    """Signed sources are sign-extended; what is too large is chopped."""
    a = integers(TYPES[source])
    for kind in INTEGERS:
        got = each(f"cvt.{kind}.{source} $d, $a;", a, out=TYPES[kind])
        same(got, wrap(a, TYPES[kind]), a)


@pytest.mark.parametrize("source", INTEGERS)
def test_between_integers_with_saturation(source):
    a = integers(TYPES[source])
    low, high = limits(source)
    for kind in INTEGERS:
        least, most = limits(kind)
        if low < least or high > most:
            got = each(f"cvt.sat.{kind}.{source} $d, $a;", a, out=TYPES[kind])
            want = [min(max(int(x), least), most) for x in a]
            same(got, np.array(want, TYPES[kind]), a)


@pytest.mark.parametrize("kind", ["u8", "s8", "u16", "s16"])
def test_registers_wider_than_the_type(kind):
    """The result is extended to the register; of a source the low bits are used."""
    a = integers(np.uint32)
    want = wrap(a, TYPES[kind])
    same(each(f"cvt.{kind}.u32 $d, $a;", a, out=np.int32), want.astype(np.int32), a)
    same(each(f"cvt.u32.{kind} $d, $a;", a, out=np.uint32), wrap(want, np.uint32), a)
    same(each(f"cvt.s64.{kind} $d, $a;", a, out=np.int64), want.astype(np.int64), a)
    wide = integers(np.uint64)
    same(
        each(f"cvt.s32.{kind} $d, $a;", wide, out=np.int32), wrap(wrap(wide, TYPES[kind]), np.int32)
    )


def exactly(value):
    return Fraction(float(value))


def to_float(values, dtype, mode="rn"):
    """Floats or integers in a format of floats."""
    dtype, result = np.dtype(dtype), []
    for value in values:
        if isinstance(value, (int, np.integer)):
            result.append(rounded(Fraction(int(value)), dtype, mode))
        elif not np.isfinite(value) or value == 0:
            result.append(np.float64(value).astype(dtype))
        else:
            result.append(rounded(exactly(value), dtype, mode))
    return np.array(result, dtype)


@pytest.mark.parametrize("mode", ["rn", "rz", "rm", "rp"])
@pytest.mark.parametrize("kind", ["f16", "f32", "f64"])
def test_integer_to_float(kind, mode):
    for source in INTEGERS:
        a = integers(TYPES[source])
        if kind == "f16":
            a = a[[abs(int(x)) <= 65504 for x in a]]
        got = each(f"cvt.{mode}.{kind}.{source} $d, $a;", a, out=TYPES[kind])
        same(got, to_float(a.tolist(), TYPES[kind], mode), a)


ROUNDINGS = {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}


def near_integers(kind):
    """Of a type of floats, with ties, and with what is at the ends of the integers."""
    ends = [
        s * (2.0**n + d)
        for n in (7, 8, 15, 16, 31, 32, 63, 64)
        for s in (1, -1)
        for d in (-1, 0, 1)
    ]
    ties = [x + d for x in range(-5, 6) for d in (0, 0.25, 0.5, 0.75)] + [254.5, 255.5, -128.5]
    with np.errstate(over="ignore"):
        return np.concatenate([np.array(ends + ties).astype(TYPES[kind]), floats(TYPES[kind], 60)])


def to_integer(values, source, kind, rounding):
    """Clamped. NaN is 0, or but for the highest bit if f64, s64 or u64 take part."""
    least, most = limits(kind)
    nan = 1 << int(kind[1:]) - 1 if source == "f64" or kind in ("s64", "u64") else 0
    result = []
    for value in values.astype(np.float64):
        if np.isnan(value):
            result.append(nan)
        elif np.isinf(value):
            result.append(most if value > 0 else least)
        else:
            result.append(min(max(ROUNDINGS[rounding](exactly(value)), least), most))
    return wrap(result, TYPES[kind])


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("source", ["f16", "f32", "f64"])
def test_float_to_integer(source, rounding):
    a = near_integers(source)
    for kind in INTEGERS:
        got = each(f"cvt.{rounding}.{kind}.{source} $d, $a;", a, out=TYPES[kind])
        same(got, to_integer(a, source, kind, rounding), a)


def test_float_to_integer_saturates_without_being_told():
    a = near_integers("f32")
    for kind in ("u8", "s16", "u32", "s32"):
        got = each(f"cvt.rzi.sat.{kind}.f32 $d, $a;", a, out=TYPES[kind])
        same(got, to_integer(a, "f32", kind, "rzi"), a)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_float_to_integer_flushes(rounding):
    a = floats(np.float32)
    assert ((a > 0) & (a < 2.0**-126)).any()
    got = each(f"cvt.{rounding}.ftz.s32.f32 $d, $a;", a, out=np.int32)
    same(got, to_integer(flushed(a), "f32", "s32", rounding), a)


@pytest.mark.parametrize("kind", ["f16", "f32", "ftz.f32", "f64"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_float_to_integral_float(rounding, kind):
    """Of the same type; the sign of what becomes a zero stays."""
    source = kind[-3:]
    a = near_integers(source)
    used = flushed(a) if "ftz" in kind else a
    want = []
    for x in used:
        keep = not np.isfinite(x)
        want.append(x if keep else np.copysign(float(ROUNDINGS[rounding](exactly(x))), x))
    got = each(f"cvt.{rounding}.{kind}.{source} $d, $a;", a, out=TYPES[source])
    same(got, np.array(want, TYPES[source]), a)


@pytest.mark.parametrize("modifiers", ["sat", "ftz.sat"])
def test_float_to_the_range_from_0_to_1(modifiers):
    """NaN becomes +0."""
    a = floats(np.float32)
    used = flushed(a) if "ftz" in modifiers else a
    want = np.where(used > 0, np.minimum(used, np.float32(1)), np.float32(0))
    got = each(f"cvt.{modifiers}.f32.f32 $d, $a;", a, out=np.float32)
    assert (bits(got) == bits(want)).all()


def test_widening_is_exact():
    half, brain, single = (floats(x, 200) for x in (np.float16, BF16, np.float32))
    for text, a, out in (
        ("cvt.f32.f16", half, np.float32),
        ("cvt.ftz.f32.f16", half, np.float32),
        ("cvt.f64.f16", half, np.float64),
        ("cvt.f32.bf16", brain, np.float32),
        ("cvt.f64.f32", single, np.float64),
    ):
        same(each(f"{text} $d, $a;", a, out=out), a.astype(out), a)
    got = each("cvt.ftz.f64.f32 $d, $a;", single, out=np.float64)
    same(got, flushed(single).astype(np.float64), single)


def narrow_edges(dtype, source):
    """Of `source`: ties between values of `dtype`, and what is next to ties."""
    a = floats(dtype, 60)
    a = a[np.isfinite(a.astype(np.float64))]
    precision, _, highest = FORMATS[dtype]
    overflow = (2 - 2.0**-precision) * 2.0**highest  # Half way to the next power.
    step = np.array(1).astype(f"u{dtype.itemsize}")
    above = (bits(a) + step).view(dtype).astype(np.float64)
    with np.errstate(all="ignore"):
        ties = (a.astype(np.float64) + above) / 2
        ties = np.concatenate([ties, [overflow, -overflow]]).astype(source)
        near = [np.nextafter(ties, source(s * np.inf)) for s in (1, -1)]
    return np.concatenate([ties, *near, floats(source, 60)])


@pytest.mark.parametrize(
    "kind, source, modes",
    [("f16", "f32", "rn rz"), ("bf16", "f32", "rn rz"), ("f32", "f64", "rn rz rm rp"),
     ("f16", "f64", "rn rz")],
)  # fmt: skip
def test_narrowing(kind, source, modes):
    a = narrow_edges(np.dtype(TYPES[kind]), TYPES[source])
    for mode in modes.split():
        got = each(f"cvt.{mode}.{kind}.{source} $d, $a;", a, out=TYPES[kind])
        same(got, to_float(a, TYPES[kind], mode), a)


def test_narrowing_flushes():
    """A subnormal f32 input or result; not one of f16."""
    a = narrow_edges(np.dtype(np.float32), np.float64)
    a = a[(abs(a) < 2.0**-126 - 2.0**-150) | ~(abs(a) < 2.0**-126)]
    want = flushed(to_float(a, np.float32))
    same(each("cvt.rn.ftz.f32.f64 $d, $a;", a, out=np.float32), want, a)
    a = np.concatenate([floats(np.float32), np.float32([2.0**-20, -(2.0**-24), 2.0**-25])])
    want = to_float(flushed(a), np.float16)
    same(each("cvt.rn.ftz.f16.f32 $d, $a;", a, out=np.float16), want, a)


@pytest.mark.parametrize("mode", ["rn", "rz", "rn.relu"])
@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_packing_two(kind, mode):
    """The first source goes to the upper half, the second to the lower."""
    dtype = np.dtype(TYPES[kind])
    a = narrow_edges(dtype, np.float32)
    b = np.roll(a, 3)
    got = each(f"cvt.{mode}.{kind}x2.f32 $d, $a, $b;", a, b, out=np.uint32)
    halves = np.ascontiguousarray(got).view(dtype).reshape(-1, 2)
    for i, source in ((1, a), (0, b)):
        want = to_float(source, dtype, mode[:2])
        if "relu" in mode:
            below = want.astype(np.float64) < 0
            want = np.where(below, dtype.type(0), want)
            nan = np.isnan(source)
            assert (bits(np.ascontiguousarray(halves[:, i]))[nan] == 0x7FFF).all()
            keep = ~nan & (source != 0) & (want.astype(np.float64) != 0) | below
        else:
            keep = np.ones(len(source), bool)
        same(halves[keep, i].copy(), want[keep], source[keep])


def test_packing_of_constants():
    a = np.array([1.5, -2.0], np.float32)
    got = each("cvt.rn.bf16x2.f32 $d, 0f3F800000, $a;", a, out=np.uint32)
    same(got, np.array([0x3F803FC0, 0x3F80C000], np.uint32), a)


def test_mov_packs_and_unpacks():
    """The first of a vector is the lowest."""
    low, high = integers(np.uint16, 90), integers(np.uint16, 90, seed=2)[::-1].copy()
    both = (high.astype(np.uint32) << 16) | low
    same(each("mov.b32 $d, {$a, $b};", low, high, out=np.uint32), both)
    same(each("mov.b32 {$d, %h20}, $a;", both, out=np.uint16), low)
    same(each("mov.b32 {%h20, $d}, $a;", both, out=np.uint16), high)
    low, high = integers(np.uint32, 90), integers(np.uint32, 90, seed=2)[::-1].copy()
    both = (high.astype(np.uint64) << np.uint64(32)) | low
    same(each("mov.b64 $d, {$a, $b};", low, high, out=np.uint64), both)
    same(each("mov.b64 {$d, %r20}, $a;", both, out=np.uint32), low)
    same(each("mov.b64 {%r20, $d}, $a;", both, out=np.uint32), high)
    same(each("mov.b64 {_, $d}, $a;", both, out=np.uint32), high)
    same(each("mov.b64 $d, {0, $a};", high, out=np.uint64), both & np.uint64(0xFFFFFFFF << 32))
    fourth = "mov.b64 {%h20, %h21, %h22, %h23}, $a;\n"
    for i in range(4):
        want = (both >> np.uint64(16 * i)).astype(np.uint16)
        same(each(f"{fourth}mov.b16 $d, %h{20 + i};", both, out=np.uint16), want)
    same(each(f"{fourth}mov.b64 $d, {{%h20, %h21, %h22, %h23}};", both, out=np.uint64), both)
    swapped = each("mov.b64 {%r20, %r21}, $a;\nmov.b64 $d, {%r21, %r20};", both, out=np.uint64)
    same(swapped, (both << np.uint64(32)) | (both >> np.uint64(32)))


def test_mov_keeps_the_bits():
    a, b = floats(np.float32), floats(np.float64)
    same(each("mov.b32 $d, $a;", a, out=np.uint32), bits(a))
    same(each("mov.b64 $d, $a;", b, out=np.uint64), bits(b))
    same(bits(each("mov.b32 $d, $a;", bits(a), out=np.float32)), bits(a))
    same(bits(each("mov.f32 $d, $a;", a, out=np.float32)), bits(a))
    same(bits(each("mov.f64 $d, $a;", b, out=np.float64)), bits(b))


def test_unpacked_halves_become_floats():
    """As products with bf16 values are made of two in a register."""
    two = pairs(integers(np.uint16, 60), 12)
    packed = (two[1].astype(np.uint32) << 16) | two[0]
    text = "mov.b32 {%h20, %h21}, $a;\ncvt.f32.bf16 $d, "
    for i in range(2):
        want = two[i].view(BF16).astype(np.float32)
        same(each(f"{text}%h{20 + i};", packed, out=np.float32), want)
    text = "shl.b32 %r20, $a, 16;\nmov.b32 $d, %r20;"
    same(bits(each(text, packed, out=np.float32)), bits(two[0].view(BF16).astype(np.float32)))
