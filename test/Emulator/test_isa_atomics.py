"""PTX ISA 9.7.13: atom and red, in global and in shared memory."""

import numpy as np
import pytest

from isa import FLOATS, TYPES, bits, integers, run, same, wrap

# Of a location and the operands b and c, as in the manual.
INTEGER = {
    "add": lambda r, s: r + s,
    "min": min,
    "max": max,
    "and": lambda r, s: r & s,
    "or": lambda r, s: r | s,
    "xor": lambda r, s: r ^ s,
    "exch": lambda r, s: s,
    "inc": lambda r, s: 0 if r >= s else r + 1,
    "dec": lambda r, s: s if r == 0 or r > s else r - 1,
}
OPERATIONS = (
    [f"add.{k}" for k in ("u32", "s32", "u64", "f32", "f64")]
    + [f"{n}.{k}" for n in ("min", "max") for k in ("u32", "s32", "u64", "s64")]
    + [f"{n}.{k}" for n in ("and", "or", "xor", "exch") for k in ("b32", "b64")]
    + ["inc.u32", "dec.u32"]
)
SPACES = ["global", "shared", "generic to global", "generic to shared"]
THREADS = 83


def operands(kind):
    """Locations and operands; of floats, normal ones, as global memory flushes others."""
    dtype = np.dtype(TYPES[kind])
    if dtype in FLOATS:
        a, b = np.random.default_rng(1).normal(size=(2, THREADS)).astype(dtype)
        a[:4], b[:4] = [1, np.inf, 0, -0.0], [2.0**-24, 1, -0.0, -0.0]
        return a, b
    a = integers(dtype, THREADS - 11)
    b = np.roll(integers(dtype, THREADS - 11, seed=2), 5)
    b[20:30] = a[20:30]
    return a, b


def places(kind):
    """Register names by the size of the type."""
    return (
        "%r" if kind[1:] == "32" and kind[0] != "f" else {"f32": "%f", "f64": "%g"}.get(kind, "%d")
    )


def prepare(space, size):
    """%d20 is the address of this thread's location, filled from argument 1."""
    if "global" in space:
        return "mov.u64 %d20, %e1;\n"
    lines = f"""
  mov.u64 %d21, cells;
  mad.wide.u32 %d20, %index, {size}, %d21;
  ld.global.b{8 * size} {"%r40" if size == 4 else "%d22"}, [%e1];
  st.shared.b{8 * size} [%d20], {"%r40" if size == 4 else "%d22"};
"""
    return lines + ("cvta.shared.u64 %d20, %d20;\n" if "generic" in space else "")


def finish(space, size):
    """Copies the location to argument 1."""
    if "global" in space:
        return ""
    word = "%r40" if size == 4 else "%d22"
    return (
        f"mov.u64 %d21, cells;\nmad.wide.u32 %d20, %index, {size}, %d21;\n"
        f"ld.shared.b{8 * size} {word}, [%d20];\nst.global.b{8 * size} [%e1], {word};\n"
    )


def spelled(space):
    return "" if "generic" in space else f".{space}"


def variables(size):
    return f".shared .align 8 .b8 cells[{THREADS * size}];\n"


def expected(name, kind, a, b):
    if kind[0] == "f":
        return a + b
    return wrap([INTEGER[name](int(x), int(y)) for x, y in zip(a, b)], TYPES[kind])


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_result_and_location(operation, space):
    """The result is what was there; some lanes are guarded off."""
    name, kind = operation.split(".")
    a, b = operands(kind)
    old, now, size, letter = np.zeros_like(a), a.copy(), a.dtype.itemsize, places(kind)
    memory = f"b{8 * size}" if kind[0] != "f" else kind
    body = f"""
  {prepare(space, size)}
  ld.global.{memory} {letter}1, [%e2];
  mov.{memory} {letter}2, {letter}1;
  rem.u32 %r30, %index, 3;
  setp.ne.u32 %p1, %r30, 0;
  @%p1 atom{spelled(space)}.{operation} {letter}2, [%d20], {letter}1;
  st.global.{memory} [%e0], {letter}2;
  {finish(space, size)}
"""
    run(body, old, now, b, block=THREADS, variables=variables(size))
    runs = np.arange(THREADS) % 3 != 0
    same(old, np.where(runs, a, b), a, b)
    same(now, np.where(runs, expected(name, kind, a, b), a), a, b)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("operation", [x for x in OPERATIONS if "exch" not in x])
def test_without_a_result(operation, space):
    name, kind = operation.split(".")
    a, b = operands(kind)
    now, size, letter = a.copy(), a.dtype.itemsize, places(kind)
    memory = f"b{8 * size}" if kind[0] != "f" else kind
    body = f"""
  {prepare(space, size)}
  ld.global.{memory} {letter}1, [%e2];
  red{spelled(space)}.{operation} [%d20], {letter}1;
  {finish(space, size)}
"""
    run(body, np.zeros(1), now, b, block=THREADS, variables=variables(size))
    same(now, expected(name, kind, a, b), a, b)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("size", [4, 8])
def test_compare_and_swap(size, space):
    """c is stored where the location has b."""
    kind, letter = f"b{8 * size}", "%r" if size == 4 else "%d"
    a = integers(TYPES[kind], THREADS - 11)
    b = np.where(np.arange(THREADS) % 2 == 0, a, a ^ np.array(1 << 8 * size - 1, a.dtype))
    c = np.roll(a, 7)
    old, now = np.zeros_like(a), a.copy()
    body = f"""
  {prepare(space, size)}
  ld.global.{kind} {letter}1, [%e2];
  ld.global.{kind} {letter}2, [%e3];
  atom{spelled(space)}.cas.{kind} {letter}3, [%d20], {letter}1, {letter}2;
  st.global.{kind} [%e0], {letter}3;
  {finish(space, size)}
"""
    run(body, old, now, b, c, block=THREADS, variables=variables(size))
    same(old, a)
    same(now, np.where(a == b, c, a), a, b, c)


@pytest.mark.parametrize("order", ["relaxed", "acquire", "release", "acq_rel"])
@pytest.mark.parametrize("scope", ["cta", "gpu", "sys"])
def test_orders_and_scopes(order, scope):
    out, a = np.zeros(40, np.uint32), np.arange(40, dtype=np.uint32)
    body = f"""
  atom.{order}.{scope}.global.add.u32 %r1, [%e1], 5;
  st.global.u32 [%e0], %r1;
"""
    if order in ("relaxed", "release"):
        body += f"red.{order}.{scope}.global.add.u32 [%e1], 7;\n"
    run(body, out, a, block=40)
    same(out, np.arange(40, dtype=np.uint32))
    same(a, out + (12 if order in ("relaxed", "release") else 5))


CONTENDED = [
    # The operation, its operand in each thread, what is there at first and at last.
    ("add.u32", np.ones(256), 5, 261),
    ("add.s32", np.arange(256) - 200, 0, sum(range(256)) - 200 * 256),
    ("add.u64", np.full(256, 2**40), 0, 2**48),
    ("add.f32", np.arange(256) / 4, 0, sum(range(256)) / 4),
    ("min.s32", np.arange(256) - 99, 3, -99),
    ("max.u32", np.arange(256) * 5 % 251, 3, 250),
    ("or.b32", 1 << np.arange(256) % 32, 0, 2**32 - 1),
    ("and.b32", 2**32 - 1 - (1 << np.arange(256) % 31), 2**32 - 1, 2**31),
    ("xor.b32", np.arange(256), 9, 9),
    ("inc.u32", np.full(256, 9), 0, 256 % 10),
    ("dec.u32", np.full(256, 6), 3, 6 - (256 - 4) % 7),
]


@pytest.mark.parametrize("space", ["global", "shared"])
@pytest.mark.parametrize(
    "operation, operand, first, last", CONTENDED, ids=[x[0] for x in CONTENDED]
)
def test_all_threads_at_one_location(operation, operand, first, last, space):
    """No update is lost, of any warp, and each result was there at some time.

    For global memory the threads are those of four blocks.
    """
    kind = operation[-3:]
    b = np.array(operand).astype(TYPES[kind])
    place, old = np.array([first]).astype(TYPES[kind]), np.zeros_like(b)
    size, letter = b.dtype.itemsize, places(kind)
    memory = f"b{8 * size}" if kind[0] != "f" else kind
    if space == "global":
        address, grid, end = "%a1", 4, ""
    else:
        address, grid = "%d20", 1
        end = f"""
  bar.sync 0;
  setp.ne.u32 %p1, %index, 0;
  @%p1 bra END;
  ld.shared.{memory} {letter}3, [cell];
  st.global.{memory} [%a1], {letter}3;
END:
"""
    body = f"""
  mov.u64 %d20, cell;
  setp.ne.u32 %p2, %index, 0;
  @%p2 bra START;
  ld.global.{memory} {letter}4, [%a1];
  {"" if space == "global" else f"st.shared.{memory} [cell], {letter}4;"}
START:
  bar.sync 0;
  ld.global.{memory} {letter}1, [%e2];
  atom.{space}.{operation} {letter}2, [{address}], {letter}1;
  st.global.{memory} [%e0], {letter}2;
{end}"""
    if space == "global":
        body = body[body.index("START:") + 7 :]
    run(body, old, place, b, block=256 // grid, grid=grid,
        variables=".shared .align 8 .b8 cell[8];\n")  # fmt: skip
    assert place[0] == np.array(last).astype(TYPES[kind])
    if operation == "add.u32":
        assert sorted(old.tolist()) == list(range(5, 261))
    if operation == "inc.u32":
        assert np.bincount(old).tolist() == [26] * 6 + [25] * 4


def test_one_thread_wins():
    """A lock by cas, with which each block takes a number."""
    out, state = np.zeros(64, np.uint32), np.zeros(2, np.uint32)
    body = """
  atom.global.cas.b32 %r1, [%a1], 0, 1;
  setp.eq.u32 %p1, %r1, 0;
  selp.u32 %r2, 1, 0, %p1;
  st.global.u32 [%e0], %r2;
  atom.global.exch.b32 %r3, [%a1+4], 9;
"""
    run(body, out, state, block=32, grid=2)
    assert out.sum() == 1 and state.tolist() == [1, 9]


def test_subnormal_sums():
    """atom.add.f32 keeps them in shared memory and flushes them in global memory."""
    a = np.full(32, 2.0**-149, np.float32)
    now = a.copy()
    run(prepare("shared", 4) + "red.shared.add.f32 [%d20], 0f00000003;\n" + finish("shared", 4),
        np.zeros(1), now, block=32, variables=variables(4))  # fmt: skip
    assert (bits(now) == 4).all()
    run("atom.global.add.f32 %f1, [%e1], 0f00000003;", np.zeros(1), now, block=32)
    assert (bits(now) == 0).all()
