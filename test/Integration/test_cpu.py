"""What the cpu target promises beside right results: the same bits for any number of threads and
in every run, memory that does not grow with the keys, sizes beyond 32 bits."""

import subprocess

import numpy as np
import pytest

import glue
import harness
from entry_points import LLVM, Library, descriptor
from harness import BF16, F8, same_bits
from reference import inputs

K = 64
SIGNATURES = {
    "scores": ("%o: tensor<?x?xf32>", "tensor<?x?xf32>"),
    "indexer": (f"%i: tensor<?x{K}xi32>, %n: tensor<?xi32>, %v: tensor<?x{K}xf32>",
                f"(tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>)"),
}
ARGUMENTS = "%q: tensor<?x64x128xbf16>, %k: tensor<?x128xbf16>, %w: tensor<?x64xf32>, " \
            "%hi: tensor<?xi32>"
CLAUSES = "query(%q : tensor<?x64x128xbf16>) keys(%k : tensor<?x128xbf16>) " \
          "weights(%w : tensor<?x64xf32>) hi(%hi : tensor<?xi32>)"
TEXT = f"""
func.func @scores({ARGUMENTS}, {SIGNATURES["scores"][0]}) -> {SIGNATURES["scores"][1]} {{
  %s = dsa.indexer_scores {CLAUSES} outs(%o : tensor<?x?xf32>)
  return %s : tensor<?x?xf32>
}}
func.func @indexer({ARGUMENTS}, {SIGNATURES["indexer"][0]}) -> {SIGNATURES["indexer"][1]} {{
  %r:3 = dsa.lightning_indexer {CLAUSES} k = {K}
      outs(%i, %n, %v : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>
}}
func.func @best(%s: tensor<?x?xf32>, {SIGNATURES["indexer"][0]}) -> {SIGNATURES["indexer"][1]} {{
  %r:3 = dsa.top_k scores(%s : tensor<?x?xf32>) k = {K}
      outs(%i, %n, %v : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>
}}
"""

BESIDE = """
func.func @merge(%p: tensor<?x?x3x40xf32>, %l: tensor<?x?x3xf32>, %o: tensor<?x3x40xf32>,
    %m: tensor<?x3xf32>) -> (tensor<?x3x40xf32>, tensor<?x3xf32>) {
  %r:2 = dsa.merge_attention parts(%p : tensor<?x?x3x40xf32>) lses(%l : tensor<?x?x3xf32>)
      outs(%o, %m : tensor<?x3x40xf32>, tensor<?x3xf32>)
  return %r#0, %r#1 : tensor<?x3x40xf32>, tensor<?x3xf32>
}
func.func @rows(%p: tensor<?x14575xi8>, %o: tensor<?x25x512xf32>) -> tensor<?x25x512xf32> {
  %r = dsa.unpack packed(%p : tensor<?x14575xi8>) paged
      layout = <[448 x f8E4M3FN at 0 scale f8E8M0FNU per 64 at 0, 64 x bf16 at 448],
                record_bytes = 576, page = 25, scale_record_bytes = 7>
      outs(%o : tensor<?x25x512xf32>)
  return %r : tensor<?x25x512xf32>
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Library(TEXT, tmp_path_factory.mktemp("cpu"), target="cpu")


def selections(T):
    return [np.zeros((T, K), np.int32), np.zeros(T, np.int32), np.zeros((T, K), np.float32)]


def arguments(T, S, seed=1):
    rng = inputs.rng(seed)
    q = rng.standard_normal((T, 64, 128), np.float32).astype(BF16).view(np.int16)
    k = rng.standard_normal((S, 128), np.float32).astype(BF16).view(np.int16)
    w = rng.standard_normal((T, 64), np.float32)
    hi = (S - np.arange(T)[::-1]).astype(np.int32)
    return [q, k, w, hi]


def run(library, name, ins, inits, threads):
    """The results of one call; inits are arguments too, whose contents must not matter."""
    outs = [np.full_like(a, 77) for a in inits]
    workspace = library.workspace(name, [*ins, *inits], threads)
    workspace.view(np.uint8)[:] = 0xa5
    status = library.raw(name, *ins, *inits, *outs, workspace, threads)
    assert status == 0, library.last_error()
    return outs


@pytest.mark.parametrize("T, S", [(1, 20011), (3, 9000), (70, 700)])
def test_bits_do_not_depend_on_threads(library, T, S):
    """20 runs each: which thread takes which part differs between them."""
    ins = arguments(T, S)
    scores = run(library, "scores", ins, [np.zeros((T, S), np.float32)], 1)
    selected = run(library, "indexer", ins, selections(T), 1)
    chosen = run(library, "best", scores, selections(T), 1)
    assert same_bits(selected, chosen) and (chosen[1] == K).all()
    for threads in [2] * 20 + [3, 7]:
        again = run(library, "scores", ins, [np.zeros((T, S), np.float32)], threads)
        assert same_bits(again, scores)
        assert same_bits(run(library, "indexer", ins, selections(T), threads), selected)
        assert same_bits(run(library, "best", scores, selections(T), threads), chosen)


def test_bits_of_small_ops_do_not_depend_on_threads(tmp_path):
    library, rng = Library(BESIDE, tmp_path, target="cpu"), inputs.rng(10)
    calls = {"merge": ([rng.standard_normal((4, 70, 3, 40), np.float32),
                        rng.standard_normal((4, 70, 3), np.float32)],
                       [np.zeros((70, 3, 40), np.float32), np.zeros((70, 3), np.float32)]),
             "rows": ([rng.integers(0, 127, (9, 14575)).astype(np.int8)],
                      [np.zeros((9, 25, 512), np.float32)])}
    for name, (ins, inits) in calls.items():
        once = run(library, name, ins, inits, 1)
        for threads in [2] * 20 + [3, 7]:
            assert same_bits(run(library, name, ins, inits, threads), once)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_workspace_does_not_grow_with_the_keys(library, threads):
    few, many = (library.workspace("indexer", [*arguments(4, S), *selections(4)], threads).size
                 for S in (1 << 15, 1 << 18))
    assert few == many > 0


def test_a_workspace_that_is_too_small(library):
    ins, inits = arguments(2, 300), selections(2)
    outs = [np.full_like(a, 77) for a in inits]
    workspace = library.workspace("indexer", [*ins, *inits], 1)[:-1]
    assert library.raw("indexer", *ins, *inits, *outs, workspace, 1) == 2
    assert f"{workspace.size + 1} are required" in library.last_error()
    assert all((out == 77).all() for out in outs)


def test_more_threads_than_work(library):
    """Scratch memory is that of the threads that get work; what no machine has is refused."""
    ins, most = [np.ones((3, 500), np.float32)], 2**31 - 1
    sizes = [library.workspace("best", [*ins, *selections(3)], threads).size
             for threads in (1, 3, 200, most)]
    assert sizes[0] < sizes[1] == sizes[2] == sizes[3]
    rows = np.lib.stride_tricks.as_strided(ins[0], (2**40, 500), (0, 4))
    inits = [np.lib.stride_tricks.as_strided(a, (2**40, *a.shape[1:]), (0, *a.strides[1:]))
             for a in selections(1)]
    size = np.zeros(1, np.int64)
    assert library.raw("best_workspace", rows, *inits, most, size) == 0
    assert size[0] > 2**40


def test_a_workspace_that_no_machine_has(tmp_path):
    """2^56 heads, all the same in memory: their size in bytes does not fit 64 bits."""
    text = """
func.func @f(%q: tensor<1x?x128xbf16>, %k: tensor<9x128xbf16>, %w: tensor<1x?xf32>,
    %o: tensor<1x9xf32>) -> tensor<1x9xf32> {
  %s = dsa.indexer_scores query(%q : tensor<1x?x128xbf16>) keys(%k : tensor<9x128xbf16>)
      weights(%w : tensor<1x?xf32>) outs(%o : tensor<1x9xf32>)
  return %s : tensor<1x9xf32>
}
"""
    library = Library(text, tmp_path, target="cpu")
    q, w = descriptor(np.zeros((1, 1, 128), np.int16)), descriptor(np.zeros((1, 1), np.float32))
    for heads in (q, w):
        heads.sizes[1], heads.strides[1] = 2**56, 0
    size = np.zeros(1, np.int64)
    arguments = [q, np.zeros((9, 128), np.int16), w, np.zeros((1, 9), np.float32)]
    assert library.raw("f_workspace", *arguments, 1, size) == 0
    assert size[0] >= 2**59
    assert library.raw("f", *arguments, np.zeros((1, 9), np.float32), np.empty(64, np.int8), 1) == 2


def test_no_threads_are_one(library):
    ins = arguments(2, 300)
    for threads in (0, -3):
        again = run(library, "indexer", ins, selections(2), threads)
        assert same_bits(again, run(library, "indexer", ins, selections(2), 1))


def test_library_allocates_nothing(library):
    listed = subprocess.run([LLVM / "llvm-nm", "-D", "--undefined-only", library.library._name],
                            check=True, capture_output=True, text=True).stdout
    asked_for = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    # Of OpenMP's runtime only what GCC's does not export too, with other answers.
    assert "__kmpc_fork_call" in asked_for
    assert not any(name.startswith("omp_") for name in asked_for)
    assert not asked_for & {"malloc", "calloc", "aligned_alloc", "posix_memalign", "free"}


def test_a_million_keys(library):
    """The selection is that of NumPy from the target's own scores."""
    S = 1 << 20
    ins = arguments(1, S, seed=2)
    scores, = run(library, "scores", ins, [np.zeros((1, S), np.float32)], 2)
    indices, count, values = run(library, "indexer", ins, selections(1), 2)
    best = np.sort(np.lexsort((np.arange(S), -scores[0]))[:K])
    assert count[0] == K and (indices[0] == best).all()
    assert (values[0] == scores[0, best]).all()


PAGED = """
func.func @f(%q: tensor<1x17x32xbf16>, %k: tensor<?x16x32xf8E4M3FN>, %s: tensor<?x16xf32>,
    %t: tensor<1x?xi32>, %w: tensor<1x17xf32>, %o: tensor<1x?xf32>) -> tensor<1x?xf32> {
  %x = dsa.indexer_scores query(%q : tensor<1x17x32xbf16>) keys(%k : tensor<?x16x32xf8E4M3FN>)
      paged block_table(%t : tensor<1x?xi32>) key_scale(%s : tensor<?x16xf32>)
      weights(%w : tensor<1x17xf32>) outs(%o : tensor<1x?xf32>)
  return %x : tensor<1x?xf32>
}
"""


@pytest.mark.parametrize("options", ["", "features=-avx512f", "features=-avx512vbmi"])
def test_pages_beyond_32_bits(tmp_path, options):
    """A pool of pages 1 GiB apart, of which the machine has memory only where they are written."""
    library = Library(PAGED, tmp_path, options=options, target="cpu")
    rng, stride, table = inputs.rng(5), 1 << 30, np.array([[4, 1, -1, 5]], np.int32)
    pool = np.ndarray((6, 16, 32), np.uint8, np.zeros(6 * stride, np.uint8), strides=(stride, 32, 1))
    pages = rng.standard_normal((6, 16, 32), np.float32).astype(F8)
    pool[[1, 4, 5]] = pages[[1, 4, 5]].view(np.uint8)
    q = rng.standard_normal((1, 17, 32), np.float32).astype(BF16)
    w = rng.standard_normal((1, 17), np.float32)
    scale = rng.random((6, 16), np.float32)
    init = np.zeros((1, 64), np.float32)
    got, = run(library, "f", [q.view(np.int16), pool.view(np.int8), scale, table, w], [init], 1)
    dense = pages[table[0]].astype(np.float64).reshape(64, 32)
    terms = np.maximum(q[0].astype(np.float64) @ dense.T, 0) * w[0, :, None]
    want = terms.sum(0) * scale[table[0]].reshape(64)
    assert np.isneginf(got[0, 32:48]).all()
    valid = np.r_[0:32, 48:64]
    np.testing.assert_allclose(got[0, valid], want[valid], rtol=2e-5, atol=2e-5)


BRANCHES = """
func.func @f(%which: tensor<i8>, %q: tensor<2x12x16xf32>, %k: tensor<?x32xf32>,
    %w: tensor<2x12xf32>, %i: tensor<2x5xi32>, %n: tensor<2xi32>)
    -> (tensor<2x5xi32>, tensor<2xi32>) {
  %zero = arith.constant 0 : i8
  %c0 = arith.constant 0 : index
  %S = tensor.dim %k, %c0 : tensor<?x32xf32>
  %byte = tensor.extract %which[] : tensor<i8>
  %even = arith.cmpi eq, %byte, %zero : i8
  %r:2 = scf.if %even -> (tensor<2x5xi32>, tensor<2xi32>) {
    %rows = tensor.extract_slice %k[0, 0] [%S, 16] [1, 2] : tensor<?x32xf32> to tensor<?x16xf32>
    %x:2 = dsa.lightning_indexer query(%q : tensor<2x12x16xf32>) keys(%rows : tensor<?x16xf32>)
        weights(%w : tensor<2x12xf32>) k = 5 outs(%i, %n : tensor<2x5xi32>, tensor<2xi32>)
    scf.yield %x#0, %x#1 : tensor<2x5xi32>, tensor<2xi32>
  } else {
    %rows = tensor.extract_slice %k[0, 1] [%S, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
    %x:2 = dsa.lightning_indexer query(%q : tensor<2x12x16xf32>) keys(%rows : tensor<?x16xf32>)
        weights(%w : tensor<2x12xf32>) k = 5 outs(%i, %n : tensor<2x5xi32>, tensor<2xi32>)
    scf.yield %x#0, %x#1 : tensor<2x5xi32>, tensor<2xi32>
  }
  return %r#0, %r#1 : tensor<2x5xi32>, tensor<2xi32>
}
"""


@pytest.mark.parametrize("which", [0, 1])
def test_in_branches_on_slices(tmp_path, which):
    """Kernels in control flow, on columns that lie side by side and that do not."""
    data = inputs.small_integers(inputs.rng(6), 2, 300, 12, 32)
    q, k, w = (np.ascontiguousarray(data[x], np.float32) for x in "qkw")
    q = np.ascontiguousarray(q[..., :16])
    arguments = [np.array(which, np.int8), q, k, w, *(a[:, :5] if a.ndim > 1 else a
                                                      for a in selections(2)[:2])]
    with harness.compiled_for("cpu"):
        got = harness.execute(BRANCHES, arguments, ["i32", "i32"], tmp_path)
    keys = k[:, 1:17] if which else k[:, ::2]
    scores = (np.maximum(np.einsum("thd,sd->ths", q, keys), 0) * w[:, :, None]).sum(1)
    for t in range(2):
        assert (got[0][t] == np.sort(np.lexsort((np.arange(300), -scores[t]))[:5])).all()


LAST = """
func.func @f(%q: tensor<1x2x4xf32>, %k: tensor<1x4096x4xf32>, %t: tensor<1x?xi32>,
    %w: tensor<1x2xf32>, %lo: tensor<1xi32>, %i: tensor<1x4xi32>, %n: tensor<1xi32>)
    -> (tensor<1x4xi32>, tensor<1xi32>) {
  %r:2 = dsa.lightning_indexer query(%q : tensor<1x2x4xf32>) keys(%k : tensor<1x4096x4xf32>) paged
      block_table(%t : tensor<1x?xi32>) weights(%w : tensor<1x2xf32>) lo(%lo : tensor<1xi32>)
      k = 4 outs(%i, %n : tensor<1x4xi32>, tensor<1xi32>)
  return %r#0, %r#1 : tensor<1x4xi32>, tensor<1xi32>
}
"""


def test_the_last_positions(tmp_path):
    """S = 2^31: the last position is the largest i32."""
    rng = inputs.rng(7)
    q, k, w = (rng.standard_normal(shape, np.float32) for shape in ((1, 2, 4), (1, 4096, 4), (1, 2)))
    table, lo = np.zeros((1, 2**31 // 4096), np.int32), np.array([2**31 - 100], np.int32)
    inits = [np.zeros((1, 4), np.int32), np.zeros(1, np.int32)]
    with harness.compiled_for("cpu"):
        got = harness.execute(LAST, [q, k, table, w, lo, *inits], ["i32", "i32"], tmp_path)
    scores = (np.maximum(q[0] @ k[0, -100:].T, 0) * w.T).sum(0)
    best = np.sort(np.lexsort((np.arange(100), -scores))[:4])
    assert got[1][0] == 4 and (got[0][0] == best + (2**31 - 100)).all()


@pytest.mark.parametrize("dynamic", [True, False])
def test_in_a_loop_over_tiles(tmp_path, dynamic):
    """dsa-tile in front of kernels: the last tile is smaller, the memory of all is planned once."""
    rng = inputs.rng(8)
    data = inputs.index_inputs(rng, 7, 90, 12, 16, type="bf16")
    q, k, w = (data[x] for x in "qkw")
    parts, lses = (rng.standard_normal(shape, np.float32) for shape in ((3, 7, 2, 9), (3, 7, 2)))
    with harness.compiled_for("cpu"):
        want = harness.lightning_indexer(tmp_path, q, k, w, 5, dynamic=dynamic)
        scores = harness.indexer_scores(tmp_path, q, k, w, dynamic=dynamic)
        merged = harness.merge_attention(tmp_path, [parts], [lses], dynamic=dynamic)
        with harness.rewritten_by("--dsa-tile=rows=4"):
            got = harness.lightning_indexer(tmp_path, q, k, w, 5, dynamic=dynamic)
            tiled = harness.indexer_scores(tmp_path, q, k, w, dynamic=dynamic)
            parts_merged = harness.merge_attention(tmp_path, [parts], [lses], dynamic=dynamic)
    assert same_bits(got, want) and same_bits([tiled], [scores])
    assert same_bits(parts_merged, merged)


PACKED = """
func.func @f(%q: tensor<1x17x5xbf16>, %k: tensor<?x12xi8>, %w: tensor<1x17xf32>,
    %o: tensor<1x?xf32>) -> tensor<1x?xf32> {
  %x = dsa.indexer_scores query(%q : tensor<1x17x5xbf16>) keys(%k : tensor<?x12xi8>)
      layout = <[2 x bf16 at 8, 3 x f8E4M3FN at 0 scale f8E8M0FNU per 1 at 4], record_bytes = 12>
      weights(%w : tensor<1x17xf32>) outs(%o : tensor<1x?xf32>)
  return %x : tensor<1x?xf32>
}
"""


def test_what_the_workspace_held_does_not_matter(tmp_path):
    """An odd number of elements, read one by one: the last pair has a half that is not there."""
    library = Library(PACKED, tmp_path, target="cpu")
    rng = inputs.rng(9)
    q = rng.standard_normal((1, 17, 5), np.float32).astype(BF16).view(np.int16)
    k = np.full((40, 12), 0x7f, np.uint8)  # scales of 1, below
    k[:, :3] = rng.standard_normal((40, 3), np.float32).astype(F8).view(np.uint8)
    k[:, 8:] = rng.standard_normal((40, 2), np.float32).astype(BF16).view(np.uint8)
    w, init = rng.standard_normal((1, 17), np.float32), np.zeros((1, 40), np.float32)
    results = []
    for held in (0x00, 0x7f, 0xff):
        workspace, out = library.workspace("f", [q, k.view(np.int8), w, init], 1), init.copy()
        workspace.view(np.uint8)[:] = held
        assert library.raw("f", q, k.view(np.int8), w, init, out, workspace, 1) == 0
        results.append(out)
    assert np.isfinite(results[0]).all() and (results[0] != 0).all()
    assert same_bits(results[1:], [results[0]] * 2)


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    """@glue in tiles of 16 rows."""
    return Library(glue.GLUE, tmp_path_factory.mktemp("tiled"), "tile-rows=16", target="cpu")


def call_glue(library, arrays, threads):
    rows = len(arrays[0])
    results = [np.empty((rows, glue.H * glue.DV), BF16), np.empty((rows, glue.H), np.float32)]
    workspace = library.workspace("glue", arrays, threads)
    assert library.raw("glue", *arrays, *results, workspace, threads) == 0, library.last_error()
    return results


def test_memory_is_that_of_a_tile(tiled):
    for threads in (1, 2):
        sizes = {rows: tiled.workspace("glue", glue.make_inputs(rows), threads).size
                 for rows in (1, 15, 16, 17, 4096)}
        assert sizes[1] < sizes[15] < sizes[16] == sizes[17] == sizes[4096]


def test_tiles_and_threads_keep_bits(tiled, tmp_path):
    arrays = glue.make_inputs(70)
    whole = call_glue(Library(glue.GLUE, tmp_path, "tile-rows=1000", target="cpu"), arrays, 1)
    for threads in (1, 2, 3):
        assert same_bits(whole, call_glue(tiled, arrays, threads)), threads


def test_core_allocates_nothing(tiled):
    symbols = subprocess.run([LLVM / "llvm-nm", "-u", tiled.path], check=True,
                             capture_output=True, text=True).stdout
    assert "__kmpc_fork_call" in symbols and "alloc" not in symbols and "free" not in symbols
