"""Threads of a warp that go different ways."""

import numpy as np
from kernel_case import UNWRITTEN, Case, Run, blocks, expect, unwritten, up_to
from scalar_cases import c_divide, signed


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
            v = signed(v * 3 + k, 32)
            k += 1
        return v

    def case_7(v):
        while True:
            v = c_divide(v, 2)
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
            stack[(top - 1) & 7] = signed(value, 32)
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


CASES = [
    Case("divergence", "collatz", make_collatz),
    Case("divergence", "choose", make_choose),
    Case("divergence", "find_pair", make_find_pair),
    Case("divergence", "sort_rows", make_sort_rows),
    Case("divergence", "end_early", make_end_early),
    Case("divergence", "interpret", make_interpret),
]
