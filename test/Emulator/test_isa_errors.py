"""What the manual forbids or leaves undefined is an error, which says where."""

import numpy as np
import pytest

import emulator
from isa import HEADER, run, text

SHARED = ".shared .align 16 .b8 cells[256];\n"
CELLS = "mov.u32 %r1, cells;\n"


def refused(body, *arguments, block=32, match=None, **options):
    arguments = arguments or (np.zeros((block, 4), np.uint32),)
    with pytest.raises(emulator.EmulatorError, match=match):
        run(body, *arguments, block=block, variables=SHARED, **options)


@pytest.mark.parametrize(
    "access",
    ["ld.global.u32 %r2, [%e0+2];", "st.global.u16 [%e0+1], %h1;", "ld.global.u64 %d1, [%a0+4];",
     "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%a0+8];", "ld.global.v2.f32 {%f1, %f2}, [%a0+4];",
     "st.global.v4.u8 [%a0+2], {%h1, %h2, %h3, %h4};", "ld.global.nc.u32 %r2, [%a0+1];",
     "ld.u32 %r2, [%a0+2];", "atom.global.add.u32 %r2, [%a0+2], 1;",
     "red.global.add.u64 [%a0+4], 1;"],
)  # fmt: skip
def test_global_access_that_is_not_aligned(access):
    """Addresses are multiples of the size of what is accessed, vectors as a whole."""
    setup = "mov.b16 %h1, 0;\nmov.b16 %h2, 0;\nmov.b16 %h3, 0;\nmov.b16 %h4, 0;\n"
    refused(setup + access, match="align")


@pytest.mark.parametrize(
    "access",
    ["ld.shared.u32 %r2, [%r1+2];", "st.shared.u64 [%r1+4], 0;", "st.shared.u16 [cells+1], 0;",
     "ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%r1+8];", "atom.shared.add.u32 %r2, [%r1+3], 1;",
     "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1+8];",
     "cp.async.cg.shared.global [%r1+8], [%a0], 16;",
     "cp.async.ca.shared.global [%r1+4], [%a0], 8;",
     "cp.async.cg.shared.global [%r1], [%a0+8], 16;"],
)  # fmt: skip
def test_shared_access_that_is_not_aligned(access):
    refused(CELLS + access + "\ncp.async.wait_all;", match="align")


@pytest.mark.parametrize(
    "access",
    ["ld.global.u32 %r2, [%e0+512];", "st.global.u32 [%a0+-4], 0;", "ld.global.u8 %r2, [%a0+512];",
     "st.global.v4.u32 [%e0+16], {0, 0, 0, 0};", "ld.u32 %r2, [%a0+512];",
     "atom.global.add.u32 %r2, [%a0+512], 1;", "ld.global.nc.f32 %f1, [%a0+512];",
     "mov.u64 %d1, 0; ld.global.u32 %r2, [%d1];"],
)  # fmt: skip
def test_global_access_beyond_a_buffer(access):
    refused(access)


def test_access_partly_beyond_a_buffer():
    refused("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%a0];", np.zeros(3, np.uint32), block=1)


def test_a_buffer_ends_with_its_launch():
    out, other = np.zeros(32, np.uint32), np.zeros(32, np.uint32)
    run("st.global.u32 [%e1], 1;", out, other, block=32)
    refused("st.global.u32 [%a1], 1;", out, np.uint64(other.ctypes.data))
    assert (other == 1).all()


@pytest.mark.parametrize(
    "access",
    ["ld.shared.u32 %r2, [%r1+256];", "st.shared.u32 [%r1+-4], 0;", "st.shared.u8 [cells+256], 0;",
     "ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%r1+256];", "atom.shared.add.u32 %r2, [%r1+256], 1;",
     "cp.async.ca.shared.global [%r1+256], [%a0], 4; cp.async.wait_all;",
     "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1+256];"],
)  # fmt: skip
def test_access_beyond_shared_memory(access):
    refused(CELLS + access)


def test_access_beyond_the_shared_memory_of_the_launch():
    body = "mov.u32 %r1, rest;\nst.shared.u32 [%r1+64], 0;"
    with pytest.raises(emulator.EmulatorError):
        run(body, np.zeros(1), block=32, shared=64,
            variables=".extern .shared .align 4 .b8 rest[];\n")  # fmt: skip


def test_access_beyond_local_memory():
    refused(".local .align 4 .b8 own[16];\nmov.u64 %d1, own;\nst.local.u32 [%d1+4096], 0;")


def test_copy_from_beyond_a_buffer():
    text = "cp.async.cg.shared.global [%r1], [%a0+512], 16, 4;\ncp.async.wait_all;"
    refused(CELLS + text)


def line_of(instruction):
    """The number of the line of `instruction` in the text that `run` makes of it."""
    ptx = text(instruction, (np.zeros((32, 4), np.uint32),), 32, SHARED)
    return ptx[: ptx.index(instruction)].count("\n") + 1


@pytest.mark.parametrize(
    "instruction, name",
    [("frobnicate.b32 %r1, %r2;", "frobnicate"), ("add.q32 %r1, %r2, %r3;", "add.q32"),
     ("wgmma.fence.sync.aligned;", "wgmma"), ("tcgen05.fence::after_thread_sync;", "tcgen05")],
)  # fmt: skip
def test_unknown_instruction(instruction, name):
    """Is refused at the load, by its name and line."""
    refused(instruction, match=rf"(?s)(?=.*\b{line_of(instruction)}\b)(?=.*{name})")


def test_undeclared_register():
    refused("add.u32 %r1, %nowhere, 1;", match="nowhere")


def test_missing_label():
    refused("bra NOWHERE;", match="NOWHERE")


DIVERGED = "setp.lt.u32 %p1, %index, 9;\n"


@pytest.mark.parametrize(
    "instruction",
    ["bar.sync 0;", "barrier.sync.aligned 0;", "bar.arrive 1, 64;",
     "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1];",
     "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
     "{%f1, %f2, %f3, %f4}, {%r2, %r3}, {%r4}, {%f1, %f2, %f3, %f4};"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["guard", "branch"])
def test_aligned_instructions_where_lanes_diverge(instruction, form):
    """They are for all threads of a warp together; otherwise behaviour is undefined."""
    zeros = "".join(f"mov.b32 %r{i}, 0;\n" for i in (2, 3, 4))
    zeros += "".join(f"mov.b32 %f{i}, 0f00000000;\n" for i in (1, 2, 3, 4))
    if form == "guard":
        body = f"@%p1 {instruction}"
    else:
        body = f"@!%p1 bra SKIP;\n{instruction}\nSKIP:"
    # Lanes that had left would not count.
    refused(CELLS + zeros + DIVERGED + body + "\nbar.warp.sync 0xffffffff;")


def test_barriers_in_both_branches():
    refused(
        DIVERGED
        + "@%p1 bra LOW;\nbar.sync 0;\nbra JOIN;\nLOW:\nbar.sync 0;\nJOIN:\nbar.warp.sync -1;"
    )


def test_barrier_that_too_few_threads_reach():
    """32 of 64, and the other warp has ended: nobody will come."""
    refused("setp.ge.u32 %p1, %index, 32;\n@%p1 ret;\nbar.sync 1, 64;", block=64)


def test_shuffle_from_an_inactive_lane():
    """That its result is undefined is not passed on."""
    refused(DIVERGED + "@!%p1 bra SKIP;\nshfl.sync.idx.b32 %r2, %index, 20, 31, 0x1ff;\nSKIP:")


def test_a_mask_without_the_lane_itself():
    refused(DIVERGED + "vote.sync.ballot.b32 %r2, %p1, 0x0000ffff;")


def test_trap():
    """As compilers end what is never reached; one lane is enough."""
    refused("setp.eq.u32 %p1, %index, 3;\n@%p1 trap;", match="trap")


def test_kernel_that_is_not_there():
    with pytest.raises(emulator.EmulatorError):
        emulator.launch(HEADER + ".visible .entry k() { ret; }\n", "other", 1, 32, [])
