"""What sparse_attention promises on the cpu target beside right results: bits that depend on a
row's own list and H only, softmax at its edges in every part of a divided list, memory as asked."""

import itertools

import numpy as np
import pytest

from entry_points import Library
from harness import BF16, same_bits
from reference import compare, inputs, ops

TYPES = {"bf16": BF16, "f32": np.float32}
D, DV = 80, 72
# Several groups of heads and, of lists of more than 512 keys, several ranges.
HEADS = [1, 5, 8, 16, 24, 40, 128]


def function(name, type_name, heads, sink):
    h = heads or "?"
    q, kv = f"tensor<?x{h}x{D}x{type_name}>", f"tensor<?x{D}x{type_name}>"
    out, lse = f"tensor<?x{h}x{DV}xf32>", f"tensor<?x{h}xf32>"
    arguments = f"%q: {q}, %kv: {kv}, %i: tensor<?x?xi32>, %n: tensor<?xi32>"
    clause = ""
    if sink:
        arguments += f", %s: tensor<{h}xf32>"
        clause = f"sink(%s : tensor<{h}xf32>)"
    return f"""
func.func @{name}({arguments}, %o: {out}, %l: {lse}) -> ({out}, {lse}) {{
  %r:2 = dsa.sparse_attention query(%q : {q}) keys(%kv : {kv}) indices(%i : tensor<?x?xi32>)
      counts(%n : tensor<?xi32>) {clause} scale = 0.25 dv = {DV} outs(%o, %l : {out}, {lse})
  return %r#0, %r#1 : {out}, {lse}
}}"""


@pytest.fixture(scope="module", params=["", "features=-avx512f"], ids=["host", "8 lanes at most"])
def library(request, tmp_path_factory):
    """Functions for known numbers of heads, and `_0` for any; with a sink, `sunk_`."""
    text = "".join(function(f"{prefix}{type_name}_{heads}", type_name, heads, bool(prefix))
                   for type_name in TYPES
                   for prefix, heads in [*(("", h) for h in HEADS), ("", 0), ("sunk_", 0)])
    return Library(text, tmp_path_factory.mktemp("attention"), request.param, target="cpu")


def raw(array):
    return array.view(np.int16) if array.dtype == BF16 else array


def run(library, q, kv, idx, counts, threads=1, known=True, sink=None):
    """out and lse, of the function for the number of heads, or for any."""
    T, H = q.shape[:2]
    type_name = "bf16" if q.dtype == BF16 else "f32"
    name = f"{'' if sink is None else 'sunk_'}{type_name}_{H if known else 0}"
    ins = [raw(q), raw(kv), idx, counts, *([] if sink is None else [sink])]
    inits = [np.zeros((T, H, DV), np.float32), np.zeros((T, H), np.float32)]
    outs = [np.full_like(a, 77) for a in inits]
    workspace = library.workspace(name, [*ins, *inits], threads)
    # NaN as f32 and as bf16: what is read without being written reaches a result.
    workspace.view(np.uint8)[:] = 0xff
    assert library.raw(name, *ins, *inits, *outs, workspace, threads) == 0, library.last_error()
    return outs


def problem(T, H, K, S=3000, type_name="bf16", seed=3, holes=0.0):
    rng = inputs.rng(seed)
    data = inputs.attention_inputs(rng, T, S, H, D, type=type_name)
    idx = inputs.indices(rng, T, S, K, invalid=holes)
    return data["q"], data["kv"], idx, np.full(T, K, np.int32)


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("T, H, K", [(1, 128, 1500), (1, 16, 1111), (2, 40, 700), (5, 5, 2048)])
def test_bits_do_not_depend_on_threads(library, type_name, T, H, K):
    """20 runs: of one row, heads and ranges of the list are items of work; of many, rows."""
    arrays = problem(T, H, K, type_name=type_name, holes=0.1)
    once = run(library, *arrays)
    for threads in [2] * 20 + [3, 16]:
        assert same_bits(run(library, *arrays, threads=threads), once)
    q, kv, idx, counts = arrays
    compare.attention_matches(*once, q, [kv], [idx], counts=[counts], scale=0.25, dv=DV,
                              type=type_name)


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("H", HEADS)
def test_bits_depend_on_the_own_list_only(library, type_name, H):
    """The same row alone and among others, with its holes and without, behind a shorter list; its
    number of heads known and unknown; other slots, rows and queries NaN."""
    q, kv, idx, counts = problem(8, H, 777, type_name=type_name, holes=0.2)
    whole = run(library, q, kv, idx, counts)
    assert same_bits(run(library, q, kv, idx, counts, known=False), whole)
    for t in (0, 7):
        alone = run(library, q[t:t + 1], kv, idx[t:t + 1], counts[t:t + 1], threads=2)
        assert same_bits(alone, [x[t:t + 1] for x in whole])
    packed = np.full_like(idx, -1)
    for row, out in zip(idx, packed):
        kept = row[(row >= 0) & (row < len(kv))]
        out[:len(kept)] = kept
    lengths = (packed >= 0).sum(axis=1).astype(np.int32)
    assert same_bits(run(library, q, kv, packed, lengths), whole)
    # Behind the list, slots do not count; rows that nobody names are never read.
    packed[packed < 0] = 0
    kv2 = kv.copy()
    kv2[np.setdiff1d(np.arange(len(kv)), idx)] = np.nan
    kv2[0] = kv[0]
    assert same_bits(run(library, q, kv2, packed, lengths), whole)
    q2 = q.copy()
    q2[1::2] = np.nan
    others = run(library, q2, kv2, packed, lengths)
    assert same_bits([x[::2] for x in others], [x[::2] for x in whole])
    assert np.isnan(others[0][1::2][lengths[1::2] > 0]).all()


EDGES = ["greatest", "first block", "NaN", "+inf", "-inf", "all -inf", "empty"]


@pytest.mark.parametrize("edge, sink, threads",
                         [(*x, 1 + i % 2) for i, x in enumerate(itertools.product(
                             EDGES, [None, 0.5, np.inf, -np.inf, np.nan]))])
def test_softmax_at_its_edges(library, edge, sink, threads):
    """In lists of several ranges, the edge in one of them: against the float64 reference."""
    H, K, S = 5, 1300, 1400
    rng = inputs.rng(9)
    q = np.zeros((2, H, D), np.float32)
    q[:, :, 0], q[:, :, 1:] = 1, rng.standard_normal((2, H, D - 1)) * 0.1
    kv = rng.standard_normal((S, D)).astype(np.float32)
    idx = np.stack([rng.permutation(S)[:K] for _ in range(2)]).astype(np.int32)
    counts = np.array([K, K], np.int32)
    at = idx[0, 600]
    if edge == "greatest":
        # Logits a quarter of the greatest f32, and of the least.
        kv[at, 0], kv[idx[0, 3], 0] = np.finfo(np.float32).max, -np.finfo(np.float32).max
        kv[:, 1:] = np.where(np.isin(np.arange(S), [at, idx[0, 3]])[:, None], 0, kv[:, 1:])
    elif edge == "first block":
        idx[0, :200], idx[1, 512:1024] = -1, S
    elif edge == "NaN":
        kv[at, D - 1] = np.nan
    elif edge in ("+inf", "-inf"):
        kv[at, D - 1] = np.float32(edge)
        q[:, :, D - 1] = 0.1
    elif edge == "all -inf":
        kv[:, D - 1], q[0, :, D - 1] = -np.inf, 0.1
        q[1, :, D - 1] = 0.1
    else:
        counts[0] = 0
    sinks = None if sink is None else np.full(H, sink, np.float32)
    out, lse = run(library, q, kv, idx, counts, threads, known=sink is None, sink=sinks)
    compare.attention_matches(out, lse, q, [kv], [idx], counts=[counts], scale=0.25, dv=DV,
                              sink=sinks, type="f32")


def test_the_workspace_that_it_asks_for(library):
    """Results with a workspace of just that size between guards, which stay as they were."""
    for T, H, threads in [(1, 5, 1), (1, 128, 2), (9, 24, 3)]:
        q, kv, idx, counts = problem(T, H, 900)
        ins = [raw(q), raw(kv), idx, counts]
        inits = [np.zeros((T, H, DV), np.float32), np.zeros((T, H), np.float32)]
        size = library.workspace(f"bf16_{H}", [*ins, *inits], threads).size
        memory = np.full(size + 8192, 0xa5, np.uint8).view(np.int8)
        outs = [np.full_like(a, 77) for a in inits]
        inner = memory[4096:4096 + size]
        assert library.raw(f"bf16_{H}", *ins, *inits, *outs, inner, threads) == 0
        assert (memory[:4096].view(np.uint8) == 0xa5).all()
        assert (memory[4096 + size:].view(np.uint8) == 0xa5).all()
        assert same_bits(outs, run(library, q, kv, idx, counts))
        assert library.raw(f"bf16_{H}", *ins, *inits, *outs, inner[:-1], threads) == 2


def test_the_workspace_does_not_grow_with_the_rows(library):
    def size(T, threads):
        q, kv, idx, counts = problem(1, 40, 64, S=100)
        ins = [np.broadcast_to(x, (T, *x.shape[1:])) for x in (raw(q), idx, counts)]
        inits = [np.zeros((T, 40, DV), np.float32), np.zeros((T, 40), np.float32)]
        return library.workspace("bf16_40", [ins[0], raw(kv), *ins[1:], *inits], threads).size
    assert size(64, 1) == size(1000, 1) and size(64, 4) == size(1000, 4)


def test_keys_beyond_2_gib(library):
    """Rows of zeros that take no memory, and a few that do, at both ends of 4 GiB."""
    S = (1 << 32) // (2 * D) + 7
    kv = np.zeros((S, D), np.int16).view(BF16)
    q, few, _, _ = problem(2, 16, 4)
    rows = np.array([0, 1, S // 2 + 5, S - 2, S - 1])
    kv[rows] = few[:5]
    idx = np.concatenate([rows, [S]])[None].repeat(2, 0).astype(np.int32)
    near = np.array([[0, 1, 2, 3, 4, -1]] * 2, np.int32)
    counts = np.full(2, 6, np.int32)
    assert same_bits(run(library, q, kv, idx, counts), run(library, q, few, near, counts))


@pytest.mark.parametrize("features", ["", "features=-avx512bf16", "features=-avx512f"])
@pytest.mark.parametrize("dv", [1, 17, 33])
def test_nothing_is_written_behind_a_row(tmp_path, features, dv):
    """Rows of a narrow type that end in the first lane of a vector, with room behind them."""
    q, kv, out = "tensor<?x2x40xbf16>", "tensor<?x40xbf16>", f"tensor<?x2x{dv}xbf16>"
    lse = "tensor<?x2xf32>"
    narrow = Library(f"""
func.func @f(%q: {q}, %kv: {kv}, %i: tensor<?x?xi32>, %o: {out}, %l: {lse}) -> ({out}, {lse}) {{
  %r:2 = dsa.sparse_attention query(%q : {q}) keys(%kv : {kv}) indices(%i : tensor<?x?xi32>)
      scale = 0.25 dv = {dv} outs(%o, %l : {out}, {lse})
  return %r#0, %r#1 : {out}, {lse}
}}""", tmp_path, features, target="cpu")
    rng = inputs.rng(4)
    data = inputs.attention_inputs(rng, 3, 50, 2, 40)
    idx = inputs.indices(rng, 3, 50, 9)
    inits = [np.zeros((3, 2, dv), np.int16), np.zeros((3, 2), np.float32)]
    padded = np.full((3, 2, dv + 3), 77, np.int16)
    ins = [raw(data["q"]), raw(data["kv"]), idx, *inits]
    assert narrow.call("f", ins, [padded[..., :dv], inits[1]]) == 0
    assert (padded[..., dv:] == 77).all()


IN_A_LOOP = """
func.func @f(%q: tensor<?x48x64xf32>, %kv: tensor<?x64xf32>, %i: tensor<?x?xi32>,
    %o: tensor<?x48x64xf32>, %l: tensor<?x48xf32>) -> (tensor<?x48x64xf32>, tensor<?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c48 = arith.constant 48 : index
  %c40 = arith.constant 40 : index
  %T = tensor.dim %q, %c0 : tensor<?x48x64xf32>
  %r:2 = scf.for %h = %c0 to %c48 step %c40 iter_args(%oo = %o, %ll = %l)
      -> (tensor<?x48x64xf32>, tensor<?x48xf32>) {
    %n = affine.min affine_map<(d0) -> (40, 48 - d0)>(%h)
    %qs = tensor.extract_slice %q[0, %h, 0] [%T, %n, 64] [1, 1, 1]
        : tensor<?x48x64xf32> to tensor<?x?x64xf32>
    %os = tensor.extract_slice %oo[0, %h, 0] [%T, %n, 64] [1, 1, 1]
        : tensor<?x48x64xf32> to tensor<?x?x64xf32>
    %ls = tensor.extract_slice %ll[0, %h] [%T, %n] [1, 1]
        : tensor<?x48xf32> to tensor<?x?xf32>
    %x:2 = dsa.sparse_attention query(%qs : tensor<?x?x64xf32>) keys(%kv : tensor<?x64xf32>)
        indices(%i : tensor<?x?xi32>) scale = 0.25 dv = 64
        outs(%os, %ls : tensor<?x?x64xf32>, tensor<?x?xf32>)
    %o2 = tensor.insert_slice %x#0 into %oo[0, %h, 0] [%T, %n, 64] [1, 1, 1]
        : tensor<?x?x64xf32> into tensor<?x48x64xf32>
    %l2 = tensor.insert_slice %x#1 into %ll[0, %h] [%T, %n] [1, 1]
        : tensor<?x?xf32> into tensor<?x48xf32>
    scf.yield %o2, %l2 : tensor<?x48x64xf32>, tensor<?x48xf32>
  }
  return %r#0, %r#1 : tensor<?x48x64xf32>, tensor<?x48xf32>
}
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("features", ["", "features=-avx512f"])
def test_heads_in_a_loop(tmp_path, features, threads):
    """40 heads and 8: the last tile has fewer heads, so more ranges, in the memory of the first."""
    tiled = Library(IN_A_LOOP, tmp_path, features, target="cpu")
    data = inputs.attention_inputs(inputs.rng(6), 2, 900, 48, 64, type="f32")
    idx = inputs.indices(inputs.rng(7), 2, 900, 2100, duplicates=0.9)
    ins = [data["q"], data["kv"], idx, np.zeros((2, 48, 64), np.float32),
           np.zeros((2, 48), np.float32)]
    outs = [np.zeros_like(x) for x in ins[3:]]
    workspace = tiled.workspace("f", ins, threads)
    workspace.view(np.uint8)[:] = 0xff
    assert tiled.raw("f", *ins, *outs, workspace, threads) == 0, tiled.last_error()
    compare.attention_matches(*outs, data["q"], [data["kv"]], [idx], scale=0.25, dv=64, type="f32")


def test_the_greatest_scale(tmp_path):
    """Scales whose product with log2(e) is infinite, on logits of 0."""
    narrow = Library(function("f", "f32", 3, False).replace("scale = 0.25", "scale = 3.0e+38"),
                     tmp_path, target="cpu")
    kv = inputs.rng(8).standard_normal((9, D)).astype(np.float32)
    idx, counts = np.arange(8, dtype=np.int32)[None], np.array([8], np.int32)
    ins = [np.zeros((1, 3, D), np.float32), kv, idx, counts]
    inits = [np.zeros((1, 3, DV), np.float32), np.zeros((1, 3), np.float32)]
    outs = [np.zeros_like(x) for x in inits]
    workspace = narrow.workspace("f", [*ins, *inits], 1)
    assert narrow.raw("f", *ins, *inits, *outs, workspace, 1) == 0
    assert np.allclose(outs[0], kv[:8, :DV].mean(axis=0), atol=1e-6)
    assert np.allclose(outs[1], np.log(8))


@pytest.mark.parametrize("features", ["", "features=-avx512bf16", "features=-avx512f"])
@pytest.mark.parametrize("type_name", TYPES)
def test_a_last_piece_that_fills_its_vectors(tmp_path, features, type_name):
    """Pieces of 10 and 32 columns, of few heads: of the 64 that vectors read, those behind the 42
    are no elements of what was in memory before. The bits are those of the rows in one."""
    def text(name, widths):
        q, kv = ([f"tensor<?x{x}{w}x{type_name}>" for w in widths] for x in ("5x", ""))
        arguments = ", ".join(f"%q{i}: {a}, %k{i}: {b}" for i, (a, b) in enumerate(zip(q, kv)))
        tails = [f"query_tail(%q1 : {q[1]})", f"key_tails(%k1 : {kv[1]})"] if len(q) > 1 else ["", ""]
        out, lse = "tensor<?x5x10xf32>", "tensor<?x5xf32>"
        return f"""
func.func @{name}({arguments}, %i: tensor<?x?xi32>, %o: {out}, %l: {lse}) -> ({out}, {lse}) {{
  %r:2 = dsa.sparse_attention query(%q0 : {q[0]}) {tails[0]} keys(%k0 : {kv[0]}) {tails[1]}
      indices(%i : tensor<?x?xi32>) scale = 0.25 dv = 10 outs(%o, %l : {out}, {lse})
  return %r#0, %r#1 : {out}, {lse}
}}"""
    both = Library(text("whole", [42]) + text("pieces", [10, 32]), tmp_path, features, target="cpu")
    data = inputs.attention_inputs(inputs.rng(12), 3, 60, 5, 42, type=type_name)
    idx = inputs.indices(inputs.rng(13), 3, 60, 21)
    inits = [np.zeros((3, 5, 10), np.float32), np.zeros((3, 5), np.float32)]

    def results(name, cuts):
        arrays = [np.ascontiguousarray(raw(x[..., a:b])) for a, b in cuts
                  for x in (data["q"], data["kv"])]
        ins, outs = [*arrays, idx, *inits], [np.zeros_like(x) for x in inits]
        workspace = both.workspace(name, ins, 1)
        workspace.view(np.uint8)[:] = 0xff
        assert both.raw(name, *ins, *outs, workspace, 1) == 0, both.last_error()
        return outs

    whole = results("whole", [(0, 42)])
    assert same_bits(results("pieces", [(0, 10), (10, 42)]), whole)
    assert np.isfinite(whole[0]).all()
