"""Temporaries in the caller's workspace: the reference target, planned instead of deallocated."""

import re
import subprocess

import numpy as np
import pytest

from entry_points import LLVM, Library, descriptor

SELECT_AND_ATTEND = """
func.func @f(%q: tensor<?x2x8xf32>, %k: tensor<?x8xf32>, %w: tensor<?x2xf32>, %a: tensor<?x2x4xf32>,
    %kv: tensor<?x4xf32>) -> tensor<?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x2x8xf32>
  %i = tensor.empty(%T) : tensor<?x3xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.lightning_indexer query(%q : tensor<?x2x8xf32>) keys(%k : tensor<?x8xf32>)
      weights(%w : tensor<?x2xf32>) k = 3 outs(%i, %n : tensor<?x3xi32>, tensor<?xi32>)
  %o = tensor.empty(%T) : tensor<?x2x4xf32>
  %l = tensor.empty(%T) : tensor<?x2xf32>
  %out, %lse = dsa.sparse_attention query(%a : tensor<?x2x4xf32>) keys(%kv : tensor<?x4xf32>)
      indices(%indices : tensor<?x3xi32>) counts(%count : tensor<?xi32>) scale = 0.5 dv = 4
      outs(%o, %l : tensor<?x2x4xf32>, tensor<?x2xf32>)
  return %out : tensor<?x2x4xf32>
}
"""
T, S = 5, 19


def planned(pipeline):
    """The pipeline without the passes for deallocation, and with a plan."""
    for name in ("ownership-based-buffer-deallocation", "buffer-deallocation-simplification",
                 "bufferization-lower-deallocations"):
        pipeline, removed = re.subn(rf"{name}(\{{[^}}]*\}})?,", "", pipeline)
        assert removed == 1
    loops = "convert-linalg-to-loops"
    assert loops in pipeline
    return pipeline.replace(loops, f"{loops},func.func(buffer-loop-hoisting),dsa-plan-workspace")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("planned")


@pytest.fixture(scope="module")
def library(folder):
    return Library(SELECT_AND_ATTEND, folder, edit=planned)


def arguments():
    rng = np.random.default_rng(5)
    shapes = [(T, 2, 8), (S, 8), (T, 2), (T, 2, 4), (S, 4)]
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def workspace_bytes(library, inputs):
    size = np.full(1, -1, np.int64)
    assert library.raw("f_workspace", *inputs, 1, size) == 0
    return int(size[0])


def test_nothing_is_allocated(library, folder):
    symbols = subprocess.run([LLVM / "llvm-nm", "-u", folder / "f.so"], check=True,
                             capture_output=True, text=True).stdout
    assert "snprintf" in symbols and not re.search("alloc|free", symbols)


# The caller's memory may begin anywhere; what it holds is not read.
@pytest.mark.parametrize("shift", [0, 1, 63])
def test_temporaries_are_in_the_workspace(library, tmp_path, shift):
    inputs, want = arguments(), np.empty((T, 2, 4), np.float32)
    assert Library(SELECT_AND_ATTEND, tmp_path).call("f", inputs, [want]) == 0

    size = workspace_bytes(library, inputs)
    memory = np.full(size + 256, -1, np.int8)
    begin = -memory.ctypes.data % 64 + shift
    workspace = memory[begin:begin + size]
    for _ in range(2):
        got = np.full_like(want, np.nan)
        assert library.raw("f", *inputs, got, workspace, 1) == 0
        np.testing.assert_array_equal(got, want)
    assert (workspace != -1).any()
    assert (memory[:begin] == -1).all() and (memory[begin + size:] == -1).all()


def test_a_byte_less_is_refused(library):
    inputs, out = arguments(), np.full((T, 2, 4), np.nan, np.float32)
    size = workspace_bytes(library, inputs)
    workspace = np.full(size - 1, -1, np.int8)
    assert library.raw("f", *inputs, out, workspace, 1) == 2
    assert library.last_error() == f"workspace has {size - 1} bytes, {size} are required"
    assert np.isnan(out).all() and (workspace == -1).all()


def test_wrong_arguments_come_first(library):
    inputs = arguments()
    out = np.empty((T + 1, 2, 4), np.float32)
    assert library.raw("f", *inputs, out, np.empty(0, np.int8), 1) == 1
    assert library.last_error() == "argument 5: dimension 0 is 6, expected 5"


def test_more_than_can_be_counted_is_never_enough(library):
    inputs, out = arguments(), np.full((T, 2, 4), np.nan, np.float32)
    keys = descriptor(inputs[1])
    # 2^62 scores of 4 bytes: counted without care, they take 0 bytes.
    keys.sizes[0], keys.strides[0] = 2**62, 0
    inputs[1] = keys
    most = 2**63 - 1
    assert workspace_bytes(library, inputs) == most
    workspace = descriptor(np.empty(64, np.int8))
    workspace.sizes[0] = most
    assert library.raw("f", *inputs, out, workspace, 1) == 2
    assert library.last_error() == f"workspace has {most} bytes, {most} are required"
    assert np.isnan(out).all()
