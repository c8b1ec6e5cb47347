"""PTX ISA 9.7.6, Comparison and Selection Instructions, and logic of predicates."""

import operator

import numpy as np
import pytest

from isa import TYPES, each, floats, flushed, integers, pairs, same

RELATIONS = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
             "gt": operator.gt, "ge": operator.ge, "lo": operator.lt, "ls": operator.le,
             "hi": operator.gt, "hs": operator.ge}  # fmt: skip
KEEP = "selp.b32 $d, 1, 0, %p1;"


def compare(text, a, b, want, *more):
    got = each(f"{text}\n{KEEP}", a, b, *more, out=np.uint32)
    same(got, want.astype(np.uint32), a, b, *more)


@pytest.mark.parametrize(
    "kind, names",
    [(f"b{n}", "eq ne") for n in (16, 32, 64)]
    + [(f"u{n}", "eq ne lt le gt ge lo ls hi hs") for n in (16, 32, 64)]
    + [(f"s{n}", "eq ne lt le gt ge") for n in (16, 32, 64)],
)
def test_integers(kind, names):
    a, b = pairs(integers(TYPES[kind]))
    for name in names.split():
        compare(f"setp.{name}.{kind} %p1, $a, $b;", a, b, RELATIONS[name](a, b))


@pytest.mark.parametrize("kind", ["f32", "ftz.f32", "f64"])
def test_ordered_floats(kind):
    """With a NaN, False."""
    a, b = pairs(floats(TYPES[kind[-3:]], 60))
    x, y = (flushed(a), flushed(b)) if "ftz" in kind else (a, b)
    ordered = ~(np.isnan(x) | np.isnan(y))
    for name in "eq ne lt le gt ge".split():
        want = RELATIONS[name](x, y) & ordered
        text = f"setp.{name}{'.ftz' if 'ftz' in kind else ''}.{kind[-3:]}"
        compare(f"{text} %p1, $a, $b;", a, b, want)


@pytest.mark.parametrize("kind", ["f32", "ftz.f32", "f64"])
def test_unordered_floats(kind):
    """With a NaN, True."""
    a, b = pairs(floats(TYPES[kind[-3:]], 60))
    x, y = (flushed(a), flushed(b)) if "ftz" in kind else (a, b)
    unordered = np.isnan(x) | np.isnan(y)
    for name in "equ neu ltu leu gtu geu".split():
        compare(f"setp.{name}.{kind} %p1, $a, $b;", a, b, RELATIONS[name[:2]](x, y) | unordered)
    compare(f"setp.num.{kind} %p1, $a, $b;", a, b, ~unordered)
    compare(f"setp.nan.{kind} %p1, $a, $b;", a, b, unordered)


@pytest.mark.parametrize("negated", ["", "!"])
@pytest.mark.parametrize("combine", ["and", "or", "xor"])
def test_combined_with_a_predicate(combine, negated):
    """p = t op c and q = !t op c, of the comparison t."""
    a, b = pairs(integers(np.int32, 60), 12)
    c = (np.arange(a.size) % 2).astype(np.uint32)
    test, given = a < b, (c != 0) ^ (negated == "!")
    function = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[combine]
    text = f"setp.ne.u32 %p2, $c, 0;\nsetp.lt.{combine}.s32 %p1|%p3, $a, $b, {negated}%p2;"
    compare(text, a, b, function(test, given), c)
    compare(f"{text}\nmov.pred %p1, %p3;", a, b, function(~test, given), c)


def test_both_results():
    a, b = pairs(floats(np.float32, 40))
    text = "setp.lt.f32 %p1|%p2, $a, $b;"
    compare(text, a, b, a < b)
    compare(f"{text}\nmov.pred %p1, %p2;", a, b, ~(a < b))


def test_a_sink_for_the_second_result():
    a, b = pairs(integers(np.int32, 40), 12)
    compare("setp.lt.s32 %p1|_, $a, $b;", a, b, a < b)


def test_a_combination_may_read_what_it_writes():
    a, b = pairs(integers(np.int32, 60), 12)
    text = "setp.gt.s32 %p1, $a, 0;\nsetp.lt.and.s32 %p1, $a, $b, %p1;"
    compare(text, a, b, (a > 0) & (a < b))


@pytest.mark.parametrize("name", ["and", "or", "xor", "not", "mov"])
def test_logic(name):
    a = np.array([0, 0, 1, 1, 0], np.uint32)
    b = np.array([0, 1, 0, 1, 1], np.uint32)
    want = {"and": a & b, "or": a | b, "xor": a ^ b, "not": 1 - a, "mov": a}[name]
    second = "" if name in ("not", "mov") else ", %p3"
    text = "setp.ne.u32 %p2, $a, 0;\nsetp.ne.u32 %p3, $b, 0;\n"
    compare(f"{text}{name}.pred %p1, %p2{second};", a, b, want)


def test_constant_predicates():
    a = integers(np.uint32, 4)
    same(each(f"mov.pred %p1, 1;\n{KEEP}", a, out=np.uint32), np.ones(a.size, np.uint32))
    same(each(f"mov.pred %p1, 0;\n{KEEP}", a, out=np.uint32), np.zeros(a.size, np.uint32))
    text = "mov.pred %p2, -1;\nsetp.eq.s32 %p3, $a, $a;\nxor.pred %p1, %p2, %p3;\n"
    same(each(text + KEEP, a, out=np.uint32), np.zeros(a.size, np.uint32))


@pytest.mark.parametrize("kind", "b16 b32 b64 u16 u32 u64 s16 s32 s64 f32 f64".split())
def test_select(kind):
    dtype = np.dtype(TYPES[kind])
    a, b = pairs(floats(dtype, 40) if kind[0] == "f" else integers(dtype, 40), 12)
    c = (np.arange(a.size) % 3 == 0).astype(np.uint32)
    text = f"setp.ne.u32 %p1, $c, 0;\nselp.{kind} $d, $a, $b, %p1;"
    same(each(text, a, b, c, out=dtype), np.where(c, a, b), a, b, c)


def test_select_of_constants():
    a = integers(np.int32)
    text = "setp.lt.s32 %p1, $a, 0;\nselp.f32 $d, 0f3F800000, 0fFF800000, %p1;"
    want = np.where(a < 0, np.float32(1), np.float32(-np.inf))
    same(each(text, a, out=np.float32), want, a)


def test_comparisons_with_constants():
    a = integers(np.int32)
    for name, constant in (("lt", -1), ("ge", 7), ("eq", -2147483648)):
        text = f"setp.{name}.s32 %p1, $a, {constant};\n{KEEP}"
        want = RELATIONS[name](a, constant).astype(np.uint32)
        same(each(text, a, out=np.uint32), want, a)
    text = f"setp.gt.u32 %p1, $a, 2147483647;\n{KEEP}"
    same(each(text, a, out=np.uint32), (a < 0).astype(np.uint32), a)
    x = floats(np.float32)
    text = f"setp.neu.f32 %p1, $a, 0fFF800000;\n{KEEP}"
    same(each(text, x, out=np.uint32), (x != -np.inf).astype(np.uint32), x)
