"""The kernels of kernels/ with inputs of odd sizes and what they must give.

Integers, and floats that happen to be exact, are compared exactly; of other
floats each comparison says its tolerance and why.
"""

import idiom_cases
import math_cases
import ml_dtypes
import numpy as np
import scalar_cases
from kernel_case import Case, Run

BF16 = np.dtype(ml_dtypes.bfloat16)
UNWRITTEN = 0x5A5A5A5A


def unwritten(*shape, dtype=np.int32):
    return np.full(shape, UNWRITTEN & 0x5A if np.dtype(dtype).itemsize == 1 else UNWRITTEN, np.int64
                   ).astype(dtype)


def expect(expected, index=-1):
    """The argument at `index` equals `expected`."""
    return lambda args: np.testing.assert_array_equal(args[index], expected)


def wrap(values):
    """To 32 bits, as the kernels' int."""
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def blocks(n, size):
    return -(-n // size)


# ---- reduce ------------------------------------------------------------------


def make_reduce(rng, seed):
    n, block = ((1000, 96), (1, 32), (4097, 256), (333, 1024))[seed]
    x = rng.integers(-30000, 30000, n).astype(np.int32)
    squares = np.sum(x.astype(np.int64) ** 2)

    def check(args):
        assert (args[2][0], args[3][0], args[4][0]) == (x.sum() + 5, x.max(), squares + 7)
    return Run(3, block, [x, np.int32(n), np.array([5], np.int32),
                          np.array([-(2**31)], np.int32), np.array([7], np.uint64)], check)


def make_length(rng, seed):
    n, grid, block = ((1000, 5, 64), (7, 1, 32), (5003, 37, 256), (1500, 40, 32))[seed]
    x = rng.standard_normal(n).astype(np.float32)
    expected = np.sqrt(np.sum(x.astype(np.float64) ** 2))

    def check(args):
        # Of terms above 0 each addition rounds by at most 2^-24 of the sum, and
        # the root halves the relative error; additions in turn are far fewer.
        assert abs(args[3][0] - expected) <= n * 2.0**-24 * expected
    return Run(grid, block, [x, np.int32(n), unwritten(grid, dtype=np.float32),
                             np.zeros(1, np.float32)], check)


# ---- matrix products ---------------------------------------------------------


def matrix(rng, rows, columns, stride, dtype, exact):
    """With NaNs outside, which would spoil a product that used them."""
    values = (rng.integers(-3, 4, (rows, columns)) if exact
              else rng.standard_normal((rows, columns)))
    wide = np.full((rows, stride), np.nan, dtype)
    wide[:, :columns] = values.astype(dtype)
    return wide


def check_product(got, a, b, rounding):
    """Each of the k additions rounds by at most 2^-23 (mma may truncate) of the
    sum of magnitudes; `rounding`: of the result, relative, and its least step."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    bound = a.shape[1] * 2.0**-23 * (np.abs(a) @ np.abs(b)) + rounding[0] * np.abs(a @ b)
    error = np.abs(got.astype(np.float64) - a @ b)
    assert np.all(error <= bound + rounding[1]), (error.max(), np.argmax(error))


def up_to(n, multiple):
    return blocks(n, multiple) * multiple


def make_gemm_bf16(rng, seed):
    m, n, k = ((70, 45, 100), (64, 64, 64), (33, 129, 29), (1, 7, 161))[seed]
    stride = up_to(k, 8)
    exact = seed == 0  # small integers: every sum is
    a, b = (matrix(rng, rows, k, stride, BF16, exact) for rows in (m, n))

    def check(args):
        check_product(args[2], a[:, :k], b[:, :k].T, (0, 0))
        if exact:
            np.testing.assert_array_equal(
                args[2], a[:, :k].astype(np.float32) @ b[:, :k].astype(np.float32).T)
    return Run((blocks(n, 64), blocks(m, 64)), 128,
               [a, b, unwritten(m, n, dtype=np.float32), *map(np.int32, (m, n, k, stride))], check)


def make_gemm_f16(rng, seed):
    m, n, k = ((40, 69, 100), (32, 64, 96), (33, 129, 21), (5, 7, 161))[seed]
    exact = seed == 0
    strides = up_to(k, 8), up_to(n, 8), up_to(n, 8)
    a = matrix(rng, m, k, strides[0], np.float16, exact)
    b = matrix(rng, k, n, strides[1], np.float16, exact)
    c = np.full((m, strides[2]), -1, np.float16)

    def check(args):
        # Half an ulp of f16, or of its least numbers.
        check_product(args[2][:, :n], a[:, :k], b[:, :n], (2.0**-11, 2.0**-25))
        assert np.all(args[2][:, n:] == -1)
        if exact:
            np.testing.assert_array_equal(
                args[2][:, :n], a[:, :k].astype(np.float32) @ b[:, :n].astype(np.float32))
    return Run((blocks(n, 64), blocks(m, 32)), 128,
               [a, b, c, *map(np.int32, (m, n, k, *strides))], check, shared=3 * 3072 * 2)


# ---- divergence --------------------------------------------------------------


def make_collatz(rng, seed):
    n = (100, 33, 257, 1)[seed]
    x = rng.integers(0, 3000, n).astype(np.uint32)

    def steps(v):
        count = 0
        while v > 1:
            v = 3 * v + 1 if v % 2 else v // 2
            count += 1
        return count
    return Run(blocks(n, 64), 64, [x, np.int32(n), unwritten(n)],
               expect([steps(int(v)) for v in x]))


def make_choose(rng, seed):
    n = (150, 31, 64, 97)[seed]
    code = rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 39, 40, 41, -1], n).astype(np.int32)
    x = rng.integers(-1000, 1000, n).astype(np.int32)
    y, seen = unwritten(n), np.zeros(10, np.int32)

    def case_3(v):
        k = 0
        while k < (v & 15):
            v = scalar_cases.signed(v * 3 + k, 32)
            k += 1
        return v

    def case_7(v):
        while True:
            v = scalar_cases.c_divide(v, 2)
            if v <= 10:
                return v
    for i, v in enumerate(map(int, x)):
        if code[i] == 5:
            seen[5] += 1
            continue
        if code[i] == 4:
            seen[4] += v
        y[i] = {0: lambda: v * v, 1: lambda: v + 93, 2: lambda: v - 7, 3: lambda: case_3(v),
                4: lambda: v, 6: lambda: -v if v < 0 else ~v, 7: lambda: case_7(v),
                8: lambda: v ^ (v >> 3), 9: lambda: int(x[(i + 1) % n]),
                40: lambda: 40}.get(int(code[i]), lambda: -1)()

    def check(args):
        np.testing.assert_array_equal(args[3], y)
        np.testing.assert_array_equal(args[4], seen)
    return Run(blocks(n, 96), 96, [code, x, np.int32(n), unwritten(n), np.zeros(10, np.int32)],
               check)


def make_find_pair(rng, seed):
    n, queries = ((20, 50), (7, 32), (2, 5), (30, 70))[seed]
    x = rng.integers(-5, 40, n).astype(np.int32)
    wanted = rng.integers(0, 80, queries).astype(np.int32)

    def find(w):
        return next(((i, j) for i in range(n) for j in range(i + 1, n)
                     if x[j] >= 0 and x[i] + x[j] == w), (-1, -1))
    return Run(blocks(queries, 32), 32,
               [x, np.int32(n), wanted, np.int32(queries), unwritten(queries, 2)],
               expect([find(w) for w in wanted]))


def make_sort_rows(rng, seed):
    rows = (50, 32, 1, 75)[seed]
    x = rng.integers(-300, 300, (rows, 17)).astype(np.int16)
    return Run(blocks(rows, 64), 64, [x, np.int32(rows), unwritten(rows, 17, dtype=np.int16)],
               expect(np.sort(x, axis=1)))


def make_end_early(rng, seed):
    n = (300, 128, 20, 135)[seed]
    x = rng.integers(0, 1000, n).astype(np.int32)
    values = np.full(up_to(n, 128), 1000)
    values[:n] = x
    ends = np.ones(len(values), bool)
    ends[:n] = x % 5 == 0
    blocks_of = values.reshape(-1, 128)
    sums = np.where(ends.reshape(-1, 128), blocks_of, blocks_of + np.roll(blocks_of, -1, axis=1))
    y = np.where(ends, UNWRITTEN, sums[:, np.arange(128) ^ 33].reshape(-1))
    return Run(len(blocks_of), 128, [x, np.int32(n), unwritten(n)], expect(y[:n]))


PROGRAMS = [b"xd*x+", b"x\1-d?l\7", b"\4x?\5", b"xx*x\2*-e\1\1", b"\0x\1\2s-+l", b"\3\1-dl",
            b"\1\2\3\4ss+", b"q"]


def interpret(program, x):
    stack, top, left, pc = [0] * 8, 0, 500, 0
    while pc < len(program) and left > 0:
        op = program[pc]
        a, b = stack[(top - 1) & 7], stack[(top - 2) & 7]
        if op <= 9 or op in b"xd":
            stack[top & 7] = op if op <= 9 else x if op == ord("x") else a
            top += 1
        elif op == ord("e"):
            break
        elif op in b"+-*":
            top -= 1
            value = b + a if op == ord("+") else b - a if op == ord("-") else b * a
            stack[(top - 1) & 7] = scalar_cases.signed(value, 32)
        elif op == ord("s"):
            stack[(top - 1) & 7], stack[(top - 2) & 7] = b, a
        elif op in b"?l":
            top -= 1
            if op == ord("?") and a == 0:
                pc += 1
            if op == ord("l") and a > 0:
                pc = -1
        pc, left = pc + 1, left - 1
    return stack[(top - 1) & 7] if top > 0 else -left


def make_interpret(rng, seed):
    """Programs of which none reads a part of the stack that it did not write."""
    n = (64, 33, 7, 100)[seed]
    length = 11
    chosen = [PROGRAMS[i].ljust(length, b"e") for i in rng.integers(0, len(PROGRAMS), n)]
    x = rng.integers(-3, 4, n).astype(np.int32)
    programs = np.frombuffer(b"".join(chosen), np.uint8)
    return Run(blocks(n, 32), 32, [programs, np.int32(length), x, np.int32(n), unwritten(n)],
               expect([interpret(p, int(v)) for p, v in zip(chosen, x)]))


# ---- within a warp -----------------------------------------------------------


def source_lanes(mode, delta, width):
    """Which lane each lane's value comes from."""
    lanes = np.arange(32)
    first = lanes // width * width
    if mode == "idx":
        return first + np.broadcast_to(delta, 32) % width
    # Of an earlier part of the warp a butterfly may read, of a later one it may not.
    other = {"up": lanes - delta, "down": lanes + delta, "xor": lanes ^ delta}[mode]
    least = first if mode == "up" else 0
    return np.where((other >= least) & (other < first + width), other, lanes)


def by_warp(rows, *values):
    """Each row's function of a warp's 32 values, warp after warp."""
    warps = [v.reshape(-1, 32) for v in values]
    return np.array([np.concatenate([np.broadcast_to(row(*w), 32) for w in zip(*warps)])
                     for row in rows])


def make_shuffles(rng, seed):
    n = (128, 64, 192, 64)[seed]
    x = rng.integers(-(2**31), 2**31, n).astype(np.int32)
    d = rng.standard_normal(n)
    lanes = np.arange(32)

    def pick(mode, delta, width=32):
        return lambda v: v[source_lanes(mode, delta, width)]
    rows = [pick("idx", 5), lambda v: v[v % 32], pick("idx", 3, 8), pick("idx", lanes * 3, 16),
            pick("up", 1), pick("up", 3, 8), pick("down", 2), pick("down", 5, 16),
            pick("xor", 16), pick("xor", 7, 4), pick("xor", 1, 2)]
    expected, expected64 = by_warp(rows, x), by_warp([pick("down", 1, 8)], d)[0]

    def check(args):
        np.testing.assert_array_equal(args[3], expected)
        np.testing.assert_array_equal(args[4], expected64)
    return Run(n // 64, 64, [x, d, np.int32(n), unwritten(len(rows), n),
                             unwritten(n, dtype=np.float64)], check)


def ballot(condition):
    return np.uint32(sum(1 << i for i, c in enumerate(condition) if c))


def match(v):
    return np.array([ballot(v == own) for own in v])


def make_votes(rng, seed):
    n = (128, 64, 192, 64)[seed]
    # In some warps all agree.
    x = np.where(np.repeat(rng.random(n // 32) < 0.3, 32), 5, rng.integers(0, 8 + seed, n))
    x = x.astype(np.int32)

    def uniform(v):
        return np.all(v == v[0])
    rows = [lambda v: ballot(v > 3), lambda v: np.any(v == 7), lambda v: np.all(v < 7), match, match,
            lambda v: 0xFFFFFFFF, lambda v: 0xFFFFFFFF if uniform(v) else 0, uniform,
            np.sum, lambda v: np.min(v - 4), lambda v: np.max((v - 4).view(np.uint32)),
            lambda v: np.bitwise_and.reduce(v | 8), np.bitwise_or.reduce,
            lambda v: np.bitwise_xor.reduce(v * 77)]
    expected = by_warp([lambda v, r=r: np.asarray(r(v)).astype(np.int64) & 0xFFFFFFFF for r in rows],
                       x)
    return Run(n // 64, 64, [x, np.int32(n), unwritten(len(rows), n, dtype=np.uint32)],
               expect(expected))


def make_partial(rng, seed):
    n = (64, 96, 32, 160)[seed]
    x = rng.integers(0, 6, n).astype(np.int32)
    out = unwritten(5, n, dtype=np.uint32)
    for start in range(0, n, 32):
        v = x[start:start + 32].astype(np.int64)
        first, second = np.zeros(32, np.int64), np.zeros(32, np.int64)
        first[:13] = ballot(v[:13] > 2)
        second[13:] = v[13:].max()
        for _ in range(3):
            v[:13] += np.roll(v[:13], -1)
        second[:13] = v[:13].sum()
        odd = np.arange(13, 32, 2)
        first[odd] = [sum(1 << int(o) for o in odd if v[o] == v[own]) for own in odd]
        v[odd] = v[odd ^ 2]
        second[13:] += np.any(v[13:] == 1)
        column = slice(start, start + 32)
        out[:3, column] = first, second, v
        stays = v % 3 != 0
        out[3:, column][:, stays] = 1
    return Run(n // 32, 32, [x, np.int32(n), unwritten(5, n, dtype=np.uint32)], expect(out))


# ---- shared memory -----------------------------------------------------------


def make_histogram(rng, seed):
    n, block = ((1000, 96), (1, 32), (3001, 128), (500, 512))[seed]
    x = np.minimum(rng.exponential(40, n), 255).astype(np.uint8)
    return Run(2, block, [x, np.int32(n), np.ones(256, np.uint32)],
               expect(np.bincount(x, minlength=256) + 1))


def make_scan(rng, seed):
    block, grid = ((64, 2), (32, 1), (128, 3), (8, 2))[seed]
    x = rng.integers(-100, 100, (grid, 2 * block)).astype(np.int32)
    sums = np.cumsum(x, axis=1)
    return Run(grid, block, [x, unwritten(grid, 2 * block)], expect(sums - x),
               shared=2 * block * 4)


TOTALS = np.dtype([
    *[(name, np.int32) for name in ("add", "least", "greatest")],
    *[(name, np.uint32) for name in ("leastUnsigned", "greatestUnsigned", "all", "any", "parity",
                                     "increments", "decrements")],
    ("addFloat", np.float32), ("greatestFloat", np.float32),
    *[(name, np.uint64) for name in ("add64", "greatest64", "cas64")],
    ("addDouble", np.float64), ("last", np.int32), ("sumOfReplaced", np.int32)], align=True)


def totals_of(values, start):
    """Whatever the order: the sums are exact."""
    total, unsigned = start.copy(), values.view(np.uint32)
    total["add"] += values.sum()
    total["least"] = min(total["least"], values.min())
    total["greatest"] = max(total["greatest"], values.max())
    total["leastUnsigned"] = min(total["leastUnsigned"], unsigned.min())
    total["greatestUnsigned"] = max(total["greatestUnsigned"], unsigned.max())
    total["all"] &= np.bitwise_and.reduce(unsigned | 3)
    total["any"] |= np.bitwise_or.reduce(unsigned)
    total["parity"] ^= np.bitwise_xor.reduce(unsigned)
    for _ in values:
        total["increments"] = 0 if total["increments"] >= 6 else total["increments"] + 1
        wraps = total["decrements"] == 0 or total["decrements"] > 4
        total["decrements"] = 4 if wraps else total["decrements"] - 1
    total["addFloat"] += (values & 1023).sum()
    total["greatestFloat"] = max(total["greatestFloat"], np.float32(values.max()))
    total["add64"] += np.sum(values.astype(np.int64) << 20).view(np.uint64)
    total["greatest64"] = max(int(total["greatest64"]), int(unsigned.max()) << 9)
    if total["cas64"] == 5:
        total["cas64"] = 1 << 40
    total["addDouble"] += values.sum() / 4
    return total


def make_atomics(rng, seed):
    n, block = ((70, 64), (1, 32), (200, 96), (33, 64))[seed]
    grid = blocks(n, block)
    x = rng.integers(-5000, 5000, n).astype(np.int32)
    start = np.zeros(grid + 1, TOTALS)
    start["least"], start["leastUnsigned"] = 2**31 - 1, 2**32 - 1
    start["greatest"], start["greatestFloat"] = -(2**31), -np.inf
    start["all"], start["decrements"], start["cas64"] = 2**32 - 1, 9, 5 + seed % 2
    start["last"] = 17

    def check(args):
        everything = [x[i * block:(i + 1) * block] for i in range(grid)] + [x]
        for got, values, first in zip([*args[2], *args[3]], everything, start):
            expected = totals_of(values, first)
            for name in TOTALS.names[:-2]:
                assert got[name] == expected[name], (name, got[name], expected[name])
            # Which is exchanged last is open; nothing is lost.
            assert got["last"] in values
            assert got["last"] + got["sumOfReplaced"] == values.sum() + first["last"]
    return Run(grid, block, [x, np.int32(n), start[:grid].copy(), start[grid:].copy()], check)


def make_producer_consumer(rng, seed):
    grid, tiles = ((1, 5), (2, 1), (1, 2), (2, 7))[seed]
    x = rng.integers(-1000, 1000, (grid, tiles, 64)).astype(np.int32)
    return Run(grid, 128, [x, np.int32(tiles), unwritten(grid, tiles, 64)],
               expect(np.cumsum(x[:, :, ::-1], axis=1)))


def make_two_sides(rng, seed):
    turns = (3, 0, 1, 6)[seed]
    x = rng.integers(-50, 50, 128).astype(np.int32)
    v, w = x[:64].astype(np.int64), np.zeros(64, np.int64)
    for _ in range(turns):
        left, right = v, x[64:] + w
        v, w = v + right[::-1], w ^ (left * 3)
    return Run(1, 128, [x, np.int32(turns), unwritten(128)], expect(wrap([*v, *w])))


def make_softmax(rng, seed):
    rows, columns, block = ((3, 300, 64), (1, 4, 32), (2, 1028, 288), (4, 60, 96))[seed]
    x = (rng.standard_normal((rows, columns)) * 5).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = -np.inf
    x[-1] = np.sort(x[-1])  # every value rescales
    if rows > 1:
        x[1] = -np.inf
    scales = np.linspace(0.5, 1.5, rows, dtype=np.float32)
    logits = x.astype(np.float64) * scales[:, None]
    greatest = np.maximum(logits.max(axis=1, keepdims=True), -1e300)
    powers = np.exp(logits - greatest)
    expected = powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-300)

    def check(args):
        # __expf of d has 2 + 1.2 |d| ulp; those of a value's rescaling add up to
        # the same, as does the rounding of its logit. |d| is below 60.
        np.testing.assert_allclose(args[3], expected, rtol=4 * (2 + 1.2 * 60) * 2.0**-23, atol=1e-37)
    return Run(rows, block, [x, np.int32(columns // 4), scales,
                             unwritten(rows, columns, dtype=np.float32)], check)


def make_critical_section(rng, seed):
    n, grid = ((150, 3), (1, 1), (64, 2), (97, 2))[seed]
    x = rng.integers(-100, 100, n).astype(np.int32)
    return Run(grid, 64, [x, np.int32(n), np.array([5, 0, -(2**31)], np.int32)],
               expect([x.sum() + 5, n, x.max()]))


def make_chained_scan(rng, seed):
    grid = (5, 1, 8, 2)[seed]
    x = rng.integers(-1000, 1000, grid * 64).astype(np.int32)
    return Run(grid, 64, [x, unwritten(grid * 64), unwritten(grid), np.zeros(grid, np.int32)],
               expect(np.cumsum(x), index=1))


def make_transpose(rng, seed):
    squares, grid = ((5, 2), (1, 1), (4, 2), (3, 2))[seed]
    x = rng.integers(0, 2**30, (squares, 32, 32)).astype(np.int32)
    return Run(grid, 64, [x, np.int32(squares), unwritten(squares, 32, 32)],
               expect(x.transpose(0, 2, 1)))


def make_rotate(rng, seed):
    times = np.array(((3, 2), (2, 3, 0, 1), (6, 7), (5, 4, 1, 0, 4, 5))[seed], np.int32)
    squares = len(times)
    x = rng.integers(0, 2**30, (squares, 16, 16)).astype(np.int32)
    # numpy.rot90 turns to the left, as the first half of a warp does.
    return Run(squares // 2, 32, [x, times, unwritten(squares, 16, 16)],
               expect([np.rot90(s, t if i % 2 == 0 else -t)
                       for i, (s, t) in enumerate(zip(x, times))]))


def make_radix_sort(rng, seed):
    n = (300, 128, 5, 250)[seed]
    keys = (rng.integers(0, 2**32, n) if seed % 2 else rng.integers(0, 9, n) << 12).astype(np.uint32)
    order = np.concatenate([start + np.argsort(keys[start:start + 128], kind="stable")
                            for start in range(0, n, 128)])

    def check(args):
        np.testing.assert_array_equal(args[3], order)
        np.testing.assert_array_equal(args[2], keys[order])
    return Run(blocks(n, 128), 128, [keys, np.int32(n), unwritten(n, dtype=np.uint32),
                                     unwritten(n)], check)


def make_pipeline(rng, seed):
    n, grid = ((1501, 2), (253, 1), (1030, 3), (1795, 1))[seed]
    tiles = blocks(n, 256)
    x = rng.integers(-9999, 9999, n).astype(np.int32)
    weights = rng.integers(-99, 99, 64).astype(np.int32)
    marks = rng.integers(0, 9, tiles).astype(np.int32)
    padded = np.zeros((tiles, 256), np.int32)
    padded.reshape(-1)[:n] = x
    y = np.tile(weights, 4) * padded - padded[:, ::-1] + marks[:, None]
    return Run(grid, 64, [x, np.int32(n), weights, marks, unwritten(n)],
               expect(y.reshape(-1)[:n]))


# ---- addresses ---------------------------------------------------------------

PIECE = np.dtype([("kind", np.int8), ("step", np.int16), ("offsets", np.int32, 3),
                  ("data", np.uint64), ("factor", np.float64)], align=True)


def make_by_value(rng, seed):
    n = (70, 33, 1, 128)[seed]
    data = rng.integers(-1000, 1000, n).astype(np.int32)
    step, offsets, factor = 2 * seed + 1, [3, 0, 11], 0.25 * (seed + 1)
    piece = np.zeros((), PIECE)
    for name, value in (("kind", -7), ("step", step), ("offsets", offsets),
                        ("data", data.ctypes.data), ("factor", factor)):
        piece[name] = value
    small = np.array((200, 3, 1), "u1,u1,u1")
    negate = np.bool_(seed % 2)
    i = np.arange(n)
    v = data[(i * step + np.array(offsets)[i % 3]) % n] * factor - 5 + 200 + 256 * 3 + 65536
    return Run(blocks(n, 64), 64, [piece[()], small[()], np.int16(-5), negate, np.int32(n),
                                   unwritten(n, dtype=np.float64)],
               expect((-v if negate else v) - 7), reached=(data,))


def make_look_up(rng, seed):
    n = (100, 32, 3, 65)[seed]
    x = rng.integers(0, 1000, n).astype(np.int32)
    constants = np.array([11, -22, 33, -44, 55])
    primes = np.array([2, 3, 5, 7, 11, 13])
    pairs = np.array([[0.5, 2], [-1, 4.25]])
    y = (constants[x % 5] * 1000 + primes[3 * (x & 1) + x % 3] * 10
         + np.array([-1, 2, -3, 4, -5, 6, -7])[x % 7]
         + np.frombuffer(b"sparse\0", np.uint8)[x % 7])
    z = np.array([0.5, 1.5, 2.5])[x % 3] * pairs[x % 2, 0] - pairs[1 - x % 2, 1]

    def check(args):
        np.testing.assert_array_equal(args[2], y)
        np.testing.assert_array_equal(args[3], z)
    return Run(blocks(n, 32), 32, [x, np.int32(n), unwritten(n), unwritten(n, dtype=np.float64)],
               check)


def make_generic(rng, seed):
    grid = 1 + seed % 2
    kinds = rng.integers(0, 4, (grid, 64)).astype(np.int32)
    x = rng.integers(0, 1000, (grid, 64)).astype(np.int32)
    t = np.arange(64)
    before = np.select([kinds == 0, kinds == 1, kinds == 2],
                       [1000 + t, x, t * ((t & 3) + 1)], np.array([2, 3, 5])[t % 3])
    shared = 1000 + t + np.where(kinds == 0, 12, 0)
    own = 2 * t + np.where((kinds == 2) & (t % 4 == 1), 5, 0)
    y = before * 100000 + np.roll(shared, -1, axis=1) + own + (kinds == 0)

    def check(args):
        np.testing.assert_array_equal(args[1], x + np.where(kinds == 1, 5, 0))
        np.testing.assert_array_equal(args[2], wrap(y))
    return Run(grid, 64, [kinds, x, unwritten(grid, 64)], check)


VECTORS = np.dtype([("a", "u1", 4), ("b", "i2", 2), ("c", "i4", 4), ("d", "f8", 2), ("e", "i8", 2),
                    ("f", "u2", 4), ("g", "i1", 2), ("h", "f4", 2)])
# Where the fields lie: a vector is aligned to its size.
VECTORS = np.dtype({"names": VECTORS.names, "formats": [VECTORS[name] for name in VECTORS.names],
                    "offsets": [0, 4, 16, 32, 48, 64, 72, 80], "itemsize": 96})


def make_vectors(rng, seed):
    n = (70, 32, 1, 45)[seed]
    x = np.zeros(n, VECTORS)
    for name in VECTORS.names:
        field = x[name]
        field[...] = rng.integers(0, 100, field.shape)
    v = np.zeros(up_to(n, 32), VECTORS)
    t = np.arange(len(v))
    kept = (t < n) & (t % 2 == t // 2 % 2)  # the others read the zeros
    v[kept] = x[kept[:n]]
    v["a"][:, 3] += v["a"][:, 0]
    v["b"][:, 1] -= v["b"][:, 0]
    v["c"][:, 2] *= v["c"][:, 3]
    v["d"][:, 0] += v["d"][:, 1]
    v["e"][:, 1] ^= v["e"][:, 0]
    v["f"][:, 0] = v["f"][:, 3] - v["f"][:, 2]
    v["g"][:, 0] = -v["g"][:, 1]
    v["h"][:, 1] *= v["h"][:, 0]
    expected = v.reshape(-1, 32)[:, ::-1].reshape(-1)[:n]

    def check(args):
        for name in VECTORS.names:
            np.testing.assert_array_equal(args[2][name], expected[name], name)
    return Run(blocks(n, 32), 32, [x, np.int32(n), np.zeros(n, VECTORS)], check)


def make_carve(rng, seed):
    n = (100, 64, 1, 37)[seed]
    x = rng.standard_normal(n)
    i = np.arange(n)
    floats = (x * 2).astype(np.float32)
    mirrored = n - 1 - i
    y = x[mirrored] + floats[(mirrored + 1) % n] + (mirrored + 2) % n * 7 % 256
    return Run(1, 64, [x, np.int32(n), unwritten(n, dtype=np.float64)], expect(y), shared=13 * n)


def make_stencil(rng, seed):
    size = ((15, 9, 4), (7, 5, 3), (1, 1, 1), (20, 4, 7))[seed]
    x = rng.integers(-1000, 1000, size[::-1]).astype(np.int32)
    p = np.pad(x, 1)

    def shifted(z, y, x):
        return p[1 + z:p.shape[0] - 1 + z, 1 + y:p.shape[1] - 1 + y, 1 + x:p.shape[2] - 1 + x]
    expected = (6 * x - shifted(0, 0, 1) - 2 * shifted(0, 0, -1) - shifted(0, 1, 0)
                - 3 * shifted(0, -1, 0) - shifted(1, 0, 0) - 5 * shifted(-1, 0, 0))
    int3 = np.array(size, np.int32).view("i4,i4,i4")[0]
    return Run(tuple(map(blocks, size, (7, 5, 3))), (7, 5, 3), [x, int3, unwritten(*size[::-1])],
               expect(expected))


CASES = scalar_cases.CASES + math_cases.CASES + idiom_cases.CASES + [
    Case("reduce", "reduce", make_reduce),
    Case("reduce", "length", make_length),
    Case("gemm_bf16", "gemm_bf16", make_gemm_bf16),
    Case("gemm_f16", "gemm_f16", make_gemm_f16),
    Case("divergence", "collatz", make_collatz),
    Case("divergence", "choose", make_choose),
    Case("divergence", "find_pair", make_find_pair),
    Case("divergence", "sort_rows", make_sort_rows),
    Case("divergence", "end_early", make_end_early),
    Case("divergence", "interpret", make_interpret),
    Case("collectives", "shuffles", make_shuffles),
    Case("collectives", "votes", make_votes),
    Case("collectives", "partial", make_partial),
    Case("histogram", "histogram", make_histogram),
    Case("histogram", "scan", make_scan),
    Case("histogram", "atomics", make_atomics),
    Case("locks", "critical_section", make_critical_section),
    Case("locks", "chained_scan", make_chained_scan),
    Case("named_barriers", "two_sides", make_two_sides),
    Case("named_barriers", "producer_consumer", make_producer_consumer),
    Case("softmax", "softmax", make_softmax),
    Case("transpose", "transpose", make_transpose),
    Case("transpose", "rotate", make_rotate),
    Case("radix_sort", "radix_sort", make_radix_sort),
    Case("pipeline", "pipeline", make_pipeline),
    Case("pointers", "by_value", make_by_value),
    Case("pointers", "look_up", make_look_up),
    Case("pointers", "generic", make_generic),
    Case("pointers", "vectors", make_vectors),
    Case("pointers", "carve", make_carve),
    Case("stencil", "stencil", make_stencil),
]
