"""PTX that kernels write inline (kernels/idioms.cu): words, gathered rows, fragments."""

import numpy as np
from kernel_case import Case, Run
from ml_dtypes import bfloat16
from scalar_cases import compare_integers, random_integers, run_rows, signed, size_of, table


def logic(lut, a, b, c):
    return sum((lut >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1) & 1) << i
               for i in range(32))


def permute(a, b, selectors):
    """Bytes of b above those of a, the first selector for the highest; 8 and
    more are copies of the sign."""
    data, result = (b << 32 | a).to_bytes(8, "little"), 0
    for s in selectors:
        byte = data[s & 7]
        result = result << 8 | (byte if s < 8 else 255 * (byte >> 7))
    return result


# By the lower bits of the third operand.
PERMUTATIONS = {
    "f4e": ("3210", "4321", "5432", "6543"),
    "b4e": ("5670", "6701", "7012", "0123"),
    "rc8": ("0000", "1111", "2222", "3333"),
    "ecl": ("3210", "3211", "3222", "3333"),
    "ecr": ("0000", "1110", "2210", "3210"),
    "rc16": ("1010", "3232", "1010", "3232"),
}


def half_open(a, b):
    """a where it is below b and above 0 as a signed number, else b, 3 more if
    not below."""
    below = a < b
    return (a if signed(a, 32) > 0 and below else b) + (0 if below else 3)


def at_most(a, b):
    small, ordered = a < 1000, signed(a, 32) <= signed(b, 32)
    return int(ordered or small) | (2 if not ordered or small else 0)


WORDS = [
    *[lambda a, b, c, lut=lut: logic(lut, a, b, c) for lut in (0x96, 0xE8, 0xCA, 0x1D)],
    lambda a, b, c: permute(a, b, [c >> 4 * i & 15 for i in (3, 2, 1, 0)]),
    *[lambda a, b, c, rows=rows: permute(a, b, map(int, rows[c & 3]))
      for rows in PERMUTATIONS.values()],
    lambda a, b, c: a >> 16 | a << 16,
    lambda a, b, c: half_open(a, b),
    lambda a, b, c: at_most(a, b),
    lambda a, b, c: (a * b >> 32) + c,
]


def make_words(rng, seed):
    n = size_of(seed)
    x, y = random_integers(rng, n, 32), random_integers(rng, n, 32)
    expected, _ = table(WORDS, [(a, b, (a * 5 + b) & 0xFFFFFFFF) for a, b in zip(x, y)], 32)
    return run_rows(n, [np.array(x, np.uint32), np.array(y, np.uint32)],
                    [(len(WORDS), np.uint32)], lambda out: compare_integers(out, expected))


def make_gather(rng, seed):
    n, available = ((100, 9), (64, 1), (5, 70), (191, 33))[seed]
    x = rng.integers(0, 2**16, (available, 8)).astype(np.uint16)
    rows = rng.integers(-1, available, n).astype(np.int32)
    expected = np.where(rows[:, None] >= 0, x[rows], 0)
    expected[:, :2] ^= expected[:, 2:4]
    y = np.full((n, 8), 0x5A5A, np.uint16)
    return Run(-(-n // 64), 64, [x.view(bfloat16), rows, np.int32(n), y],
               lambda args: np.testing.assert_array_equal(args[3], expected))


def make_fragments(rng, seed):
    blocks = 1 + seed
    x = rng.integers(0, 2**16, (blocks, 2, 8, 8)).astype(np.uint16)
    lanes = np.arange(32)

    def fragment(matrices):
        # Two neighbours of a row, the first in the lower half.
        pairs = np.ascontiguousarray(matrices).view(np.uint32)
        return pairs[:, lanes // 4, lanes % 4]
    parts = [fragment(m) for m in (x[:, 0], x[:, 0].swapaxes(1, 2), x[:, 0], x[:, 1],
                                   x[:, 0].swapaxes(1, 2), x[:, 1].swapaxes(1, 2))]
    expected = np.stack(parts, axis=1)
    return Run(blocks, 32, [x, np.zeros((blocks, 6, 32), np.uint32)],
               lambda args: np.testing.assert_array_equal(args[1], expected))


CASES = [
    Case("idioms", "words", make_words),
    Case("idioms", "gather", make_gather),
    Case("idioms", "fragments", make_fragments),
]
