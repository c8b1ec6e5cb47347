"""The CUDA math library and arithmetic that flushes: what each row of the kernels' results is.

What is not correctly rounded is compared within the maximal errors that the
CUDA C++ Programming Guide (appendix on mathematical functions) and the PTX ISA
(`.approx`) give, and half an ulp for the rounding of what it is compared with.
"""

import fractions
import math

import numpy as np
from exact import F32, F64, decode, encode, fma, to_integer
from kernel_case import Case
from scalar_cases import compare_bits, run_rows, saturate, size_of, table

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan, 1e-40, 1e-45, 0.5, 88.0, -87.5, -103.0,
           3.0, 0.1, 2.5, -2.5]


def least_of(a, b, greatest=False):
    """PTX's min and max: a NaN gives the other operand, and -0 is below +0."""
    if math.isnan(a) or math.isnan(b):
        return b if math.isnan(a) else a
    first = (a, math.copysign(1, a)) < (b, math.copysign(1, b))
    return b if first == greatest else a


def compare_class(a, b):
    if math.isnan(a):
        return 1.0
    return 2.0 if math.isinf(a) else 3.0 if a < b else 4.0 if a == b else 5.0


def saturate_row(x):
    # -0 becomes +0.
    return saturate(x) + 0.0


def within_ulps(bound):
    return lambda got, expected, a, b: np.abs(got - expected) <= bound * spacing(got, expected)


def spacing(got, expected):
    return np.spacing(np.abs(expected).astype(got.dtype)).astype(expected.dtype)


def log_error(absolute, ulps):
    """The bounds of __logf and __log2f: an absolute one near 1."""
    def check(got, expected, a, b):
        near = (np.abs(a) >= 0.5) & (np.abs(a) <= 2)
        return np.abs(got - expected) <= np.where(
            near, 2.0**absolute, ulps * spacing(got, expected))
    return check


def fast_exp_error(got, expected, a, b):
    return np.abs(got - expected) <= (2.5 + np.floor(np.abs(1.173 * a))) * spacing(got, expected)


def fast_power_error(got, expected, a, b):
    """2 to the y * __log2f(x): the error of that logarithm, the product's
    rounding and 2 ulp of the power."""
    log = np.abs(np.log2(np.abs(a), where=a != 0, out=np.zeros_like(a)))
    error = np.abs(b) * (2.0**-22 + log * 2.0**-22) + 2.0**-22
    return np.abs(got - expected) <= error * expected + spacing(got, expected)


def near_zero(check):
    """What NVIDIA gives no bound for near the least numbers, or flushes, may be any of them."""
    def relaxed(got, expected, a, b):
        return check(got, expected, a, b) | (np.abs(expected) < 2.0**-125) & (np.abs(got) < 2.0**-124)
    return relaxed


MATH_32 = [
    (lambda a, b: np.exp(a), within_ulps(2.5)),
    (lambda a, b: np.exp2(a), within_ulps(2.5)),
    (lambda a, b: np.log(np.abs(a)), within_ulps(1.5)),
    (lambda a, b: np.log2(np.abs(a)), within_ulps(1.5)),
    (lambda a, b: np.abs(a) ** b, within_ulps(4.5)),
    (lambda a, b: np.tanh(a), within_ulps(2.5)),
    (lambda a, b: np.sin((a.astype(np.float32) * np.float32(1000)).astype(np.float64)),
     within_ulps(2.5)),
    (lambda a, b: np.vectorize(math.erf)(a), within_ulps(2.5)),
    (lambda a, b: 1 / np.sqrt(np.abs(a)), within_ulps(2.5)),
    (lambda a, b: np.cbrt(a), within_ulps(1.5)),
]
EXACT_32 = [
    lambda a, b: float(np.sqrt(np.float32(abs(a)))),
    lambda a, b: float(np.float32(a) / np.float32(b)),
    lambda a, b: float(np.float32(1) / np.float32(b)),
    lambda a, b: decode(fma(a, b, 1.5, F32), F32) if fma(a, b, 1.5, F32) is not None else math.nan,
    lambda a, b: float(np.float32(a) + np.float32(b)),
    lambda a, b: float(np.float32(a) * np.float32(b)),
    lambda a, b: least_of(a, b),
    lambda a, b: least_of(a, b, greatest=True),
    lambda a, b: float(np.floor(a)),
    lambda a, b: float(np.ceil(a)),
    lambda a, b: float(np.trunc(a)),
    lambda a, b: float(np.rint(a)),
    lambda a, b: float(np.float32(abs(a)) - np.float32(b)),
    lambda a, b: saturate_row(a),
    compare_class,
]
FAST_32 = [
    (lambda a, b: np.exp(a), near_zero(fast_exp_error)),
    (lambda a, b: np.log(np.abs(a)), log_error(-21.41, 3.5)),
    (lambda a, b: np.log2(np.abs(a)), log_error(-22, 2.5)),
    (lambda a, b: np.abs(a) ** b, near_zero(fast_power_error)),
    (lambda a, b: a / b, near_zero(within_ulps(2.5))),
]
MATH_64 = [
    (lambda a, b: np.exp(a), within_ulps(1.5)),
    (lambda a, b: np.log(np.abs(a)), within_ulps(1.5)),
    (lambda a, b: np.tanh(a), within_ulps(2.5)),
]
EXACT_64 = [
    lambda a, b: decode(fma(a, b, 1.25, F64), F64) if fma(a, b, 1.25, F64) is not None else math.nan,
    lambda a, b: float(np.float64(a) / np.float64(b)),
    lambda a, b: math.sqrt(abs(a)),
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: least_of(a, b),
    lambda a, b: least_of(a, b, greatest=True),
    lambda a, b: float(np.floor(a)),
    lambda a, b: float(np.rint(a)),
    lambda a, b: -a - abs(b),
]


def compare_approximate(rows, got, x, y, wide):
    """`wide`: the type in which the expected values are computed."""
    a, b = x.astype(wide), y.astype(wide)
    for number, ((function, accepts), row) in enumerate(zip(rows, got, strict=True)):
        expected = function(a, b)
        largest = np.finfo(row.dtype).max
        beyond = np.abs(expected) > largest
        same = (np.isnan(row) & np.isnan(expected)) | (row.astype(wide) == expected) | (
            beyond & np.isinf(row) & (np.sign(row) == np.sign(expected)))
        finite = np.where(np.isfinite(expected) & ~beyond, expected, 1)
        close = np.isfinite(row) & np.isfinite(expected) & ~beyond & accepts(row, finite, a, b)
        wrong = np.flatnonzero(~(same | close))
        assert not len(wrong), (number, [(x[w], y[w], row[w], expected[w]) for w in wrong[:4]])


def math_case(kernel, dtype, format, approximate, exact, fast, wide):
    def make(rng, seed):
        n = size_of(seed)
        with np.errstate(all="ignore"):
            x = (rng.standard_normal(n) * 2.0 ** rng.integers(-20, 6, n)).astype(dtype)
            y = (rng.standard_normal(n) * 2.0 ** rng.integers(-3, 3, n)).astype(dtype)
            for values in (x, y):
                values[rng.choice(n, len(SPECIAL), replace=False)] = SPECIAL
            middle = len(approximate)
            expected = table([lambda a, b, f=f: encode(f(a, b), format) for f in exact],
                             list(zip(map(float, x), map(float, y))), format.bits)

        def check(out):
            with np.errstate(all="ignore"):
                compare_approximate(approximate, out[:middle], x, y, wide)
                compare_bits(out[middle:middle + len(exact)], expected, format)
                compare_approximate(fast, out[middle + len(exact):], x, y, wide)
        return run_rows(n, [x, y], [(middle + len(exact) + len(fast), dtype)], check)
    return Case("math", kernel, make)


# ---- -use_fast_math ----------------------------------------------------------

LEAST_NORMAL = 2.0**-126


def flushed(x):
    return math.copysign(0.0, x) if abs(x) < LEAST_NORMAL else x


def flushing(function):
    """Bits of what `function` gives of flushed operands, itself flushed."""
    def row(a, b):
        result = function(flushed(a), flushed(b))
        bits = encode(result, F32)
        return None if bits is None else encode(flushed(decode(bits, F32)), F32)
    return row


def add_toward_zero(a, b):
    if not (math.isfinite(a) and math.isfinite(b)) or a + b == 0:
        return a + b
    return decode(encode(fractions.Fraction(a) + fractions.Fraction(b), F32, "rz"), F32)


def fma_value(a, b, c):
    bits = fma(a, b, c, F32)
    return math.nan if bits is None else decode(bits, F32)


# Sums and products of two floats are rounded once: a double holds more than
# twice their bits.
FLUSHED = [flushing(f) for f in (
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: fma_value(a, b, a),
    least_of,
    lambda a, b: least_of(a, b, greatest=True),
    lambda a, b: abs(a),
    lambda a, b: -b,
    lambda a, b: 1.0 if a < b else 2.0 if a == b else 3.0,
    lambda a, b: saturate_row(a),
    lambda a, b: float(np.floor(a)),
    lambda a, b: float(to_integer(a, 32, True, "rz")),
    add_toward_zero,
)]
FLUSHED_APPROXIMATE = [
    (lambda a, b: a / b, near_zero(within_ulps(2.5))),
    (lambda a, b: 1 / b, near_zero(within_ulps(1.5))),
    (lambda a, b: np.sqrt(np.abs(a)), within_ulps(2)),
    (lambda a, b: 1 / np.sqrt(np.abs(a)), within_ulps(2)),
    (lambda a, b: np.exp2(a), near_zero(within_ulps(2.5))),
    (lambda a, b: np.log2(np.abs(a)), log_error(-22, 4)),
]


def make_flush(rng, seed):
    n = size_of(seed)
    with np.errstate(all="ignore"):
        x = (rng.standard_normal(n) * 2.0 ** rng.integers(-70, 40, n)).astype(np.float32)
        y = (rng.standard_normal(n) * 2.0 ** rng.integers(-70, 40, n)).astype(np.float32)
        for values in (x, y):
            values[rng.choice(n, len(SPECIAL), replace=False)] = SPECIAL
            # Whose sum, or product with another, is subnormal or nearly so.
            values[rng.choice(n, 12, replace=False)] = (
                rng.standard_normal(12) * 2.0**-125).astype(np.float32)
        expected = table(FLUSHED, list(zip(map(float, x), map(float, y))), 32)
        a, b = (np.array([flushed(float(v)) for v in values]) for values in (x, y))

    def check(out):
        with np.errstate(all="ignore"):
            compare_bits(out[:len(FLUSHED)], expected, F32)
            compare_approximate(FLUSHED_APPROXIMATE, out[len(FLUSHED):], a, b, np.float64)
    return run_rows(n, [x, y], [(len(FLUSHED) + len(FLUSHED_APPROXIMATE), np.float32)], check)


CASES = [
    math_case("math32", np.float32, F32, MATH_32, EXACT_32, FAST_32, np.float64),
    math_case("math64", np.float64, F64, MATH_64, EXACT_64, [], np.longdouble),
    Case("flush", "flush", make_flush),
]
