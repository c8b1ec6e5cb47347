"""Several ops in one function, with glue of the user's between them."""

import numpy as np
import pytest

import glue
from harness import BF16, F8, Failure, execute
from reference import compare, inputs, layouts, ops

TARGETS = ("reference", "cpu")


T, S, HI, D, H, DK, DV, K = 5, 211, 8, 16, 6, 24, 16, 32

CORE = f"""
func.func @fused(%q: tensor<?x{HI}x{D}xbf16>, %k: tensor<?x{D}xbf16>, %w: tensor<?x{HI}xf32>,
                 %hi: tensor<?xi32>, %aq: tensor<?x{H}x{DK}xbf16>, %kv: tensor<?x{DK}xbf16>)
    -> (tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x{HI}x{D}xbf16>
  %i = tensor.empty(%T) : tensor<?x{K}xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.lightning_indexer query(%q : tensor<?x{HI}x{D}xbf16>)
      keys(%k : tensor<?x{D}xbf16>) weights(%w : tensor<?x{HI}xf32>) hi(%hi : tensor<?xi32>)
      k = {K} outs(%i, %n : tensor<?x{K}xi32>, tensor<?xi32>)
  %out, %lse = func.call @attend(%aq, %kv, %indices, %count)
      : (tensor<?x{H}x{DK}xbf16>, tensor<?x{DK}xbf16>, tensor<?x{K}xi32>, tensor<?xi32>)
      -> (tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>)
  return %indices, %count, %out, %lse
      : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>
}}
func.func @unfused(%q: tensor<?x{HI}x{D}xbf16>, %k: tensor<?x{D}xbf16>, %w: tensor<?x{HI}xf32>,
                   %hi: tensor<?xi32>, %aq: tensor<?x{H}x{DK}xbf16>, %kv: tensor<?x{DK}xbf16>)
    -> (tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x{HI}x{D}xbf16>
  %S = tensor.dim %k, %c0 : tensor<?x{D}xbf16>
  %e = tensor.empty(%T, %S) : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x{K}xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %scores = dsa.indexer_scores query(%q : tensor<?x{HI}x{D}xbf16>)
      keys(%k : tensor<?x{D}xbf16>) weights(%w : tensor<?x{HI}xf32>)
      outs(%e : tensor<?x?xf32>)
  // Glue: scores doubled, which keeps their order.
  %two = arith.constant 2.0 : f32
  %doubled = linalg.map ins(%scores : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>)
      (%x: f32, %old: f32) {{
        %y = arith.mulf %x, %two : f32
        linalg.yield %y : f32
      }}
  %indices, %count = dsa.top_k scores(%doubled : tensor<?x?xf32>) k = {K} hi(%hi : tensor<?xi32>)
      outs(%i, %n : tensor<?x{K}xi32>, tensor<?xi32>)
  %out, %lse = func.call @attend(%aq, %kv, %indices, %count)
      : (tensor<?x{H}x{DK}xbf16>, tensor<?x{DK}xbf16>, tensor<?x{K}xi32>, tensor<?xi32>)
      -> (tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>)
  return %indices, %count, %out, %lse
      : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>
}}
func.func private @attend(%q: tensor<?x{H}x{DK}xbf16>, %kv: tensor<?x{DK}xbf16>,
                          %indices: tensor<?x{K}xi32>, %count: tensor<?xi32>)
    -> (tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x{H}x{DK}xbf16>
  %o = tensor.empty(%T) : tensor<?x{H}x{DV}xbf16>
  %l = tensor.empty(%T) : tensor<?x{H}xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x{H}x{DK}xbf16>)
      keys(%kv : tensor<?x{DK}xbf16>) indices(%indices : tensor<?x{K}xi32>)
      counts(%count : tensor<?xi32>) scale = 0.2 dv = {DV}
      outs(%o, %l : tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>)
  return %out, %lse : tensor<?x{H}x{DV}xbf16>, tensor<?x{H}xf32>
}}
"""
RESULTS = ["i32", "i32", "bf16", "f32"]


def make_inputs():
    data = inputs.real_model(inputs.rng(1), T=T, S=S, Hi=HI, D=D, H=H, Dk=DK)
    _, hi = inputs.causal_bounds(T, S)
    return [data["index_q"], data["index_k"], data["index_w"], hi, data["q"], data["kv"]]


def test_fused_and_unfused_give_the_same_bits(tmp_path):
    arrays = make_inputs()
    fused = execute(CORE, arrays, RESULTS, tmp_path, "fused")
    unfused = execute(CORE, arrays, RESULTS, tmp_path, "unfused")
    for x, y in zip(fused, unfused):
        assert np.array_equal(x.view(np.uint8), y.view(np.uint8))
    q, k, w, hi, aq, kv = arrays
    scores, magnitude = ops.indexer_scores(q, k, w, hi=hi)
    compare.selection_close(fused[:2], scores, magnitude, K, type="bf16", hi=hi)
    compare.attention_matches(fused[2], fused[3], aq, [kv], [fused[0]], counts=[fused[1]],
                              scale=0.2, dv=DV, type="bf16")


def test_runs_are_repeatable(tmp_path):
    arrays = make_inputs()
    first = execute(CORE, arrays, RESULTS, tmp_path, "fused")
    again = execute(CORE, arrays, RESULTS, tmp_path, "fused", options=["--repeat=3"])
    for x, y in zip(first, again):
        assert np.array_equal(x.view(np.uint8), y.view(np.uint8))


def test_extents_that_disagree_give_a_status(tmp_path):
    """Each argument in turn one row longer: a status that names it, never a read out of bounds."""
    arrays = make_inputs()
    for i in (1, 2, 3, 4):
        wrong = list(arrays)
        wrong[i] = np.concatenate([arrays[i], arrays[i][:1]])
        if i == 1:
            execute(CORE, wrong, RESULTS, tmp_path, "fused")  # one more key is no error
            continue
        with pytest.raises(Failure, match="status 1: argument .* dimension 0 is"):
            execute(CORE, wrong, RESULTS, tmp_path, "fused")


P, Q = 4, 6  # rows of an index page and of an attention page

# Ragged decode over packed pages: the indexer reads 132-byte rows through one table and selects
# slots of the 656-byte rows through another, which attention reads without a table.
DECODE = f"""
func.func @decode(%q: tensor<?x{HI}x128xf8E4M3FN>, %pages: tensor<?x{132 * P}xi8>,
                  %table: tensor<?x?xi32>, %seq: tensor<?xi32>, %w: tensor<?x{HI}xf32>,
                  %len: tensor<?xi32>, %slots: tensor<?x?xi32>, %aq: tensor<?x{H}x576xbf16>,
                  %kv: tensor<?x{656 * Q}xi8>, %sink: tensor<{H}xf32>)
    -> (tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>, tensor<?x{H}x512xbf16>,
        tensor<?x{H}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x{HI}x128xf8E4M3FN>
  %i = tensor.empty(%T) : tensor<?x{K}xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %v = tensor.empty(%T) : tensor<?x{K}xf32>
  %o = tensor.empty(%T) : tensor<?x{H}x512xbf16>
  %l = tensor.empty(%T) : tensor<?x{H}xf32>
  %indices, %count, %values = dsa.lightning_indexer
      query(%q : tensor<?x{HI}x128xf8E4M3FN>) keys(%pages : tensor<?x{132 * P}xi8>) paged
      layout = <index_132, page = {P}> block_table(%table : tensor<?x?xi32>)
      row_ids(%seq : tensor<?xi32>) weights(%w : tensor<?x{HI}xf32>) hi(%len : tensor<?xi32>)
      k = {K} translate(%slots : tensor<?x?xi32>, page = {Q})
      translate_row_ids(%seq : tensor<?xi32>)
      outs(%i, %n, %v : tensor<?x{K}xi32>, tensor<?xi32>, tensor<?x{K}xf32>)
  %out, %lse = dsa.sparse_attention query(%aq : tensor<?x{H}x576xbf16>)
      keys(%kv : tensor<?x{656 * Q}xi8>) paged layouts = [#dsa.kv_layout<mla_656, page = {Q}>]
      indices(%indices : tensor<?x{K}xi32>) counts(%count : tensor<?xi32>)
      sink(%sink : tensor<{H}xf32>) scale = 0.1 dv = 512
      outs(%o, %l : tensor<?x{H}x512xbf16>, tensor<?x{H}xf32>)
  return %indices, %count, %values, %out, %lse : tensor<?x{K}xi32>, tensor<?xi32>,
      tensor<?x{K}xf32>, tensor<?x{H}x512xbf16>, tensor<?x{H}xf32>
}}
"""


def test_ragged_decode_over_packed_pages(tmp_path):
    rng = inputs.rng(2)
    index_rows = rng.standard_normal((3, 60, 128)).astype(np.float32)
    packed_rows = rng.standard_normal((3, 60, 576)).astype(np.float32) / 4
    pages, table = inputs.paginate(rng, index_rows, P, fill=0)
    kv, slots = inputs.paginate(rng, packed_rows, Q, fill=0)
    slots[1, 3] = -1  # evicted: its positions are never selected
    index_layout, layout = layouts.index_132(P), layouts.mla_656(Q)
    pages, kv = layouts.encode(pages, index_layout), layouts.encode(kv, layout)
    seq = np.array([0, 1, 1, 2, 7], np.int32)
    length = np.array([60, 59, 60, 5, 60], np.int32)
    q = rng.standard_normal((T, HI, 128)).astype(F8)
    w = rng.standard_normal((T, HI)).astype(np.float32)
    aq = (rng.standard_normal((T, H, 576)) / 4).astype(BF16)
    sink = rng.standard_normal(H).astype(np.float32)
    indices, count, values, out, lse = execute(
        DECODE, [q, pages, table, seq, w, length, slots, aq, kv, sink],
        ["i32", "i32", "f32", "bf16", "f32"], tmp_path, "decode")
    assert count.tolist() == [K, K, K, 5, 0]
    # Back to positions: each sequence's slots are its own, so this has one answer.
    scores, magnitude = ops.indexer_scores(q, pages, w, block_table=table, row_ids=seq, hi=length,
                                           paged=True, layout=index_layout)
    back = np.full_like(indices, -1)
    for t in range(T):
        for c, slot in enumerate(indices[t, : count[t]]):
            block = np.flatnonzero(slots[seq[t]] == slot // Q)
            assert len(block) == 1
            back[t, c] = block[0] * Q + slot % Q
    scores[seq == 1, 3 * Q : 4 * Q] = -np.inf
    compare.selection_close((back, count, values), scores, magnitude, K, type="packed", hi=length)
    compare.attention_matches(out, lse, aq, [kv], [indices], counts=[count], layouts=[layout],
                              paged=True, sink=sink, scale=0.1, dv=512, type="packed")
    assert not out[4].any() and np.isneginf(lse[4]).all()


CHECKED = """
func.func @f(%q: tensor<2x1x4xf32>, %kv: tensor<?x4xf32>, %i: tensor<2x3xi32>, %n: tensor<2xi32>)
    -> tensor<2x1x4xf32> {
  %o = tensor.empty() : tensor<2x1x4xf32>
  %l = tensor.empty() : tensor<2x1xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<2x1x4xf32>) keys(%kv : tensor<?x4xf32>)
      indices(%i : tensor<2x3xi32>) counts(%n : tensor<2xi32>) scale = 1.0 dv = 4
      outs(%o, %l : tensor<2x1x4xf32>, tensor<2x1xf32>)
  return %out : tensor<2x1x4xf32>
}
"""


def test_checked_names_the_first_bad_index(tmp_path):
    q, kv = np.ones((2, 1, 4), np.float32), np.ones((5, 4), np.float32)
    counts = np.array([2, 3], np.int32)
    good = np.array([[0, -1, 99], [4, 4, -1]], np.int32)
    execute(CHECKED, [q, kv, good, counts], ["f32"], tmp_path, options=["--checked"])
    bad = np.array([[0, -1, 99], [4, 5, -2]], np.int32)
    execute(CHECKED, [q, kv, bad, counts], ["f32"], tmp_path)
    with pytest.raises(Failure, match=r"status 3: row 1, slot 1: index 5 is outside \[0, 5\)"):
        execute(CHECKED, [q, kv, bad, counts], ["f32"], tmp_path, options=["--checked"])


def test_glue_between_ops(tmp_path):
    rows = 300  # a tile and the beginning of another one
    x, k, w, kv = arrays = glue.make_inputs(rows)
    flat, base2 = execute(glue.GLUE, arrays, ["bf16", "f32"], tmp_path, "glue")
    iq, aq = np.split(x.astype(BF16), [glue.HI * glue.D], axis=1)
    indices, count, _ = ops.lightning_indexer(iq.reshape(rows, glue.HI, glue.D), k,
                                              w.astype(np.float32) / 8, glue.K)
    compare.attention_matches(flat.reshape(rows, glue.H, glue.DV), base2 * np.float32(np.log(2)),
                              aq.reshape(rows, glue.H, glue.DK), [kv.astype(BF16)], [indices],
                              counts=[count], scale=0.2, dv=glue.DV, type="bf16")
