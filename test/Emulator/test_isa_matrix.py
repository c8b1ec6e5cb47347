"""PTX ISA 9.7.14.5: ldmatrix and mma.sync.m16n8k16 and m16n8k8.

The layouts of the fragments are the manual's formulas, of lane and element.
"""

import numpy as np
import pytest

from isa import BF16, bits, run, same

LANES = np.arange(32)[:, None]
GROUP, IN_GROUP = LANES >> 2, LANES % 4  # groupID and threadID_in_group


def layout_of_a(k):
    """Rows and columns of a0, a1, ... in each lane, of the 16 x k matrix A."""
    i = np.arange(k // 2)
    if k == 8:
        row = np.where(i < 2, GROUP, GROUP + 8)
        return row, IN_GROUP * 2 + (i & 1)
    row = np.where((i < 2) | ((4 <= i) & (i < 6)), GROUP, GROUP + 8)
    return row, np.where(i < 4, IN_GROUP * 2 + (i & 1), IN_GROUP * 2 + (i & 1) + 8)


def layout_of_b(k):
    """Rows and columns of b0, b1, ... in each lane, of the k x 8 matrix B."""
    i = np.arange(k // 4)
    row = np.where(i < 2, IN_GROUP * 2 + (i & 1), IN_GROUP * 2 + (i & 1) + 8)
    return row, np.broadcast_to(GROUP, row.shape)


def layout_of_c():
    """Rows and columns of c0 to c3 in each lane, of the 16 x 8 matrices C and D."""
    i = np.arange(4)
    return np.where(i < 2, GROUP, GROUP + 8), IN_GROUP * 2 + (i & 1)


def test_layouts_have_every_element_once():
    for (row, column), shape in (
        (layout_of_a(16), (16, 16)), (layout_of_a(8), (16, 8)), (layout_of_b(16), (16, 8)),
        (layout_of_b(8), (8, 8)), (layout_of_c(), (16, 8)),
    ):  # fmt: skip
        count = np.zeros(shape, int)
        np.add.at(count, (row, column), 1)
        assert (count == 1).all()


def packed(matrices, layout):
    """The 32-bit registers of each lane, for each of the matrices of 16-bit elements.

    The element with the lower index is in the lower half.
    """
    return np.ascontiguousarray(matrices[:, layout[0], layout[1]]).view(np.uint32)


def multiply(a, b, c, k, kind):
    """D of each A, B and C, by one warp each."""
    count = len(a)
    fragments = [packed(a, layout_of_a(k)), packed(b, layout_of_b(k))]
    row, column = layout_of_c()
    fragments.append(np.ascontiguousarray(c[:, row, column]))
    fragments = [x.reshape(count * 32, -1) for x in fragments]
    out = np.zeros((count * 32, 4), np.float32)
    names_a = [f"%r{i}" for i in range(1, k // 4 + 1)]
    names_b = [f"%r{i}" for i in range(10, 10 + k // 8)]
    body = "".join(f"ld.global.b32 {x}, [%e1+{4 * i}];\n" for i, x in enumerate(names_a))
    body += "".join(f"ld.global.b32 {x}, [%e2+{4 * i}];\n" for i, x in enumerate(names_b))
    body += f"""
  ld.global.v4.f32 {{%f1, %f2, %f3, %f4}}, [%e3];
  mma.sync.aligned.m16n8k{k}.row.col.f32.{kind}.{kind}.f32
    {{%f5, %f6, %f7, %f8}},
    {{{", ".join(names_a)}}}, {{{", ".join(names_b)}}},
    {{%f1, %f2, %f3, %f4}};
  st.global.v4.f32 [%e0], {{%f5, %f6, %f7, %f8}};
"""
    run(body, out, *fragments, block=32, grid=count)
    result = np.zeros((count, 16, 8), np.float32)
    result[:, row, column] = out.reshape(count, 32, 4)
    return result


FORMS = [(16, "bf16"), (16, "f16"), (8, "bf16"), (8, "f16")]
DTYPES = {"bf16": BF16, "f16": np.dtype(np.float16)}


def distinct(shape, dtype):
    """Numbers all different, which both types hold exactly."""
    n = np.arange(np.prod(shape))
    return ((n % 128 + 128) * 2.0 ** -(n // 128)).reshape(shape).astype(dtype)


def one_hot(rows, columns, dtype):
    return np.eye(rows * columns, dtype=np.float32).reshape(-1, rows, columns).astype(dtype)


def repeated(matrix, count):
    return np.ascontiguousarray(np.broadcast_to(matrix, (count, *matrix.shape)))


@pytest.mark.parametrize("k, kind", FORMS)
def test_each_element_of_a(k, kind):
    """A one at (i, j) alone puts row j of B into row i of D."""
    a = one_hot(16, k, DTYPES[kind])
    b = distinct((k, 8), DTYPES[kind])
    zeros = np.zeros((len(a), 16, 8), np.float32)
    want = zeros.copy()
    for n in range(len(a)):
        want[n, n // k] = b[n % k].astype(np.float32)
    same(multiply(a, repeated(b, len(a)), zeros, k, kind), want)


@pytest.mark.parametrize("k, kind", FORMS)
def test_each_element_of_b(k, kind):
    """A one at (i, j) alone puts column i of A into column j of D."""
    b = one_hot(k, 8, DTYPES[kind])
    a = distinct((16, k), DTYPES[kind])
    zeros = np.zeros((len(b), 16, 8), np.float32)
    want = zeros.copy()
    for n in range(len(b)):
        want[n, :, n % 8] = a[:, n // 8].astype(np.float32)
    same(multiply(repeated(a, len(b)), b, zeros, k, kind), want)


@pytest.mark.parametrize("k, kind", FORMS)
def test_each_element_of_c(k, kind):
    """With zeros in A, D is C."""
    c = one_hot(16, 8, np.float32) * np.float32(np.pi)
    a = np.zeros((len(c), 16, k), DTYPES[kind])
    b = repeated(distinct((k, 8), DTYPES[kind]), len(c))
    same(multiply(a, b, c, k, kind), c)


@pytest.mark.parametrize("k, kind", FORMS)
def test_sums_of_integers_are_exact(k, kind):
    generator = np.random.default_rng(k)
    a, b = (generator.integers(-16, 17, (20, *x)) for x in ((16, k), (k, 8)))
    c = generator.integers(-1000, 1000, (20, 16, 8))
    got = multiply(a.astype(DTYPES[kind]), b.astype(DTYPES[kind]), c.astype(np.float32), k, kind)
    same(got, (a @ b + c).astype(np.float32))


@pytest.mark.parametrize("k, kind", FORMS)
def test_sums_of_random_numbers(k, kind):
    """Products are exact; they are added at least in single precision, in any order.

    The last bits of each of k + 1 summands may be cut off, not only rounded.
    """
    generator = np.random.default_rng(k)
    a, b = (generator.normal(size=(20, *x)).astype(DTYPES[kind]) for x in ((16, k), (k, 8)))
    c = generator.normal(size=(20, 16, 8)).astype(np.float32)
    x, y, z = (m.astype(np.float64) for m in (a, b, c))
    error = abs(multiply(a, b, c, k, kind) - (x @ y + z))
    assert (error <= (k + 1) * 2.0**-23 * (abs(x) @ abs(y) + abs(z))).all()


@pytest.mark.parametrize("k, kind", FORMS)
def test_infinities_and_nan_stay_in_their_row(k, kind):
    a = np.ones((1, 16, k), DTYPES[kind])
    a[0, 3, 2], a[0, 9, 5] = np.inf, np.nan
    b = np.ones((1, k, 8), DTYPES[kind])
    got = multiply(a, b, np.zeros((1, 16, 8), np.float32), k, kind)[0]
    want = np.full((16, 8), k, np.float32)
    want[3], want[9] = np.inf, np.nan
    same(got, want)


def test_the_result_may_replace_the_sum():
    """D and C in the same registers, as loops have it."""
    a, b = np.full((32, 4), 0x3F803F80, np.uint32), np.full((32, 2), 0x3F803F80, np.uint32)
    out = np.zeros((32, 4), np.float32)
    body = """
  ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%e1];
  ld.global.v2.b32 {%r5, %r6}, [%e2];
  mov.f32 %f1, 0f3F800000;
  mov.f32 %f2, %f1;
  mov.f32 %f3, %f1;
  mov.f32 %f4, %f1;
  mov.u32 %r10, 0;
LOOP:
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
    {%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f1, %f2, %f3, %f4};
  add.u32 %r10, %r10, 1;
  setp.lt.u32 %p1, %r10, 3;
  @%p1 bra LOOP;
  st.global.v4.f32 [%e0], {%f1, %f2, %f3, %f4};
"""
    run(body, out, a, b, block=32)
    same(out, np.full((32, 4), 49, np.float32))


def ldmatrix(count, trans, rows, memory, modifier=".shared", address="%r1"):
    """What each of the lanes gets, of the addresses in `rows`."""
    out = np.zeros((32, count), np.uint32)
    names = ", ".join(f"%r{i}" for i in range(10, 10 + count))
    body = "mov.u32 %r2, cells;\n"
    for i in range(0, memory.nbytes, 128):
        body += f"mad.wide.u32 %d1, %index, 4, %a2;\nld.global.b32 %r3, [%d1+{i}];\n"
        body += f"mad.lo.u32 %r4, %index, 4, %r2;\nst.shared.b32 [%r4+{i}], %r3;\n"
    body += f"""
  bar.sync 0;
  ld.global.u32 %r1, [%e1];
  add.u32 %r1, %r1, %r2;
  cvt.u64.u32 %d2, %r1;
  cvta.shared.u64 %d3, %d2;
  ldmatrix.sync.aligned.m8n8.x{count}{trans}{modifier}.b16 {{{names}}}, [{address}];
"""
    body += "".join(f"st.global.b32 [%e0+{4 * i}], %r{10 + i};\n" for i in range(count))
    run(body, out, rows.astype(np.uint32), memory, block=32,
        variables=f".shared .align 16 .b8 cells[{memory.nbytes}];\n")  # fmt: skip
    return out.view(np.uint16).reshape(32, count, 2)


def matrices(count, seed=1):
    """Addresses of rows, in any order, and what is in `count` matrices of 8 x 8."""
    memory = np.arange(1024, dtype=np.uint16) * 7 + 3
    rows = np.random.default_rng(seed).permutation(128)[:32] * 16
    elements = memory.reshape(128, 8)[rows[: 8 * count] // 16].reshape(count, 8, 8)
    return rows, memory, elements


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize(
    "modifier, address", [(".shared", "%r1"), (".shared::cta", "%d2"), ("", "%d3")]
)
def test_ldmatrix(count, modifier, address):
    """Lane 8m + r has the address of row r of matrix m.

    Of each matrix lane l gets row l / 4, the columns 2 (l % 4) and the next.
    """
    rows, memory, elements = matrices(count)
    got = ldmatrix(count, "", rows, memory, modifier, address)
    want = np.zeros_like(got)
    for lane in range(32):
        for matrix in range(count):
            for i in range(2):
                want[lane, matrix, i] = elements[matrix, lane // 4, 2 * (lane % 4) + i]
    same(got, want)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_ldmatrix_transposed(count):
    """In column-major format: what was in row c and column r is in row r, column c."""
    rows, memory, elements = matrices(count, 2)
    got = ldmatrix(count, ".trans", rows, memory)
    want = np.zeros_like(got)
    for lane in range(32):
        for matrix in range(count):
            for i in range(2):
                want[lane, matrix, i] = elements[matrix, 2 * (lane % 4) + i, lane // 4]
    same(got, want)


@pytest.mark.parametrize("count", [1, 2])
def test_ldmatrix_ignores_the_addresses_it_does_not_need(count):
    """Of the lanes behind the 8 or 16 first."""
    rows, memory, _ = matrices(count)
    wanted = ldmatrix(count, "", rows, memory)
    rows[8 * count :] = 0x7FFF0
    same(ldmatrix(count, "", rows, memory), wanted)


def test_ldmatrix_may_read_a_row_twice():
    rows, memory, _ = matrices(4)
    rows[:] = rows[5]
    got = ldmatrix(4, "", rows, memory)
    row = memory.reshape(128, 8)[rows[5] // 16]
    assert all((got[lane] == row[2 * (lane % 4) :][:2]).all() for lane in range(32))


def test_ldmatrix_loads_what_mma_multiplies():
    """A by x4, B, which is in rows, by x2.trans: the matrix product of both."""
    generator = np.random.default_rng(4)
    a, b = (generator.integers(-8, 9, x) for x in ((16, 16), (16, 8)))
    memory = [bits(x.astype(BF16)) for x in (a, b)]
    out = np.zeros((32, 4), np.float32)
    body = """
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
"""
    for i in range(4):
        body += f"mad.wide.u32 %d1, %index, 4, %a1;\nld.global.b32 %r3, [%d1+{128 * i}];\n"
        body += f"st.shared.b32 [%r2+{128 * i}], %r3;\n"
    for i in range(2):
        body += f"mad.wide.u32 %d1, %index, 4, %a2;\nld.global.b32 %r3, [%d1+{128 * i}];\n"
        body += f"st.shared.b32 [%r2+{512 + 128 * i}], %r3;\n"
    body += """
  bar.warp.sync 0xffffffff;
  and.b32 %r4, %index, 15;
  shr.u32 %r5, %index, 4;
  mad.lo.u32 %r6, %r4, 32, %r1;
  mad.lo.u32 %r6, %r5, 16, %r6;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r6];
  mad.lo.u32 %r7, %r4, 16, %r1;
  ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r14, %r15}, [%r7+512];
  mov.b32 %r16, 0;
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
    {%f1, %f2, %f3, %f4}, {%r10, %r11, %r12, %r13}, {%r14, %r15}, {%r16, %r16, %r16, %r16};
  st.global.v4.f32 [%e0], {%f1, %f2, %f3, %f4};
"""
    run(body, out, *memory, block=32, variables=".shared .align 16 .b8 cells[768];\n")
    row, column = layout_of_c()
    same(out, (a @ b).astype(np.float32)[row, column])
