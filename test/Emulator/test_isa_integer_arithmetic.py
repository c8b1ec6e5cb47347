"""PTX ISA 9.7.1, Integer Arithmetic Instructions."""

import numpy as np
import pytest

from isa import TYPES, each, integers, pairs, same, wrap

WIDE = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}
ALL = ["u16", "s16", "u32", "s32", "u64", "s64"]


def operands(kind, seed=1):
    return pairs(integers(TYPES[kind], seed=seed))


def exact(*arrays):
    return [array.astype(object) for array in arrays]


def test_the_values_reach_the_edges():
    a, b = operands("s32")
    assert any((a == -(2**31)) & (b == -1)) and any((a == 2**31 - 1) & (b == 1))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", ["add", "sub", "mul.lo"])
def test_wraps(name, kind):
    a, b = operands(kind)
    x, y = exact(a, b)
    want = {"add": x + y, "sub": x - y, "mul.lo": x * y}[name]
    got = each(f"{name}.{kind} $d, $a, $b;", a, b, out=TYPES[kind])
    same(got, wrap(want, TYPES[kind]), a, b)


@pytest.mark.parametrize("name", ["add", "sub"])
def test_saturates(name):
    a, b = operands("s32")
    x, y = exact(a, b)
    want = np.clip(x + y if name == "add" else x - y, -(2**31), 2**31 - 1)
    got = each(f"{name}.sat.s32 $d, $a, $b;", a, b, out=np.int32)
    same(got, want.astype(np.int32), a, b)


@pytest.mark.parametrize("kind", ALL)
def test_high_half_of_a_product(kind):
    a, b = operands(kind)
    x, y = exact(a, b)
    bits = 8 * a.dtype.itemsize
    got = each(f"mul.hi.{kind} $d, $a, $b;", a, b, out=TYPES[kind])
    same(got, wrap(x * y >> bits, TYPES[kind]), a, b)


@pytest.mark.parametrize("kind", WIDE)
def test_whole_product(kind):
    a, b = operands(kind)
    x, y = exact(a, b)
    out = TYPES[WIDE[kind]]
    same(each(f"mul.wide.{kind} $d, $a, $b;", a, b, out=out), wrap(x * y, out), a, b)


@pytest.mark.parametrize("kind", ALL)
def test_multiply_add_of_the_low_half(kind):
    a, b = operands(kind)
    c = np.resize(integers(TYPES[kind], seed=5)[::-1], a.shape)
    x, y, z = exact(a, b, c)
    got = each(f"mad.lo.{kind} $d, $a, $b, $c;", a, b, c, out=TYPES[kind])
    same(got, wrap(x * y + z, TYPES[kind]), a, b, c)


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_multiply_add_of_the_high_half(kind):
    a, b = operands(kind)
    c = np.resize(integers(TYPES[kind], seed=5)[::-1], a.shape)
    x, y, z = exact(a, b, c)
    bits = 8 * a.dtype.itemsize
    got = each(f"mad.hi.{kind} $d, $a, $b, $c;", a, b, c, out=TYPES[kind])
    same(got, wrap((x * y >> bits) + z, TYPES[kind]), a, b, c)


@pytest.mark.parametrize("kind", WIDE)
def test_multiply_add_of_the_whole_product(kind):
    a, b = operands(kind)
    out = TYPES[WIDE[kind]]
    c = np.resize(integers(out, seed=5)[::-1], a.shape)
    x, y, z = exact(a, b, c)
    got = each(f"mad.wide.{kind} $d, $a, $b, $c;", a, b, c, out=out)
    same(got, wrap(x * y + z, out), a, b, c)


@pytest.mark.parametrize("kind", ALL)
def test_quotient_and_remainder(kind):
    """Towards zero; the least value by -1 wraps. By zero nothing is specified."""
    a, b = operands(kind)
    a, b = a[b != 0], b[b != 0]
    quotients, remainders = [], []
    for x, y in zip(*exact(a, b)):
        quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
        quotients.append(quotient)
        remainders.append(x - quotient * y)
    out = TYPES[kind]
    same(each(f"div.{kind} $d, $a, $b;", a, b, out=out), wrap(quotients, out), a, b)
    same(each(f"rem.{kind} $d, $a, $b;", a, b, out=out), wrap(remainders, out), a, b)


@pytest.mark.parametrize("kind", ALL)
def test_minimum_and_maximum(kind):
    a, b = operands(kind)
    same(each(f"min.{kind} $d, $a, $b;", a, b, out=TYPES[kind]), np.minimum(a, b), a, b)
    same(each(f"max.{kind} $d, $a, $b;", a, b, out=TYPES[kind]), np.maximum(a, b), a, b)


@pytest.mark.parametrize("kind", ALL)
def test_sum_of_absolute_differences(kind):
    a, b = operands(kind)
    c = np.resize(integers(TYPES[kind], seed=5)[::-1], a.shape)
    x, y, z = exact(a, b, c)
    got = each(f"sad.{kind} $d, $a, $b, $c;", a, b, c, out=TYPES[kind])
    same(got, wrap(z + abs(x - y), TYPES[kind]), a, b, c)


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_find_the_first_bit(kind):
    """The highest that is not like the sign; by .shiftamt, how far from the top."""
    a = integers(TYPES[kind])
    most = 8 * a.dtype.itemsize - 1
    places = [(int(x) if x >= 0 else ~int(x)).bit_length() - 1 for x in a]
    got = each(f"bfind.{kind} $d, $a;", a, out=np.uint32)
    same(got, wrap(places, np.uint32), a)
    shifts = [most - x if x >= 0 else -1 for x in places]
    got = each(f"bfind.shiftamt.{kind} $d, $a;", a, out=np.uint32)
    same(got, wrap(shifts, np.uint32), a)


@pytest.mark.parametrize("kind", ["s16", "s32", "s64"])
def test_negative_and_absolute(kind):
    a = integers(TYPES[kind])
    (x,) = exact(a)
    same(each(f"neg.{kind} $d, $a;", a, out=TYPES[kind]), wrap(-x, TYPES[kind]), a)
    same(each(f"abs.{kind} $d, $a;", a, out=TYPES[kind]), wrap(abs(x), TYPES[kind]), a)


@pytest.mark.parametrize(
    "spelled, value",
    [("5", 5), ("-5", -5), ("0x7fffffff", 2**31 - 1), ("0xffffffff", 2**32 - 1), ("7U", 7),
     ("-2147483648", -(2**31)), ("4294967295", 2**32 - 1), ("0b101", 5), ("017", 15)],
)  # fmt: skip
def test_constants(spelled, value):
    """Decimal, hexadecimal, octal and binary (PTX ISA 4.5.1)."""
    a = integers(np.int32)
    got = each(f"add.s32 $d, $a, {spelled};", a, out=np.int32)
    same(got, wrap(a.astype(object) + value, np.int32), a)
