"""dsa.sparse_attention's GPU kernel by the entry points of an artefact: results, strides, memory of
all kinds, as a program has them. On the emulator, which knows what memory there is."""

import contextlib
import ctypes

import numpy as np
import pytest

from artefact import Artefact, Failed, compiled, tensor
from harness import BF16, same_bits
from reference import compare, inputs
from test_gpu_artefact import emulator

ARGUMENT, WORKSPACE = 1, 2
CUDA = 2
H, DK, DV = 20, 80, 48


def function(name, heads, in_a_loop=False):
    """Attention of any number of rows; in a loop, two rows at a time."""
    q, out, lse = (f"tensor<?x{heads}x{DK}xbf16>", f"tensor<?x{heads}x{DV}xbf16>",
                   f"tensor<?x{heads}xf32>")
    kv, idx, counts, sink = (f"tensor<?x{DK}xbf16>", "tensor<?x?xi32>", "tensor<?xi32>",
                             f"tensor<{heads}xf32>")

    def attention(q_name, i_name, n_name, o_name, l_name):
        return f"""%x:2 = dsa.sparse_attention query({q_name} : {q}) keys(%kv : {kv})
      indices({i_name} : {idx}) counts({n_name} : {counts}) sink(%s : {sink}) scale = 0.125
      dv = {DV} outs({o_name}, {l_name} : {out}, {lse})"""

    text = f"""
func.func @{name}(%q: {q}, %kv: {kv}, %i: {idx}, %n: {counts}, %s: {sink}) -> ({out}, {lse}) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : {q}
  %o = tensor.empty(%T) : {out}
  %l = tensor.empty(%T) : {lse}
"""
    if not in_a_loop:
        return text + f"""  {attention("%q", "%i", "%n", "%o", "%l")}
  return %x#0, %x#1 : {out}, {lse}
}}
"""
    return text + f"""  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %K = tensor.dim %i, %c1 : {idx}
  %r:2 = scf.for %t = %c0 to %T step %c2 iter_args(%oo = %o, %ll = %l) -> ({out}, {lse}) {{
    %m = affine.min affine_map<(d0)[s0] -> (2, s0 - d0)>(%t)[%T]
    %qs = tensor.extract_slice %q[%t, 0, 0] [%m, {heads}, {DK}] [1, 1, 1] : {q} to {q}
    %is = tensor.extract_slice %i[%t, 0] [%m, %K] [1, 1] : {idx} to {idx}
    %ns = tensor.extract_slice %n[%t] [%m] [1] : {counts} to {counts}
    %os = tensor.extract_slice %oo[%t, 0, 0] [%m, {heads}, {DV}] [1, 1, 1] : {out} to {out}
    %ls = tensor.extract_slice %ll[%t, 0] [%m, {heads}] [1, 1] : {lse} to {lse}
    {attention("%qs", "%is", "%ns", "%os", "%ls")}
    %o2 = tensor.insert_slice %x#0 into %oo[%t, 0, 0] [%m, {heads}, {DV}] [1, 1, 1]
        : {out} into {out}
    %l2 = tensor.insert_slice %x#1 into %ll[%t, 0] [%m, {heads}] [1, 1] : {lse} into {lse}
    scf.yield %o2, %l2 : {out}, {lse}
  }}
  return %r#0, %r#1 : {out}, {lse}
}}
"""


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attention")
    text = function("f", H) + function("few", 2) + function("loop", H, in_a_loop=True)
    emulator.cuda()
    return Artefact(compiled(folder, text, "--target=cpu,sm_80"))


@contextlib.contextmanager
def device_memory(arrays):
    """What these arrays, or the arrays they are views of, stand in is a GPU's memory."""
    held = {}
    for array in arrays:
        while array.base is not None and isinstance(array.base, np.ndarray):
            array = array.base
        held[array.ctypes.data] = array
    for address, array in held.items():
        emulator.cuda().dsa_emulator_add_buffer(
            ctypes.c_void_p(address), ctypes.c_uint64(array.nbytes), b"an array")
    try:
        yield
    finally:
        for address in held:
            emulator.cuda().dsa_emulator_remove_buffer(ctypes.c_void_p(address))


def on_gpu(arrays):
    tensors = [tensor(array) for array in arrays]
    for t in tensors:
        t.device_type = CUDA
    return tensors


def workspace_bytes(artefact, name, ins):
    size = ctypes.c_int64()
    artefact.raw(f"{name}_workspace", *on_gpu(ins), 1, ctypes.byref(size))
    return size.value


def call(artefact, ins, outs=None, name="f", workspace=None):
    """out and lse, of a workspace full of NaN."""
    T, heads = ins[0].shape[:2]
    if outs is None:
        outs = [np.full((T, heads, DV), 77, BF16), np.full((T, heads), 77, np.float32)]
    if workspace is None:
        workspace = np.full(workspace_bytes(artefact, name, ins), 0xff, np.uint8)
    emulator.cuda().dsa_emulator_clear()
    arrays = [*ins, *outs, workspace]
    with device_memory(x for x in arrays if x.size):
        artefact.raw(name, *on_gpu(arrays), 1, None)
    assert emulator.cuda().dsa_emulator_race_count() == 0
    return outs


def problem(T, K, S=300, heads=H, seed=1):
    """q, kv, indices, counts and sink; the first row has all its slots."""
    rng = inputs.rng(seed)
    data = inputs.attention_inputs(rng, T, S, heads, DK)
    idx, counts = inputs.indices(rng, T, S, K, invalid=0.1), inputs.counts(rng, T, K)
    if T and S:
        idx[0], counts[0] = rng.integers(0, S, K), K
    sink = rng.choice(np.array([0.5, -1, np.inf, -np.inf], np.float32), heads)
    return [data["q"], data["kv"], idx, counts, sink]


def expect_right(ins, outs):
    q, kv, idx, counts, sink = ins
    compare.attention_matches(*outs, q, [kv], [idx], counts=[counts], sink=sink, scale=0.125,
                              dv=DV, type="bf16")


@pytest.mark.parametrize("name", ["f", "loop"])
def test_sizes_of_one_image(artefact, name):
    """Rows, slots and keys from none to more splits than one; of the rows of a loop, too."""
    for T, K, S in [(0, 5, 9), (1, 0, 9), (1, 1, 1), (2, 5, 0), (1, 1500, 300), (3, 31, 300),
                    (5, 33, 40), (7, 257, 300), (121, 40, 300), (30, 129, 300)]:
        ins = problem(T, K, S, seed=T + K)
        expect_right(ins, call(artefact, ins, name=name))


def test_special_values_anywhere(artefact):
    """NaN, infinities and zeros in queries, keys and sinks, in lists of holes and of duplicates."""
    specials = np.array([np.nan, np.inf, -np.inf, 20, -20, 0, -0.0], np.float32)
    sinks = np.array([np.nan, np.inf, -np.inf, 80, -80, 3e38, -3e38, 0], np.float32)
    for seed in range(200):
        rng = inputs.rng(seed)
        T, K, S = (int(rng.choice(x)) for x in ([1, 2, 5], [1, 31, 33, 100, 300], [1, 7, 300]))
        ins = problem(T, K, S, seed=seed)
        for array in ins[:2]:
            flat = array.reshape(-1)
            at = rng.integers(0, flat.size, int(flat.size * rng.choice([0, 1e-3, 1e-2])))
            flat[at] = rng.choice(specials, at.size).astype(array.dtype)
        if seed % 2:
            ins[4][:] = rng.choice(sinks, H)
        if seed % 3 == 0:
            ins[2][:] = ins[2][:, :1]
        emulator.cuda().dsa_emulator_set(b"seed", str(seed % 5).encode())
        try:
            expect_right(ins, call(artefact, ins, name=("f", "loop")[seed % 2]))
        finally:
            emulator.cuda().dsa_emulator_set(b"seed", b"0")


def test_many_rows(artefact):
    ins = problem(1500, 9, 200, heads=2)
    expect_right(ins, call(artefact, ins, name="few"))


def spread(array, steps, before, after):
    """A view with the elements of `array`, `steps` apart in a larger array of 77."""
    shape = [b + n * s + a for b, n, s, a in zip(before, array.shape, steps, after)]
    large = np.full(shape, 77, array.dtype)
    view = large[tuple(slice(b, b + n * s, s)
                       for b, n, s in zip(before, array.shape, steps))]
    view[...] = array
    return view


@pytest.mark.parametrize("K", [40, 700])
def test_strides(artefact, K):
    """Every dimension but those that have to be contiguous, in arrays of more; nothing beside the
    results is written. lse stands as FlashMLA has it, heads first."""
    q, kv, idx, counts, sink = ins = problem(3, K)
    whole = call(artefact, ins)
    strided = [spread(q, (2, 3, 1), (1, 1, 8), (0, 1, 16)), spread(kv, (3, 1), (2, 24), (0, 8)),
               spread(idx, (2, 1), (1, 3), (1, 2)), spread(counts, (3,), (1,), (1,)),
               spread(sink, (2,), (1,), (0,))]
    outs = [spread(np.zeros_like(whole[0]), (2, 2, 1), (1, 0, 8), (1, 2, 24)),
            spread(np.zeros((H, 3), np.float32), (2, 3), (1, 2), (1, 1)).T]
    expected = [x.base.copy() if x.base.base is None else x.base.base.copy() for x in outs]
    call(artefact, strided, outs)
    assert same_bits([np.ascontiguousarray(x) for x in outs], whole)
    for out, before in zip(outs, expected):
        large = out.base if out.base.base is None else out.base.base
        changed = large.view(np.uint8) != before.view(np.uint8)
        out[...] = 0
        assert (large.view(np.uint8) == before.view(np.uint8)).all() and changed.any()


def test_rows_that_are_one(artefact):
    """Strides of 0: all rows of a tensor are the same memory."""
    q, kv, idx, counts, sink = problem(1, 90)
    alone = call(artefact, [np.repeat(q, 3, 0), kv, np.repeat(idx, 3, 0), np.repeat(counts, 3),
                            np.full(H, sink[0])])
    same = [np.broadcast_to(q, (3, H, DK)), kv, np.broadcast_to(idx, (3, 90)),
            np.broadcast_to(counts, 3), np.broadcast_to(sink[:1], H)]
    assert same_bits(call(artefact, same), alone)


@pytest.mark.parametrize("columns, begin, message", [
    (DV + 4, 0, "out: the stride in bytes of its dimension 1 is 104,"),
    (DV + 8, 4, "out: its address is")])
def test_results_that_are_not_aligned(artefact, columns, begin, message):
    ins = problem(2, 9)
    large = np.full((2, H, columns), 77, BF16)
    outs = [large[..., begin:begin + DV], np.full((2, H), 77, np.float32)]
    with pytest.raises(Failed) as refused:
        call(artefact, ins, outs)
    assert refused.value.status == ARGUMENT and message in refused.value.message
    assert (large == 77).all()


@pytest.mark.parametrize("T, K", [(1, 1500), (3, 700), (40, 300)])
@pytest.mark.parametrize("name", ["f", "loop"])
def test_the_workspace_that_it_asks_for(artefact, name, T, K):
    """Results with a workspace of just that size between guards, which stay as they were."""
    ins = problem(T, K)
    size = workspace_bytes(artefact, name, ins)
    memory = np.full(size + 8192, 0xff, np.uint8)
    memory[:4096], memory[4096 + size:] = 0xa5, 0xa5
    expect_right(ins, call(artefact, ins, name=name, workspace=memory[4096:4096 + size]))
    assert (memory[:4096] == 0xa5).all() and (memory[4096 + size:] == 0xa5).all()
    if size:
        with pytest.raises(Failed) as refused:
            call(artefact, ins, name=name, workspace=memory[4096:4096 + size - 1])
        assert refused.value.status == WORKSPACE


def test_the_workspace_does_not_grow_with_the_rows(artefact):
    def size(T):
        q, kv, idx, counts, sink = problem(1, 2048)
        ins = [np.broadcast_to(x, (T, *x.shape[1:])) for x in (q, idx, counts)]
        return workspace_bytes(artefact, "f", [ins[0], kv, *ins[1:], sink])
    assert size(1) > 0 and size(10**6) <= size(1)


def test_keys_beyond_4_gib(artefact):
    """Rows of zeros that take no memory, and a few that do, at both ends of 4 GiB: dense, and far
    apart in a tensor."""
    S = (1 << 32) // (2 * DK) + 7
    kv = np.zeros((S, DK), np.int16).view(BF16)
    q, few, _, counts, sink = problem(2, 6)
    counts[:] = 6
    rows = np.array([0, 1, S // 2 + 5, S - 2, S - 1])
    kv[rows] = few[:5]
    idx = np.concatenate([rows, [S]])[None].repeat(2, 0).astype(np.int32)
    near = np.array([[0, 1, 2, 3, 4, -1]] * 2, np.int32)
    wanted = call(artefact, [q, few, near, counts, sink])
    assert same_bits(call(artefact, [q, kv, idx, counts, sink]), wanted)
    apart = kv[:S - 3 + 1:(S - 8) // 4]
    apart[:5] = few[:5]
    assert same_bits(call(artefact, [q, apart[:5], near, counts, sink]), wanted)
