"""PTX ISA 9.7.3, Floating Point Instructions: those with exact results.

Single precision gives an unspecified NaN. .ftz flushes subnormal inputs and
results to zeros of their sign.
"""

from fractions import Fraction

import numpy as np
import pytest

from isa import TYPES, bits, each, floats, flushed, pairs, rounded, same

KINDS = ["f32", "ftz.f32", "f64"]


def of(kind):
    return TYPES[kind[-3:]]


def values(kind, seed=1):
    return floats(of(kind), 60, seed)


def through(kind, function, *inputs):
    """`function` of NumPy, whose operations round to nearest even, with .ftz."""
    with np.errstate(all="ignore"):
        if "ftz" in kind:
            return flushed(function(*map(flushed, inputs)))
        return function(*inputs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounding", ["", ".rn"])
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_sum_difference_product(name, rounding, kind):
    a, b = pairs(values(kind))
    function = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[name]
    got = each(f"{name}{rounding}.{kind} $d, $a, $b;", a, b, out=of(kind))
    check(kind, got, through(kind, function, a, b), a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_quotient(kind):
    a, b = pairs(values(kind))
    got = each(f"div.rn.{kind} $d, $a, $b;", a, b, out=of(kind))
    check(kind, got, through(kind, np.divide, a, b), a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_reciprocal_and_root(kind):
    a = values(kind)
    one = of(kind)(1)
    got = each(f"rcp.rn.{kind} $d, $a;", a, out=of(kind))
    check(kind, got, through(kind, lambda x: one / x, a), a)
    got = each(f"sqrt.rn.{kind} $d, $a;", a, out=of(kind))
    same(got, through(kind, np.sqrt, a), a)


def check(kind, got, want, *inputs):
    """But for what is a subnormal result or, when rounded, the least normal one."""
    keep = ~(("ftz" in kind) & (abs(want) == 2.0**-126))
    same(got[keep], want[keep], *(x[keep] for x in inputs))


def fused(x, y, z, mode="rn"):
    """x * y + z, rounded once. A sum that is exactly zero is -0 in mode rm."""
    if not np.isfinite([x, y, z]).all():
        with np.errstate(invalid="ignore"):
            return x * y + z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if exact:
        return rounded(exact, x.dtype, mode)
    negative = np.signbit(x) != np.signbit(y)
    zeros_of_one_sign = z == 0 and (x == 0 or y == 0) and negative == np.signbit(z)
    minus = negative if zeros_of_one_sign else mode == "rm"
    return x.dtype.type(-0.0 if minus else 0.0)


def factors(kind):
    """Among them products that cancel, and those which two roundings get wrong."""
    dtype = of(kind)
    a, b = pairs(values(kind), 15)
    c = np.resize(np.roll(values(kind, 7), 5), a.shape)
    some = np.random.default_rng(3).normal(size=(3, 60)).astype(dtype)
    with np.errstate(all="ignore"):
        more = [(some[0], some[1], -some[0] * some[1]), (some[0], some[1], some[2])]
        more.append((a[:225], b[:225], -(a[:225] * b[:225])))
    return [np.concatenate(parts) for parts in zip((a, b, c), *more)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["fma.rn", "mad.rn"])
def test_fused_multiply_add(name, kind):
    """mad.f32 and fma.f32 are the same, from sm_20 on."""
    a, b, c = factors(kind)
    got = each(f"{name}.{kind} $d, $a, $b, $c;", a, b, c, out=of(kind))

    def all_fused(*arrays):
        return np.array([fused(*row) for row in zip(*arrays)], of(kind))

    check(kind, got, through(kind, all_fused, a, b, c), a, b, c)


@pytest.mark.parametrize("kind", ["f32", "ftz.f32"])
@pytest.mark.parametrize("mode", ["rz", "rm", "rp"])
def test_other_roundings(mode, kind):
    """To zero, to minus infinity and to plus infinity."""
    a, b, c = factors(kind)
    one = np.ones_like(a)

    def all_of(*arrays):
        return np.array([fused(*row, mode) for row in zip(*arrays)], of(kind))

    zero = np.copysign(one * 0, np.where(np.signbit(a) != np.signbit(b), -1, 1)).astype(a.dtype)
    for text, operands in (
        (f"fma.{mode}.{kind} $d, $a, $b, $c;", (a, b, c)),
        (f"add.{mode}.{kind} $d, $a, $c;", (a, one, c)),
        (f"sub.{mode}.{kind} $d, $a, $c;", (a, one, -c)),
        (f"mul.{mode}.{kind} $d, $a, $b;", (a, b, zero)),
    ):
        got = each(text, a, b, c, out=of(kind))
        check(kind, got, through(kind, all_of, *operands), a, b, c)


def test_a_fused_sum_is_not_rounded_twice():
    a = np.array([1 + 2**-12], np.float32)
    got = each("fma.rn.f32 $d, $a, $a, $c;", a, a, -np.float32(a * a), out=np.float32)
    assert got[0] == 2**-24


@pytest.mark.parametrize("name", ["add.sat", "mul.sat", "add.ftz.sat", "fma.rn.sat"])
def test_saturates_between_0_and_1(name):
    """NaN results are flushed to +0.0f."""
    a, b = pairs(values("f32"))
    c = np.float32(0) * np.ones_like(a)
    third = ", $c" if "fma" in name else ""
    got = each(f"{name}.f32 $d, $a, $b{third};", a, b, c, out=np.float32)
    function = np.add if "add" in name else np.multiply
    want = through(name, function, a, b)
    want = np.where(want > 0, np.minimum(want, np.float32(1)), np.float32(0))
    assert (bits(got) == bits(want)).all() and not np.isnan(got).any()


def larger(a, b):
    """+0.0 > -0.0; of NaN and a number, the number."""
    first = (a > b) | np.isnan(b) | ((a == b) & ~np.signbit(a))
    return np.where(first, a, b)


def smaller(a, b):
    return -larger(-a, -b)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name, function", [("min", smaller), ("max", larger)])
def test_minimum_and_maximum(name, function, kind):
    a, b = pairs(values(kind))
    got = each(f"{name}.{kind} $d, $a, $b;", a, b, out=of(kind))
    same(got, through(kind, function, a, b), a, b)


@pytest.mark.parametrize("modifiers", ["NaN", "ftz.NaN"])
@pytest.mark.parametrize("name, function", [("min", smaller), ("max", larger)])
def test_minimum_and_maximum_with_nan(name, function, modifiers):
    """With .NaN, the result is the canonical NaN where an input is a NaN."""
    a, b = pairs(values("f32"))
    got = each(f"{name}.{modifiers}.f32 $d, $a, $b;", a, b, out=np.float32)
    nan = np.isnan(a) | np.isnan(b)
    same(got, np.where(nan, np.float32(np.nan), through(modifiers, function, a, b)), a, b)
    assert (bits(got)[nan] == 0x7FFFFFFF).all()


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_copysign(kind):
    """The sign of the first operand with the value of the second."""
    a, b = pairs(values(kind))
    got = each(f"copysign.{kind} $d, $a, $b;", a, b, out=of(kind))
    assert (bits(got) == bits(np.copysign(b, a))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_negative_and_absolute(kind):
    a = values(kind)
    same(each(f"neg.{kind} $d, $a;", a, out=of(kind)), through(kind, np.negative, a), a)
    same(each(f"abs.{kind} $d, $a;", a, out=of(kind)), through(kind, np.abs, a), a)


def test_registers_of_bits_hold_floats():
    """As LLVM has them, for operands and for constants."""
    a, b = pairs(values("f32"))
    text = "mov.b32 %r20, 0f40490FDB;\nmul.rn.f32 %r21, $a, $b;\n"
    text += "setp.lt.f32 %p1, $a, 0f00000000;\nselp.b32 %r22, 0f3F000000, %r20, %p1;\n"
    got = each(text + "add.rn.f32 $d, %r21, %r22;", bits(a), bits(b), out=np.uint32)
    with np.errstate(all="ignore"):
        want = a * b + np.where(a < 0, np.float32(0.5), np.float32(np.pi))
    same(got.view(np.float32), want, a, b)
    got = each("fma.rn.f64 $d, $a, $a, $a;", bits(values("f64")), out=np.uint64)
    same(got.view(np.float64), np.array([fused(x, x, x) for x in values("f64")]))


@pytest.mark.parametrize(
    "kind, spelled, value",
    [("f32", "0f3F800000", 1), ("f32", "0fBF000000", -0.5), ("f32", "0FFF800000", -np.inf),
     ("f32", "0f00000001", 2.0**-149), ("f32", "1.5", 1.5), ("f32", "-0.25", -0.25),
     ("f32", "0d3FF8000000000000", 1.5), ("f64", "0d3FF8000000000000", 1.5),
     ("f64", "0dC000000000000000", -2), ("f64", "1e-3", 1e-3), ("f64", "2.5E2", 250)],
)  # fmt: skip
def test_constants(kind, spelled, value):
    """0f and 8, 0d and 16 hexadecimal digits are bits (PTX ISA 4.5.2)."""
    a = values(kind)
    got = each(f"add.{kind} $d, $a, {spelled};", a, out=of(kind))
    same(got, through(kind, np.add, a, np.full_like(a, value)), a)
