"""PTX ISA 9.7.8, Logic and Shift Instructions, and the bit fields of 9.7.1 and 9.7.9."""

import numpy as np
import pytest

from isa import TYPES, each, integers, pairs, run, same, wrap

# Values of b and c where positions, lengths and shifts are read from.
AMOUNTS = [0, 1, 5, 8, 16, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 300, 2**31, 2**32 - 1]


def amounts(count, seed=1):
    some = np.random.default_rng(seed).integers(0, 70, count)
    return np.concatenate([AMOUNTS, some]).astype(np.uint32)


@pytest.mark.parametrize("bits", [16, 32, 64])
@pytest.mark.parametrize("name", ["and", "or", "xor"])
def test_logic(name, bits):
    dtype = TYPES[f"b{bits}"]
    a, b = pairs(integers(dtype))
    want = {"and": a & b, "or": a | b, "xor": a ^ b}[name]
    same(each(f"{name}.b{bits} $d, $a, $b;", a, b, out=dtype), want, a, b)


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_not(bits):
    """And cnot: 1 for 0, else 0."""
    a = integers(TYPES[f"b{bits}"])
    same(each(f"not.b{bits} $d, $a;", a, out=a.dtype), ~a, a)
    same(each(f"cnot.b{bits} $d, $a;", a, out=a.dtype), (a == 0).astype(a.dtype), a)


@pytest.mark.parametrize("bits", [32, 64])
def test_counts_and_reversal(bits):
    a = integers(TYPES[f"b{bits}"])
    digits = [f"{int(x):0{bits}b}" for x in a]
    ones = np.array([x.count("1") for x in digits], np.uint32)
    zeros = np.array([bits - len(x.lstrip("0")) for x in digits], np.uint32)
    same(each(f"popc.b{bits} $d, $a;", a, out=np.uint32), ones, a)
    same(each(f"clz.b{bits} $d, $a;", a, out=np.uint32), zeros, a)
    backwards = wrap([int(x[::-1], 2) for x in digits], a.dtype)
    same(each(f"brev.b{bits} $d, $a;", a, out=a.dtype), backwards, a)


def left_or_right(name, kind, a, b):
    """Shifts by more than the width are shifts by the width."""
    size = 8 * a.dtype.itemsize
    shifted = []
    for x, n in zip(a, b):
        n = min(int(n), size)
        shifted.append(int(x) << n if name == "shl" else int(x) >> n)
    return wrap(shifted, TYPES[kind])


@pytest.mark.parametrize(
    "name, kind",
    [("shl", f"b{n}") for n in (16, 32, 64)]
    + [("shr", f"{k}{n}") for k in "bus" for n in (16, 32, 64)],
)
def test_shift(name, kind):
    a, b = pairs(integers(TYPES[kind], 20), 12)
    b = np.resize(amounts(7), a.shape)
    got = each(f"{name}.{kind} $d, $a, $b;", a, b, out=TYPES[kind])
    same(got, left_or_right(name, kind, a, b), a, b)


@pytest.mark.parametrize("amount", [0, 4, 31, 32, 40])
def test_shift_by_a_constant(amount):
    a = integers(np.int32)
    b = np.full_like(a, amount)
    got = each(f"shr.s32 $d, $a, {amount};", a, out=np.int32)
    same(got, left_or_right("shr", "s32", a, b), a)
    got = each(f"shl.b32 $d, $a, {amount};", a, out=np.int32)
    same(got, left_or_right("shl", "s32", a, b), a)


@pytest.mark.parametrize("mode", ["clamp", "wrap"])
@pytest.mark.parametrize("direction", ["l", "r"])
def test_funnel_shift(direction, mode):
    """Of the 64 bits of b, above, and a."""
    a, b = pairs(integers(np.uint32, 40), 16)
    c = np.resize(amounts(11), a.shape)
    want = []
    for low, high, n in zip(a.astype(object), b.astype(object), c.astype(object)):
        n = min(n, 32) if mode == "clamp" else n & 31
        both = high << 32 | low
        want.append(both << n >> 32 if direction == "l" else both >> n)
    got = each(f"shf.{direction}.{mode}.b32 $d, $a, $b, $c;", a, b, c, out=np.uint32)
    same(got, wrap(want, np.uint32), a, b, c)


def fields(dtype):
    """Values with all pairs of the amounts, and with random ones."""
    position, length = pairs(amounts(200), len(AMOUNTS))
    a = np.resize(integers(dtype, 89), position.shape)
    return a, position, length


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_bit_field_extract(kind):
    """From bit b & 255, of c & 255 bits, whose last, of what there is, is its sign."""
    a, b, c = fields(TYPES[kind])
    most = 8 * a.dtype.itemsize - 1
    want = []
    for value, position, length in zip(a, b & 255, c & 255):
        value, position, length = int(value) & (2 << most) - 1, int(position), int(length)
        sign = value >> min(position + length - 1, most) & 1 if kind[0] == "s" and length else 0
        result = 0
        for i in range(most + 1):
            inside = i < length and position + i <= most
            result |= (value >> position + i & 1 if inside else sign) << i
        want.append(result)
    got = each(f"bfe.{kind} $d, $a, $b, $c;", a, b, c, out=a.dtype)
    same(got, wrap(want, a.dtype), a, b, c)


@pytest.mark.parametrize("bits", [32, 64])
def test_bit_field_insert(bits):
    """Of a into b at bit c & 255, d & 255 bits, as far as there are bits."""
    a, c, e = fields(TYPES[f"b{bits}"])
    b = np.roll(integers(a.dtype, len(a), seed=9)[-len(a) :], 3)
    want = []
    for insert, into, position, length in zip(a, b, c & 255, e & 255):
        result = int(into)
        for i in range(int(position), min(int(position) + int(length), bits)):
            result = result & ~(1 << i) | (int(insert) >> i - int(position) & 1) << i
        want.append(result)
    got = each(f"bfi.b{bits} $d, $a, $b, $c, $e;", a, b, c, e, out=a.dtype)
    same(got, wrap(want, a.dtype), a, b, c, e)


# d.b3, d.b2, d.b1, d.b0 for the selectors 0 to 3.
PERMUTATIONS = {
    "f4e": ["3210", "4321", "5432", "6543"],
    "b4e": ["5670", "6701", "7012", "0123"],
    "rc8": ["0000", "1111", "2222", "3333"],
    "ecl": ["3210", "3211", "3222", "3333"],
    "ecr": ["0000", "1110", "2210", "3210"],
    "rc16": ["1010", "3232", "1010", "3232"],
}


def pick(a, b, choices):
    """Bytes of {b, a}, the highest first; by a choice of 8 or more, their sign."""
    source = [int(x) >> 8 * i & 255 for x in (a, b) for i in range(4)]
    result = 0
    for choice in choices:
        byte = source[choice & 7]
        result = result << 8 | ((255 if byte & 128 else 0) if choice & 8 else byte)
    return result


def test_byte_permute():
    c = np.concatenate(
        [
            [0x3210, 0x7654, 0x5410, 0x7632, 0x1032, 0xFEDC, 0xBA98, 0xFFFF5140],
            np.random.default_rng(1).integers(0, 2**32, 300),
        ]
    ).astype(np.uint32)
    a = np.resize(integers(np.uint32, 61), c.shape)
    b = np.resize(integers(np.uint32, 53, seed=2), c.shape)
    choices = [[int(x) >> 4 * i & 15 for i in (3, 2, 1, 0)] for x in c]
    want = np.array([pick(*row) for row in zip(a, b, choices)], np.uint32)
    same(each("prmt.b32 $d, $a, $b, $c;", a, b, c, out=np.uint32), want, a, b, c)
    want = np.array([pick(x, y, [5, 4, 9, 0]) for x, y in zip(a, b)], np.uint32)
    same(each("prmt.b32 $d, $a, $b, 0x5490;", a, b, out=np.uint32), want, a, b)


@pytest.mark.parametrize("mode", PERMUTATIONS)
def test_byte_permute_with_a_mode(mode):
    """Only the two low bits of c count."""
    c = np.resize([0, 1, 2, 3, 4, 7, 0x3210, 2**32 - 1], 120).astype(np.uint32)
    a = integers(np.uint32, 200)[:120]
    b = integers(np.uint32, 200, seed=2)[80:200]
    rows = [[int(x) for x in PERMUTATIONS[mode][n & 3]] for n in c]
    want = np.array([pick(*row) for row in zip(a, b, rows)], np.uint32)
    same(each(f"prmt.b32.{mode} $d, $a, $b, $c;", a, b, c, out=np.uint32), want, a, b, c)


def test_all_functions_of_three_inputs():
    """lop3: bit 4a + 2b + c of the table is the function of the bits a, b and c."""
    threads = 40
    generator = np.random.default_rng(1)
    a, b, c = generator.integers(0, 2**32, (3, threads), dtype=np.uint32)
    got = np.zeros((threads, 256), np.uint32)
    body = "".join(f"  ld.global.b32 %r{i}, [%e{i}];\n" for i in (1, 2, 3))
    for table in range(256):
        spelled = table if table % 2 else hex(table)
        body += f"  lop3.b32 %r4, %r1, %r2, %r3, {spelled};\n"
        body += f"  st.global.b32 [%e0+{4 * table}], %r4;\n"
    run(body, got, a, b, c, block=threads)
    want = np.zeros_like(got)
    for table in range(256):
        for minterm in range(8):
            if table >> minterm & 1:
                ones = [x if minterm >> i & 1 else ~x for x, i in ((a, 2), (b, 1), (c, 0))]
                want[:, table] |= ones[0] & ones[1] & ones[2]
    same(got, want)


@pytest.mark.parametrize("combine", ["or", "and"])
def test_three_inputs_with_a_predicate(combine):
    """p = (d != 0) and/or q."""
    a, b = pairs(integers(np.uint32, 30), 14)
    c = (np.arange(a.size) % 2).astype(np.uint32)
    text = f"setp.ne.u32 %p2, $c, 0;\nlop3.{combine}.b32 %r20|%p1, $a, $b, $c, 0x40, %p2;\n"
    got = each(text + "selp.b32 $d, 1, 0, %p1;", a, b, c, out=np.uint32)
    some = (a & b & ~c) != 0
    want = some | (c != 0) if combine == "or" else some & (c != 0)
    same(got, want.astype(np.uint32), a, b, c)
