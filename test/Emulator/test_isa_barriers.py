"""PTX ISA 9.7.13: bar, barrier and bar.warp.sync. Their absence would be a race."""

import numpy as np
import pytest

from isa import run, same

SHARED = ".shared .align 16 .b8 cells[2048];\n"


def indices(count):
    return np.arange(count, dtype=np.uint32)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "barrier",
    ["bar.sync 0", "bar.cta.sync 3", "barrier.sync 0", "barrier.sync.aligned 15",
     "barrier.cta.sync.aligned 7", "bar.sync %r20", "bar.sync 2, 128", "bar.sync %r20, %r21",
     "bar.red.popc.u32 %r22, 4, %p1"],
)  # fmt: skip
def test_all_threads_meet(barrier, seed):
    """What was stored before is read behind it, in any order of warps."""
    threads = 128
    out = np.zeros(threads, np.uint32)
    body = f"""
  mov.u32 %r20, 5;
  mov.u32 %r21, 128;
  setp.eq.u32 %p1, %index, 0;
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  mul.lo.u32 %r3, %index, 7;
  st.shared.u32 [%r2], %r3;
  {barrier};
  sub.u32 %r4, {threads - 1}, %index;
  mad.lo.u32 %r5, %r4, 4, %r1;
  ld.shared.u32 %r6, [%r5];
  st.global.u32 [%e0], %r6;
"""
    run(body, out, block=threads, variables=SHARED, seed=seed)
    same(out, 7 * (threads - 1 - indices(threads)))


@pytest.mark.parametrize("threads", [1, 20, 33, 100])
def test_a_block_that_is_no_multiple_of_warps(threads):
    """And a barrier that is used over and over."""
    out = np.zeros(threads, np.uint32)
    body = f"""
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  add.u32 %r3, %index, 1;
  rem.u32 %r4, %r3, {threads};
  mad.lo.u32 %r5, %r4, 4, %r1;
  mov.u32 %r6, %index;
  mov.u32 %r7, 0;
LOOP:
  st.shared.u32 [%r2], %r6;
  bar.sync 0;
  ld.shared.u32 %r6, [%r5];
  bar.sync 0;
  add.u32 %r7, %r7, 1;
  setp.lt.u32 %p1, %r7, 5;
  @%p1 bra LOOP;
  st.global.u32 [%e0], %r6;
"""
    run(body, out, block=threads, variables=SHARED)
    same(out, (indices(threads) + 5) % np.uint32(threads))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_two_groups_of_warps(seed):
    """Each with its own barrier, of 64 threads, and its own number of rounds."""
    out = np.zeros(128, np.uint32)
    body = """
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  xor.b32 %r3, %index, 32;
  mad.lo.u32 %r4, %r3, 4, %r1;
  shr.u32 %r5, %index, 6;
  add.u32 %r6, %r5, 1;
  mad.lo.u32 %r7, %r5, 4, 3;
  mov.u32 %r8, %index;
LOOP:
  st.shared.u32 [%r2], %r8;
  bar.sync %r6, 64;
  ld.shared.u32 %r8, [%r4];
  bar.sync %r6, 64;
  add.u32 %r8, %r8, 1000;
  sub.u32 %r7, %r7, 1;
  setp.ne.u32 %p1, %r7, 0;
  @%p1 bra LOOP;
  st.global.u32 [%e0], %r8;
"""
    run(body, out, block=128, variables=SHARED, seed=seed)
    want = (indices(128) ^ 32) + np.repeat([3000, 7000], 64)
    same(out, want.astype(np.uint32))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_producers_and_consumers(seed):
    """The manual's example: who arrives does not wait."""
    out = np.zeros((64, 8), np.uint32)
    body = """
  mov.u32 %r1, cells;
  and.b32 %r2, %index, 31;
  mad.lo.u32 %r3, %r2, 4, %r1;
  xor.b32 %r4, %r2, 31;
  mad.lo.u32 %r5, %r4, 4, %r1;
  mov.u32 %r6, 0;
  setp.ge.u32 %p1, %index, 32;
  @%p1 bra CONSUME;
PRODUCE:
  mad.lo.u32 %r7, %r6, 100, %r2;
  st.shared.u32 [%r3], %r7;
  bar.arrive 0, 64;
  bar.sync 1, 64;
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p2, %r6, 8;
  @%p2 bra PRODUCE;
  bra DONE;
CONSUME:
  bar.sync 0, 64;
  ld.shared.u32 %r8, [%r5];
  bar.arrive 1, 64;
  st.global.u32 [%e0], %r8;
  add.u64 %e0, %e0, 4;
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p2, %r6, 8;
  @%p2 bra CONSUME;
DONE:
"""
    run(body, out, block=64, variables=SHARED, seed=seed)
    want = np.zeros_like(out)
    want[32:] = 31 - indices(32)[:, None] + 100 * indices(8)
    same(out, want)


@pytest.mark.parametrize("barrier", ["bar", "barrier", "bar.cta"])
@pytest.mark.parametrize("true", [0, 1, 50, 99, 100])
def test_reductions(true, barrier):
    """The number of threads whose predicate is true; whether all, or any, are."""
    out = np.zeros((100, 4), np.uint32)
    body = f"""
  setp.lt.u32 %p1, %index, {true};
  {barrier}.red.popc.u32 %r1, 0, %p1;
  {barrier}.red.and.pred %p2, 0, %p1;
  {barrier}.red.or.pred %p3, 1, %p1;
  {barrier}.red.popc.u32 %r4, 2, !%p1;
  selp.u32 %r2, 1, 0, %p2;
  selp.u32 %r3, 1, 0, %p3;
  st.global.v4.u32 [%e0], {{%r1, %r2, %r3, %r4}};
"""
    run(body, out, block=100)
    want = [true, true == 100, true > 0, 100 - true]
    same(out, np.tile(np.array(want, np.uint32), (100, 1)))


@pytest.mark.parametrize("seed", [0, 1])
def test_warps_that_have_left_are_not_waited_for(seed):
    out = np.zeros(96, np.uint32)
    body = """
  mov.u32 %r1, cells;
  setp.lt.u32 %p1, %index, 32;
  @%p1 ret;
  mad.lo.u32 %r2, %index, 4, %r1;
  st.shared.u32 [%r2], %index;
  bar.sync 0;
  xor.b32 %r3, %index, 96;
  and.b32 %r3, %r3, 127;
  mad.lo.u32 %r4, %r3, 4, %r1;
  setp.ge.u32 %p2, %r3, 32;
  mov.u32 %r5, 7;
  @%p2 ld.shared.u32 %r5, [%r4];
  st.global.u32 [%e0], %r5;
"""
    run(body, out, block=96, variables=SHARED, seed=seed)
    other = indices(96) ^ 96
    want = np.where(indices(96) < 32, 0, other)
    same(out, want.astype(np.uint32))


def test_lanes_that_have_left_are_not_waited_for():
    out = np.zeros(64, np.uint32)
    body = """
  mov.u32 %r1, cells;
  and.b32 %r2, %index, 1;
  setp.eq.u32 %p1, %r2, 1;
  @%p1 exit;
  mad.lo.u32 %r3, %index, 4, %r1;
  st.shared.u32 [%r3], %index;
  bar.sync 0;
  xor.b32 %r4, %index, 32;
  mad.lo.u32 %r5, %r4, 4, %r1;
  ld.shared.u32 %r6, [%r5];
  st.global.u32 [%e0], %r6;
"""
    run(body, out, block=64, variables=SHARED)
    same(out, np.where(indices(64) % 2 == 0, indices(64) ^ 32, 0).astype(np.uint32))


def test_barriers_that_are_not_aligned_in_both_branches():
    """From sm_70 on the threads of a warp may wait at different places."""
    out = np.zeros(64, np.uint32)
    body = """
  mov.u32 %r1, cells;
  mad.lo.u32 %r3, %index, 4, %r1;
  and.b32 %r2, %index, 1;
  setp.eq.u32 %p1, %r2, 1;
  @%p1 bra ODD;
  st.shared.u32 [%r3], 100;
  barrier.sync 0;
  bra JOIN;
ODD:
  st.shared.u32 [%r3], 200;
  barrier.sync 0;
JOIN:
  xor.b32 %r4, %index, 33;
  mad.lo.u32 %r5, %r4, 4, %r1;
  ld.shared.u32 %r6, [%r5];
  st.global.u32 [%e0], %r6;
"""
    run(body, out, block=64, variables=SHARED)
    same(out, np.where(indices(64) % 2 == 0, 200, 100).astype(np.uint32))


@pytest.mark.parametrize("mask, width", [("0xffffffff", 32), ("-1", 32), ("%r20", 8)])
def test_lanes_of_a_warp_meet(mask, width):
    """bar.warp.sync orders memory between the lanes of its mask."""
    out = np.zeros(64, np.uint32)
    body = f"""
  mov.u32 %r21, %laneid;
  and.b32 %r22, %r21, 24;
  shl.b32 %r20, 255, %r22;
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  st.shared.u32 [%r2], %index;
  bar.warp.sync {mask};
  xor.b32 %r3, %index, {width - 1};
  mad.lo.u32 %r4, %r3, 4, %r1;
  ld.shared.u32 %r5, [%r4];
  st.global.u32 [%e0], %r5;
"""
    run(body, out, block=64, variables=SHARED)
    same(out, indices(64) ^ np.uint32(width - 1))


def test_lanes_of_a_warp_meet_from_different_branches():
    out = np.zeros(32, np.uint32)
    body = """
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  setp.lt.u32 %p1, %index, 10;
  @%p1 bra LOW;
  st.shared.u32 [%r2], 5;
  bar.warp.sync 0xffffffff;
  bra JOIN;
LOW:
  st.shared.u32 [%r2], 6;
  bar.warp.sync 0xffffffff;
JOIN:
  xor.b32 %r3, %index, 16;
  mad.lo.u32 %r4, %r3, 4, %r1;
  ld.shared.u32 %r5, [%r4];
  st.global.u32 [%e0], %r5;
"""
    run(body, out, block=32, variables=SHARED)
    same(out, np.where((indices(32) ^ 16) < 10, 6, 5).astype(np.uint32))
