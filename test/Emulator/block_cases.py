"""Kernels whose blocks share memory: sums, products of matrices, sorting, pipelines."""

import ml_dtypes
import numpy as np
from kernel_case import Case, Run, blocks, expect, unwritten, up_to, wrap

BF16 = np.dtype(ml_dtypes.bfloat16)


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


CASES = [
    Case("reduce", "reduce", make_reduce),
    Case("reduce", "length", make_length),
    Case("gemm_bf16", "gemm_bf16", make_gemm_bf16),
    Case("gemm_f16", "gemm_f16", make_gemm_f16),
    Case("histogram", "histogram", make_histogram),
    Case("histogram", "scan", make_scan),
    Case("histogram", "atomics", make_atomics),
    Case("locks", "critical_section", make_critical_section),
    Case("locks", "chained_scan", make_chained_scan),
    Case("named_barriers", "two_sides", make_two_sides),
    Case("named_barriers", "producer_consumer", make_producer_consumer),
    Case("softmax", "softmax", make_softmax),
    Case("radix_sort", "radix_sort", make_radix_sort),
    Case("pipeline", "pipeline", make_pipeline),
    Case("stencil", "stencil", make_stencil),
]
