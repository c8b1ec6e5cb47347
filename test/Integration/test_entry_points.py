"""The function ABI: strides, checks, statuses, f_shapes and f_workspace."""

import ctypes

import numpy as np
import pytest

from entry_points import Library

TARGETS = ("reference", "cpu")

ATTEND = """
func.func @f(%q: tensor<?x2x4xf32>, %kv: tensor<?x4xf32>, %i: tensor<?x3xi32>, %n: tensor<?xi32>)
    -> (tensor<?x2x4xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x2x4xf32>
  %o = tensor.empty(%T) : tensor<?x2x4xf32>
  %l = tensor.empty(%T) : tensor<?x2xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x2x4xf32>) keys(%kv : tensor<?x4xf32>)
      indices(%i : tensor<?x3xi32>) counts(%n : tensor<?xi32>) scale = 0.5 dv = 4
      outs(%o, %l : tensor<?x2x4xf32>, tensor<?x2xf32>)
  return %out, %lse : tensor<?x2x4xf32>, tensor<?x2xf32>
}
"""
T, S = 5, 7


@pytest.fixture(scope="module")
def attend(target, tmp_path_factory):
    return Library(ATTEND, tmp_path_factory.mktemp("attend"), target=target)


@pytest.fixture(scope="module")
def checked(target, tmp_path_factory):
    return Library(ATTEND, tmp_path_factory.mktemp("checked"), "checked=true", target=target)


def arguments():
    rng = np.random.default_rng(3)
    return [rng.standard_normal((T, 2, 4), np.float32), rng.standard_normal((S, 4), np.float32),
            rng.integers(0, S, (T, 3)).astype(np.int32), np.full(T, 3, np.int32)]


def results():
    return [np.full((T, 2, 4), np.nan, np.float32), np.full((T, 2), np.nan, np.float32)]


def padded(array, pad=3):
    """The same numbers, with NaN (or -1) behind each row and between rows."""
    filler = np.nan if array.dtype.kind == "f" else -1
    wide = np.full([2 * n for n in array.shape[:-1]] + [array.shape[-1] + pad], filler, array.dtype)
    view = wide[tuple(slice(0, 2 * n, 2) for n in array.shape[:-1]) + (slice(array.shape[-1]),)]
    view[...] = array
    return view


def test_padded_inputs_and_results_give_the_same_bits(attend):
    inputs, outputs = arguments(), results()
    assert attend.call("f", inputs, outputs) == 0
    spaced = [padded(r) for r in results()]
    assert attend.call("f", [padded(a) if a.ndim > 1 else a for a in inputs], spaced) == 0
    for got, want in zip(spaced, outputs):
        np.testing.assert_array_equal(got, want)
        # Nothing between and behind the rows is written.
        assert np.isfinite(got.base).sum() == got.size


def test_stride_0_inputs_repeat_a_row(attend):
    inputs, outputs = arguments(), results()
    for i in (0, 2, 3):
        inputs[i] = np.broadcast_to(inputs[i][:1], inputs[i].shape)
    assert attend.call("f", inputs, outputs) == 0
    assert not np.isnan(outputs[0]).any()
    np.testing.assert_array_equal(outputs[0], np.broadcast_to(outputs[0][:1], (T, 2, 4)))


def test_innermost_stride_of_an_input_is_checked(attend):
    inputs, outputs = arguments(), results()
    inputs[1] = np.repeat(inputs[1], 2, axis=1)[:, ::2]
    assert attend.call("f", inputs, outputs) == 1
    assert attend.last_error() == "argument 1: dimension 1 has stride 2, expected stride 1"
    assert np.isnan(outputs[0]).all()


def test_innermost_stride_of_a_result_is_checked(attend):
    inputs, outputs = arguments(), results()
    outputs[0] = np.full((T, 2, 8), np.nan, np.float32)[..., ::2]
    assert attend.call("f", inputs, outputs) == 1
    assert attend.last_error() == "argument 4: dimension 2 has stride 2, expected stride 1"


def test_counts_and_lse_may_have_any_stride(attend):
    inputs, outputs = arguments(), results()
    inputs[3] = np.repeat(inputs[3], 2)[::2]
    outputs[1] = np.full((T, 4), np.nan, np.float32)[:, ::2]
    assert attend.call("f", inputs, outputs) == 0
    assert np.isfinite(outputs[1]).all()


@pytest.mark.parametrize("result", [0, 1])
def test_results_that_overlap_themselves_are_refused(attend, result):
    inputs, outputs = arguments(), results()
    shape = outputs[result].shape
    outputs[result] = np.lib.stride_tricks.as_strided(
        outputs[result], shape, (0, *outputs[result].strides[1:]))
    assert attend.call("f", inputs, outputs) == 1
    assert attend.last_error().startswith(f"argument {4 + result}: dimension 0 has stride 0")


def test_extents_that_disagree_are_refused(attend):
    inputs, outputs = arguments(), results()
    inputs[3] = inputs[3][:-1]
    assert attend.call("f", inputs, outputs) == 1
    assert attend.last_error() == f"argument 3: dimension 0 is {T - 1}, expected {T}"
    assert np.isnan(outputs[0]).all()


def test_extents_of_results_are_checked(attend):
    inputs, outputs = arguments(), results()
    outputs[1] = outputs[1][:-1]
    assert attend.call("f", inputs, outputs) == 1
    assert attend.last_error() == f"argument 5: dimension 0 is {T - 1}, expected {T}"


def test_shapes(attend):
    shapes = np.full(6, -1, np.int64)
    assert attend.raw("f_shapes", *arguments(), shapes) == 0
    assert shapes.tolist() == [T, 2, 4, T, 2, -1]
    small = np.full(4, -1, np.int64)
    assert attend.raw("f_shapes", *arguments(), small) == 1
    assert attend.last_error() == "argument 4: dimension 0 is 4, expected 5"
    assert (small == -1).all()


def test_shapes_and_workspace_check_the_inputs(attend):
    inputs = arguments()
    inputs[2] = inputs[2][:-1]
    assert attend.raw("f_shapes", *inputs, np.empty(5, np.int64)) == 1
    assert attend.raw("f_workspace", *inputs, 1, np.empty(1, np.int64)) == 1


def test_workspace(attend, target):
    """The reference allocates for itself; other targets refuse less than they ask for."""
    size = np.full(1, -1, np.int64)
    assert attend.raw("f_workspace", *arguments(), 1, size) == 0
    if target == "reference":
        assert size[0] == 0
    else:
        less = np.empty(size[0] - 1, np.int8)
        assert attend.raw("f", *arguments(), *results(), less, 1) == 2
        assert attend.last_error().startswith(f"workspace has {less.size} bytes")


def test_no_rows(attend):
    inputs = [a[:0] if i != 1 else a for i, a in enumerate(arguments())]
    assert attend.call("f", inputs, [r[:0] for r in results()]) == 0


@pytest.mark.parametrize("bad", [S, -2, 2**31 - 1, -2**31])
def test_checked_reports_the_first_bad_index_and_still_computes(attend, checked, bad):
    inputs, want, got = arguments(), results(), results()
    inputs[2][2, 1] = bad
    inputs[2][4, 0] = bad - 1 if bad > 0 else bad + 1
    assert attend.call("f", inputs, want) == 0
    assert checked.call("f", inputs, got) == 3
    message = checked.last_error()
    for number in (2, 1, bad, S):
        assert str(number) in message
    np.testing.assert_array_equal(got[0], want[0])


def test_checked_accepts_padding_and_what_does_not_count(checked):
    inputs, outputs = arguments(), results()
    inputs[2][0] = [-1, 2, -1]
    inputs[2][1, 2] = 1000
    inputs[3][1] = 2
    assert checked.call("f", inputs, outputs) == 0


def test_temporaries_are_freed(attend):
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("this libc does not count what is allocated")

    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in
                    ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
                     "uordblks", "fordblks", "keepcost")]

    libc.mallinfo2.restype = Info

    def in_use():
        info = libc.mallinfo2()
        return info.uordblks + info.hblkhd

    inputs = arguments()
    inputs[1] = np.random.default_rng(0).standard_normal((200, 4), np.float32)
    outputs = results()
    attend.call("f", inputs, outputs)
    before = in_use()
    calls = 2000
    for _ in range(calls):
        assert attend.call("f", inputs, outputs) == 0
    # One temporary lost per call would be over 32 bytes each.
    assert in_use() - before < 32 * calls
