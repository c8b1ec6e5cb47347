"""Random programs: branches, loops and exits that differ from lane to lane.

What each thread computes is what a thread alone would; between the parts of a
program the lanes of a warp, all back together, pass a value on.
"""

import random

import numpy as np
import pytest

from isa import run, same

VARIABLES, PARTS, THREADS, MASK = 4, 3, 44, 2**32 - 1
OPERATIONS = {
    "add.u32": lambda x, y: x + y & MASK,
    "sub.u32": lambda x, y: x - y & MASK,
    "mul.lo.u32": lambda x, y: x * y & MASK,
    "xor.b32": lambda x, y: x ^ y,
    "and.b32": lambda x, y: x & y,
    "max.u32": max,
}
RELATIONS = {"lt": lambda x, y: x < y, "eq": lambda x, y: x == y, "ge": lambda x, y: x >= y}


def statements(generator, depth, in_loop):
    return [statement(generator, depth, in_loop) for _ in range(generator.randint(1, 4))]


def condition(generator):
    """Of some bits of a variable."""
    number = generator.choice([1, 3, 7])
    relation = generator.choice(list(RELATIONS))
    return generator.randrange(VARIABLES), number, relation, generator.randint(0, number)


def statement(generator, depth, in_loop):
    kinds = ["assign"] * 3 + ["if", "if", "loop"] * (depth > 0) + ["break", "continue"] * in_loop
    kind = generator.choice(kinds)
    if kind == "assign":
        operation = generator.choice(list(OPERATIONS))
        target, source = (generator.randrange(VARIABLES) for _ in range(2))
        return kind, operation, target, source, generator.randint(1, 99)
    if kind == "if":
        parts = [statements(generator, depth - 1, in_loop) for _ in range(2)]
        return kind, condition(generator), parts[0], parts[1] if generator.random() < 0.6 else []
    if kind == "loop":
        return (
            kind,
            condition(generator),
            generator.randint(1, 5),
            statements(generator, depth - 1, True),
        )
    return kind, condition(generator)


class Text:
    """Statements as PTX. The counter of a loop is a register of its own."""

    def __init__(self):
        self.labels, self.lines = 0, []

    def label(self):
        self.labels += 1
        return f"L{self.labels}"

    def branch(self, condition, target, unless=False):
        variable, number, relation, value = condition
        self.lines.append(f"and.b32 %r10, %r{variable}, {number};")
        self.lines.append(f"setp.{relation}.u32 %p1, %r10, {value};")
        self.lines.append(f"@{'!' if unless else ''}%p1 bra {target};")

    def add(self, body, again=None, end=None):
        for kind, *rest in body:
            if kind == "assign":
                operation, target, source, constant = rest
                self.lines.append(f"{operation} %r10, %r{source}, {constant};")
                self.lines.append(f"xor.b32 %r{target}, %r{target}, %r10;")
            elif kind == "if":
                condition, then, otherwise = rest
                second, join = self.label(), self.label()
                self.branch(condition, second, unless=True)
                self.add(then, again, end)
                self.lines += [f"bra {join};", f"{second}:"]
                self.add(otherwise, again, end)
                self.lines.append(f"{join}:")
            elif kind == "loop":
                condition, limit, inner = rest
                first, following, leave = self.label(), self.label(), self.label()
                counter = f"n{self.labels}"
                self.lines += [f".reg .u32 {counter};", f"mov.u32 {counter}, 0;", f"{first}:"]
                self.add(inner, following, leave)
                self.lines += [f"{following}:", f"add.u32 {counter}, {counter}, 1;"]
                self.lines.append(f"setp.ge.u32 %p2, {counter}, {limit};\n@%p2 bra {leave};")
                self.branch(condition, first)
                self.lines.append(f"{leave}:")
            else:
                self.branch(rest[0], again if kind == "continue" else end)


class Leave(Exception):
    pass


class Again(Exception):
    pass


def holds(condition, values):
    variable, number, relation, value = condition
    return RELATIONS[relation](values[variable] & number, value)


def execute(body, values):
    """The statements, for one thread."""
    for kind, *rest in body:
        if kind == "assign":
            operation, target, source, constant = rest
            values[target] ^= OPERATIONS[operation](values[source], constant)
        elif kind == "if":
            execute(rest[1] if holds(rest[0], values) else rest[2], values)
        elif kind == "loop":
            condition, limit, inner = rest
            for count in range(limit):
                try:
                    execute(inner, values)
                except Again:
                    pass
                except Leave:
                    break
                if count + 1 == limit or not holds(condition, values):
                    break
        elif holds(rest[0], values):
            raise Again if kind == "continue" else Leave


@pytest.mark.parametrize("seed", range(40))
def test_program(seed):
    generator = random.Random(seed)
    parts = [statements(generator, 3, False) for _ in range(PARTS)]
    leaving = condition(generator)
    start = np.random.default_rng(seed).integers(0, 2**32, (THREADS, VARIABLES), dtype=np.uint32)
    text = Text()
    text.lines += [f"ld.global.u32 %r{i}, [%e1+{4 * i}];" for i in range(VARIABLES)]
    for part in parts:
        text.add(part)
        text.lines.append("shfl.sync.bfly.b32 %r11, %r0, 1, 31, 0xffffffff;")
        text.lines.append("add.u32 %r0, %r0, %r11;")
    text.lines += [f"st.global.u32 [%e0+{4 * i}], %r{i};" for i in range(VARIABLES)]
    text.branch(leaving, "END")
    text.lines += [f"st.global.u32 [%e0+{4 * VARIABLES}], 1;", "END:"]
    out = np.zeros((THREADS, VARIABLES + 1), np.uint32)
    run("\n".join(text.lines), out, start, block=THREADS, seed=seed)
    values = start.tolist()
    for part in parts:
        for row in values:
            execute(part, row)
        sums = [row[0] + values[i ^ 1][0] & MASK for i, row in enumerate(values)]
        for row, total in zip(values, sums):
            row[0] = total
    want = [row + [int(not holds(leaving, row))] for row in values]
    same(out, np.array(want, np.uint32))
