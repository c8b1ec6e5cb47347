"""What passes, ours and upstream's, make of functions with dsa ops, executed before and after."""

import pathlib

import numpy as np
import pytest

from harness import (execute, lightning_indexer, indexer_scores, merge_attention, rewrite,
                     rewritten_by, same_bits, sparse_attention, top_k, unpack)
from entry_points import Library
from reference import compare, inputs, layouts

TARGETS = ("reference", "cpu")

SCHEDULES = pathlib.Path(__file__).parent / "schedules"
T, S, HI, D, H, DK, DV, K = 10, 53, 4, 16, 3, 12, 8, 7

# Score, select, attend; both results of the selection are used.
CORE = """
func.func @f(%iq: tensor<{T}x4x16xf32>, %ik: tensor<{S}x16xf32>, %w: tensor<{T}x4xf32>,
    %lo: tensor<{T}xi32>, %hi: tensor<{T}xi32>, %q: tensor<{T}x3x12xf32>,
    %kv: tensor<{S}x12xf32>, %sink: tensor<3xf32>) -> ({results}) {{
  %c0 = arith.constant 0 : index
  {dims}
  %s = tensor.empty({TS}) : tensor<{T}x{S}xf32>
  %i = tensor.empty({T1}) : tensor<{T}x7xi32>
  %n = tensor.empty({T1}) : tensor<{T}xi32>
  %o = tensor.empty({T1}) : tensor<{T}x3x8xf32>
  %l = tensor.empty({T1}) : tensor<{T}x3xf32>
  %scores = dsa.indexer_scores query(%iq : tensor<{T}x4x16xf32>)
      keys(%ik : tensor<{S}x16xf32>) weights(%w : tensor<{T}x4xf32>)
      lo(%lo : tensor<{T}xi32>) outs(%s : tensor<{T}x{S}xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<{T}x{S}xf32>) k = 7
      hi(%hi : tensor<{T}xi32>) outs(%i, %n : tensor<{T}x7xi32>, tensor<{T}xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<{T}x3x12xf32>)
      keys(%kv : tensor<{S}x12xf32>) indices(%indices : tensor<{T}x7xi32>)
      counts(%count : tensor<{T}xi32>) sink(%sink : tensor<3xf32>) scale = 0.3 dv = 8
      outs(%o, %l : tensor<{T}x3x8xf32>, tensor<{T}x3xf32>)
  return {returned} : {results}
}}
"""


def core(dynamic, more_results=False):
    """CORE with dynamic or static T and S; `more_results` returns the indices too."""
    t, s = ("?", "?") if dynamic else (T, S)
    results = f"tensor<{t}x3x8xf32>, tensor<{t}x3xf32>"
    returned = "%out, %lse"
    if more_results:
        results, returned = results + f", tensor<{t}x7xi32>", returned + ", %indices"
    dims = (f"%T = tensor.dim %iq, %c0 : tensor<{t}x4x16xf32>\n"
            f"  %S = tensor.dim %ik, %c0 : tensor<{s}x16xf32>") if dynamic else ""
    return CORE.format(T=t, S=s, dims=dims, results=results, returned=returned,
                       TS="%T, %S" if dynamic else "", T1="%T" if dynamic else "")


def core_arrays(seed):
    rng = inputs.rng(seed)
    data = inputs.index_inputs(rng, T, S, HI, D, type="f32")
    lo, hi = inputs.hostile_bounds(rng, T, S)
    # The whole range, from where a part's start cannot be subtracted.
    lo[0], hi[0] = -2**31, S
    attention = inputs.attention_inputs(rng, T, S, H, DK, type="f32")
    return [data["q"], data["k"], data["w"], lo, hi, attention["q"], attention["kv"],
            attention["sink"]]


# The loop's bound must not be asked of what the loop makes: the root reads a producer first.
SELECT = """
func.func @f(%iq: tensor<?x4x16xf32>, %ik: tensor<?x16xf32>, %w: tensor<?x4xf32>)
    -> (tensor<?x7xi32>{also}) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %iq, %c0 : tensor<?x4x16xf32>
  %S = tensor.dim %ik, %c0 : tensor<?x16xf32>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x7xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %scores = dsa.indexer_scores query(%iq : tensor<?x4x16xf32>) keys(%ik : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) outs(%s : tensor<?x?xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 7
      outs(%i, %n : tensor<?x7xi32>, tensor<?xi32>)
  return %indices{value} : tensor<?x7xi32>{also}
}}
"""


@pytest.mark.parametrize("also, value", [("", ""), (", tensor<?x?xf32>", ", %scores")],
                         ids=["selection", "and scores"])
def test_select_in_a_loop(tmp_path, also, value):
    text, types = SELECT.format(also=also, value=value), ["i32", "f32"][:1 + bool(value)]
    arrays = core_arrays(12)[:3]
    tiled = rewrite(text, "--dsa-tile=rows=4")
    assert tiled.count("scf.for") == 1
    assert same_bits(execute(text, arrays, types, tmp_path),
                     execute(tiled, arrays, types, tmp_path))


PASSES = {
    "tile": ["--dsa-tile=rows=4"],
    "tile by one": ["--dsa-tile=rows=1"],
    "tile twice": ["--dsa-tile=rows=6", "--dsa-tile=rows=4"],
    "fuse": ["--dsa-fuse"],
    "fuse and tile": ["--dsa-fuse", "--dsa-tile=rows=3"],
    "select in two parts": ["--dsa-split=position-parts=2"],
    "fuse, select in seven parts": ["--dsa-fuse", "--dsa-split=position-parts=7"],
    "fuse, tile, select in parts": ["--dsa-fuse", "--dsa-tile=rows=4",
                                    "--dsa-split=position-parts=3"],
}


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_core_keeps_its_bits(tmp_path, dynamic):
    arrays, types = core_arrays(1), ["f32", "f32", "i32"]
    text = core(dynamic, more_results=True)
    plain = execute(text, arrays, types, tmp_path)
    for name, options in PASSES.items():
        rewritten = rewrite(text, *options)
        assert rewritten != rewrite(text), name
        assert same_bits(plain, execute(rewritten, arrays, types, tmp_path)), name


KINDS_OF_GLUE = """
#id = affine_map<(t, h) -> (t, h)>
func.func @f(%x: tensor<{T}x9xf32>, %p: tensor<9x4xf32>, %iq: tensor<16x{T}x4xf32>,
    %ik: tensor<{S}x16xf32>, %more: tensor<{T}x7xi32>, %q: tensor<1x{T}x36xf32>,
    %kv: tensor<{S}x12xf32>, %acc: tensor<{T}x3xf32>)
    -> (tensor<{T}x24xf32>, tensor<{T}x3xf32>, tensor<{T}xi32>) {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  {dims}
  // A projection: sums over something else than rows, into zeros.
  %we = tensor.empty({T1}) : tensor<{T}x4xf32>
  %w0 = linalg.fill ins(%zero : f32) outs(%we : tensor<{T}x4xf32>) -> tensor<{T}x4xf32>
  %w = linalg.matmul ins(%x, %p : tensor<{T}x9xf32>, tensor<9x4xf32>)
      outs(%w0 : tensor<{T}x4xf32>) -> tensor<{T}x4xf32>
  // Rows that were not in front.
  %qe = tensor.empty({T1}) : tensor<{T}x4x16xf32>
  %turned = linalg.transpose ins(%iq : tensor<16x{T}x4xf32>) outs(%qe : tensor<{T}x4x16xf32>)
      permutation = [1, 2, 0]
  %i = tensor.empty({T1}) : tensor<{T}x7xi32>
  %n = tensor.empty({T1}) : tensor<{T}xi32>
  %indices, %count = dsa.lightning_indexer query(%turned : tensor<{T}x4x16xf32>)
      keys(%ik : tensor<{S}x16xf32>) weights(%w : tensor<{T}x4xf32>) k = 7
      outs(%i, %n : tensor<{T}x7xi32>, tensor<{T}xi32>)
  // Positions of rows, and a sum with the caller's.
  %own = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%indices : tensor<{T}x7xi32>) outs(%more : tensor<{T}x7xi32>) {{
  ^bb0(%index: i32, %old: i32):
    %t = linalg.index 0 : index
    %row = arith.index_cast %t : index to i32
    %sum = arith.addi %index, %row : i32
    %both = arith.addi %sum, %old : i32
    linalg.yield %both : i32
  }} -> tensor<{T}x7xi32>
  %q0 = tensor.extract_slice %q[0, 0, 0] [1, {rows}, 36] [1, 1, 1]
      : tensor<1x{T}x36xf32> to tensor<{T}x36xf32>
  %qr = tensor.expand_shape %q0 [[0], [1, 2]] output_shape [{rows}, 3, 12]
      : tensor<{T}x36xf32> into tensor<{T}x3x12xf32>
  %o = tensor.empty({T1}) : tensor<{T}x3x8xf32>
  %l = tensor.empty({T1}) : tensor<{T}x3xf32>
  %out, %lse = dsa.sparse_attention query(%qr : tensor<{T}x3x12xf32>)
      keys(%kv : tensor<{S}x12xf32>) indices(%own : tensor<{T}x7xi32>)
      counts(%count : tensor<{T}xi32>) scale = 0.3 dv = 8
      outs(%o, %l : tensor<{T}x3x8xf32>, tensor<{T}x3xf32>)
  %hidden = tensor.cast %out : tensor<{T}x3x8xf32> to tensor<?x3x8xf32>
  %flat = tensor.collapse_shape %hidden [[0], [1, 2]] : tensor<?x3x8xf32> into tensor<?x24xf32>
  %shown = tensor.cast %flat : tensor<?x24xf32> to tensor<{T}x24xf32>
  %added = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%lse : tensor<{T}x3xf32>) outs(%acc : tensor<{T}x3xf32>) {{
  ^bb0(%y: f32, %old: f32):
    %sum = arith.addf %y, %old : f32
    linalg.yield %sum : f32
  }} -> tensor<{T}x3xf32>
  return %shown, %added, %count : tensor<{T}x24xf32>, tensor<{T}x3xf32>, tensor<{T}xi32>
}}
"""


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_glue_in_the_loop(tmp_path, dynamic):
    t, s = ("?", "?") if dynamic else (T, S)
    text = KINDS_OF_GLUE.format(
        T=t, S=s, T1="%T" if dynamic else "", rows="%T" if dynamic else T,
        dims=f"%T = tensor.dim %x, %c0 : tensor<{t}x9xf32>" if dynamic else "")
    rng = inputs.rng(15)
    iq, ik, _, _, _, q, kv, _ = core_arrays(15)
    arrays = [rng.standard_normal((T, 9), np.float32), rng.standard_normal((9, 4), np.float32),
              np.ascontiguousarray(np.moveaxis(iq, 2, 0)), ik,
              rng.integers(-2, 3, (T, 7)).astype(np.int32), q.reshape(1, T, H * DK), kv,
              rng.standard_normal((T, H), np.float32)]
    types = ["f32", "f32", "i32"]
    plain = execute(text, arrays, types, tmp_path)
    for rows in (1, 3, 4):
        tiled = rewrite(text, f"--dsa-tile=rows={rows}")
        assert tiled.count("scf.for") == 1 and "linalg" not in tiled[tiled.rindex("scf.yield"):]
        assert same_bits(plain, execute(tiled, arrays, types, tmp_path)), rows


CALLS = """
func.func private @score(%q: tensor<?x4x16xf32>, %k: tensor<?x16xf32>, %w: tensor<?x4xf32>)
    -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x4x16xf32>
  %S = tensor.dim %k, %c0 : tensor<?x16xf32>
  %s = tensor.empty(%T, %S) : tensor<?x?xf32>
  %scores = dsa.indexer_scores query(%q : tensor<?x4x16xf32>) keys(%k : tensor<?x16xf32>)
      weights(%w : tensor<?x4xf32>) outs(%s : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
func.func @f(%q: tensor<10x4x16xf32>, %k: tensor<53x16xf32>, %w: tensor<10x4xf32>,
    %sum: tensor<10x7xi32>) -> tensor<10x7xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %i = tensor.empty() : tensor<10x7xi32>
  %n = tensor.empty() : tensor<10xi32>
  %dq = tensor.cast %q : tensor<10x4x16xf32> to tensor<?x4x16xf32>
  %dk = tensor.cast %k : tensor<53x16xf32> to tensor<?x16xf32>
  %dw = tensor.cast %w : tensor<10x4xf32> to tensor<?x4xf32>
  %r = scf.for %x = %c0 to %c3 step %c1 iter_args(%acc = %sum) -> tensor<10x7xi32> {
    %ds = func.call @score(%dq, %dk, %dw)
        : (tensor<?x4x16xf32>, tensor<?x16xf32>, tensor<?x4xf32>) -> tensor<?x?xf32>
    %s = tensor.cast %ds : tensor<?x?xf32> to tensor<10x53xf32>
    %indices, %count = dsa.top_k scores(%s : tensor<10x53xf32>) k = 7
        outs(%i, %n : tensor<10x7xi32>, tensor<10xi32>)
    %next = linalg.add ins(%acc, %indices : tensor<10x7xi32>, tensor<10x7xi32>)
        outs(%acc : tensor<10x7xi32>) -> tensor<10x7xi32>
    scf.yield %next : tensor<10x7xi32>
  }
  return %r : tensor<10x7xi32>
}
"""


def test_calls_casts_and_loops(tmp_path):
    """Inlined, with casts folded into the ops, and hoisted out of the loop."""
    arrays = [*core_arrays(11)[:3], np.arange(T * K, dtype=np.int32).reshape(T, K)]
    cleaned = rewrite(CALLS, "--inline", "--symbol-dce", "--canonicalize",
                      "--loop-invariant-code-motion", "--cse")
    assert "call" not in cleaned and "tensor<?x4x16xf32>" not in cleaned
    assert cleaned.index("dsa.top_k") < cleaned.index("scf.for")
    assert same_bits(execute(CALLS, arrays, ["i32"], tmp_path),
                     execute(cleaned, arrays, ["i32"], tmp_path))


def test_on_buffers(tmp_path, target):
    """The whole road of a kernel: rows tiled, then on buffers, then decomposed."""
    arrays = core_arrays(10)
    plain = execute(core(dynamic=True), arrays, ["f32", "f32"], tmp_path)
    library = Library(core(dynamic=True), tmp_path, passes="dsa-tile{rows=4},"
                      "eliminate-empty-tensors,one-shot-bufferize,dsa-buffer-cleanup",
                      target=target)
    results = [np.full_like(x, 12345) for x in plain]
    assert library.call("f", arrays, results) == 0
    assert same_bits(plain, results)


def test_fused_bounds_intersect(tmp_path):
    text = core(dynamic=True, more_results=True).replace(
        "%hi: tensor", "%lo2: tensor<?xi32>, %hi2: tensor<?xi32>, %hi: tensor").replace(
        "lo(%lo : tensor<?xi32>)", "lo(%lo : tensor<?xi32>) hi(%hi2 : tensor<?xi32>)").replace(
        "hi(%hi : tensor<?xi32>) outs", "lo(%lo2 : tensor<?xi32>) hi(%hi : tensor<?xi32>) outs")
    arrays = core_arrays(13)
    arrays[4:4] = inputs.hostile_bounds(inputs.rng(14), T, S)
    fused = rewrite(text, "--dsa-fuse")
    assert "linalg.max" in fused and "linalg.min" in fused
    assert same_bits(execute(text, arrays, ["f32", "f32", "i32"], tmp_path),
                     execute(fused, arrays, ["f32", "f32", "i32"], tmp_path))


def schedule(name):
    """Options that run a schedule of the transform dialect."""
    return [f"--transform-preload-library=transform-library-paths={SCHEDULES}/{name}.mlir",
            "--transform-interpreter"]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("name", ["fuse-rows", "tile-positions", "tile-heads"])
def test_upstream_tiling_keeps_bits(tmp_path, dynamic, name):
    arrays, types = core_arrays(2), ["f32", "f32"]
    text = core(dynamic)
    tiled = rewrite(text, *schedule(name))
    assert "scf.for" in tiled
    assert same_bits(execute(text, arrays, types, tmp_path),
                     execute(tiled, arrays, types, tmp_path))


def paged_scores(rng, batch=2, rows=3, table_width=5, page=4):
    """Scores of a pool with a block table that has invalid entries."""
    data = inputs.index_inputs(rng, rows, table_width * page, HI, D, type="f32")
    pool = inputs.index_inputs(rng, rows, 9 * page, HI, D, type="f32")["k"]
    table = rng.integers(-1, 10, (batch, table_width)).astype(np.int32)
    q = np.stack([data["q"]] * batch)
    w = np.stack([np.roll(data["w"], b, axis=0) for b in range(batch)])
    hi = rng.integers(-3, table_width * page + 3, (batch, rows)).astype(np.int32)
    return dict(q=q, k=pool.reshape(9, page, D), w=w, hi=hi, block_table=table, paged=True)


@pytest.mark.parametrize("dynamic", [False, True])
def test_tiles_of_paged_scores(tmp_path, dynamic):
    keywords = paged_scores(inputs.rng(3))
    if dynamic:
        # The page is known nevertheless: the layout tells it.
        layout = layouts.KVLayout("plain", (layouts.Field(D, "f8E4M3FN", 0),), D, 4,
                                  page_bytes=4 * D)
        keywords |= dict(layout=layout, q=layouts.cast(keywords["q"], "bf16"),
                         k=inputs.rng(4).integers(0, 120, (9, 4 * D)).astype(np.uint8))
    plain = indexer_scores(tmp_path, **keywords, dynamic=dynamic)
    for options in (schedule("tile-pages"), ["--dsa-tile=rows=2"]):
        with rewritten_by(*options):
            assert same_bits([plain], [indexer_scores(tmp_path, **keywords, dynamic=dynamic)])


SELECTIONS = {
    "descending": lambda rng: dict(order="score_descending"),
    "bounds": lambda rng: dict(zip(("lo", "hi"), inputs.hostile_bounds(rng, T, S))),
    "ids": lambda rng: dict(ids=np.where(np.arange(S) % 5 == 0, -1, 3 * np.arange(S) + 2)
                            .astype(np.int32)),
    "translate": lambda rng: dict(translate=(
        rng.choice(np.array([-1, 0, 7, 2**29], np.int32), (1, 11)), 4)),
    "ids and translate": lambda rng: dict(
        ids=np.where(np.arange(S) % 7 == 0, -1, 2 * np.arange(S)).astype(np.int32),
        translate=(rng.integers(-1, 20, (1, 13)).astype(np.int32), 8)),
}


@pytest.mark.parametrize("kind", SELECTIONS)
def test_selection_from_parts(tmp_path, kind):
    rng = inputs.rng(4)
    data = inputs.small_integers(rng, T, S, HI, D)
    arguments, keywords = (data["q"], data["k"], data["w"], K), SELECTIONS[kind](rng)
    plain = lightning_indexer(tmp_path, *arguments, **keywords)
    for parts in (2, 7):
        with rewritten_by(f"--dsa-split=position-parts={parts}"):
            assert same_bits(plain, lightning_indexer(tmp_path, *arguments, dynamic=parts > 2,
                                                      **keywords)), parts


def test_paged_batched_selection_from_parts(tmp_path):
    rng = inputs.rng(5)
    keywords = paged_scores(rng) | dict(
        translate=(rng.integers(-1, 9, (2, 4)).astype(np.int32), 4))
    arguments = [keywords.pop(name) for name in ("q", "k", "w")]
    plain = lightning_indexer(tmp_path, *arguments, 3, **keywords)
    for parts in (2, 7):
        with rewritten_by(f"--dsa-split=position-parts={parts}"):
            assert same_bits(plain, lightning_indexer(tmp_path, *arguments, 3, **keywords)), parts


@pytest.mark.parametrize("kind", ["ties", "ids for each row", "batched", "empty parts"])
def test_top_k_of_parts(tmp_path, kind):
    rng = inputs.rng(6)
    scores, keywords = inputs.tie_scores(rng, T, S, "few"), {}
    if kind == "ids for each row":
        keywords["ids"] = np.where(rng.random((T, S)) < 0.1, -1, 2 * np.arange(S)).astype(np.int32)
    if kind == "batched":
        scores = np.stack([scores, scores[::-1]])
        keywords["ids"] = np.stack([np.arange(S), np.arange(S) * 3]).astype(np.int32)
        keywords["translate"] = (rng.integers(-1, 9, (2, 30)).astype(np.int32), 4)
    if kind == "empty parts":
        scores, keywords["dynamic"] = scores[:, :5], True
    plain = top_k(tmp_path, scores, K, **keywords)
    for parts in (2, 7):
        with rewritten_by(f"--dsa-split=position-parts={parts}"):
            assert same_bits(plain, top_k(tmp_path, scores, K, **keywords)), parts


@pytest.mark.parametrize("type", ["f32", "bf16"])
def test_attention_to_parts(tmp_path, type):
    rng = inputs.rng(7)
    data = inputs.attention_inputs(rng, T, S, H, DK, type=type)
    window = inputs.attention_inputs(rng, T, 20, H, DK, type=type)["kv"]
    arguments = (data["q"], [data["kv"], window],
                 [inputs.indices(rng, T, S, 30, duplicates=0.2), inputs.indices(rng, T, 20, 5)])
    keywords = dict(counts=[inputs.counts(rng, T, 30), inputs.counts(rng, T, 5)],
                    sink=data["sink"], scale=data["scale"], dv=DV)
    plain = sparse_attention(tmp_path, *arguments, **keywords)
    # With 7 the window has fewer slots than there are parts.
    for parts, dynamic in ((2, True), (7, False), (7, True)) if type == "f32" else ((2, False),):
        with rewritten_by(f"--dsa-split=slot-parts={parts}"):
            got = sparse_attention(tmp_path, *arguments, dynamic=dynamic, **keywords)
        compare.attention_close(*got, *(x.astype(np.float64) for x in plain), type=type)


def test_tiles_of_batched_attention_and_merge(tmp_path):
    rng = inputs.rng(8)
    data = inputs.attention_inputs(rng, 2 * T, S, H, DK, type="f32")
    q = data["q"].reshape(2, T, H, DK)
    kv = np.stack([data["kv"], data["kv"][::-1]])
    indices = inputs.indices(rng, T, S, K, batch=2)
    outs = rng.standard_normal((3, 2, T, H, DV)).astype(np.float32)
    lses = np.where(rng.random((3, 2, T, H)) < 0.2, -np.inf, 1.0).astype(np.float32)

    def results():
        return [*sparse_attention(tmp_path, q, [kv], [indices], scale=data["scale"], dv=DV,
                                  sink=data["sink"], dynamic="mixed"),
                *merge_attention(tmp_path, [outs], [lses], data["sink"], dynamic=True)]
    plain = results()
    with rewritten_by("--dsa-tile=rows=4"):
        assert same_bits(plain, results())


def test_tiles_of_unpacked_rows(tmp_path):
    rng = inputs.rng(9)
    layout = layouts.index_132(page=4)
    packed = rng.integers(0, 120, (9, layout.page_bytes)).astype(np.uint8)
    plain = unpack(tmp_path, packed, layout, paged=True)
    with rewritten_by(*schedule("tile-unpack")):
        assert same_bits(plain, unpack(tmp_path, packed, layout, paged=True))
