"""PTX ISA 9.7.9.6, shfl.sync, and 9.7.13: vote, match, redux, activemask."""

import numpy as np
import pytest

from isa import integers, run, same

LANES = np.arange(32)
FULL = 2**32 - 1


def source_lane(mode, lane, b, c):
    """The lane that is read, and the predicate, as the manual computes them."""
    bval, cval, mask = b & 31, c & 31, c >> 8 & 31
    most = (lane & mask) | (cval & ~mask)
    least = lane & mask
    if mode == "up":
        j = lane - bval
        inside = j >= most
    elif mode == "down":
        j = lane + bval
        inside = j <= most
    elif mode == "bfly":
        j = lane ^ bval
        inside = j <= most
    else:
        j = least | (bval & ~mask)
        inside = j <= most
    return (j if inside else lane), inside


# Clamps of whole warps and of segments of 16, 8, 4, 2 and 1 lanes, and others.
CLAMPS = {
    "up": [(32 - width) << 8 for width in (32, 16, 8, 4, 2, 1)] + [5, 0x1803],
    "other": [(32 - width) << 8 | 31 for width in (32, 16, 8, 4, 2, 1)] + [20, 0x1805, 0x100F],
}


@pytest.mark.parametrize("mode", ["up", "down", "bfly", "idx"])
def test_shuffle(mode):
    """One warp for each b and c; b beyond 31 counts by its low bits."""
    cases = [(b, c) for b in [*range(34), 63, FULL] for c in CLAMPS.get(mode, CLAMPS["other"])]
    b, c = (np.repeat(np.array(x, np.uint32), 32) for x in zip(*cases))
    check_shuffle(mode, b, c)


@pytest.mark.parametrize("mode", ["down", "bfly", "idx"])
def test_shuffle_with_other_operands_in_each_lane(mode):
    generator = np.random.default_rng(1)
    b = generator.integers(0, 32, 64 * 32, dtype=np.uint32)
    c = np.repeat(np.resize(CLAMPS["other"], 64).astype(np.uint32), 32)
    check_shuffle(mode, b, c)


def check_shuffle(mode, b, c):
    count = len(b) // 32
    a = np.random.default_rng(2).integers(0, 2**32, len(b), dtype=np.uint32)
    out = np.zeros((len(b), 3), np.uint32)
    body = f"""
  ld.global.b32 %r1, [%e1];
  ld.global.b32 %r2, [%e2];
  ld.global.b32 %r3, [%e3];
  shfl.sync.{mode}.b32 %r4|%p1, %r1, %r2, %r3, 0xffffffff;
  selp.b32 %r5, 1, 0, %p1;
  shfl.sync.{mode}.b32 %r6, %r1, %r2, %r3, -1;
  st.global.b32 [%e0], %r4;
  st.global.b32 [%e0+4], %r5;
  st.global.b32 [%e0+8], %r6;
"""
    run(body, out, a, b, c, block=32, grid=count)
    want = np.zeros_like(out)
    for i, (x, y) in enumerate(zip(b.tolist(), c.tolist())):
        lane, inside = source_lane(mode, i % 32, x, y)
        value = a[i - i % 32 + lane]
        want[i] = value, inside, value
    same(out, want, np.stack([b] * 3, 1), np.stack([c] * 3, 1))


def test_shuffle_of_floats_by_constants():
    """The sum over a row of four lanes, as kernels of attention have it."""
    a = np.arange(32, dtype=np.float32)
    out = np.zeros((32, 1), np.float32)
    body = """
  ld.global.f32 %f1, [%e1];
  shfl.sync.bfly.b32 %f2, %f1, 1, 31, -1;
  add.rn.f32 %f1, %f1, %f2;
  shfl.sync.bfly.b32 %f2, %f1, 2, 31, -1;
  add.rn.f32 %f1, %f1, %f2;
  st.global.f32 [%e0], %f1;
"""
    run(body, out, a, block=32)
    same(out[:, 0].copy(), np.repeat(a.reshape(8, 4).sum(1), 4))


MASKS = [FULL, 0x0000FFFF, 0xFFFF0000, 0x55555555, 0x00000001, 0x80000001, 0x12345678]


def split(then):
    """Lanes of the mask %r30 run `then`, the others do not."""
    return f"""
  mov.u32 %r31, %laneid;
  ld.global.b32 %r30, [%e1];
  shr.u32 %r32, %r30, %r31;
  and.b32 %r33, %r32, 1;
  setp.ne.u32 %p15, %r33, 0;
  @!%p15 bra SKIP;
{then}
SKIP:
"""


def members(mask):
    return [lane for lane in LANES if mask >> lane & 1]


def masks_for_lanes():
    return np.repeat(np.array(MASKS, np.uint32), 32)


def test_shuffle_within_a_part_of_a_warp():
    """Each member reads the next one, and itself if that is no member."""
    masks = masks_for_lanes()
    out = np.zeros(masks.size, np.uint32)
    target = np.zeros(masks.size, np.uint32)
    for i, mask in enumerate(masks.tolist()):
        following = [m for m in members(mask) if m > i % 32]
        target[i] = following[0] if following else i % 32
    body = split("""
  ld.global.b32 %r1, [%e2];
  add.u32 %r2, %r31, 100;
  shfl.sync.idx.b32 %r3, %r2, %r1, 31, %r30;
  st.global.b32 [%e0], %r3;
""")
    run(body, out, masks, target, block=32, grid=len(MASKS))
    member = (masks >> np.tile(LANES, len(MASKS)).astype(np.uint32)) & 1
    same(out, np.where(member, target + 100, 0).astype(np.uint32))


def test_two_parts_of_a_warp_shuffle_apart():
    out = np.zeros(32, np.uint32)
    body = """
  setp.lt.u32 %p1, %index, 16;
  mul.lo.u32 %r1, %index, 3;
  @%p1 bra LOW;
  shfl.sync.bfly.b32 %r2, %r1, 1, 31, 0xffff0000;
  bra JOIN;
LOW:
  shfl.sync.bfly.b32 %r2, %r1, 2, 31, 0x0000ffff;
JOIN:
  bar.warp.sync 0xffffffff;
  shfl.sync.idx.b32 %r3, %r2, 31, 31, 0xffffffff;
  add.u32 %r4, %r2, %r3;
  st.global.b32 [%e0], %r4;
"""
    run(body, out, block=32)
    want = np.where(LANES < 16, LANES ^ 2, LANES ^ 1) * 3 + 30 * 3
    same(out, want.astype(np.uint32))


PREDICATES = ["false", "true", "some", "one", "all but one"]


def chosen(name, mask):
    """Of each lane a bit."""
    first = members(mask)[0]
    return {"false": 0, "true": FULL, "some": 0xF0F0A5A5, "one": 1 << first,
            "all but one": FULL & ~(1 << first)}[name]  # fmt: skip


@pytest.mark.parametrize("negated", ["", "!"])
@pytest.mark.parametrize("predicate", PREDICATES)
def test_vote(predicate, negated):
    """all, any, uni and ballot, of the members of the mask."""
    masks = masks_for_lanes()
    given = np.repeat([chosen(predicate, mask) for mask in MASKS], 32).astype(np.uint32)
    out = np.zeros((masks.size, 4), np.uint32)
    then = """
  ld.global.b32 %r1, [%e2];
  shr.u32 %r2, %r1, %r31;
  and.b32 %r3, %r2, 1;
  setp.ne.u32 %p1, %r3, 0;
"""
    for i, mode in enumerate(("all", "any", "uni")):
        then += f"vote.sync.{mode}.pred %p2, {negated}%p1, %r30;\nselp.b32 %r4, 1, 0, %p2;\n"
        then += f"st.global.b32 [%e0+{4 * i}], %r4;\n"
    then += f"vote.sync.ballot.b32 %r5, {negated}%p1, %r30;\nst.global.b32 [%e0+12], %r5;\n"
    run(split(then), out, masks, given, block=32, grid=len(MASKS))
    want = np.zeros_like(out)
    for i, (mask, bits) in enumerate(zip(masks.tolist(), given.tolist())):
        if mask >> i % 32 & 1:
            ones = (~bits if negated else bits) & mask
            want[i] = ones == mask, ones != 0, ones in (0, mask), ones
    same(out, want)


@pytest.mark.parametrize("bits", [32, 64])
def test_match(bits):
    """any: who has the same value. all: who takes part, if all have the same, else 0."""
    masks = masks_for_lanes()
    generator = np.random.default_rng(bits)
    values = generator.choice([1, 2, 2**32 - 1, 2 ** (bits - 1)], masks.size).astype(
        f"u{bits // 8}"
    )
    values[64:96] = 5
    values[96:128] = np.where(LANES % 2 == 0, 9, values[96:128])
    out = np.zeros((masks.size, 4), np.uint32)
    register = "%r1" if bits == 32 else "%d1"
    then = f"""
  ld.global.b{bits} {register}, [%e2];
  match.any.sync.b{bits} %r2, {register}, %r30;
  match.all.sync.b{bits} %r3|%p1, {register}, %r30;
  match.all.sync.b{bits} %r4, {register}, %r30;
  selp.b32 %r5, 1, 0, %p1;
  st.global.v4.b32 [%e0], {{%r2, %r3, %r5, %r4}};
"""
    run(split(then), out, masks, values, block=32, grid=len(MASKS))
    want = np.zeros_like(out)
    for i, mask in enumerate(masks.tolist()):
        if mask >> i % 32 & 1:
            row = values[i - i % 32 : i - i % 32 + 32]
            equal = sum(1 << m for m in members(mask) if row[m] == values[i])
            whole = mask if equal == mask else 0
            want[i] = equal, whole, equal == mask, whole
    same(out, want)


@pytest.mark.parametrize(
    "name",
    [
        "add.u32",
        "add.s32",
        "min.u32",
        "max.u32",
        "min.s32",
        "max.s32",
        "and.b32",
        "or.b32",
        "xor.b32",
    ],
)
def test_reduction(name):
    """Of the members of the mask; sums are truncated to 32 bits."""
    masks = masks_for_lanes()
    values = np.resize(integers(np.uint32, 200, seed=4), masks.size)
    out = np.zeros(masks.size, np.uint32)
    then = (
        f"ld.global.b32 %r1, [%e2];\nredux.sync.{name} %r2, %r1, %r30;\nst.global.b32 [%e0], %r2;\n"
    )
    run(split(then), out, masks, values, block=32, grid=len(MASKS))
    typed = values.view(np.int32) if "s32" in name else values
    function = {"add": np.add, "min": np.minimum, "max": np.maximum, "and": np.bitwise_and,
                "or": np.bitwise_or, "xor": np.bitwise_xor}[name[:-4]]  # fmt: skip
    want = np.zeros_like(out)
    for i, mask in enumerate(masks.tolist()):
        if mask >> i % 32 & 1:
            row = typed[i - i % 32 : i - i % 32 + 32][members(mask)]
            want[i] = int(function.reduce(row, dtype=typed.dtype)) & FULL
    same(out, want)


def test_sinks():
    """Only the predicate of match, and an atomic operation whose result nobody needs."""
    out = np.zeros((32, 2), np.uint32)
    body = """
  shr.u32 %r1, %index, 5;
  match.all.sync.b32 _|%p1, %r1, -1;
  selp.u32 %r2, 1, 0, %p1;
  st.global.u32 [%e0], %r2;
  atom.global.add.u32 _, [%e0+4], 3;
"""
    run(body, out, block=32)
    same(out, np.tile(np.array([1, 3], np.uint32), (32, 1)))


def test_active_lanes():
    """In a branch; under a guard; in a warp that is not full; behind a loop."""
    threads = 50
    out = np.zeros((threads, 3), np.uint32)
    body = """
  activemask.b32 %r1;
  and.b32 %r3, %index, 3;
  setp.eq.u32 %p1, %r3, 0;
  mov.b32 %r2, 7;
  @%p1 activemask.b32 %r2;
  mov.b32 %r4, 9;
  @!%p1 bra SKIP;
  activemask.b32 %r4;
SKIP:
  st.global.b32 [%e0], %r1;
  st.global.b32 [%e0+4], %r2;
  st.global.b32 [%e0+8], %r4;
"""
    run(body, out, block=threads)
    quarter = np.repeat([0x11111111, 0x11111], [32, 18])
    divides = np.arange(threads) % 4 == 0
    want = [np.repeat([FULL, (1 << 18) - 1], [32, 18]), np.where(divides, quarter, 7)]
    want.append(np.where(divides, quarter, 9))
    same(out, np.stack(want, 1).astype(np.uint32))


def test_lanes_that_have_left_do_not_take_part():
    """Of a full mask only those count that have not exited."""
    out = np.zeros((32, 4), np.uint32)
    body = """
  setp.ge.u32 %p1, %index, 20;
  @%p1 ret;
  setp.ne.u32 %p2, %index, 99;
  vote.sync.ballot.b32 %r1, %p2, 0xffffffff;
  vote.sync.all.pred %p3, %p2, 0xffffffff;
  selp.b32 %r2, 1, 0, %p3;
  redux.sync.add.u32 %r3, %index, 0xffffffff;
  match.any.sync.b32 %r4, 5, 0xffffffff;
  st.global.v4.b32 [%e0], {%r1, %r2, %r3, %r4};
"""
    run(body, out, block=32)
    want = np.zeros_like(out)
    want[:20] = (1 << 20) - 1, 1, 190, (1 << 20) - 1
    same(out, want)


def test_members_may_wait_at_different_places():
    """From sm_70 on, the same operation with the same mask in both branches is one."""
    out = np.zeros(32, np.uint32)
    body = """
  and.b32 %r1, %index, 1;
  setp.eq.u32 %p1, %r1, 1;
  setp.lt.u32 %p2, %index, 5;
  @%p1 bra ODD;
  vote.sync.ballot.b32 %r2, %p2, 0xffffffff;
  bra JOIN;
ODD:
  add.u32 %r3, %index, 1;
  vote.sync.ballot.b32 %r2, %p2, 0xffffffff;
  add.u32 %r2, %r2, %r3;
JOIN:
  st.global.b32 [%e0], %r2;
"""
    run(body, out, block=32)
    same(out, (31 + np.where(LANES % 2, LANES + 1, 0)).astype(np.uint32))
