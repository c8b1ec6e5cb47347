"""Where kernels read and write: structures, tables, generic pointers, vectors."""

import numpy as np
from kernel_case import Case, Run, blocks, expect, unwritten, up_to, wrap

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


# A vector is aligned to its size; what fills the gaps is copied, too.
VECTORS = np.dtype([("a", "u1", 4), ("b", "i2", 2), ("gap1", "u1", 8), ("c", "i4", 4), ("d", "f8", 2),
                    ("e", "i8", 2), ("f", "u2", 4), ("g", "i1", 2), ("gap2", "u1", 6),
                    ("h", "f4", 2), ("gap3", "u1", 8)])


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
    return Run(blocks(n, 32), 32, [x, np.int32(n), np.zeros(n, VECTORS)], expect(expected))


def make_carve(rng, seed):
    n = (100, 64, 1, 37)[seed]
    x = rng.standard_normal(n)
    i = np.arange(n)
    floats = (x * 2).astype(np.float32)
    mirrored = n - 1 - i
    y = x[mirrored] + floats[(mirrored + 1) % n] + (mirrored + 2) % n * 7 % 256
    return Run(1, 64, [x, np.int32(n), unwritten(n, dtype=np.float64)], expect(y), shared=13 * n)


CASES = [
    Case("pointers", "by_value", make_by_value),
    Case("pointers", "look_up", make_look_up),
    Case("pointers", "generic", make_generic),
    Case("pointers", "vectors", make_vectors),
    Case("pointers", "carve", make_carve),
]
