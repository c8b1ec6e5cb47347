"""PTX ISA 9.7.9.25.3: cp.async, its groups and waiting for them."""

import numpy as np
import pytest

from isa import run, same

GUARD = 0xCC  # What shared memory holds before a copy.


def source(threads, size, seed=1):
    return np.random.default_rng(seed).integers(1, 256, (threads, size), dtype=np.uint8)


FORMS = [("ca", 4), ("ca", 8), ("ca", 16), ("cg", 16)]
SHARED = ".shared .align 16 .b8 cells[4096];\n"


def prepare(stride):
    """%r1 is where in `cells` this thread's bytes are, which hold the guard."""
    lines = [f"mov.u32 %r2, cells;\nmad.lo.u32 %r1, %index, {stride}, %r2;"]
    lines += [f"st.shared.u32 [%r1+{i}], {GUARD * 0x01010101};" for i in range(0, stride, 4)]
    return "\n".join(lines) + "\n"


def show(stride):
    """Stores this thread's bytes of `cells` in argument 0."""
    return "\n".join(
        f"ld.shared.u32 %r3, [%r1+{i}];\nst.global.u32 [%e0+{i}], %r3;" for i in range(0, stride, 4)
    )


WAITS = {
    "all": "cp.async.wait_all;\n",
    "group": "cp.async.commit_group;\ncp.async.wait_group 0;\n",
}


@pytest.mark.parametrize("address", ["%r1+16", "%d1+16", "%d1"])
def test_address_of_the_destination(address):
    """In a register of 32 or of 64 bits, with or without an offset."""
    a, out = source(64, 16), np.zeros((64, 32), np.uint8)
    copy = f"cvt.u64.u32 %d1, %r1;\ncp.async.cg.shared.global [{address}], [%e1], 16;\n"
    run(prepare(32) + copy + WAITS["all"] + show(32), out, a, block=64, variables=SHARED)
    start = 16 if "+" in address else 0
    same(out[:, start : start + 16], a)


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("hint", ["", ".L2::64B", ".L2::128B", ".L2::256B"])
@pytest.mark.parametrize("cache, size", FORMS)
def test_copies(cache, size, hint, wait):
    """16 bytes at most, and no byte beside them."""
    threads = 70
    a, out = source(threads, size), np.zeros((threads, 32), np.uint8)
    copy = f"cp.async.{cache}.shared.global{hint} [%r1+16], [%e1], {size};\n"
    run(prepare(32) + copy + WAITS[wait] + show(32), out, a, block=threads, variables=SHARED)
    want = np.full_like(out, GUARD)
    want[:, 16 : 16 + size] = a
    same(out, want)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("cache, size", FORMS)
def test_rest_is_filled_with_zeros(cache, size, constant):
    """Bytes from `src-size` on are zeros. As many as it says are read, up to all."""
    counts = np.arange(size + 1, dtype=np.uint32)
    if constant:
        for count in sorted({0, 1, size // 2, size}):
            check_fill(cache, size, np.full(33, count, np.uint32), str(count))
    else:
        check_fill(cache, size, np.resize(counts, 70), "%r4")


def check_fill(cache, size, counts, spelled):
    threads = len(counts)
    a, out = source(threads, size), np.zeros((threads, 32), np.uint8)
    body = prepare(32) + "ld.global.u32 %r4, [%e2];\n"
    body += f"cp.async.{cache}.shared.global [%r1], [%e1], {size}, {spelled};\n"
    run(body + WAITS["all"] + show(32), out, a, counts, block=threads, variables=SHARED)
    want = np.full_like(out, GUARD)
    want[:, :size] = np.where(np.arange(size) < counts[:, None], a, 0)
    same(out, want)


@pytest.mark.parametrize("cache, size", FORMS)
def test_source_is_not_read_beyond_its_size(cache, size):
    """The last bytes of a buffer, and nothing from what lies behind it."""
    length = 2 * size - size // 4
    space = source(1, length + size)[0]
    start = -space.ctypes.data % size
    a, out = space[start : start + length], np.zeros((3, 32), np.uint8)
    counts = np.array([size, size - size // 4, 0], np.uint32)
    body = prepare(32) + f"""
  ld.global.u32 %r4, [%e2];
  mad.wide.u32 %d1, %index, {size}, %a1;
  cp.async.{cache}.shared.global [%r1], [%d1], {size}, %r4;
"""
    run(body + WAITS["all"] + show(32), out, a, counts, block=3, variables=SHARED)
    same(out[0, :size], a[:size])
    same(out[1, : counts[1]], a[size:])
    assert not out[1, counts[1] : size].any() and not out[2, :size].any()


@pytest.mark.parametrize("cache, size", FORMS)
def test_source_may_be_ignored(cache, size):
    """By a predicate in the place of `src-size`; zeros are copied then."""
    threads = 64
    a, out = source(threads, size), np.zeros((threads, 32), np.uint8)
    body = prepare(32) + f"""
  and.b32 %r5, %index, 3;
  setp.eq.u32 %p1, %r5, 1;
  cp.async.{cache}.shared.global [%r1], [%e1], {size}, %p1;
"""
    run(body + WAITS["all"] + show(32), out, a, block=threads, variables=SHARED)
    want = np.full_like(out, GUARD)
    want[:, :size] = np.where(np.arange(threads)[:, None] % 4 == 1, 0, a)
    same(out, want)


def test_guarded_copies():
    """Where the guard is false nothing is copied."""
    a, out = source(64, 16), np.zeros((64, 16), np.uint8)
    body = prepare(16) + """
  and.b32 %r5, %index, 1;
  setp.eq.u32 %p1, %r5, 1;
  @%p1 cp.async.cg.shared.global [%r1], [%e1], 16;
  cp.async.commit_group;
"""
    run(body + WAITS["all"] + show(16), out, a, block=64, variables=SHARED)
    same(out, np.where(np.arange(64)[:, None] % 2 == 1, a, np.uint8(GUARD)))


@pytest.mark.parametrize("pending", [0, 1, 2, 3, 7])
def test_wait_group_leaves_the_latest(pending):
    """Of 3 groups, what all but the last N have copied is there."""
    a, out = source(32, 48), np.zeros((32, 48), np.uint8)
    body = prepare(48)
    for group in range(3):
        body += f"cp.async.ca.shared.global [%r1+{16 * group}], [%e1+{16 * group}], 16;\n"
        body += "cp.async.commit_group;\n"
    body += f"cp.async.wait_group {pending};\n"
    for group in range(3 - min(pending, 3)):
        for i in range(16 * group, 16 * group + 16, 4):
            body += f"ld.shared.u32 %r3, [%r1+{i}];\nst.global.u32 [%e0+{i}], %r3;\n"
    run(body + "cp.async.wait_all;", out, a, block=32, variables=SHARED)
    want = np.zeros_like(out)
    want[:, : 16 * (3 - min(pending, 3))] = a[:, : 16 * (3 - min(pending, 3))]
    same(out, want)


def test_empty_groups_count():
    """A commit without copies makes a group, which is complete."""
    a, out = source(32, 16), np.zeros((32, 16), np.uint8)
    body = prepare(16) + """
  cp.async.cg.shared.global [%r1], [%e1], 16;
  cp.async.commit_group;
  cp.async.commit_group;
  cp.async.wait_group 1;
"""
    run(body + show(16), out, a, block=32, variables=SHARED)
    same(out, a)


def test_a_pipeline_of_a_block():
    """Each thread copies for others, who read after the wait and the barrier."""
    steps, threads, size = 5, 64, 16
    a = source(steps, threads * size)
    out = np.zeros((threads, steps * size), np.uint8)
    stage = threads * size
    body = f"""
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, {size}, %r1;
  mad.wide.u32 %d1, %index, {size}, %a1;
  xor.b32 %r3, %index, 63;
  mad.lo.u32 %r4, %r3, {size}, %r1;
  mov.u32 %r5, 0;
  cp.async.cg.shared.global [%r2], [%d1], 16;
  cp.async.commit_group;
  add.u64 %d1, %d1, {stage};
LOOP:
  add.u32 %r6, %r5, 1;
  setp.ge.u32 %p1, %r6, {steps};
  @%p1 bra LAST;
  and.b32 %r7, %r6, 1;
  mad.lo.u32 %r8, %r7, {stage}, %r2;
  cp.async.cg.shared.global [%r8], [%d1], 16;
  add.u64 %d1, %d1, {stage};
LAST:
  cp.async.commit_group;
  cp.async.wait_group 1;
  bar.sync 0;
  and.b32 %r9, %r5, 1;
  mad.lo.u32 %r10, %r9, {stage}, %r4;
  ld.shared.v4.u32 {{%r20, %r21, %r22, %r23}}, [%r10];
  st.global.v4.u32 [%e0], {{%r20, %r21, %r22, %r23}};
  add.u64 %e0, %e0, {size};
  bar.sync 0;
  mov.u32 %r5, %r6;
  setp.lt.u32 %p2, %r5, {steps};
  @%p2 bra LOOP;
"""
    run(body, out, a, block=threads, variables=SHARED)
    want = a.reshape(steps, threads, size)[:, ::-1].transpose(1, 0, 2)
    same(out, want.reshape(threads, -1).copy())
