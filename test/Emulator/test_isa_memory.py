"""PTX ISA 9.7.9: ld and st of all types, with what qualifies them, and fences."""

import numpy as np
import pytest

from isa import TYPES, integers, run, same, wrap


def indices(count):
    return np.arange(count, dtype=np.uint32)


def bytes_of(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)


@pytest.mark.parametrize("kind", ["u8", "s8", "u16", "s16", "u32", "s32"])
def test_loads_extend_to_the_register(kind):
    """By the sign for signed types, else by zeros."""
    a = integers(TYPES[kind], 85)
    out = np.zeros((a.size, 2), np.uint64)
    narrow = f"ld.global.{kind} %r1, [%e1];\ncvt.u64.u32 %d1, %r1;\nst.global.b64 [%e0], %d1;\n"
    wide = f"ld.global.{kind} %d2, [%e1];\nst.global.b64 [%e0+8], %d2;"
    run(narrow + wide, out, a, block=a.size)
    same(out[:, 0].copy(), wrap(wrap(a, np.uint32), np.uint64), a)
    same(out[:, 1].copy(), wrap(a, np.uint64), a)


@pytest.mark.parametrize("kind", ["b8", "u8", "s8", "b16", "u16", "s16", "b32"])
def test_stores_take_the_low_bits(kind):
    a = integers(np.uint64, 85)
    out = bytes_of(a.size * 8, 2).view(TYPES[kind]).reshape(a.size, -1)
    want = out.copy()
    want[:, 1] = wrap(a, TYPES[kind])
    size = out.dtype.itemsize
    run(f"ld.global.b64 %d1, [%e1];\nst.global.{kind} [%e0+{size}], %d1;", out, a, block=a.size)
    same(out, want)


VECTORS = [(n, k) for n in (2, 4) for k in TYPES if "f16" not in k and (n, k[1:]) != (4, "64")]


@pytest.mark.parametrize("count, kind", VECTORS)
def test_vectors(count, kind):
    """Through global, shared and local memory, the elements reversed on the way."""
    size = int(kind[1:]) // 8
    letter = {1: "h", 2: "h", 4: "f" if kind[0] == "f" else "r"}.get(
        size, "g" if kind[0] == "f" else "d"
    )
    threads, whole = 48, size * count
    names = [f"%{letter}{i + 1}" for i in range(count)]
    forward, backward = (f"{{{', '.join(x)}}}" for x in (names, names[::-1]))
    kinds = f"v{count}.{kind}"
    a = bytes_of(threads * whole).reshape(threads, count, size)
    out = np.zeros_like(a)
    variables = f".shared .align 16 .b8 buffer[{threads * whole}];\n"
    run(
        f"""
  .local .align 16 .b8 own[{2 * whole}];
  ld.global.{kinds} {forward}, [%e1];
  mov.u32 %r20, buffer;
  mad.lo.u32 %r21, %index, {whole}, %r20;
  st.shared.{kinds} [%r21], {backward};
  bar.sync 0;
  xor.b32 %r22, %index, 5;
  mad.lo.u32 %r23, %r22, {whole}, %r20;
  ld.shared.{kinds} {forward}, [%r23];
  mov.u64 %d20, own;
  st.local.{kinds} [%d20+{whole}], {forward};
  ld.local.{kinds} {forward}, [%d20+{whole}];
  st.global.{kinds} [%e0], {forward};
""",
        out, a, block=threads, variables=variables,
    )  # fmt: skip
    same(out, a[np.arange(threads) ^ 5, ::-1])


LOADS = """ld.global ld.weak.global ld.volatile.global ld.relaxed.gpu.global ld.acquire.sys.global
ld.relaxed.cta.global ld.acquire.gpu.global ld.global.ca ld.global.cg ld.global.cs ld.global.lu
ld.global.cv ld.global.nc ld.global.ca.nc ld.global.cg.nc ld.global.L1::evict_last
ld.global.L1::evict_first ld.global.L1::evict_unchanged ld.global.L1::no_allocate
ld.global.L2::64B ld.global.L2::128B ld.global.L2::256B ld.global.nc.L1::no_allocate
ld.global.nc.L1::no_allocate.L2::128B ld.global.nc.L1::evict_last.L2::256B ld ld.volatile
ld.relaxed.gpu ld.acquire.gpu"""
STORES = """st.global st.weak.global st.volatile.global st.relaxed.gpu.global st.release.gpu.global
st.release.sys.global st.global.wb st.global.cg st.global.cs st.global.wt
st.global.L1::evict_last st.global.L1::evict_first st.global.L1::no_allocate st st.volatile
st.relaxed.sys st.release.gpu"""


@pytest.mark.parametrize("vector", ["", ".v2", ".v4"])
def test_qualifiers(vector):
    """Of order, of caches and of what to prefetch change no value."""
    count = int(vector[2:] or 1)
    stores, loads = STORES.split(), LOADS.split()
    a = bytes_of(40 * 4 * count).view(np.uint32).reshape(40, count)
    out = np.zeros((40, len(loads), count), np.uint32)
    names = ", ".join(f"%r{i}" for i in range(1, count + 1))
    operand = f"{{{names}}}" if vector else names
    body = ""
    for i, load in enumerate(loads):
        body += f"{load}{vector}.u32 {operand}, [%e1];\n"
        body += f"{stores[i % len(stores)]}{vector}.u32 [%e0+{4 * count * i}], {operand};\n"
    run(body, out, a, block=40)
    same(out, np.repeat(a[:, None], len(loads), 1))


@pytest.mark.parametrize(
    "load", ["ld.shared", "ld.volatile.shared", "ld.shared::cta", "ld.relaxed.cta.shared"]
)
@pytest.mark.parametrize(
    "store", ["st.shared", "st.volatile.shared", "st.shared::cta", "st.release.cta.shared"]
)
def test_qualifiers_of_shared_memory(load, store):
    out = np.zeros(40, np.uint32)
    body = f"""
  mov.u32 %r1, cells;
  mad.lo.u32 %r2, %index, 4, %r1;
  {store}.u32 [%r2], %index;
  {load}.u32 %r3, [%r2];
  st.global.u32 [%e0], %r3;
"""
    run(body, out, block=40, variables=".shared .align 4 .b8 cells[160];\n")
    same(out, indices(40))


def test_hints():
    """Prefetches and the policies of caches."""
    out, a = np.zeros(40, np.uint32), indices(40)
    body = """
  prefetch.global.L2 [%e1];
  prefetch.global.L1 [%a1+64];
  prefetch.L2 [%e1];
  prefetch.global.L2::evict_last [%e1];
  mov.u64 %d1, 0;
  ld.global.L2::cache_hint.u32 %r1, [%e1], %d1;
  st.global.L2::cache_hint.u32 [%e0], %r1, %d1;
"""
    run(body, out, a, block=40)
    same(out, a)


@pytest.mark.parametrize(
    "fence",
    ["membar.cta", "membar.gl", "membar.sys", "fence.acq_rel.cta", "fence.acq_rel.gpu",
     "fence.sc.gpu", "fence.sc.sys"],
)  # fmt: skip
def test_fences(fence):
    out = np.zeros(40, np.uint32)
    run(f"st.global.u32 [%e0], %index;\n{fence};\nld.global.u32 %r1, [%e0];\n"
        "add.u32 %r1, %r1, 1;\nst.global.u32 [%e0], %r1;", out, block=40)  # fmt: skip
    same(out, indices(40) + 1)
