"""What the threads of a warp tell each other, and pass on in shared memory."""

import numpy as np
from kernel_case import Case, Run, expect, unwritten


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


CASES = [
    Case("collectives", "shuffles", make_shuffles),
    Case("collectives", "votes", make_votes),
    Case("collectives", "partial", make_partial),
    Case("transpose", "transpose", make_transpose),
    Case("transpose", "rotate", make_rotate),
]
