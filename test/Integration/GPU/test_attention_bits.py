"""Bits of dsa.sparse_attention's GPU kernel: what they depend on, and what they do not."""

import numpy as np
import pytest

from harness import BF16, compiled_for, same_bits
from problems import Problem, make
from reference import inputs

TARGETS = ("sm_80",)


def pipeline(options):
    return [f"--pipeline-options={options}"]


def part(problem, rows):
    """The problem of some of the rows."""
    keywords = dict(problem.keywords, counts=[x[rows] for x in problem.keywords["counts"]])
    return Problem(problem.q[rows], problem.keys, [x[rows] for x in problem.indices], keywords)


@pytest.mark.parametrize("shape", [
    dict(t=2, h=64, sets=[(300, 200)], dk=576, dv=512, cut=64, counts=True),
    dict(t=3, h=17, sets=[(90, 70), (50, 65)], dk=96, dv=64, values=True, sink=True,
         page=[16, 7], table=True, row_ids=True),
    dict(t=1, h=128, sets=[(900, 800)], dk=192, dv=128, type_name="f16")])
@pytest.mark.parametrize("chip", ["sm_80", "sm_86"])
def test_bits_do_not_depend_on_the_order_of_warps(tmp_path, chip, shape):
    """Nor on the run."""
    problem = make(inputs.rng(1), **shape)
    with compiled_for(chip):
        once = problem.check(tmp_path, out_type="f32")
        for seed in (0, 1, 2, 3):
            again = problem.run(tmp_path, out_type="f32", options=[f"--seed={seed}"])
            assert same_bits(again, once)


@pytest.mark.parametrize("sm_count", [1, 108])
def test_batch_invariant_bits(tmp_path, sm_count):
    """The bits of a row are the same alone, among 3 and among 70, with other data beside it."""
    problem = make(inputs.rng(2), 70, 5, [(900, 1100)], 64, 48, counts=True, sink=True,
                   invalid=0.05)
    problem.keywords["counts"][0][:3] = 1100, 600, 2**31 - 1
    options = pipeline(f"batch-invariant sm-count={sm_count}")
    whole = problem.check(tmp_path, options=options)
    for rows in (slice(0, 1), slice(0, 3), slice(1, 2), slice(67, 70)):
        some = part(problem, rows)
        assert same_bits(some.run(tmp_path, options=options), [x[rows] for x in whole])
    # Without the option, few rows have more splits.
    alone = part(problem, slice(0, 1))
    few = [alone.run(tmp_path, options=pipeline(x)) for x in ("sm-count=1", "sm-count=108")]
    assert not same_bits(*few)
    other = part(problem, slice(0, 3))
    other.q[1:] = np.nan
    got = other.run(tmp_path, options=options)
    assert same_bits([x[:1] for x in got], [x[:1] for x in whole])


@pytest.mark.parametrize("shape", [
    dict(sets=[(900, 200)]), dict(sets=[(900, 200)], sink=True),
    dict(sets=[(900, 700), (80, 90)], sink=True),
    dict(sets=[(900, 700), (80, 90)], counts=True, sink=True)])
def test_batch_invariant_bits_do_not_depend_on_the_length_of_lists(tmp_path, shape):
    """However many slots without a key follow in the list of a set: in the split of its last key,
    and in more splits."""
    short = make(inputs.rng(7), 2, 5, dk=64, dv=48, **shape)
    want = short.check(tmp_path, out_type="f32", options=pipeline("batch-invariant"))
    for more in ((1, 0), (330, 0), (2000, 500), (0, 1000)):
        indices, keywords = [], dict(short.keywords)
        for x, padding in zip(short.indices, more):
            indices.append(np.pad(x, ((0, 0), (0, padding)), constant_values=-1))
        got = Problem(short.q, short.keys, indices, keywords)
        assert same_bits(got.run(tmp_path, out_type="f32", options=pipeline("batch-invariant")),
                         want)


def test_batch_invariant_signs_of_zeros(tmp_path):
    """Values of -0, and such that their products are too small, in one tile, in more of one split
    and in splits."""
    keys = np.full((4, 16), -0.0, BF16)
    keys[:, 8:] = np.float32(-1e-40)
    keywords = dict(scale=1.0, dv=16)
    for sink in (None, np.full(2, 60, np.float32)):
        if sink is not None:
            keywords["sink"] = sink
        got = []
        for slots in (32, 33, 512, 513):
            idx = np.full((1, slots), -1, np.int32)
            idx[0, :2] = 0, 3
            problem = Problem(np.zeros((1, 2, 16), BF16), [keys], [idx], dict(keywords))
            got.append(problem.run(tmp_path, out_type="f32", options=pipeline("batch-invariant")))
        assert all(same_bits(x, got[0]) for x in got)


def test_splits_of_the_largest_logits(tmp_path):
    """A sink beside logits near the largest number there is: lse could not tell what it adds."""
    problem = make(inputs.rng(8), 1, 3, [(900, 800)], 64, 48, sink=True, invalid=0)
    problem.q[:], problem.keys[0][:, :] = 2.0**60, 2.0**61
    problem.keywords.update(scale=1.0, sink=np.full(3, 2.0**127, np.float32))
    for options in ("sm-count=1", "sm-count=108", "batch-invariant"):
        problem.check(tmp_path, out_type="f32", options=pipeline(options))


def test_bits_of_a_row_do_not_depend_on_other_rows(tmp_path):
    """Of as many rows: their lists, lengths, queries and the rows of keys they name."""
    problem = make(inputs.rng(3), 3, 5, [(900, 700)], 64, 48, counts=True, sink=True)
    problem.keywords["counts"][0][:] = 700
    whole = problem.check(tmp_path)
    named = problem.indices[0][0]
    problem.keys[0][np.setdiff1d(np.arange(900), named)] = np.nan
    problem.q[1:] = np.nan
    problem.indices[0][1], problem.keywords["counts"][0][2] = -1, 1
    assert same_bits([x[:1] for x in problem.run(tmp_path)], [x[:1] for x in whole])


def test_the_order_of_a_list_is_all_that_counts(tmp_path):
    """Rows by a table, by slots, dense or elsewhere in a tensor: the bits are those of the list."""
    rng = inputs.rng(4)
    dense = make(rng, 2, 8, [(96, 80)], 64, 64, invalid=0)
    (kv,), (idx,) = dense.keys, dense.indices
    whole = dense.check(tmp_path)
    pool, table = inputs.paginate(rng, kv[None], 16)
    keywords = dict(dense.keywords, paged=True)
    paged = Problem(dense.q, [pool], [idx], dict(keywords, block_tables=[table]))
    assert same_bits(paged.run(tmp_path), whole)
    slots = np.where(idx < 0, -1, table[0][idx // 16] * 16 + idx % 16).astype(np.int32)
    assert same_bits(Problem(dense.q, [pool], [slots], keywords).run(tmp_path), whole)
    batched = Problem(dense.q[None], [pool], [idx[None]], dict(keywords, block_tables=[table]))
    assert same_bits([x[0] for x in batched.run(tmp_path)], whole)


@pytest.mark.parametrize("dk, cut, dv", [(576, 64, 512), (96, 16, 80), (64, 48, 16), (80, 64, 16)])
@pytest.mark.parametrize("paged", [False, True])
def test_column_pieces_are_their_concatenation(tmp_path, dk, cut, dv, paged):
    """Pieces that end inside 128 bytes of a row, too."""
    how = dict(page=[16], table=True) if paged else {}
    pieces = make(inputs.rng(5), 2, 20, [(90, 70)], dk, dv, cut=cut, **how)
    keywords = dict(pieces.keywords)
    tail, (tails,) = keywords.pop("q_tail"), keywords.pop("key_tails")
    whole = Problem(np.concatenate([pieces.q, tail], -1),
                    [np.concatenate([pieces.keys[0], tails], -1)], pieces.indices, keywords)
    assert same_bits(pieces.check(tmp_path, out_type="f32"), whole.run(tmp_path, out_type="f32"))


# Options of the schedule, for 64 heads and rows of 576 and 512 columns.
SCHEDULES = ["stages=1", "stages=4", "heads=16", "heads=16 warps=4", "heads=32",
             "heads=128 warps=8", "heads=128 warps=4 stages=1", "keys=64",
             "keys=64 stages=1 heads=32", "heads=16 warps=4 keys=64", "query-steps=1",
             "query-steps=9 heads=32", "score-passes=1", "heads=64 warps=16 keys=64",
             "stages=3 heads=32 query-steps=2 score-passes=1"]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(tmp_path, schedule):
    """Two sets with counts, in one split. A block of sm_90 may have 227 KB of shared memory."""
    problem = make(inputs.rng(6), 2, 70, [(200, 150), (60, 40)], 576, 512, counts=True, sink=True)
    with compiled_for("sm_90"):
        problem.check(tmp_path, options=pipeline(schedule + " sm-count=1"))
