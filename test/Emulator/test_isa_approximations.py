"""PTX ISA 9.7.3, Floating Point Instructions: the approximate ones.

The bounds are the manual's. Subnormal results have, besides, half a unit of
theirs; by .ftz they are zeros, and near the least normal number either is right.
Infinities, NaN and zeros are as its tables say.
"""

import numpy as np
import pytest

from isa import bits, close, each, floats, flushed, same

TINY, SUBNORMAL = 2.0**-126, 2.0**-149
MODIFIERS = ["", ".ftz"]


def inputs(seed=1):
    """Edges, and values whose powers, roots and logarithms are finite."""
    generator = np.random.default_rng(seed)
    spread = [generator.uniform(-150, 130, 200), generator.uniform(0, 2, 200)]
    spread += [2.0 ** generator.uniform(-148, 127, 200), np.arange(-150, 129)]
    return np.concatenate([floats(np.float32, 100), *(x.astype(np.float32) for x in spread)])


def ulp(exact):
    """The distance of f32 numbers at `exact`."""
    with np.errstate(all="ignore"):
        size = np.where(np.isfinite(exact) & (exact != 0), abs(exact), 1)
        return 2.0 ** (np.maximum(np.floor(np.log2(size)), -126) - 23)


def check(instruction, function, tolerance, *arrays, ftz):
    """`tolerance` of the exact f64 result."""
    got = each(instruction, *arrays, out=np.float32)
    with np.errstate(all="ignore"):
        used = [flushed(x) if ftz else x for x in arrays]
        exact = function(*(x.astype(np.float64) for x in used))
        within = tolerance(exact) + SUBNORMAL / 2
        # What rounds to an infinity, or to a zero.
        exact = np.where(abs(exact) >= (2 - 2.0**-24) * 2.0**127, np.sign(exact) * np.inf, exact)
    if ftz:
        under = np.isfinite(exact) & (exact != 0) & (abs(exact) < TINY)
        zero = got == np.copysign(np.float32(0), exact.astype(np.float32))
        near = abs(exact) > TINY * (1 - 2.0**-20)
        assert (zero | near)[under].all(), "a subnormal result is not flushed"
        keep = ~under
        got, exact, within = got[keep], exact[keep], within[keep]
        arrays = [x[keep] for x in arrays]
    else:
        under = (exact != 0) & (abs(exact) <= SUBNORMAL * 0.75)
        assert (abs(got[under]) <= SUBNORMAL).all()
        got, exact, within = got[~under], exact[~under], within[~under]
        arrays = [x[~under] for x in arrays]
    close(got, exact, within, *arrays)


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_power_of_two(ftz):
    """Within 2 ulp of the correctly rounded result. ex2(-inf) = +0, ex2(+-0) = 1."""
    a = inputs()
    check(f"ex2.approx{ftz}.f32 $d, $a;", np.exp2, lambda x: 2.5 * ulp(x), a, ftz=ftz)


def test_power_of_two_is_within_2_to_the_minus_22():
    """As earlier manuals have it, for the inputs of a softmax."""
    a = -np.random.default_rng(5).exponential(6, 600).astype(np.float32)
    a = a[a > -126]
    exact = np.exp2(a.astype(np.float64))
    close(each("ex2.approx.ftz.f32 $d, $a;", a, out=np.float32), exact, 2.0**-22 * exact, a)


def test_powers_that_are_exact():
    a = np.arange(-126, 128).astype(np.float32)
    got = each("ex2.approx.ftz.f32 $d, $a;", a, out=np.float32)
    close(got, np.exp2(a.astype(np.float64)), 2.0 ** (a.astype(np.float64) - 22), a)
    assert got[126] == 1


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_logarithm(ftz):
    """Within 2^-22, absolute in (0.5, 2) and relative elsewhere. lg2(+-0) = -inf."""
    a = inputs()

    def tolerance(exact):
        return np.where(abs(exact) < 1, 2.0**-22, 2.0**-22 * abs(exact))

    check(f"lg2.approx{ftz}.f32 $d, $a;", np.log2, tolerance, a[a != 1], ftz=ftz)


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_reciprocal(ftz):
    """Within 1 ulp. rcp(+-inf) = +-0, rcp(+-0) = +-inf."""
    a = inputs()
    check(f"rcp.approx{ftz}.f32 $d, $a;", lambda x: 1 / x, lambda x: 1.5 * ulp(x), a, ftz=ftz)


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_square_root(ftz):
    """Within 2^-23, relative. sqrt(-0) = -0; of negative numbers, NaN."""
    a = inputs()
    check(f"sqrt.approx{ftz}.f32 $d, $a;", np.sqrt, lambda x: 2.0**-23 * abs(x), a, ftz=ftz)


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_reciprocal_square_root(ftz):
    """Within 2^-22.9, relative. rsqrt(+-0) = +-inf; of negative numbers, NaN."""
    a = inputs()
    check(
        f"rsqrt.approx{ftz}.f32 $d, $a;",
        lambda x: np.where(x == 0, 1 / x, 1 / np.sqrt(x)),
        lambda x: 2.0**-22.9 * abs(x),
        a,
        ftz=ftz,
    )


@pytest.mark.parametrize("name", ["rcp", "rsqrt"])
def test_gross_approximations_of_double_precision(name):
    """Of the upper words: the lower word of the result is 0. Subnormals are zeros.

    No bound is given; the upper word has 20 bits after the point.
    """
    generator = np.random.default_rng(3)
    a = np.concatenate([floats(np.float64, 60), 2.0 ** generator.uniform(-1000, 1000, 200)])
    a = (bits(a) & np.uint64(0xFFFFFFFF00000000)).view(np.float64)
    got = each(f"{name}.approx.ftz.f64 $d, $a;", a, out=np.float64)
    assert not (bits(got) & np.uint64(0xFFFFFFFF)).any()
    assert (bits(got)[np.isnan(a)] == 0x7FFFFFFF00000000).all()
    used = flushed(a)
    with np.errstate(all="ignore"):
        want = flushed(1 / used if name == "rcp" else 1 / np.sqrt(used))
    close(got, want, 2.0**-19 * abs(np.nan_to_num(want, posinf=0, neginf=0)), a)


def test_reciprocal_square_root_of_double_precision():
    """No bound is given; two units of the last place are what division and root have."""
    generator = np.random.default_rng(4)
    a = np.concatenate([floats(np.float64, 60), 2.0 ** generator.uniform(-1000, 1000, 200)])
    with np.errstate(all="ignore"):
        want = 1 / np.sqrt(a)
    got = each("rsqrt.approx.f64 $d, $a;", a, out=np.float64)
    close(got, want, 2.0**-51 * abs(np.nan_to_num(want, posinf=0, neginf=0)), a)


@pytest.mark.parametrize("ftz", MODIFIERS)
@pytest.mark.parametrize("name", ["div.full", "div.approx"])
def test_quotient(name, ftz):
    """Within 2 ulp; for div.approx where |b| is in [2^-126, 2^126].

    The quotients here are normal, and so are the reciprocals: div.approx, which is
    a * (1/b), may flush or overflow on its way to others.
    """
    generator = np.random.default_rng(2)
    a, b = (
        (generator.choice([-1, 1], 300) * 2.0 ** generator.uniform(-60, 60, 300)).astype(np.float32)
        for _ in range(2)
    )
    check(f"{name}{ftz}.f32 $d, $a, $b;", np.divide, lambda x: 2.5 * ulp(x), a, b, ftz=ftz)


@pytest.mark.parametrize("instruction", ["div.full", "div.full.ftz", "div.approx.ftz"])
def test_quotients_of_and_to_subnormal_numbers(instruction):
    """By .ftz a subnormal operand or quotient is a zero."""
    a = np.array([2.0**-130, -(2.0**-149), 1, 3, -(2.0**-100), 2.0**-100, 5], np.float32)
    b = np.array([1, 2.0**-20, 2.0**-120, 2.0**-129, 2.0**30, 2.0**40, -(2.0**-127)], np.float32)
    if "ftz" not in instruction:
        a, b = a[[0, 1, 2, 4, 5]], b[[0, 1, 2, 4, 5]]  # The others are infinite.
    used = [flushed(x) if "ftz" in instruction else x for x in (a, b)]
    with np.errstate(all="ignore"):
        want = used[0] / used[1]
        want = flushed(want) if "ftz" in instruction else want
    same(each(f"{instruction}.f32 $d, $a, $b;", a, b, out=np.float32), want, a, b)


@pytest.mark.parametrize("ftz", MODIFIERS)
def test_quotient_by_a_huge_number(ftz):
    """For 2^126 < |b| < 2^128 div.approx gives a zero, of an infinity a NaN."""
    a = np.array([1, -1, 1e30, np.inf, -np.inf], np.float32)
    b = np.full_like(a, 2.5e38)
    got = each(f"div.approx{ftz}.f32 $d, $a, $b;", a, b, out=np.float32)
    same(got, np.array([0, -0.0, 0, np.nan, np.nan], np.float32), a, b)


@pytest.mark.parametrize("name", ["div.full", "div.approx"])
def test_quotients_of_zeros_and_infinities(name):
    inf, nan = np.inf, np.nan
    a = np.array([0, -0.0, 1, -1, 1, -1, inf, inf, 0, inf, nan, 1, 0, 5], np.float32)
    b = np.array([2, 2, 0, 0, inf, inf, 2, -2, 0, inf, 1, nan, -inf, -0.0], np.float32)
    with np.errstate(all="ignore"):
        same(each(f"{name}.f32 $d, $a, $b;", a, b, out=np.float32), a / b, a, b)
