"""When copies land, what memory starts with, how warps take turns, and what stops a launch."""

import emulator
import kernels
import numpy as np
import pytest

LOAD = "ld.shared.u32 %r5, [%r2]; st.global.u32 [%d1], %r5;"
COPY = "cp.async.ca.shared.global [%r2], [%d1], 4;"


@pytest.mark.parametrize(
    "steps, landed",
    [
        ("", False),
        ("cp.async.commit_group;", False),
        ("cp.async.wait_group 0;", False),
        ("cp.async.commit_group; cp.async.wait_group 1;", False),
        ("bar.sync 0;", False),
        ("cp.async.commit_group; cp.async.wait_group 0;", True),
        ("cp.async.commit_group; cp.async.commit_group; cp.async.wait_group 1;", True),
        ("cp.async.wait_all;", True),
    ],
)
def test_copies_land_at_their_wait(steps, landed):
    out = np.arange(64, dtype=np.uint32)
    kernels.run(COPY + steps + LOAD, out)
    assert (out == (np.arange(64) if landed else 0xFFFFFFFF)).all()


def test_a_copy_reads_when_it_lands():
    out = np.arange(64, dtype=np.uint32)
    kernels.run(COPY + "st.global.u32 [%d1], 5; cp.async.wait_all;" + LOAD, out)
    assert (out == 5).all()


def test_memory_starts_with_ones():
    out = np.zeros((64, 3), np.uint32)
    body = """.local .align 4 .b8 own[8];
ld.shared.u32 %r5, [%r2]; ld.local.u32 %r6, [own+4]; ld.shared.u32 %r7, [dynamic];
mad.wide.u32 %d1, %r0, 12, %d0;
st.global.u32 [%d1], %r5; st.global.u32 [%d1+4], %r6; st.global.u32 [%d1+8], %r7;"""
    kernels.run(body, out, dynamic=256, declarations=".extern .shared .b8 dynamic[];")
    assert (out == 0xFFFFFFFF).all()


# Each warp's turn in the order of an atomic counter.
TICKET = """setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.u32 [%r1], 0; bar.sync 0;
and.b32 %r3, %r0, 31; setp.eq.u32 %p1, %r3, 0;
@%p1 atom.shared.add.u32 %r4, [%r1], 1; @%p1 st.global.u32 [%d1], %r4;"""


def test_seeds_shuffle_warps():
    def order(seed):
        out = np.zeros(512, np.uint32)
        kernels.run(TICKET, out, threads=512, seed=seed)
        return tuple(out[::32])

    # The last one to come to the barrier goes on at once.
    assert order(0) == (*range(1, 16), 0)
    orders = {order(seed) for seed in range(1, 6)}
    assert len(orders) == 5 and all(sorted(order) == list(range(16)) for order in orders)
    assert order(7) == order(7)


def test_seeds_begin_with_any_warp():
    first = set()
    for seed in range(1, 21):
        out = np.zeros(512, np.uint32)
        kernels.run("atom.shared.inc.u32 %r4, [%r1], 65535; st.global.u32 [%d1], %r4;", out,
                    threads=512, seed=seed)  # fmt: skip
        first.add(int(np.argmin(out)) // 32)
    assert len(first) > 6


def test_a_warp_may_wait_in_a_loop():
    body = """setp.ge.u32 %p1, %r0, 32; @%p1 bra SECOND;
AGAIN: ld.volatile.shared.u32 %r3, [%r1]; setp.ne.u32 %p2, %r3, 1; @%p2 bra AGAIN;
bra DONE;
SECOND: st.volatile.shared.u32 [%r1], 1;
DONE:"""
    for seed in range(3):
        kernels.run(body, seed=seed, check_races=False)


def test_lanes_may_wait_for_each_other_in_a_loop():
    body = """setp.ge.u32 %p1, %r0, 7; @%p1 bra SECOND;
AGAIN: ld.volatile.shared.u32 %r3, [%r1]; setp.ne.u32 %p2, %r3, 1; @%p2 bra AGAIN;
bra DONE;
SECOND: st.volatile.shared.u32 [%r1], 1;
DONE:"""
    kernels.run(body, threads=32, check_races=False)


def test_three_parts_of_a_warp_may_wait_for_each_other():
    body = """setp.ge.u32 %p1, %r0, 7; @%p1 bra OTHERS;
FIRST: ld.volatile.shared.u32 %r3, [%r1]; setp.ne.u32 %p2, %r3, 1; @%p2 bra FIRST;
bra DONE;
OTHERS: setp.ge.u32 %p1, %r0, 20; @%p1 bra LAST;
st.volatile.shared.u32 [%r1], 1; bra DONE;
LAST: ld.volatile.shared.u32 %r3, [%r1]; setp.ne.u32 %p2, %r3, 1; @%p2 bra LAST;
DONE:"""
    kernels.run(body, threads=32, check_races=False)


def test_counts():
    report = kernels.run("bar.sync 0; bar.sync 1, 64; bar.warp.sync 0xffffffff;", threads=40)
    assert report.count("bar.sync") == 4 and report.count("bar.warp.sync") == 2
    assert report.count("bar") == 6 and report.count("ba") == 0
    assert report.count("ret") == 2
    # Five before the body, three in it, one behind it.
    assert report.count("warp-instructions") == 18
    assert report.count("lane-instructions") == 360
    report = kernels.run("setp.eq.u32 %p1, %r0, 40; @%p1 membar.cta;")
    assert report.count("membar.cta") == 1


ERRORS = {
    "outside of shared memory": (
        "ld.shared.u32 %r5, [%r1+1024];",
        "thread (0, 0, 0): the access to 4 bytes at shared address 0x400 is outside of the 1024 bytes "
        "that there are",
    ),
    "before shared memory": ("ld.shared.u32 %r5, [%r1+-4];", "shared address 0xfffffffffffffffc"),
    "across the end of shared memory": (
        "ld.shared.v4.u32 {%r5, %r6, %r7, %r8}, [%r1+1016];",
        "is not aligned to its size",
    ),
    "not aligned": (
        "st.shared.u32 [%r2+2], 1;",
        "the access to 4 bytes at shared address 0x2 is not aligned to its size",
    ),
    "outside of a buffer": ("st.global.u32 [%d1+4], 1;", "thread (63, 0, 0): the access to 4 bytes at"),
    "null": ("mov.u64 %d1, 0; ld.global.u32 %r5, [%d1];", "at global address 0x0 is in no buffer"),
    "outside of local memory": (
        ".local .b8 own[16]; ld.local.u32 %r5, [own+16];",
        "local address 0x10 is outside of the 16 bytes",
    ),
    "outside of the parameters": ("ld.param.u32 %r5, [out+8];", "param address 0x8"),
    "a write to .const": (
        "mov.u64 %d2, table; cvta.const.u64 %d2, %d2; st.u32 [%d2], 1;",
        "is in no buffer that kernels may write to",
    ),
    "behind a variable": ("ld.const.u32 %r5, [table+8];", "is in no buffer"),
    "a row outside of shared memory": (
        "add.u32 %r5, %r1, 1024; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r6}, [%r5];",
        "shared address 0x400 is outside",
    ),
    "a copy from nowhere": (
        "cp.async.ca.shared.global [%r2], [%d1+4], 4;",
        "thread (63, 0, 0): the copy of 4 bytes from global address",
    ),
    "a trap": ("setp.eq.u32 %p1, %r0, 37; @%p1 trap;", "thread (37, 0, 0): the kernel traps"),
    "a barrier that others do not come to": (
        "setp.lt.u32 %p1, %r0, 32; @%p1 bar.sync 1, 64;",
        "deadlock, nobody else comes: warp 0 at line 10 'bar.sync 1, 64' waits for barrier 1, where "
        "32 of 64 threads are",
    ),
    "barriers in another order": (
        "setp.lt.u32 %p1, %r0, 32; @%p1 bar.sync 1, 64; bar.sync 2, 64; @!%p1 bar.sync 1, 64;",
        "warp 1 at line 10 'bar.sync 2, 64' waits for barrier 2",
    ),
    "a barrier with another count": (
        "setp.lt.u32 %p1, %r0, 32; @%p1 bar.arrive 1, 96; @!%p1 bar.sync 1, 64;",
        "it takes barrier 1 for one of 64 threads, others that are there for one of 96 threads",
    ),
    "a barrier of half a warp": ("bar.sync 1, 48;", "a barrier of 48 threads; it takes a multiple of 32"),
    "barrier 16": ("bar.sync 16;", "a block has barriers 0 to 15"),
    "an aligned barrier for some": (
        "setp.lt.u32 %p1, %r0, 5; @%p1 bar.sync 0;",
        "an .aligned barrier for only some threads of the warp, lanes 0x1f",
    ),
    "aligned barriers in both branches": (
        "setp.lt.u32 %p1, %r0, 5; @%p1 bra L;\nbar.sync 0; bra DONE;\nL: bar.sync 0; DONE:",
        "lanes 0xffffffe0 at line 11 'bar.sync 0'; lanes 0x1f at line 12 'bar.sync 0'",
    ),
    "a branch that is not uniform": (
        "setp.lt.u32 %p1, %r0, 5; @%p1 bra.uni L; L:",
        "a branch that is .uni, which only some of the threads take",
    ),
    "a mask without the thread": (
        "bar.warp.sync 0xfffffff0;",
        "the mask 0xfffffff0 is without the thread itself",
    ),
    "a warp without all lanes": (
        "setp.lt.u32 %p1, %r0, 5; @%p1 exit; and.b32 %r5, %r0, 7; mad.lo.u32 %r5, %r5, 16, %r1;"
        "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r6}, [%r5];",
        "an .aligned instruction in a warp with only lanes 0xffffffe0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("body, message", ERRORS.values(), ids=ERRORS)
def test_what_stops_a_launch(body, message):
    with pytest.raises(emulator.EmulatorError) as error:
        kernels.run(body, declarations=".const .u32 table[2];")
    assert str(error.value).startswith("kernel 'k': ") and "\n" not in str(error.value)
    assert message in str(error.value)


def test_text_of_an_error():
    body = ".loc 3 21 5\nst.global.u32\t[%d1+252],   1;"
    with pytest.raises(emulator.EmulatorError) as error:
        kernels.run(body, threads=(2, 4, 8), out=np.zeros(64, np.uint32),
                    declarations='.file 3 "dir/kernel.cu"')  # fmt: skip
    assert str(error.value).startswith(
        "kernel 'k': line 11 'st.global.u32 [%d1+252], 1' (dir/kernel.cu:21:5): block (0, 0, 0), "
        "thread (1, 0, 0): the access to 4 bytes at global address 0x"
    )


def test_an_access_across_two_buffers():
    memory = np.zeros(3, np.uint64)
    body = "ld.global.v2.u64 {%d2, %d3}, [%d0];"
    start = 0 if memory.ctypes.data % 16 == 0 else 1
    with pytest.raises(emulator.EmulatorError, match="the access to 16 bytes at global"):
        kernels.run(body, memory[start : start + 1])
    kernels.run(body, memory[start : start + 2])


@pytest.mark.parametrize("name, value", [("isa", "mmx"), ("isa", ""), ("seed", "x"),
                                         ("seed", "-1"), ("check-races", "2"), ("speed", "1")])  # fmt: skip
def test_options_that_there_are_not(name, value):
    with pytest.raises(emulator.EmulatorError, match=f"no option {name}"):
        emulator.set_option(name, value)
