"""dsa.sparse_attention over packed rows against the float64 reference, given the indices."""

import numpy as np
import pytest

from harness import BF16, sparse_attention
from own_layouts import OWN, encoded
from reference import compare, inputs, layouts, ops

TARGETS = ("reference", "cpu", "cpu with 8 lanes", "cpu without bf16 pairs")


def check(folder, q, keys, indices, **keywords):
    harness_only = {name: keywords.pop(name) for name in ("dynamic", "out_type")
                    if name in keywords}
    out, lse = sparse_attention(folder, q, keys, indices, **keywords, **harness_only)
    compare.attention_matches(out, lse, q, keys, indices, type="packed", **keywords)
    return out, lse


@pytest.mark.parametrize("form", ["flat 656", "paged 656", "paged 584"])
@pytest.mark.parametrize("pow2", [True, False])
def test_packed_rows(tmp_path, form, pow2):
    rng = inputs.rng(14)
    layout = {"flat 656": layouts.mla_656(), "paged 656": layouts.mla_656(5),
              "paged 584": layouts.mla_584(5)}[form]
    width = sum(field.count for field in layout.fields)
    pow2 = pow2 or form == "paged 584"
    shape = (15,) if form == "flat 656" else (3, 5)
    packed = layouts.encode(rng.standard_normal(shape + (width,)), layout, pow2=pow2)
    q = (rng.standard_normal((3, 4, width)) / 8).astype(BF16)
    idx = inputs.indices(rng, 3, 15, 8, invalid=0.2)
    check(tmp_path, q, [packed], [idx], layouts=[layout], paged=form != "flat 656", scale=0.1,
          dv=512 if width == 576 else width, dynamic=True)


def test_a_packed_and_a_dense_set(tmp_path):
    rng = inputs.rng(15)
    packed = layouts.encode(rng.standard_normal((6, 576)), layouts.mla_656())
    dense = rng.standard_normal((9, 576)).astype(BF16)
    q = (rng.standard_normal((3, 2, 576)) / 8).astype(BF16)
    idx = [inputs.indices(rng, 3, 6, 4), inputs.indices(rng, 3, 9, 5)]
    check(tmp_path, q, [packed, dense], idx, layouts=[layouts.mla_656(), None], scale=0.1, dv=512)


def test_nan_codes_of_packed_rows(tmp_path):
    """A NaN code in a selected row is NaN in its outputs; E8M0 byte 0xFF is NaN."""
    rng = inputs.rng(16)
    layout = layouts.mla_584(4)
    packed = layouts.encode(rng.standard_normal((2, 4, 512)), layout)
    packed[0, 576 + 100] = 0x7F
    packed[1, 4 * 576 + 8 * 2] = 0xFF
    q = (rng.standard_normal((3, 2, 512)) / 8).astype(BF16)
    idx = np.array([[0, 1, 2], [4, 5, 6], [0, 2, 3]], np.int32)
    check(tmp_path, q, [packed], [idx], layouts=[layout], paged=True, scale=0.1, dv=512)


@pytest.mark.parametrize("compute", ["f32", "f16"])
@pytest.mark.parametrize("out_type", ["f32", "bf16"])
def test_compute_types(tmp_path, compute, out_type):
    rng = inputs.rng(17)
    packed = layouts.encode(rng.standard_normal((15, 576)), layouts.mla_656(), pow2=False)
    q = (rng.standard_normal((3, 2, 576)) / 8).astype(BF16)
    check(tmp_path, q, [packed], [inputs.indices(rng, 3, 15, 8)], layouts=[layouts.mla_656()],
          scale=0.1, dv=512, compute_type=compute, out_type=out_type)


def test_compute_type_shows_in_the_numbers(tmp_path):
    """A product that f32 holds and bf16 does not: code 0x39, which is 1.125, times 1.001."""
    layout = layouts.mla_656()
    packed = np.zeros((1, 656), np.uint8)
    packed[0, :512] = 0x39
    packed[0, 512:528] = np.full(4, 1.001, np.float32).view(np.uint8)
    q = np.zeros((1, 1, 576), BF16)
    for compute, want in (("f32", np.float32(1.125) * np.float32(1.001)),
                          ("bf16", np.float32(BF16.type(np.float32(1.125) * np.float32(1.001))))):
        out, _ = sparse_attention(tmp_path, q, [packed], [np.zeros((1, 1), np.int32)],
                                  layouts=[layout], scale=1.0, dv=4, compute_type=compute,
                                  out_type="f32")
        assert (np.abs(out - want) <= 2.0**-23).all()


@pytest.mark.parametrize("layout", [layouts.mla_656(4), layouts.mla_584(4)],
                         ids=lambda layout: layout.name)
def test_through_tables(tmp_path, layout):
    """Batched, one table for all, and row_ids; entries and ids that name nothing."""
    rng = inputs.rng(18)
    packed = layouts.encode(rng.standard_normal((7, 4, layout.width)), layout)
    q = (rng.standard_normal((2, 3, 2, layout.width)) / 8).astype(BF16)
    table = np.array([[3, -1, 6, 7], [0, 2**31 - 1, 5, 1]], np.int32)
    idx = inputs.indices(rng, 3, 16, 9, batch=2, duplicates=0.2, invalid=0.2)
    counts = inputs.counts(rng, 3, 9, batch=2)
    keywords = dict(layouts=[layout], paged=True, scale=0.1, dv=512)
    check(tmp_path, q, [packed], [idx], block_tables=[table], counts=[counts], dynamic="mixed",
          **keywords)
    check(tmp_path, q[0], [packed], [idx[0]], block_tables=[table[:1]], **keywords)
    check(tmp_path, q.reshape(6, 2, -1), [packed], [idx.reshape(6, 9)], block_tables=[table],
          row_ids=np.array([1, 0, -1, 2, 0, 1], np.int32), dynamic=True, **keywords)


def test_window_and_compressed_rows(tmp_path):
    """Two packed pools of different pages by slot, with counts and a sink."""
    rng = inputs.rng(19)
    kinds = [layouts.mla_584(8), layouts.mla_584(2)]
    packed = [layouts.encode(rng.standard_normal((p, kind.page, 512)), kind)
              for p, kind in zip((2, 5), kinds)]
    q = (rng.standard_normal((4, 3, 512)) / 8).astype(BF16)
    idx = [inputs.indices(rng, 4, 16, 6), inputs.indices(rng, 4, 10, 5)]
    counts = [inputs.counts(rng, 4, 6), inputs.counts(rng, 4, 5)]
    check(tmp_path, q, packed, idx, layouts=kinds, paged=True, counts=counts, scale=0.1, dv=512,
          sink=rng.standard_normal(3).astype(np.float32), dynamic=True)


def test_batch_of_flat_records(tmp_path):
    rng = inputs.rng(20)
    packed = layouts.encode(rng.standard_normal((2, 11, 576)), layouts.mla_656())
    q = (rng.standard_normal((2, 3, 2, 576)) / 8).astype(BF16)
    check(tmp_path, q, [packed], [inputs.indices(rng, 3, 11, 6, batch=2)],
          layouts=[layouts.mla_656()], scale=0.1, dv=512, dynamic=True)


def test_no_rows(tmp_path):
    q, idx = np.ones((2, 3, 576), BF16), np.zeros((2, 4), np.int32)
    for layout, paged in ((layouts.mla_656(), False), (layouts.mla_656(3), True)):
        packed = np.zeros((0, layout.page_bytes or layout.record_bytes), np.uint8)
        out, lse = check(tmp_path, q, [packed], [idx], layouts=[layout], paged=paged, scale=0.1,
                         dv=512, dynamic=True)
        assert not out.any() and np.isneginf(lse).all()


@pytest.mark.parametrize("name", OWN)
def test_layouts_without_a_name(tmp_path, name):
    rng, layout = inputs.rng(21), OWN[name]
    packed = encoded(rng, layout, 4)
    q = rng.standard_normal((5, 2, layout.width)).astype(BF16)
    idx = inputs.indices(rng, 5, 4 * (layout.page or 1), 6)
    for compute in ("f32", None):
        check(tmp_path, q, [packed], [idx], layouts=[layout], paged=layout.page is not None,
              scale=0.4, dv=3, compute_type=compute, out_type="f32")
