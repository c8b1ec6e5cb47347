"""Small random changes of MLIR, as text and as bytecode.

A change of text knows what it changes: a size, a type, an operand. Changes of
types go to all places that read the same, so that uses of a value still agree:
many mutants get past the parser, which is where most of the code is.
"""

import re

DIMENSION = r"(?<=[<x])(?:\d+|\?)(?=x[\da-zA-Z?!])"
ELEMENTS = ["f32", "f16", "bf16", "f64", "f8E4M3FN", "f8E5M2", "f4E2M1FN", "i1", "i8", "i32", "i64",
            "i128", "si32", "ui8", "index", "complex<f32>", "none"]
ELEMENT = r"(?:(?<=x)|(?<![\w.%@#!]))(?:" + "|".join(map(re.escape, ELEMENTS)) + r")(?![\w<])"
CONTAINER = r"\b(?:tensor|memref|vector)(?=<)"
TYPE = r"\b(?:tensor|memref|vector)<[^<>]*(?:<[^<>]*>[^<>]*)?>"
NUMBER = r"(?<![\w.%@#!?])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])"
VALUE = r"%\w+(?:#\d+)?"
USE = VALUE + r"(?= :|[,)])"
CLAUSE = r"\b[a-z_]+\(%[^()]*\)"
OPTIONAL = r"\b(?:block_table|counts|hi|lo|scales|sink|translate|valid)\(%[^()]*\)"
OPERAND = rf"\b([a-z_]+)\((%\w+) : ({TYPE})"
SETTING = r"\b\w+ = [^,{}()<> \n]+"
OPERATION = r"\b(?:dsa|arith|bufferization|cf|func|linalg|llvm|math|memref|scf|tensor)\.\w+"
LINE = r"(?m)^ .*\n"
TOKEN = r'"(?:\\.|[^"\\\n])*"|[%@#!^]?[\w.$]+|->|\S'

INTEGERS = ["0", "1", "2", "3", "4", "63", "65", "2048", "65536", "2147483647", "2147483648",
            "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808"]
SIZES = [*INTEGERS, "?", "?", "?"]
NUMBERS = [*INTEGERS, "-1", "-1", "-2147483649", "-9223372036854775808", "1" + "0" * 40]
FLOATS = ["0.0", "-0.0", "1.0", "-1.0", "0.5", "1.0e38", "1.0e-45", "1.0e-320", "1.0e999", "0x7FC00000",
          "0xFF800000"]
LAYOUTS = [", strided<[?, ?], offset: ?>", ", strided<[?, 1]>", ", strided<[1], offset: 3>",
           ", strided<[0]>", ", strided<[-1, 1]>", ", affine_map<(d0) -> (d0 + 1)>",
           ", affine_map<(d0, d1) -> (d1, d0)>", ", 1", ", #dsa.kv_layout<mla_656, page = 1>", ", \"x\""]


def _edit(rng, text, pattern, change, everywhere=0.5):
    """One match changed, or all that read like it; None without a match."""
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    picked = rng.choice(found)
    old, new = picked[0], change(picked[0])
    if rng.random() < everywhere:
        return re.sub(pattern, lambda match: new if match[0] == old else match[0], text)
    return text[:picked.start()] + new + text[picked.end():]


def _other(rng, corpus, pattern, old):
    """What stands elsewhere in the corpus in such a place."""
    for _ in range(8):
        found = re.findall(pattern, rng.choice(corpus))
        if found:
            return rng.choice(found)
    return old


def _size(rng, text, old):
    """Another size: of a neighbour in the text, or one that may not fit."""
    if rng.random() < 0.5:
        return rng.choice(re.findall(DIMENSION, text))
    return _number(rng, old, SIZES)


def _number(rng, old, values=()):
    if "." in old:
        return rng.choice(FLOATS)
    if re.fullmatch(r"-?\d{1,18}", old) and rng.random() < 0.4:
        return str(int(old) + rng.choice([-1, 1, int(old)]))
    return rng.choice(values or NUMBERS)


def _container(rng, old):
    return old if rng.random() < 0.1 else rng.choice(["tensor", "tensor", "memref", "memref", "vector"])


def _shape(rng, old):
    """A type with a dimension less, one more, no rank, or a layout."""
    return rng.choice([
        lambda: re.sub(r"<(?:\d+|\?)x", "<", old, count=1),
        lambda: old.replace("<", rng.choice(["<1x", "<?x", "<4x", "<0x"]), 1),
        lambda: re.sub(r"<(?:(?:\d+|\?)x)*", "<*x", old, count=1),
        lambda: old[:-1] + rng.choice(LAYOUTS) + ">"])()


def _flip(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + chr(rng.choice([0, 0x22, 0x80, 0x10FFFF, rng.randrange(1, 128)])) + text[at + 1:]


def _cut(rng, text):
    return text[:rng.randrange(len(text))]


def _swap_operands(rng, text):
    """Another value for an operand, mostly one of the same type."""
    types = dict(re.findall(rf"({VALUE}) ?: ({TYPE})", text))
    values = re.findall(VALUE, text)

    def other(old):
        alike = [value for value in types if types[value] == types.get(old) and value != old]
        return rng.choice(values if rng.random() < 0.1 else alike or [old])

    return _edit(rng, text, USE, other, everywhere=0)


def _add_operand(rng, text, corpus):
    """A clause of another file before an op's last, with a new argument as operand."""
    found = re.search(OPERAND + r"[^()]*\)", _other(rng, corpus, CLAUSE, ""))
    if not found or "@" not in text:
        return None
    fresh = f"%new{rng.randrange(1000)}"
    clause = found[0].replace(found[2], fresh)
    text = re.sub(r"(?<= )outs\(", lambda last: f"{clause} {last[0]}", text, count=1)
    return re.sub(r"(@\w+\()(?=%)", lambda head: f"{head[0]}{fresh}: {found[3]}, ", text, count=1)


def _double(rng, text, pattern):
    return _edit(rng, text, pattern, lambda old: old + rng.choice(["", " ", ", "]) + old)


# How often, and the change: a function of the generator, the text and the corpus.
TEXT = [
    (14, lambda r, t, c: _edit(r, t, DIMENSION, lambda old: _size(r, t, old), 0.95)),
    (12, lambda r, t, c: _edit(r, t, ELEMENT, lambda old: r.choice(ELEMENTS), 0.95)),
    (16, lambda r, t, c: _edit(r, t, NUMBER, lambda old: _number(r, old))),
    (4, lambda r, t, c: _edit(r, t, CONTAINER, lambda old: _container(r, old), 0.95)),
    (8, lambda r, t, c: _edit(r, t, TYPE, lambda old: _shape(r, old), 0.95)),
    (4, lambda r, t, c: _edit(r, t, TYPE, lambda old: _other(r, c, TYPE, old), 0.95)),
    (14, lambda r, t, c: _swap_operands(r, t)),
    (12, lambda r, t, c: _edit(r, t, OPTIONAL, lambda old: "")),
    (3, _add_operand),
    (1, lambda r, t, c: _edit(r, t, CLAUSE, lambda old: "")),
    (1, lambda r, t, c: _edit(r, t, CLAUSE, lambda old: _other(r, c, CLAUSE, old))),
    (1, lambda r, t, c: _edit(r, t, SETTING, lambda old: "")),
    (1, lambda r, t, c: _edit(r, t, SETTING, lambda old: _other(r, c, SETTING, old))),
    (2, lambda r, t, c: _edit(r, t, OPERATION, lambda old: _other(r, c, OPERATION, old))),
    (2, lambda r, t, c: _edit(r, t, LINE, lambda old: "")),
    (1, lambda r, t, c: _edit(r, t, LINE, lambda old: _other(r, c, LINE, old))),
    (1, lambda r, t, c: _edit(r, t, TOKEN, lambda old: "")),
    (1, lambda r, t, c: _edit(r, t, TOKEN, lambda old: _other(r, c, TOKEN, old))),
    (2, lambda r, t, c: _double(r, t, r.choice([TOKEN, LINE, CLAUSE]))),
    (2, lambda r, t, c: _flip(r, t)),
    (1, lambda r, t, c: _cut(r, t)),
]


def _splice(rng, data, corpus):
    """A piece removed, doubled, or replaced by a piece of another file."""
    at, size = rng.randrange(len(data)), rng.choice([1, 1, 2, 4, 8, 64])
    other = rng.choice(corpus)
    start = rng.randrange(len(other))
    piece = rng.choice([b"", data[at:at + size] * 2, other[start:start + size]])
    return data[:at] + piece + data[at + size:]


def _byte(rng, data, _corpus):
    at = rng.randrange(len(data))
    value = rng.choice([data[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 1, 0x7F, 0x80, 0xFF,
                        (data[at] + 2) & 0xFF, (data[at] - 2) & 0xFF])
    return data[:at] + bytes([value]) + data[at + 1:]


BYTECODE = [(10, _byte), (5, _splice), (1, lambda rng, data, _: _cut(rng, data))]


def mutate(rng, corpus, changes):
    """A member of the corpus after one to three changes."""
    weights = [weight for weight, _ in changes]
    mutant = rng.choice(corpus)
    for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
        for _ in range(20):
            change, = rng.choices([change for _, change in changes], weights)
            # An empty file is one mutant, and not one to go on with.
            changed = change(rng, mutant, corpus)
            if changed and changed != mutant:
                mutant = changed
                break
    return mutant
