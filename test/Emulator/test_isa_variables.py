"""PTX ISA 5, State Spaces, Types, and Variables, 6.4, addresses, and 9.7.9, cvta."""

import numpy as np
import pytest

import emulator
from isa import HEADER, dump, run, same


def indices(count):
    return np.arange(count, dtype=np.uint32)


def test_addresses():
    """[register], [register+constant], also negative, [variable] and [variable+constant]."""
    out = np.zeros((1, 8), np.uint32)
    body = """
  st.shared.u32 [cells], 10;
  st.shared.u32 [cells+4], 11;
  mov.u32 %r1, cells;
  mov.u64 %d1, cells;
  mov.u32 %r2, cells+8;
  st.shared.u32 [%r1+8], 12;
  st.shared.u32 [%d1+12], 13;
  st.shared.u32 [%r2+8], 14;
  ld.shared.u32 %r10, [%r2+-8];
  ld.shared.u32 %r11, [%r2+-4];
  ld.shared.u32 %r12, [%r2];
  add.u32 %r3, %r1, 12;
  ld.shared.u32 %r13, [%r3];
  ld.shared.u32 %r14, [cells+16];
  sub.u32 %r15, %r2, %r1;
  st.global.v4.u32 [%e0], {%r10, %r11, %r12, %r13};
  add.u64 %d2, %e0, 24;
  st.global.u32 [%d2+-8], %r14;
  st.global.u32 [%d2+-4], %r15;
"""
    run(body, out, block=1, variables=".shared .align 4 .b8 cells[20];\n")
    assert out[0, :6].tolist() == [10, 11, 12, 13, 14, 8]


def test_shared_variables_are_aligned_and_apart():
    out = np.zeros((1, 4), np.uint32)
    variables = ".shared .b8 a[3];\n.shared .align 16 .b8 b[20];\n.shared .align 8 .f64 c;\n"
    body = "".join(f"mov.u32 %r{i}, {x};\n" for i, x in enumerate("abc", 1))
    body += "st.shared.u8 [a], 1;\nst.shared.v4.u32 [b], {2, 2, 2, 2};\nst.shared.u64 [c], 3;\n"
    run(body + "st.global.v4.u32 [%e0], {%r1, %r2, %r3, 0};", out, block=1, variables=variables)
    a, b, c = map(int, out[0, :3])
    assert b % 16 == 0 and c % 8 == 0
    ranges = sorted([(a, a + 3), (b, b + 20), (c, c + 8)])
    assert all(x[1] <= y[0] for x, y in zip(ranges, ranges[1:]))


@pytest.mark.parametrize("size", [256, 60 * 1024])
def test_shared_memory_of_the_launch(size):
    """An extern array is as long as the launch says, and lies behind the others."""
    out = np.zeros((64, 2), np.uint32)
    variables = ".shared .align 4 .b8 first[4];\n.extern .shared .align 16 .b8 rest[];\n"
    body = f"""
  mov.u32 %r1, rest;
  mad.lo.u32 %r2, %index, 4, %r1;
  setp.eq.u32 %p1, %index, 0;
  @%p1 st.shared.u32 [first], 77;
  add.u32 %r3, %index, 100;
  st.shared.u32 [%r2+{size - 256}], %r3;
  bar.sync 0;
  xor.b32 %r4, %index, 63;
  mad.lo.u32 %r5, %r4, 4, %r1;
  ld.shared.u32 %r6, [%r5+{size - 256}];
  ld.shared.u32 %r7, [first];
  st.global.v2.u32 [%e0], {{%r6, %r7}};
"""
    run(body, out, block=64, variables=variables, shared=size)
    same(out, np.stack([163 - indices(64), np.full(64, 77, np.uint32)], 1))


def test_each_block_has_shared_memory_and_each_thread_local():
    out = np.zeros((4 * 48, 2), np.uint32)
    body = """
  .local .align 4 .b8 own[64];
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %r63, 4, %r1;
  st.shared.u32 [%r2], %index;
  mov.u64 %d1, own;
  and.b32 %r3, %index, 15;
  mul.wide.u32 %d2, %r3, 4;
  add.u64 %d3, %d1, %d2;
  st.local.u32 [%d3], %index;
  bar.sync 0;
  ld.shared.u32 %r4, [%r2];
  ld.local.u32 %r5, [%d3];
  st.global.v2.u32 [%e0], {%r4, %r5};
"""
    run(body, out, block=48, grid=4, variables=".shared .align 4 .b8 cells[192];\n")
    same(out, np.stack([indices(192)] * 2, 1))


def test_local_arrays_indexed_at_run_time():
    """With the depot and the two stack pointers that LLVM makes."""
    out = np.zeros((40, 8), np.uint32)
    body = """
  .local .align 16 .b8 __local_depot0[32];
  .reg .b64 %SP, %SPL;
  mov.u64 %SPL, __local_depot0;
  cvta.local.u64 %SP, %SPL;
  mov.u32 %r1, 0;
FILL:
  add.u32 %r2, %r1, %index;
  and.b32 %r3, %r2, 7;
  mul.wide.u32 %d1, %r3, 4;
  add.u64 %d2, %SP, %d1;
  mad.lo.u32 %r4, %index, 100, %r1;
  st.u32 [%d2], %r4;
  add.u32 %r1, %r1, 1;
  setp.lt.u32 %p1, %r1, 8;
  @%p1 bra FILL;
  ld.local.v4.u32 {%r10, %r11, %r12, %r13}, [%SPL];
  ld.v4.u32 {%r14, %r15, %r16, %r17}, [%SP+16];
  st.global.v4.u32 [%e0], {%r10, %r11, %r12, %r13};
  st.global.v4.u32 [%e0+16], {%r14, %r15, %r16, %r17};
"""
    run(body, out, block=40)
    t, i = np.meshgrid(np.arange(40), np.arange(8), indexing="ij")
    same(out, (100 * t + (i - t) % 8).astype(np.uint32))


CONSTANTS = """
.const .align 4 .u32 words[4] = {10, 0x14, 30};
.const .align 16 .f32 reals[4] = {1.5, 0f40000000, -0.25, 4.0};
.const .align 4 .b8 raw[8] = {1, 0, 0, 128, 255, 254, 253, 252};
.global .align 8 .u64 big = 0x123456789abcdef0;
.global .align 8 .f64 pi = 0d400921FB54442D18;
.global .align 4 .s32 counts[3] = {-1, -2, -3};
.global .align 4 .u32 nothing[2];
.global .align 4 .u32 table[2][2] = {{1, 2}, {3}};
"""


def test_initialised_variables():
    """What has no initialiser is zero."""
    out = np.zeros((3, 16), np.uint32)
    body = """
  mov.u64 %d1, words;
  mad.wide.u32 %d2, %index, 4, %d1;
  ld.const.u32 %r1, [%d2];
  ld.const.u32 %r2, [words+12];
  ld.const.v4.f32 {%f3, %f4, %f5, %f6}, [reals];
  ld.const.v2.u32 {%r7, %r8}, [raw];
  ld.global.u64 %d9, [big];
  ld.global.f64 %g10, [pi];
  mov.u64 %d3, counts;
  mad.wide.u32 %d4, %index, 4, %d3;
  ld.global.s32 %r11, [%d4];
  ld.global.u32 %r12, [nothing+4];
  ld.global.u32 %r14, [table+8];
  cvta.const.u64 %d5, raw;
  ld.u8 %r13, [%d5+5];
  st.global.v2.u32 [%e0], {%r1, %r2};
  st.global.v2.f32 [%e0+8], {%f3, %f4};
  st.global.v2.f32 [%e0+16], {%f5, %f6};
  st.global.v2.u32 [%e0+24], {%r7, %r8};
  st.global.u64 [%e0+32], %d9;
  st.global.f64 [%e0+40], %g10;
  st.global.v4.u32 [%e0+48], {%r11, %r12, %r13, %r14};
"""
    run(body, out, block=3, variables=CONSTANTS)
    for i, row in enumerate(out):
        assert row[:2].tolist() == [(10, 20, 30)[i], 0]
        assert row[2:6].copy().view(np.float32).tolist() == [1.5, 2, -0.25, 4]
        assert row[6:8].tolist() == [0x80000001, 0xFCFDFEFF]
        assert row[8:10].copy().view(np.uint64)[0] == 0x123456789ABCDEF0
        assert row[10:12].copy().view(np.float64)[0] == np.pi
        assert row[12:16].copy().view(np.int32).tolist() == [-1 - i, 0, 254, 3]


POINTERS = """
.global .align 4 .u32 target[2] = {7, 8};
.global .align 8 .u64 plain = target;
.global .align 8 .u64 flat = generic(target);
.global .align 16 .u64 two[2] = {generic(target)+4, 5};
"""


def test_variables_initialised_with_addresses():
    out = np.zeros((1, 4), np.uint32)
    body = """
  ld.global.u64 %d1, [plain];
  ld.global.u32 %r1, [%d1];
  ld.global.u64 %d2, [flat];
  ld.u32 %r2, [%d2+4];
  ld.global.v2.u64 {%d3, %d4}, [two];
  ld.u32 %r3, [%d3];
  cvt.u32.u64 %r4, %d4;
  st.global.v4.u32 [%e0], {%r1, %r2, %r3, %r4};
"""
    run(body, out, block=1, variables=POINTERS)
    assert out[0].tolist() == [7, 8, 8, 5]


def test_module_variables_keep_their_values_between_launches():
    ptx = f"""{HEADER}
.visible .global .align 4 .u32 calls = 40;
.visible .entry k(.param .u64 p0)
{{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p0];
  ld.global.u32 %r1, [calls];
  add.u32 %r1, %r1, 1;
  st.global.u32 [calls], %r1;
  st.global.u32 [%rd1], %r1;
  ret;
}}
"""
    dump(ptx)
    out = np.zeros(1, np.uint32)
    for _ in range(2):
        module = emulator.load(ptx)
        for expected in (41, 42):
            emulator.launch_loaded(module, "k", 1, 1, [out])
            assert out[0] == expected
        emulator.unload(module)


def test_generic_addresses():
    """One load reads global memory in some lanes and shared or local in others."""
    out = np.zeros((48, 2), np.uint32)
    a = indices(48) + 1000
    body = """
  .local .align 4 .b8 own[4];
  mov.u64 %d1, cells;
  cvta.shared.u64 %d2, %d1;
  mad.wide.u32 %d3, %index, 4, %d2;
  add.u32 %r1, %index, 2000;
  st.u32 [%d3], %r1;
  mov.u64 %d4, own;
  cvta.local.u64 %d5, %d4;
  add.u32 %r2, %index, 3000;
  st.u32 [%d5], %r2;
  cvta.global.u64 %d6, %e1;
  rem.u32 %r3, %index, 3;
  setp.eq.u32 %p1, %r3, 0;
  setp.eq.u32 %p2, %r3, 1;
  selp.b64 %d7, %d3, %d5, %p1;
  selp.b64 %d8, %d6, %d7, %p2;
  ld.u32 %r4, [%d8];
  cvta.to.shared.u64 %d9, %d3;
  ld.shared.u32 %r5, [%d9];
  cvta.to.local.u64 %d10, %d5;
  ld.local.u32 %r6, [%d10];
  add.u32 %r7, %r5, %r6;
  st.global.v2.u32 [%e0], {%r4, %r7};
"""
    run(body, out, a, block=48, variables=".shared .align 4 .b8 cells[192];\n")
    base = np.array([2000, 1000, 3000], np.uint32)[indices(48) % 3]
    same(out, np.stack([indices(48) + base, 2 * indices(48) + 5000], 1))


def test_spaces_of_generic_addresses():
    out = np.zeros((40, 3, 3), np.uint32)
    body = """
  .local .align 4 .b8 own[4];
  cvta.shared.u64 %d1, cells;
  mov.u64 %d2, own;
  cvta.local.u64 %d2, %d2;
  cvta.global.u64 %d3, %e0;
"""
    for i, space in enumerate(("shared", "local", "global")):
        for j in range(3):
            body += f"isspacep.{space} %p1, %d{j + 1};\nselp.u32 %r1, 1, 0, %p1;\n"
            body += f"st.global.u32 [%e0+{12 * i + 4 * j}], %r1;\n"
    run(body, out, block=40, variables=".shared .align 4 .b8 cells[4];\n")
    same(out, np.tile(np.eye(3, dtype=np.uint32), (40, 1, 1)))


def test_addresses_survive_generic_ones():
    out = np.zeros((1, 4), np.uint64)
    body = """
  mov.u64 %d1, cells;
  cvta.shared.u64 %d2, cells;
  cvta.to.shared.u64 %d3, %d2;
  cvta.shared.u64 %d4, cells+8;
  sub.u64 %d5, %d4, %d2;
  cvta.to.global.u64 %d6, %a0;
  cvta.global.u64 %d7, %d6;
  sub.u64 %d8, %d7, %a0;
  sub.u64 %d9, %d3, %d1;
  st.global.v2.u64 [%e0], {%d9, %d5};
  st.global.u64 [%e0+16], %d8;
  cvta.shared.u64 %d10, cells+8;
  cvta.to.shared.u64 %d11, %d10;
  cvt.u32.u64 %r1, %d11;
  mov.u32 %r2, cells;
  sub.u32 %r3, %r1, %r2;
  cvt.u64.u32 %d12, %r3;
  st.global.u64 [%e0+24], %d12;
"""
    run(body, out, block=1, variables=".shared .align 8 .b8 cells[16];\n")
    assert out[0].tolist() == [0, 8, 0, 8]


def test_parameters():
    """Numbers of all sizes, and a structure, of which parts are read."""
    out = np.zeros((2, 10), np.uint64)
    layout = np.dtype({"names": ["a", "b", "c", "d"], "formats": ["u1", "i4", "f8", "u2"],
                       "offsets": [0, 4, 8, 16], "itemsize": 24})  # fmt: skip
    structure = np.zeros(1, layout)
    structure[0] = (200, -7, 2.5, 65535)
    body = """
  ld.param.u8 %r1, [p1];
  ld.param.s8 %d2, [p1];
  ld.param.b8 %d8, [p1];
  ld.param.u16 %r3, [p2];
  ld.param.f32 %f1, [p3];
  ld.param.f64 %g1, [p4];
  ld.param.u8 %r4, [p5];
  ld.param.s32 %d5, [p5+4];
  ld.param.f64 %g2, [p5+8];
  ld.param.u16 %r6, [p5+16];
  ld.param.b64 %d7, [p6];
  cvt.u64.u32 %d1, %r1;
  cvt.u64.u32 %d3, %r3;
  cvt.u64.u32 %d4, %r4;
  cvt.u64.u32 %d6, %r6;
  cvt.f64.f32 %g3, %f1;
  add.f64 %g3, %g3, %g1;
  st.global.u64 [%e0], %d1;
  st.global.u64 [%e0+8], %d2;
  st.global.u64 [%e0+16], %d3;
  st.global.f64 [%e0+24], %g3;
  st.global.u64 [%e0+32], %d4;
  st.global.u64 [%e0+40], %d5;
  st.global.f64 [%e0+48], %g2;
  st.global.u64 [%e0+56], %d6;
  st.global.u64 [%e0+64], %d7;
  st.global.u64 [%e0+72], %d8;
"""
    run(
        body, out, np.uint8(130), np.uint16(40000), np.float32(0.5), np.float64(-3.25),
        structure[0], np.int64(-3), block=2,
    )  # fmt: skip
    for row in out:
        signed, real = row.view(np.int64), row.view(np.float64)
        assert row[0] == 130 and signed[1] == 130 - 256 and row[2] == 40000
        assert real[3] == -2.75 and row[4] == 200 and signed[5] == -7
        assert real[6] == 2.5 and row[7] == 65535 and signed[8] == -3 and row[9] == 130


def test_addresses_of_parameters():
    """As LLVM reads structures; also by generic addresses, and two numbers at a time."""
    out = np.zeros((4, 4), np.uint32)
    structure = np.array([(1, 2, 3, 4)], [(x, np.uint32) for x in "abcd"])[0]
    body = """
  mov.b64 %d1, p1;
  mad.wide.u32 %d2, %index, 4, %d1;
  ld.param.u32 %r1, [%d2];
  cvta.param.u64 %d3, p1;
  ld.u32 %r2, [%d3+12];
  ld.param.v2.u32 {%r3, %r4}, [p1+8];
  st.global.v4.u32 [%e0], {%r1, %r2, %r3, %r4};
"""
    run(body, out, structure, block=4)
    same(out, np.array([[i + 1, 4, 3, 4] for i in range(4)], np.uint32))
