"""Integers and conversions: what each row of the kernels' results is.

One function a row, in the order of the kernels' lines. They get Python's
numbers, so an integer has no width until a row is stored.
"""

import math

import numpy as np
from exact import BF16, F16, F32, F64, decode, encode, to_integer
from kernel_case import Case, Run

THREADS = 96
SPECIAL_32 = [0, 1, 2, 3, 7, 10, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF,
              0x80000000, 0x80000001, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFF9]


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def c_divide(a, b):
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def c_remainder(a, b):
    return a - b * c_divide(a, b)


def divide(operation, a, b, bits):
    """0 where the kernel does not divide."""
    return operation(a, b) if b and not (b == -1 and a == -(1 << (bits - 1))) else 0


def clz(value, bits):
    return bits - (value & ((1 << bits) - 1)).bit_length()


def reverse(value, bits):
    return int(f"{value:0{bits}b}"[::-1], 2)


def find_first(value):
    return (value & -value).bit_length()


def byte_permute(a, b, selector):
    data = (b << 32 | a).to_bytes(8, "little")
    return int.from_bytes([data[selector >> 4 * i & 7] for i in range(4)], "little")


def extract(value, position, length, is_signed):
    """PTX's bfe: what lies above bit 31 is 0, or the sign."""
    if length == 0:
        return 0
    wide = signed(value, 32) if is_signed else value
    field = wide >> position & ((1 << length) - 1)
    if not is_signed:
        return field
    # The sign is bit 31 where the field goes beyond it.
    sign = value >> min(position + length - 1, 31) & 1
    kept = max(0, min(length, 32 - position))
    return (field & ((1 << kept) - 1)) | (-sign << kept)


def insert(into, value, position, length):
    mask = ((1 << length) - 1 << position) & 0xFFFFFFFF
    return into & ~mask | value << position & mask


def set_middle(a, b):
    return a & ~(0x1FFF << 5) | (b & 0x1FFF) << 5


def add_low_to_high(word):
    return word & 0x3FFFF | ((word >> 18) + (word & 31) & 0x3FFF) << 18


INTEGERS_32 = [  # of a, b signed and u, v unsigned
    lambda a, b, u, v: a + b,
    lambda a, b, u, v: a - b,
    lambda a, b, u, v: a * b,
    lambda a, b, u, v: divide(c_divide, a, b, 32),
    lambda a, b, u, v: divide(c_remainder, a, b, 32),
    lambda a, b, u, v: u // v if v else 0,
    lambda a, b, u, v: u % v if v else 0,
    lambda a, b, u, v: c_divide(a, 10),
    lambda a, b, u, v: u % 1000,
    lambda a, b, u, v: a * b >> 32,
    lambda a, b, u, v: u * v >> 32,
    lambda a, b, u, v: signed(a, 24) * signed(b, 24),
    lambda a, b, u, v: a << (b & 31),
    lambda a, b, u, v: a >> (b & 31),
    lambda a, b, u, v: u >> (v & 31),
    lambda a, b, u, v: min(a, b),
    lambda a, b, u, v: max(u, v),
    lambda a, b, u, v: abs(a),
    lambda a, b, u, v: ~a & b,
    lambda a, b, u, v: (a ^ b) | (u >> 16),
    lambda a, b, u, v: (a & b) | (~a & (b ^ 0x5555AAAA)),
    lambda a, b, u, v: a < b,
    lambda a, b, u, v: u < v,
    lambda a, b, u, v: signed(a, 16) * signed(b, 16),
    lambda a, b, u, v: (a + b) & 0xFFFF,
    lambda a, b, u, v: signed(a - b, 8),
    lambda a, b, u, v: (a >> 5) & 0xFF,
    lambda a, b, u, v: a - b * 12345,
]

BITS_32 = [  # of unsigned a, b
    lambda a, b: clz(a, 32),
    lambda a, b: reverse(a, 32),
    lambda a, b: find_first(a),
    lambda a, b: bin(a).count("1"),
    lambda a, b: byte_permute(a, b, 0x3715),
    lambda a, b: byte_permute(a, b, b & 0x7777),
    lambda a, b: (b << 32 | a) << (b >> 7 & 31) >> 32,
    lambda a, b: (b << 32 | a) >> (b >> 9 & 31),
    lambda a, b: (b << 32 | a) << min(b & 63, 32) >> 32,
    lambda a, b: (b << 32 | a) >> min(b & 63, 32),
    lambda a, b: a & 31,
    lambda a, b: a >> 5 & 0x1FFF,
    lambda a, b: signed(a >> 18, 14),
    lambda a, b: set_middle(a, b),
    lambda a, b: add_low_to_high(set_middle(a, b)),
    lambda a, b: extract(a, b % 40, (b >> 8) % 40, False),
    lambda a, b: extract(a, b % 40, (b >> 8) % 40, True),
    lambda a, b: insert(a, b, b % 40, (b >> 8) % 40),
    lambda a, b: a << (b & 63),
    lambda a, b: a >> (b & 63),
    lambda a, b: signed(a, 32) >> (b & 63),
]

INTEGERS_64 = [
    lambda a, b, u, v: a + b,
    lambda a, b, u, v: a - b,
    lambda a, b, u, v: a * b,
    lambda a, b, u, v: divide(c_divide, a, b, 64),
    lambda a, b, u, v: divide(c_remainder, a, b, 64),
    lambda a, b, u, v: u // v if v else 0,
    lambda a, b, u, v: u % v if v else 0,
    lambda a, b, u, v: c_divide(a, 1000),
    lambda a, b, u, v: u % 77,
    lambda a, b, u, v: a * b >> 64,
    lambda a, b, u, v: u * v >> 64,
    lambda a, b, u, v: a << (b & 63),
    lambda a, b, u, v: a >> (b & 63),
    lambda a, b, u, v: u >> (v & 63),
    lambda a, b, u, v: min(a, b),
    lambda a, b, u, v: max(u, v),
    lambda a, b, u, v: abs(a),
    lambda a, b, u, v: ~a & (b | 1),
    lambda a, b, u, v: u < v,
    lambda a, b, u, v: signed(a, 32) * signed(b, 32),
    lambda a, b, u, v: (u & 0xFFFFFFFF) * (v & 0xFFFFFFFF) + v,
    lambda a, b, u, v: signed(a, 32) * signed(b, 32) - b,
    lambda a, b, u, v: clz(u, 64),
    lambda a, b, u, v: bin(u).count("1"),
    lambda a, b, u, v: reverse(u, 64),
    lambda a, b, u, v: find_first(u),
    lambda a, b, u, v: signed(a >> 20, 32),
]


def saturate(value):
    return min(max(value, 0.0), 1.0) if not math.isnan(value) else 0.0


def clamp(value, low, high):
    """fmaxf, then fminf: a NaN gives `low`."""
    return low if math.isnan(value) else min(max(value, low), high)


ROUNDINGS = ("rn", "rz", "rd", "ru")


def integer_rows(types, from_f64):
    return [lambda x, t=t, r=r: to_integer(x, *t, r, from_f64) for t, r in types]


S32, U32, S64, U64 = (32, True), (32, False), (64, True), (64, False)
FLOAT_TO_INTEGER = [
    *integer_rows([(t, r) for t in (S32, U32, S64, U64) for r in ROUNDINGS], False),
    lambda x: int(np.float32(saturate(x)) * np.float32(255)),
    lambda x: int(clamp(x, -128, 127)),
    lambda x: round(clamp(x, -32768, 32767)),
    lambda x: math.floor(clamp(x, 0, 65535)),
]
DOUBLE_TO_INTEGER = integer_rows(
    [(S32, r) for r in ROUNDINGS] + [(U32, "rz")] + [(S64, r) for r in ROUNDINGS]
    + [(U64, "rz"), (S64, "rn"), (S64, "rd"), (S64, "ru"), (S64, "rz")], True)

# Of an integer of 32 bits, one of 64, and a double.
TO_FLOAT = [
    *[lambda a, b, c, r=r: encode(a, F32, r) for r in ROUNDINGS],
    *[lambda a, b, c, r=r: encode(a % 2**32, F32, r) for r in ROUNDINGS],
    *[lambda a, b, c, r=r: encode(b, F32, r) for r in ROUNDINGS],
    *[lambda a, b, c, r=r: encode(b % 2**64, F32, r) for r in ("rn", "rz")],
    *[lambda a, b, c, r=r: encode(c, F32, r) for r in ROUNDINGS],
    lambda a, b, c: encode(signed(a, 8), F32),
    lambda a, b, c: encode(a & 255, F32),
    lambda a, b, c: encode(signed(a, 16), F32),
    lambda a, b, c: encode(a & 65535, F32),
]
TO_DOUBLE = [
    lambda a, b, c: encode(a, F64),
    lambda a, b, c: encode(a % 2**32, F64),
    lambda a, b, c: encode(signed(a, 16), F64),
    *[lambda a, b, c, r=r: encode(b, F64, r) for r in ROUNDINGS],
    lambda a, b, c: encode(b % 2**64, F64),
    lambda a, b, c: encode(c, F64),
    lambda a, b, c: encode(decode(a % 2**32 << 32 | b % 2**32, F64), F64),
    lambda a, b, c: encode(decode(b % 2**64, F64), F64),
]
# Of a float, a double and an integer.
TO_HALF = [
    *[lambda a, b, c, r=r: encode(a, F16, r) for r in ROUNDINGS],
    lambda a, b, c: encode(b, F16),
    lambda a, b, c: encode(c, F16),
    *[lambda a, b, c, r=r: encode(a, BF16, r) for r in ("rn", "rz")],
    lambda a, b, c: encode(a, F16),
    lambda a, b, c: encode(decode(encode(c, F32), F32), F16),
    lambda a, b, c: encode(a, BF16),
    lambda a, b, c: encode(decode(encode(c, F32), F32), BF16),
]
FROM_HALF_FLOATS = [
    lambda x: encode(decode(x, F16), F32),
    lambda x: encode(decode(x, BF16), F32),
]
FROM_HALF_INTEGERS = [
    lambda x: to_integer(decode(x, F16), 32, True, "rn"),
    lambda x: to_integer(decode(x, F16), 32, True, "rz"),
    lambda x: to_integer(decode(x, F16), 32, False, "rz"),
    lambda x: to_integer(decode(x, F16), 16, True, "rz"),
]


def table(rows, columns, bits):
    """Row by row what the functions give, as unsigned integers; with it, where
    a NaN is expected."""
    values = [[row(*column) for column in columns] for row in rows]
    nan = np.array([[v is None for v in row] for row in values])
    mask = (1 << bits) - 1
    return np.array([[(v or 0) & mask for v in row] for row in values],
                    dtype=f"u{bits // 8}"), nan


def compare_integers(got, expected):
    wrong = np.argwhere(got.view(expected.dtype) != expected)
    assert not len(wrong), [(tuple(w), hex(got.view(expected.dtype)[tuple(w)]),
                             hex(expected[tuple(w)])) for w in wrong[:5]]


def compare_bits(got, expected, format):
    """Equal bits, or NaNs of any payload."""
    values, nan = expected
    got = got.view(values.dtype)
    is_nan = (got & (format.sign - 1)) > format.infinity
    wrong = np.argwhere(np.where(nan, ~is_nan, got != values))
    assert not len(wrong), [(tuple(w), hex(got[tuple(w)]), hex(values[tuple(w)]),
                             bool(nan[tuple(w)])) for w in wrong[:5]]


def run_rows(n, inputs, outputs, check):
    """A launch of one thread a column; `outputs`: (rows, type) of the last arguments."""
    results = [np.full((rows, n), 0x5A, dtype) for rows, dtype in outputs]
    return Run(-(-n // THREADS), THREADS, [*inputs, np.int32(n), *results],
               lambda args: check(*args[-len(results):]))


def random_integers(rng, n, bits):
    """Of all magnitudes, the special ones among them."""
    values = [int(rng.integers(0, 2**63)) * 2 + int(rng.integers(2)) for _ in range(n)]
    values = [v >> int(rng.integers(0, 64)) for v in values]
    values = [-v if rng.integers(2) else v for v in values]
    special = SPECIAL_32 + ([v << 32 for v in SPECIAL_32] + [2**64 - 1, 2**63] if bits == 64 else [])
    for i in rng.choice(n, n // 3, replace=False):
        values[i] = special[rng.integers(len(special))]
    return [v & ((1 << bits) - 1) for v in values]


def size_of(seed):
    return (131, 96, 77, 193)[seed % 4]


def integer_case(kernel, rows, bits, takes_signed):
    def make(rng, seed):
        n = size_of(seed)
        x, y = random_integers(rng, n, bits), random_integers(rng, n, bits)
        x[0], y[0] = 1 << (bits - 1), (1 << bits) - 1  # the quotient that overflows
        columns = list(zip(x, y))
        if takes_signed:
            columns = [(signed(a, bits), signed(b, bits), a, b) for a, b in columns]
        expected, _ = table(rows, columns, bits)
        dtype = np.dtype(f"u{bits // 8}")
        return run_rows(n, [np.array(x, dtype), np.array(y, dtype)], [(len(rows), dtype)],
                        lambda out: compare_integers(out, expected))
    return Case("integers", kernel, make)


def random_floats(rng, n, dtype, special):
    with np.errstate(over="ignore"):
        spread = rng.standard_normal(n) * 2.0 ** rng.integers(-30, 70, n)
        values = np.where(rng.random(n) < 0.5, spread, rng.standard_normal(n) * 300)
        values = np.where(rng.random(n) < 0.2, np.round(values) + 0.5, values)
        values[rng.choice(n, len(special), replace=False)] = special
        return values.astype(dtype)


FLOATS = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, np.inf, -np.inf, np.nan, 2.0**31, -2.0**31,
          2.0**31 - 128, 2.0**32, 2.0**63, -2.0**63, 2.0**64, 1e30, -1e30, 0.49999997, 1e-42,
          -1e-45, 255.7, -129.0, 65504.0, 65519.0, 65520.0, -65536.0, 3.3e38, 6e-8, 2.9e-8,
          1.0 + 2**-8, 1.0 + 3 * 2**-8]


def float_to_integer(kernel, dtype, rows, extra):
    def make(rng, seed):
        n = size_of(seed)
        x = random_floats(rng, n, dtype, FLOATS + extra)
        expected, _ = table(rows, [(float(v),) for v in x], 64)
        return run_rows(n, [x], [(len(rows), np.uint64)],
                        lambda out: compare_integers(out, expected))
    return Case("conversions", kernel, make)


def make_to_float(rng, seed):
    n = size_of(seed)
    x, y = random_integers(rng, n, 32), random_integers(rng, n, 64)
    z = random_floats(rng, n, np.float64, FLOATS + [1e300, -1e300, 1e-300, 2.0**-150 * 1.5])
    columns = [(signed(a, 32), signed(b, 64), float(c)) for a, b, c in zip(x, y, z)]
    expected = table(TO_FLOAT, columns, 32)
    return run_rows(n, [np.array(x, np.uint32), np.array(y, np.uint64), z],
                    [(len(TO_FLOAT), np.uint32)], lambda out: compare_bits(out, expected, F32))


def make_to_double(rng, seed):
    n = size_of(seed)
    x, y = random_integers(rng, n, 32), random_integers(rng, n, 64)
    z = random_floats(rng, n, np.float32, FLOATS)
    columns = [(signed(a, 32), signed(b, 64), float(c)) for a, b, c in zip(x, y, z)]
    expected = table(TO_DOUBLE, columns, 64)
    return run_rows(n, [np.array(x, np.uint32), np.array(y, np.uint64), z],
                    [(len(TO_DOUBLE), np.uint64)], lambda out: compare_bits(out, expected, F64))


def make_to_half(rng, seed):
    n = size_of(seed)
    x = random_floats(rng, n, np.float32, FLOATS)
    y = random_floats(rng, n, np.float64, FLOATS + [1 + 2**-11 + 2**-40])
    z = random_integers(rng, n, 32)
    columns = [(float(a), float(b), signed(c, 32)) for a, b, c in zip(x, y, z)]
    expected = table(TO_HALF, columns, 16)

    def check(out):
        for rows, format in ((slice(0, 6), F16), (slice(6, 8), BF16), (slice(8, 10), F16),
                             (slice(10, 12), BF16)):
            compare_bits(out[rows], (expected[0][rows], expected[1][rows]), format)
    return run_rows(n, [x, y, np.array(z, np.uint32)], [(len(TO_HALF), np.uint16)], check)


def make_from_half(rng, seed):
    n = size_of(seed)
    x = rng.integers(0, 1 << 16, n).astype(np.uint16)
    x[:8] = [0, 0x8000, 0x7C00, 0xFC00, 0x7E00, 0x7F80, 1, 0x3E00]
    columns = [(int(v),) for v in x]
    floats, integers = table(FROM_HALF_FLOATS, columns, 32), table(FROM_HALF_INTEGERS, columns, 32)

    def check(out):
        compare_bits(out[:2], floats, F32)
        compare_integers(out[2:], integers[0])
    return run_rows(n, [x], [(6, np.uint32)], check)


CASES = [
    integer_case("integers32", INTEGERS_32, 32, True),
    integer_case("bits32", BITS_32, 32, False),
    integer_case("integers64", INTEGERS_64, 64, True),
    float_to_integer("float_to_integer", np.float32, FLOAT_TO_INTEGER, []),
    float_to_integer("double_to_integer", np.float64, DOUBLE_TO_INTEGER,
                     [2.0**63 - 1024, 2.0**53 + 1, 2.0**31 - 0.5, 1e300]),
    Case("conversions", "to_float", make_to_float),
    Case("conversions", "to_double", make_to_double),
    Case("conversions", "to_half", make_to_half),
    Case("conversions", "from_half", make_from_half),
]
