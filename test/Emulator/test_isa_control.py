"""PTX ISA 4, Syntax, 9.7.12, Control Flow Instructions, and 9.5, divergence."""

import numpy as np
import pytest

import emulator
from isa import HEADER, dump, run, same


def indices(count):
    return np.arange(count, dtype=np.uint32)


@pytest.mark.parametrize("branch", ["bra", "bra.uni"])
@pytest.mark.parametrize("limit", [0, 32, 48, 64, 1000])
def test_branch(limit, branch):
    """Taken by all threads, by none, by whole warps and by a part of a warp."""
    if branch == "bra.uni" and limit == 48:
        limit = 32
    out = np.zeros(70, np.uint32)
    body = f"""
  mov.u32 %r1, 5;
  setp.ge.u32 %p1, %index, {limit};
  @%p1 {branch} SECOND;
  add.u32 %r1, %r1, %index;
  {branch} JOIN;
SECOND:
  mul.lo.u32 %r1, %r1, %index;
JOIN:
  add.u32 %r1, %r1, 1;
  st.global.u32 [%e0], %r1;
"""
    run(body, out, block=70)
    i = indices(70)
    same(out, np.where(i < limit, i + 5, i * 5) + np.uint32(1))


def test_guards():
    """@p and @!p, on arithmetic, loads, stores and branches."""
    out, a = np.full((40, 4), 9, np.uint32), indices(40) + 50
    body = """
  rem.u32 %r1, %index, 3;
  setp.eq.u32 %p1, %r1, 0;
  mov.u32 %r2, 1;
  @%p1 add.u32 %r2, %r2, 10;
  @!%p1 add.u32 %r2, %r2, 20;
  st.global.u32 [%e0], %r2;
  mov.u32 %r3, 3;
  @!%p1 ld.global.u32 %r3, [%e1];
  st.global.u32 [%e0+4], %r3;
  @%p1 st.global.u32 [%e0+8], %r3;
  @!%p1 bra END;
  st.global.u32 [%e0+12], 7;
END:
"""
    run(body, out, a, block=40)
    p = indices(40) % 3 == 0
    want = [np.where(p, 11, 21), np.where(p, 3, a), np.where(p, 3, 9), np.where(p, 7, 9)]
    same(out, np.stack(want, 1).astype(np.uint32))


def test_a_guard_protects_from_a_bad_address():
    out = np.zeros(40, np.uint32)
    body = """
  setp.lt.u32 %p1, %index, 7;
  selp.b64 %d1, %e0, 1, %p1;
  @%p1 st.global.u32 [%d1], 5;
"""
    run(body, out, block=40)
    same(out, np.where(indices(40) < 7, 5, 0).astype(np.uint32))


def collatz(n):
    steps = 0
    while n != 1:
        n, steps = (3 * n + 1 if n % 2 else n // 2), steps + 1
    return steps


def test_loop_that_lanes_leave_one_after_another():
    """With a branch in it; behind it all are there again."""
    out = np.zeros((100, 2), np.uint32)
    body = """
  add.u32 %r1, %index, 1;
  mov.u32 %r2, 0;
  setp.eq.u32 %p1, %r1, 1;
  @%p1 bra DONE;
LOOP:
  and.b32 %r3, %r1, 1;
  setp.eq.u32 %p2, %r3, 1;
  @%p2 bra ODD;
  shr.u32 %r1, %r1, 1;
  bra NEXT;
ODD:
  mad.lo.u32 %r1, %r1, 3, 1;
NEXT:
  add.u32 %r2, %r2, 1;
  setp.ne.u32 %p3, %r1, 1;
  @%p3 bra LOOP;
DONE:
  st.global.u32 [%e0], %r2;
  bar.warp.sync 0xffffffff;
  redux.sync.add.u32 %r4, %r2, 0xffffffff;
  st.global.u32 [%e0+4], %r4;
"""
    run(body, out, block=100)
    steps = np.array([collatz(n + 1) for n in range(100)], np.uint32)
    sums = [steps[i - i % 32 : i - i % 32 + 32].sum() for i in range(100)]
    same(out, np.stack([steps, np.array(sums, np.uint32)], 1))


def test_nested_loops():
    """The inner one as often as the outer one says, in each lane another number."""
    out = np.zeros(64, np.uint32)
    body = """
  and.b32 %r1, %index, 7;
  mov.u32 %r2, 0;
  mov.u32 %r5, 0;
OUTER:
  mov.u32 %r3, 0;
INNER:
  setp.gt.u32 %p1, %r3, %r2;
  @%p1 bra LEAVE;
  mad.lo.u32 %r5, %r5, 3, %r3;
  add.u32 %r3, %r3, 1;
  setp.eq.u32 %p2, %r3, 5;
  @%p2 bra SKIP;
  bra INNER;
LEAVE:
  add.u32 %r5, %r5, 100;
SKIP:
  add.u32 %r2, %r2, 1;
  setp.le.u32 %p3, %r2, %r1;
  @%p3 bra OUTER;
  st.global.u32 [%e0], %r5;
"""
    run(body, out, block=64)
    want = []
    for i in range(64):
        total = 0
        for outer in range(i % 8 + 1):
            inner = 0
            while inner <= outer:
                total, inner = total * 3 + inner, inner + 1
                if inner == 5:
                    break
            else:
                total += 100
        want.append(total % 2**32)
    same(out, np.array(want, np.uint32))


def test_jump_into_the_middle_of_a_branch():
    """Control flow that no if and while has made: two blocks share their ends."""
    out = np.zeros(64, np.uint32)
    body = """
  and.b32 %r1, %index, 3;
  mov.u32 %r2, 0;
  setp.eq.u32 %p0, %r1, 0;
  setp.eq.u32 %p1, %r1, 1;
  setp.eq.u32 %p2, %r1, 2;
  @%p0 bra A;
  @%p1 bra B;
  @%p2 bra C;
  add.u32 %r2, %r2, 1000;
  bra B;
A:
  add.u32 %r2, %r2, 100;
B:
  add.u32 %r2, %r2, 10;
  setp.gt.u32 %p3, %r1, 2;
  @%p3 bra D;
C:
  add.u32 %r2, %r2, 1;
D:
  st.global.u32 [%e0], %r2;
"""
    run(body, out, block=64)
    same(out, np.array([111, 11, 1, 1010], np.uint32)[indices(64) % 4])


@pytest.mark.parametrize("leave", ["ret", "exit"])
def test_a_part_of_a_warp_ends_early(leave):
    """Under a guard and at the end of a branch; the others go on."""
    out = np.zeros(70, np.uint32)
    body = f"""
  and.b32 %r1, %index, 3;
  setp.eq.u32 %p1, %r1, 0;
  setp.eq.u32 %p2, %r1, 1;
  @%p1 {leave};
  st.global.u32 [%e0], 1;
  @!%p2 bra ON;
  st.global.u32 [%e0], 2;
  {leave};
ON:
  st.global.u32 [%e0], 3;
"""
    run(body, out, block=70)
    same(out, np.array([0, 2, 3, 3], np.uint32)[indices(70) % 4])


def test_all_threads_of_a_block_end_early():
    out = np.zeros(128, np.uint32)
    body = """
  mov.u32 %r1, %ctaid.x;
  setp.eq.u32 %p1, %r1, 1;
  @%p1 ret;
  st.global.u32 [%e0], 1;
"""
    run(body, out, block=32, grid=4)
    same(out, np.repeat([1, 0, 1, 1], 32).astype(np.uint32))


def test_scopes():
    """Registers and labels of an inner block hide those outside, and end with it."""
    out = np.zeros((40, 4), np.uint32)
    body = """
  .reg .b32 value;
  mov.u32 value, 1;
  mov.u32 %r1, 10;
  {
    .reg .b32 value, more;
    mov.u32 value, 2;
    mov.u32 more, 20;
    {
      .reg .b64 value;
      .reg .b32 %r<3>;
      .reg .pred p;
      mov.u64 value, 3;
      mov.u32 %r1, 30;
      cvt.u32.u64 %r2, value;
      add.u32 more, more, %r2;
      setp.lt.u32 p, %index, 20;
      @p bra END;
      add.u32 more, more, 1000;
END:
    }
    add.u32 value, value, more;
    st.global.u32 [%e0], value;
  }
  {
    .reg .b32 more;
    .reg .pred p;
    mov.u32 more, 5;
    setp.ge.u32 p, %index, 20;
    @p bra END;
    add.u32 more, more, 2000;
END:
    st.global.u32 [%e0+4], more;
  }
  st.global.u32 [%e0+8], value;
  st.global.u32 [%e0+12], %r1;
"""
    run(body, out, block=40)
    low = indices(40) < 20
    want = [np.where(low, 25, 1025), np.where(low, 2005, 5), np.full(40, 1), np.full(40, 10)]
    same(out, np.stack(want, 1).astype(np.uint32))


def test_scope_with_memory():
    """Variables of a block, of shared and of local memory."""
    out = np.zeros(32, np.uint32)
    body = """
  {
    .shared .align 4 .b8 here[128];
    .local .align 4 .b8 own[8];
    mov.u32 %r1, here;
    mad.lo.u32 %r2, %index, 4, %r1;
    st.shared.u32 [%r2], %index;
    st.local.u32 [own+4], %index;
    ld.shared.u32 %r3, [%r2];
    ld.local.u32 %r4, [own+4];
    add.u32 %r5, %r3, %r4;
    st.global.u32 [%e0], %r5;
  }
"""
    run(body, out, block=32)
    same(out, 2 * indices(32))


SYNTAX = f"""//
// A comment, as compilers begin with them.
//
{HEADER}
\t.file\t1 "/home/some one/module.cu"
\t// .globl\tfirst                  // -- Begin function first
.extern .shared .align 16 .b8 unused[];
.visible .entry first(
\t.param .u64 .ptr .global .align 16 first_param_0,
\t.param .u32 first_param_1
)
.maxntid 128, 1, 1
.minnctapersm 2
{{
\t.reg .pred \t%p<2>;
\t.reg .b32 \t%r<5>;
\t.reg .b64 \t%rd<4>;
\t.reg .f32 a, b, $c_1;

// %bb.0:                               // %entry
\tld.param.b64 \t%rd1, [first_param_0];
\tld.param.b32 \t%r1, [first_param_1];
\tmov.u32 \t%r2, %tid.x; /* A comment over
\ttwo lines, with ; and }} in it. */
\tmul.wide.u32 \t%rd2, %r2, 4;
\tadd.s64 \t%rd3, %rd1, %rd2;
$L__BB0_1:                              // =>This Inner Loop Header: Depth=1
\t.pragma "nounroll";
\tadd.s32 \t%r1, %r1, -1;
\tsetp.ne.b32 \t%p1, %r1, 0;
\t@%p1 bra \t$L__BB0_1;
\tbra.uni \t$L__BB0_2;

$L__BB0_2:
\t.loc 1 7 3
\tmov.f32 a,0f40000000; mov.f32 b, a;
\tmul.rn.f32 $c_1, a, b;
\tcvt.rzi.s32.f32 %r3, $c_1;
\tadd.s32 %r4, %r3, %r2;
\tst.global.b32 \t[%rd3], %r4;
\tret;
                                        // -- End function
}}
\t// .globl\tsecond
.entry second ( .param .u64 second_param_0 ) .reqntid 32
{{ .reg .b64 %rd<2>; ld.param.u64 %rd1, [second_param_0]; 
bra here; here: st.global.u32 [ %rd1 + 0 ], 77; ret; }}
"""


def test_a_module_as_compilers_write_it():
    """Comments, directives, lines of the source, names with $ and _, two kernels.

    And several statements in a line, and a label before one.
    """
    dump(SYNTAX)
    out = np.zeros(32, np.uint32)
    emulator.launch(SYNTAX, "first", 1, 32, [out, np.uint32(3)])
    same(out, indices(32) + 4)
    one = np.zeros(1, np.uint32)
    emulator.launch(SYNTAX, "second", 1, 32, [one], check_races=False)
    assert one[0] == 77
