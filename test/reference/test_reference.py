"""Number formats, layouts, scores, selection and the cases from public reports."""
import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from reference import compare, inputs, layouts, ops

CASES = Path(__file__).parents[1] / "data" / "cases"
INF, NAN = np.inf, np.nan


# scalar loops, tiny and unbatched


def slow_scores(q, k, w, scale, lo, hi, relu):
    """I by the formula, dense."""
    rows, heads, width = q.shape
    out = np.full((rows, len(k)), -INF)
    for t in range(rows):
        for s in range(max(lo[t], 0), min(hi[t], len(k))):
            total = 0.0
            for j in range(heads):
                dot = sum(float(q[t, j, d]) * float(k[s, d]) for d in range(width))
                total += float(w[t, j]) * (max(dot, 0.0) if relu else dot)
            out[t, s] = float(scale[s]) * total
    return out


def slow_top_k(scores, k, lo, hi, ids, order):
    """Repeatedly take the best that is left."""
    out, count = np.full((len(scores), k), -1), []
    for t, row in enumerate(scores):
        left = [s for s in range(max(lo[t], 0), min(hi[t], len(row)))
                if row[s] > -INF and ids[s] >= 0]
        chosen = []
        while left and len(chosen) < k:
            best = left[0]
            for s in left:
                if row[s] > row[best] or (row[s] == row[best] and ids[s] < ids[best]):
                    best = s
            left.remove(best)
            chosen.append(ids[best])
        out[t, : len(chosen)] = sorted(chosen) if order == "index_ascending" else chosen
        count.append(len(chosen))
    return out, np.array(count)


# number formats


def test_f8_codes_match_the_format():
    code = np.arange(256, dtype=np.uint8)
    value = code.view(layouts.DTYPES["f8E4M3FN"]).astype(np.float64)
    for byte in range(256):
        sign, exponent, mantissa = byte >> 7, byte >> 3 & 15, byte & 7
        want = ((exponent > 0) + mantissa / 8) * 2.0 ** max(exponent - 7, -6)
        if byte & 127 == 127:
            assert np.isnan(value[byte])
        else:
            assert value[byte] == (-want if sign else want)


def test_e8m0_and_bf16():
    table = layouts.e8m0_values()
    assert table[127] == 1 and table[0] == 2.0**-127 and table[254] == 2.0**127
    assert np.isnan(table[255])
    bits = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF], np.uint32)
    got = layouts.cast(bits.view(np.float32), "bf16").view(np.uint16)
    assert got.tolist() == [0x3F80, 0x3F82, 0x3F81, 0x3F80]  # ties go to even
    assert layouts.cast([1e9, -1e9, 17], "f8E4M3FN").astype(float).tolist() == [448, -448, 16]


# layouts

LAYOUTS = [layouts.mla_656(), layouts.mla_656(5), layouts.mla_584(3), layouts.index_132(4)]


def shaped(layout, rng, pages=3):
    """Random rows of a layout, with very different sizes."""
    lead = (7,) if layout.page is None else (pages, layout.page)
    size = np.exp(3 * rng.standard_normal(lead + (1,)))
    return (rng.standard_normal(lead + (layout.width,)) * size).astype(np.float32)


def test_layout_sizes():
    assert [x.width for x in LAYOUTS] == [576, 576, 512, 128]
    assert layouts.mla_656(64).page_bytes == 656 * 64
    assert layouts.mla_584(2).page_bytes == 1728 and layouts.mla_584(64).page_bytes == 37440
    assert layouts.index_132(64).page_bytes == 8448


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda x: f"{x.name}_{x.page}")
@pytest.mark.parametrize("pow2", [True, False])
def test_layout_round_trip(layout, pow2):
    if layout.name == "mla_584" and not pow2:
        with pytest.raises(ValueError):
            layouts.encode(shaped(layout, inputs.rng(1)), layout, pow2=False)
        return
    rows = shaped(layout, inputs.rng(1))
    packed = layouts.encode(rows, layout, pow2)
    got = layouts.decode(packed.view(np.int8), layout)
    error = np.abs(got - rows)
    group = np.abs(rows).max(axis=-1, keepdims=True)
    assert np.all(error <= np.maximum(np.abs(rows) / 16, group * 2.0**-9))
    if pow2:  # what was encoded once is representable
        assert np.array_equal(layouts.decode(layouts.encode(got, layout), layout), got)
    # byte by byte, without the layout's own vector code
    flat = packed.reshape(len(packed), -1)
    for outer, row, e in [(0, 0, 0), (1, 0, layout.width - 1), (2, (layout.page or 1) - 1, 127)]:
        byte, kind, at, scale_kind = layouts.locate(layout, row, e)
        size = layouts.DTYPES[kind].itemsize
        value = flat[outer, byte : byte + size].view(layouts.DTYPES[kind]).astype(np.float32)[0]
        if scale_kind == "f32":
            value *= np.float32(struct.unpack("<f", flat[outer, at : at + 4].tobytes())[0])
        elif scale_kind == "e8m0":
            value *= np.float32(2.0 ** (int(flat[outer, at]) - 127))
        assert value == (got[outer, e] if layout.page is None else got[outer, row, e])


def test_quantiser_by_hand():
    rows = np.zeros((1, 2, 128), np.float32)
    rows[0, 0, :2] = 448, -3
    assert layouts.encode(rows, layouts.index_132(2)).view("<f4")[0, 64] == 1
    rows[0, 0, :2] = 449, -3
    codes, scales = layouts.decode_codes(layouts.encode(rows, layouts.index_132(2)),
                                         layouts.index_132(2))
    assert scales.tolist() == [[2.0, 2.0**-22]] and codes.shape == (1, 2, 128)
    assert codes[0, 0, :2].astype(float).tolist() == [224, -1.5]
    packed = layouts.encode(np.zeros((1, 2, 512)), layouts.mla_584(2))
    assert packed[0, 1152:1168].tolist() == ([114] * 7 + [0]) * 2 and not packed[0, 1168:].any()
    packed[0, 1152] = 255
    assert np.isnan(layouts.decode(packed, layouts.mla_584(2))[0, 0, :64]).all()


def test_unpack():
    layout = layouts.mla_656()
    rows = shaped(layout, inputs.rng(2))
    packed = layouts.encode(rows, layout, pow2=False)
    wide, narrow = ops.unpack(packed, layout, False), ops.unpack(packed, layout, False, "bf16")
    assert wide.dtype == np.float32 and narrow.dtype == ml_dtypes.bfloat16
    assert np.array_equal(narrow, wide.astype(ml_dtypes.bfloat16))
    assert not np.array_equal(narrow, wide)
    with pytest.raises(ValueError):
        ops.unpack(packed, layout, False, "codes")
    two = layouts.KVLayout("two", (layouts.Field(8, "f8E4M3FN", 0, 4, "f32", 8),), 16)
    codes, scales = ops.unpack(layouts.encode(np.ones((3, 8)), two), two, False, "codes")
    assert codes.shape == (3, 8) and scales.shape == (3, 2) and scales.dtype == np.float32


# SCORE


@pytest.mark.parametrize("relu", [True, False])
def test_scores_against_loops(relu):
    r = inputs.rng(3)
    q, k, w = r.standard_normal((4, 3, 5)), r.standard_normal((9, 5)), r.standard_normal((4, 3))
    scale, lo, hi = r.standard_normal(9), [0, -4, 3, 8], [9, 5, 3, 400]
    got, magnitude = ops.indexer_scores(q, k, w, key_scale=scale, lo=lo, hi=hi,
                                        activation="relu" if relu else "none")
    want = slow_scores(q, k, w, scale, lo, hi, relu)
    compare.values_close("scores", got, want, 1e-13, 1e-13)
    bound = slow_scores(np.abs(q), np.abs(k), np.abs(w), np.abs(scale), lo, hi, relu)
    assert np.allclose(magnitude, np.where(bound == -INF, 0, bound))
    parts, _ = ops.indexer_scores(q[..., :2], k[:, :2], w, q_tail=q[..., 2:], k_tail=k[:, 2:],
                                  key_scale=scale, lo=lo, hi=hi,
                                  activation="relu" if relu else "none")
    assert np.array_equal(parts, got)


def test_scores_non_finite_and_pure():
    q, w = np.array([[[1.0, 0.0]]]), np.array([[-1.0]])
    k = np.array([[NAN, 0], [-INF, 1], [INF, 1], [-3, NAN], [2, 5]])
    got, _ = ops.indexer_scores(q, k, w)
    assert np.array_equal(got[0], [NAN, 0, -INF, NAN, -2], equal_nan=True)
    assert np.array_equal(ops.indexer_scores(q, k, w, lo=[4])[0][0], [-INF] * 4 + [-2])
    data = inputs.index_inputs(inputs.rng(4), 3, 301, 8, 32)
    same = np.repeat(data["k"][:1], 301, axis=0)
    score, _ = ops.indexer_scores(data["q"], same, data["w"])
    assert (score == score[:, :1]).all()
    assert ops.indexer_scores(data["q"][2:], same[:1], data["w"][2:])[0][0, 0] == score[2, 0]


def test_scores_paged_and_packed():
    r = inputs.rng(5)
    data = inputs.small_integers(r, 4, 22, 3, 128, type="bf16", batch=2)
    want, _ = ops.indexer_scores(**data)
    pool, table = inputs.paginate(r, data["k"], 4)
    scale, _ = inputs.paginate(inputs.rng(5), data["key_scale"], 4)
    scale = np.full(pool.shape[:2], NAN, np.float32)
    scale[table, :] = np.pad(data["key_scale"], ((0, 0), (0, 2))).reshape(2, 6, 4)
    hi = np.full((2, 4), 22)
    got, _ = ops.indexer_scores(data["q"], pool, data["w"], key_scale=scale, block_table=table,
                                hi=hi, paged=True)
    assert got.shape == (2, 4, 24)
    assert np.array_equal(got[..., :22], want) and (got[..., 22:] == -INF).all()
    # row ids over one table: a bad id empties the row, a bad page its keys
    table[1, 2] = len(pool)
    got, _ = ops.indexer_scores(data["q"][1], pool, data["w"][1], key_scale=scale, hi=hi[1],
                                block_table=table, row_ids=[1, 2, -1, 1], paged=True)
    good = np.ones(22, bool)
    good[8:12] = False
    assert np.array_equal(got[0, :22][good], want[1, 0][good])
    assert (got[0, :22][~good] == -INF).all()
    assert (got[1:3] == -INF).all() and np.isfinite(got[3, :22][good]).all()
    # packed: one scale per row acts after the sum, several dequantise to bf16
    layout = layouts.index_132(4)
    rows = (pool.astype(np.float32) * scale[..., None]).astype(np.float32)
    packed = layouts.encode(rows, layout)
    codes, scales = layouts.decode_codes(packed, layout)
    table[1, 2] = -1
    for keys in ({"key_scale": scales, "k": codes}, {"layout": layout, "k": packed}):
        got, _ = ops.indexer_scores(data["q"], w=data["w"], block_table=table, paged=True, hi=hi,
                                    **keys)
        ok = np.isfinite(got[..., :22])
        assert ok.sum() == 2 * 4 * 22 - 4 * 4 and np.array_equal(got[..., :22][ok], want[ok])
    flat = layouts.KVLayout("flat", (layouts.Field(8, "f8E4M3FN", 0, 4, "f32", 8),), 16)
    packed = layouts.encode(r.standard_normal((5, 8)), flat, pow2=False)
    q, w = layouts.cast(r.standard_normal((2, 3, 8)), "bf16"), r.standard_normal((2, 3))
    dense, _ = ops.indexer_scores(q, ops.unpack(packed, flat, False, "bf16"), w)
    assert np.array_equal(ops.indexer_scores(q, packed, w, layout=flat)[0], dense)


# SELECT


@pytest.mark.parametrize("kind", inputs.TIES)
@pytest.mark.parametrize("order", ops.ORDERS)
def test_top_k_against_loops(kind, order):
    r = inputs.rng(6)
    scores = inputs.tie_scores(r, 12, 40, kind)
    scores[3, ::4], scores[4, ::3], scores[5, 7] = NAN, -INF, INF
    lo, hi = inputs.hostile_bounds(r, 12, 40)
    lo[3:6], hi[3:6] = 0, 40
    ids = np.cumsum(r.integers(1, 5, 40)) - 8
    for k in (1, 9, 40, 50):
        want, count = slow_top_k(scores, k, lo, hi, ids, order)
        got = ops.top_k(scores, k, lo=lo, hi=hi, ids=ids, order=order)
        compare.selection_exact(got, (want, count))
        column = np.where(got[0] >= 0, np.searchsorted(ids, got[0]), 0)
        taken = np.where(got[0] >= 0, np.take_along_axis(scores, column, 1), -INF)
        assert np.array_equal(got[2], taken)


def test_top_k_translate():
    scores = np.array([[9, 1, 8, 2, 7, 3, 6, 4]], np.float32)
    table = np.array([[5, -1, 0]], np.int32)
    got = ops.top_k(scores, 3, translate=(table, 2))
    assert got[0].tolist() == [[10, 0, 1]] and got[2].tolist() == [[9, 7, 3]]
    got = ops.top_k(scores, 4, translate=(table, 2), order="score_descending")
    assert got[0].tolist() == [[10, 0, 1, 11]] and got[1].tolist() == [4]
    got = ops.top_k(scores, 5, translate=(table, 2), ids=np.arange(8) * 2 - 2)
    assert got[0].tolist() == [[10, 0, -1, -1, -1]]
    huge = np.array([[2**31 - 1, 2**30 - 1, 2**30]], np.int32)
    want = [[2**31 - 2, 2**31 - 1] + [-1] * 6]
    assert ops.top_k(scores, 8, translate=(huge, 2))[0].tolist() == want
    rows = ops.top_k(np.repeat(scores, 4, 0), 1, translate=(np.array([[0], [3]]), 2),
                     translate_row_ids=[1, 2, 0, -1])
    assert rows[0].tolist() == [[6], [-1], [0], [-1]] and rows[1].tolist() == [1, 0, 1, 0]


def test_batched_is_a_loop():
    r = inputs.rng(7)
    data = inputs.small_integers(r, 4, 30, 3, 8, batch=3)
    lo = r.integers(0, 9, (3, 4))
    ids = np.cumsum(r.integers(1, 4, (3, 30)), axis=1)
    table = r.integers(-1, 9, (3, 60))
    got = ops.lightning_indexer(data["q"], data["k"], data["w"], 7, lo=lo, ids=ids,
                                key_scale=data["key_scale"], translate=(table, 2))
    for b in range(3):
        one = ops.lightning_indexer(data["q"][b], data["k"][b], data["w"][b], 7, lo=lo[b],
                                    key_scale=data["key_scale"][b], ids=ids[b],
                                    translate=(table[b : b + 1], 2))
        compare.selection_exact([x[b] for x in got], one)
    none = ops.lightning_indexer(data["q"][:0], data["k"][:0], data["w"][:0], 7)
    assert none[0].shape == (0, 4, 7)
    assert ops.top_k(np.zeros((2, 0)), 3)[0].tolist() == [[-1] * 3] * 2


# cases from public reports


def run_case(case, data):
    """The results of one case by name, from its operands."""
    attrs, op = dict(case["attrs"]), case["op"]
    get = {name[3:]: data[name] for name in data.files if name.startswith("in_")}
    if op == "indexer_scores":
        return {"scores": ops.indexer_scores(**get)[0]}
    if op == "sparse_attention":
        paged = attrs.pop("page", None) is not None
        out = ops.sparse_attention(
            get["q"], [get["keys0"]], [get["indices0"]], sink=get.get("sink"), paged=paged,
            block_tables=[get["table0"]] if paged else (), **attrs)
        return dict(zip(("out", "lse"), out))
    if op == "merge_attention":
        out = ops.merge_attention([get["outs"]], [get["lses"]], sink=get.get("sink"))
        return dict(zip(("out", "lse"), out))
    k = attrs.pop("k")
    out = ops.top_k(k=k, **get) if op == "top_k" else ops.lightning_indexer(top=k, **get, **attrs)
    return dict(zip(("indices", "count", "values"), out))


ALL_CASES = json.loads((CASES / "cases.json").read_text())


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda c: c["name"])
def test_case(case):
    data = np.load(CASES / (case["name"] + ".npz"))
    got = run_case(case, data)
    wanted = [name[4:] for name in data.files if name.startswith("out_")]
    assert wanted
    for name in wanted:
        tol = case["tol"].get(name, [0, 0])
        compare.values_close(name, got[name], data["out_" + name], *tol)


def test_every_case_is_listed():
    files = {p.stem for p in CASES.glob("*.npz")}
    assert files == {c["name"] for c in ALL_CASES} and len(files) == 22
    assert all(c["reports"] and all("#" in r for r in c["reports"]) for c in ALL_CASES)
