"""What the emulator takes for a race in shared memory, and what it does not."""

import re

import emulator
import kernels
import numpy as np
import pytest

# The word that the same lane of the other one of two warps has, of the lane
# beside, of thread 0.
OTHER = "xor.b32 %r3, %r0, 32; mad.lo.u32 %r3, %r3, 4, %r1;"
BESIDE = "xor.b32 %r3, %r0, 1; mad.lo.u32 %r3, %r3, 4, %r1;"
IS_FIRST_WARP = "setp.lt.u32 %p1, %r0, 32;"
IS_FIRST = "setp.eq.u32 %p1, %r0, 0;"
# 16 bytes of `out` for each thread, and where the copy goes.
COPY = """mad.wide.u32 %d2, %r0, 16, %d0; mad.lo.u32 %r4, %r0, 16, %r1;
cp.async.cg.shared.global [%r4], [%d2], 16;"""
# The 16 bytes of each thread.
ROW = "mad.lo.u32 %r5, %r0, 16, %r1;"
LDMATRIX = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r6, %r7, %r8, %r9}, [%r5];"

RACES = {
    "read after write of another warp": OTHER + "st.shared.u32 [%r2], 1;\nld.shared.u32 %r4, [%r3];",
    "write after read of another warp": OTHER + "ld.shared.u32 %r4, [%r3];\nst.shared.u32 [%r2], 1;",
    "write after write of another warp": OTHER + "st.shared.u32 [%r2], %r0;\nst.shared.u32 [%r3], %r0;",
    "read after write of another lane": BESIDE
    + "st.shared.u32 [%r2], 1;\nld.shared.u32 %r4, [%r3];",
    "write after read of another lane": BESIDE
    + "ld.shared.u32 %r4, [%r3];\nst.shared.u32 [%r2], 1;",
    "write after write of another lane": BESIDE
    + "st.shared.u32 [%r2], %r0;\nst.shared.u32 [%r3], %r0;",
    "one instruction, different values": "st.shared.u32 [%r1], %r0;",
    "the same value by two instructions": BESIDE
    + "st.shared.u32 [%r2], 1;\nst.shared.u32 [%r3], 1;",
    "the same value by two warps": "st.shared.u32 [%r1], 1;",
    "volatile is no order": OTHER
    + "st.volatile.shared.u32 [%r2], 1;\nld.volatile.shared.u32 %r4, [%r3];",
    "generic addresses": OTHER
    + """cvt.u64.u32 %d3, %r3; cvta.shared.u64 %d3, %d3;
    st.shared.u32 [%r2], 1;\nld.u32 %r4, [%d3];""",
    "a part of what is written": OTHER
    + "mad.lo.u32 %r4, %r0, 16, %r1; xor.b32 %r5, %r0, 32; mad.lo.u32 %r5, %r5, 16, %r1;"
    + "st.shared.v4.u32 [%r4], {%r0, %r0, %r0, %r0};\nld.shared.u8 %h1, [%r5+13];",
    "a store after an atomic access": IS_FIRST_WARP
    + "@%p1 atom.shared.add.u32 %r3, [%r1], 1;\n@!%p1 st.shared.u32 [%r2+-128], 1;",
    "an atomic access after a store": IS_FIRST
    + "@%p1 st.shared.u32 [%r1], 1;\natom.shared.add.u32 %r3, [%r1], 1;",
    "a load after an atomic access": IS_FIRST
    + "@%p1 atom.shared.add.u32 %r3, [%r1], 1;\n@!%p1 ld.shared.u32 %r3, [%r1];",
    "an atomic access after a load": IS_FIRST
    + "@!%p1 ld.shared.u32 %r3, [%r1];\n@%p1 atom.shared.add.u32 %r3, [%r1], 1;",
    "shuffles do not order lanes": BESIDE
    + "st.shared.u32 [%r2], 1; shfl.sync.bfly.b32 %r5, %r0, 1, 31, 0xffffffff;"
    + "\nld.shared.u32 %r4, [%r3];",
    "a matrix of what lanes stored": ROW
    + "st.shared.v4.u32 [%r5], {%r0, %r0, %r0, %r0};\n" + LDMATRIX,
    "another barrier": OTHER
    + "st.shared.u32 [%r2], 1;" + IS_FIRST_WARP
    + "@%p1 bar.sync 1, 32; @!%p1 bar.sync 2, 32;\nld.shared.u32 %r4, [%r3];",
    "arriving is not waiting": IS_FIRST_WARP
    + "@!%p1 st.shared.u32 [%r2], 1; @%p1 bar.arrive 1, 64; @!%p1 bar.sync 1, 64;"
    + "\n@%p1 ld.shared.u32 %r4, [%r2+128];",
    "what comes behind an arrival": IS_FIRST_WARP
    + "@%p1 bar.arrive 1, 64; @%p1 st.shared.u32 [%r2], 1; @!%p1 bar.sync 1, 64;"
    + "\n@!%p1 ld.shared.u32 %r4, [%r2+-128];",
    "arriving does not order lanes": BESIDE
    + "st.shared.u32 [%r2], 1; bar.arrive 1, 96;\nld.shared.u32 %r4, [%r3];",
    "a fence alone": OTHER + "st.shared.u32 [%r2], 1; membar.cta;\nld.shared.u32 %r4, [%r3];",
    "a copy that is not waited for": COPY + "\nld.shared.u32 %r5, [%r4];",
    "a copy of another group": COPY
    + "cp.async.commit_group; cp.async.wait_group 1;\nld.shared.u32 %r5, [%r4];",
    "a copy that is in no group": COPY + "cp.async.wait_group 0;\nld.shared.u32 %r5, [%r4];",
    "a copy of another thread": COPY
    + "cp.async.wait_all; xor.b32 %r5, %r4, 16;\nld.shared.u32 %r6, [%r5];",
    "a copy that another thread waits for": "xor.b32 %r5, %r0, 1;" + COPY
    + "cp.async.commit_group; setp.lt.u32 %p1, %r0, 63; @%p1 cp.async.wait_group 0; bar.sync 0;"
    + "mad.lo.u32 %r5, %r5, 16, %r1;\nld.shared.u32 %r6, [%r5];",
    "a wait behind the barrier": COPY
    + "bar.sync 0; cp.async.wait_all; xor.b32 %r5, %r4, 512;\nld.shared.u32 %r6, [%r5];",
    "two copies to one place": COPY + "\ncp.async.cg.shared.global [%r4], [%d2], 16;",
    "a copy to what is read": "setp.lt.u32 %p1, %r0, 32;"
    "mad.lo.u32 %r5, %r0, 16, %r1;\n@%p1 ld.shared.u32 %r6, [%r5+512];\n@%p1 bra DONE;"
    + COPY + "\nDONE:",
    "a copy to what another thread writes": "mad.lo.u32 %r5, %r0, 16, %r1; xor.b32 %r5, %r5, 16;"
    + "\nst.shared.u32 [%r5], 1;\n" + COPY,
    "a store to where a copy goes": COPY + "\nst.shared.u32 [%r4], 1;",
    "a matrix of what threads copied": COPY + "cp.async.wait_all;\n" + ROW + LDMATRIX,
}  # fmt: skip


def words(threads=64):
    """Words to copy: the kernels of copies read 16 bytes for each thread."""
    return np.arange(4 * threads, dtype=np.uint32)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("body", RACES.values(), ids=RACES)
def test_races(body, seed):
    report = kernels.run(body, words(), seed=seed)
    assert report.race_count > 0 and report.races
    assert all(re.search(r"line \d+ '.*line \d+ '", race) for race in report.races)
    assert kernels.run(body, words(), seed=seed, check_races=False).races == []


ORDERED = {
    "a barrier": OTHER + "st.shared.u32 [%r2], 1; bar.sync 0; ld.shared.u32 %r4, [%r3];"
    + "bar.sync 0; st.shared.u32 [%r2], 2;",
    "barrier.sync": OTHER + "st.shared.u32 [%r2], 1; barrier.sync 3; ld.shared.u32 %r4, [%r3];",
    "barrier.cta.sync.aligned with a count": OTHER
    + "st.shared.u32 [%r2], 1; barrier.cta.sync.aligned 15, 64; ld.shared.u32 %r4, [%r3];",
    "a reduction of a barrier": OTHER
    + "st.shared.u32 [%r2], 1; setp.eq.u32 %p1, %r0, 0; bar.red.popc.u32 %r5, 0, %p1;"
    + "ld.shared.u32 %r4, [%r3];",
    "a barrier of the warp": BESIDE
    + "st.shared.u32 [%r2], 1; bar.warp.sync 0xffffffff; ld.shared.u32 %r4, [%r3];"
    + "bar.warp.sync 0xffffffff; st.shared.u32 [%r2], 2;",
    "a thread's own accesses": "st.shared.u32 [%r2], 1; ld.shared.u32 %r3, [%r2]; st.shared.u32 [%r2], 2;",
    "reads": "ld.shared.u32 %r3, [%r1]; ld.shared.v4.u32 {%r3, %r4, %r5, %r6}, [%r1];",
    "the same value by one instruction": IS_FIRST_WARP + "@%p1 st.shared.u32 [%r1], 7;",
    "bytes beside each other": "add.u32 %r3, %r1, %r0; st.shared.u8 [%r3], 1; ld.shared.u8 %h1, [%r3];",
    "halves of what was read whole": "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r1]; bar.sync 0;"
    "mad.lo.u32 %r3, %r0, 2, %r1; mov.b16 %h1, 1; st.shared.u16 [%r3], %h1;",
    "atomic accesses": "atom.shared.add.u32 %r3, [%r1], 1; red.shared.max.u32 [%r1], 5;",
    "a loop of compare and swap": "ld.volatile.shared.u32 %r3, [%r1];"
    "atom.shared.cas.b32 %r4, [%r1], %r3, %r0; ld.volatile.shared.u32 %r3, [%r1];",
    "a producer that arrives": IS_FIRST_WARP
    + "@%p1 st.shared.u32 [%r2], 1; @%p1 bar.arrive 1, 64; @!%p1 bar.sync 1, 64;"
    + "@!%p1 ld.shared.u32 %r4, [%r2+-128];",
    "one barrier after another": "setp.lt.u32 %p1, %r0, 32; setp.ge.u32 %p2, %r0, 64;"
    "@%p1 st.shared.u32 [%r2], 1; @%p1 bar.sync 1, 64; @%p1 bra DONE;"
    "@%p2 bra LAST; bar.sync 1, 64; bar.arrive 2, 64; bra DONE;"
    "LAST: bar.sync 2, 64; ld.shared.u32 %r4, [%r2+-256]; DONE:",
    "a thread's own copy": COPY + "cp.async.wait_all; ld.shared.u32 %r5, [%r4];"
    + "st.shared.u32 [%r4], 1;",
    "a copy of a group, and a barrier": COPY
    + "cp.async.commit_group; cp.async.wait_group 0; bar.sync 0; xor.b32 %r5, %r4, 512;"
    + "ld.shared.u32 %r6, [%r5]; bar.sync 0;" + COPY,
    "a copy, and a barrier of the warp": COPY
    + "cp.async.wait_all; bar.warp.sync 0xffffffff; xor.b32 %r5, %r4, 16; ld.shared.u32 %r6, [%r5];",
    "a group that others follow": COPY
    + "cp.async.commit_group; cp.async.ca.shared.global [%r4+1024], [%d2], 4;"
    + "cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r5, [%r4];",
    "copies beside each other": "mad.wide.u32 %d2, %r0, 4, %d0;"
    "cp.async.ca.shared.global [%r2], [%d2], 4; cp.async.wait_all; ld.shared.u32 %r3, [%r2];",
    "a matrix behind a barrier": COPY + "cp.async.wait_all; bar.sync 0;" + ROW + LDMATRIX,
}  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("body", ORDERED.values(), ids=ORDERED)
def test_what_is_ordered(body, seed):
    threads = 96 if "LAST" in body else 64
    report = kernels.run(body, words(), threads=threads, shared=2048, seed=seed)
    assert report.races == [] and report.race_count == 0


def test_blocks_do_not_share():
    report = kernels.run("st.shared.u32 [%r2], 1;", grid=3)
    assert report.races == []


def test_text_of_a_race():
    report = kernels.run(
        """.loc 1 7 3
st.shared.u32 [%r2], %r0;
.loc 1 8 12
ld.shared.u32 %r3, [%r2+4];""",
        threads=33,
        declarations='.file 1 "k.cu"',
    )
    assert report.races == [
        "kernel 'k': line 13 'ld.shared.u32 %r3, [%r2+4]' (k.cu:8:12): block (0, 0, 0): race at "
        "shared address 0x4: read by thread (0, 0, 0), which nothing orders behind the write by "
        "thread (1, 0, 0) at line 11 'st.shared.u32 [%r2], %r0' (k.cu:7:3)"
    ]
    assert report.race_count == 32


def test_a_pair_of_lines_is_reported_once():
    line = "st.shared.u32 [%r1], %r0;\n"
    report = kernels.run(line * 2, threads=32)
    assert len(report.races) == 3 and report.race_count > 60
    report = kernels.run(line * 20, threads=32)
    assert len(report.races) == 16


def test_several_readers_are_named():
    report = kernels.run("ld.shared.u32 %r3, [%r1];\n" + IS_FIRST + "@%p1 st.shared.u32 [%r1], 1;")
    assert "the read by several threads of warp" in "".join(report.races)
