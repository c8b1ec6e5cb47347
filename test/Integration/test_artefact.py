"""What dsa-compile makes, called as a program calls it: by ctypes and from C."""

import concurrent.futures
import ctypes
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

import harness
from artefact import Artefact, Failed, compile_to, compiled, integers, tensor
from entry_points import LLVM
from harness import BF16, BIN, F8, LIMIT_S, ROOT
from reference import inputs

DLPACK = ROOT / "third_party" / "dlpack" / "include"
ARGUMENT, WORKSPACE, DEVICE = 1, 2, 4
K = 6
# Scores, selection and attention in one function; T, S and N any.
TEXT = f"""
func.func @core(%q: tensor<?x8x16xbf16>, %keys: tensor<?x16xbf16>, %w: tensor<?x8xf32>,
    %rows: tensor<?x4x16xbf16>) -> (tensor<?x{K}xi32>, tensor<?x4x8xbf16>, tensor<?x4xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x8x16xbf16>
  %i = tensor.empty(%T) : tensor<?x{K}xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %o = tensor.empty(%T) : tensor<?x4x8xbf16>
  %l = tensor.empty(%T) : tensor<?x4xf32>
  %indices, %count = dsa.lightning_indexer query(%q : tensor<?x8x16xbf16>)
      keys(%keys : tensor<?x16xbf16>) weights(%w : tensor<?x8xf32>) k = {K}
      outs(%i, %n : tensor<?x{K}xi32>, tensor<?xi32>)
  %out, %lse = dsa.sparse_attention query(%rows : tensor<?x4x16xbf16>)
      keys(%keys : tensor<?x16xbf16>) indices(%indices : tensor<?x{K}xi32>)
      counts(%count : tensor<?xi32>) scale = 0.25 dv = 8
      outs(%o, %l : tensor<?x4x8xbf16>, tensor<?x4xf32>)
  return %indices, %out, %lse : tensor<?x{K}xi32>, tensor<?x4x8xbf16>, tensor<?x4xf32>
}}
func.func @scale(%x: tensor<1x?x3xf32>, %y: tensor<?xi8>, %init: tensor<?xi32>)
    -> (tensor<1x?x3xf32>, tensor<?xi8>) {{
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<1x?x3xf32>
  %e = tensor.empty(%n) : tensor<1x?x3xf32>
  %0 = linalg.add ins(%x, %x : tensor<1x?x3xf32>, tensor<1x?x3xf32>)
      outs(%e : tensor<1x?x3xf32>) -> tensor<1x?x3xf32>
  return %0, %y : tensor<1x?x3xf32>, tensor<?xi8>
}}
func.func @best(%s: tensor<?x?xf32>, %indices: tensor<?x{K}xi32>, %count: tensor<?xi32>)
    -> (tensor<?x{K}xi32>, tensor<?xi32>) {{
  %i, %n = dsa.top_k scores(%s : tensor<?x?xf32>) k = {K}
      outs(%indices, %count : tensor<?x{K}xi32>, tensor<?xi32>)
  return %i, %n : tensor<?x{K}xi32>, tensor<?xi32>
}}
"""
CORE_TYPES = ["i32", "bf16", "f32"]


def core_inputs(T=5, S=40, seed=1):
    rng = inputs.rng(seed)
    return [rng.standard_normal(shape, np.float32).astype(dtype) for shape, dtype in [
        ((T, 8, 16), BF16), ((S, 16), BF16), ((T, 8), np.float32), ((T, 4, 16), BF16)]]


def core_results(T=5):
    return [np.full((T, K), 77, np.int32), np.full((T, 4, 8), 77, BF16),
            np.full((T, 4), 77, np.float32)]


def run_core(artefact, ins, threads=1):
    return artefact.call("core", ins, core_results(ins[0].shape[0]), threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artefact")


@pytest.fixture(scope="module")
def path(folder):
    return compiled(folder, TEXT)


@pytest.fixture(scope="module")
def artefact(path):
    return Artefact(path)


@pytest.fixture(scope="module")
def expected(folder):
    """dsa-run's results of core, by target."""
    results = {}
    for target in ("cpu", "reference"):
        with harness.compiled_for(target):
            results[target] = harness.execute(TEXT, core_inputs(), CORE_TYPES, folder, "core")
    return results


# Rows and keys enough for threads to meet: those that share scratch memory would show.
LARGE = (300, 1500)


@pytest.fixture(scope="module")
def large(folder):
    """Inputs, and dsa-run's results on one thread."""
    ins = core_inputs(*LARGE)
    with harness.compiled_for("cpu"):
        return ins, harness.execute(TEXT, ins, CORE_TYPES, folder, "core")


# Right results


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_of_dsa_run(artefact, expected, threads):
    assert harness.same_bits(run_core(artefact, core_inputs(), threads), expected["cpu"])


def test_shapes_of_results(artefact):
    assert artefact.shapes("core", core_inputs(T=7), [2, 3, 2]) == [(7, K), (7, 4, 8), (7, 4)]


def test_no_rows_and_no_keys(artefact):
    assert [r.size for r in run_core(artefact, core_inputs(T=0))] == [0, 0, 0]
    indices, out, lse = run_core(artefact, core_inputs(S=0))
    assert (indices == -1).all() and (out == 0).all() and np.isneginf(lse).all()


def test_strides_offsets_and_unit_dimensions(artefact, expected):
    """Rows apart, columns of w in any stride, an offset in bytes, strides left out, and
    dimensions of extent 1 left out or added."""
    q, keys, w, rows = core_inputs()
    apart = np.full((5, 2, 8, 16), np.nan, BF16)
    apart[:, 0] = q
    turned = np.ascontiguousarray(w.T).T
    offset = tensor(keys)
    offset.byte_offset, offset.data, offset.strides = 64, keys.ctypes.data - 64, None
    wide = rows.reshape(5, 1, 4, 1, 16)
    assert harness.same_bits(run_core(artefact, [apart[:, 0], keys, turned, wide]),
                             expected["cpu"])
    outs = core_results()
    artefact.raw("core", q, offset, w, rows, *outs, artefact.workspace("core", [q, keys, w, rows]),
                 1, None)
    assert harness.same_bits(outs, expected["cpu"])


def test_a_unit_dimension_of_the_function_may_be_left_out(artefact):
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4, dtype=np.int8)
    init = np.zeros(1, np.int32)
    for given in (x, x[None], x[:, None, :], x[None, None]):
        doubled, _ = artefact.call("scale", [given, y, init],
                                   [np.zeros((2, 3), np.float32), np.zeros(4, np.int8)])
        assert (doubled == 2 * x).all()
    # One row: either dimension may be the one that is missing.
    for given in (x[:1], x[None, :1]):
        doubled, _ = artefact.call("scale", [given, y, init],
                                   [np.zeros((1, 3), np.float32), np.zeros(4, np.int8)])
        assert (doubled == 2 * x[:1]).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_, F8])
def test_any_byte_serves_as_i8(artefact, dtype):
    y = np.arange(4, dtype=np.uint8).view(F8) if dtype is F8 else np.arange(4).astype(dtype)
    given, out = tensor(y.view(np.uint8)), np.zeros(4, np.int8)
    given.dtype.code = {np.int8: 0, np.uint8: 1, np.bool_: 6, F8: 10}[dtype]
    artefact.raw("scale", np.zeros((2, 3), np.float32), given, np.zeros(1, np.int32),
                 np.zeros((2, 3), np.float32), out, None, 1, None)
    assert (out == y.view(np.int8)).all()


def test_an_init_may_be_the_result_or_nothing(artefact):
    """What is never read: its memory is not looked at."""
    scores = inputs.rng(3).standard_normal((4, 9), np.float32)
    outs = [np.zeros((4, K), np.int32), np.zeros(4, np.int32)]
    artefact.call("best", [scores, *outs], outs)
    empty = [tensor(out) for out in outs]
    for t in empty:
        t.data = None
    again = [np.zeros_like(out) for out in outs]
    artefact.raw("best", scores, *empty, *again,
                 artefact.workspace("best", [scores, *outs]), 1, None)
    assert harness.same_bits(outs, again)


def test_the_reference_is_an_image_too(folder, expected):
    """Also on a CPU without conversion of f16, whose functions the artefact then has itself."""
    reference = Artefact(compiled(folder, TEXT, "--target=reference", name="libr.so"))
    assert harness.same_bits(run_core(reference, core_inputs()), expected["reference"])


HALVES = """
#include "Halves.c"
#include <string.h>
void widen(const uint16_t *from, uint32_t *to, long n) {
  for (long i = 0; i < n; ++i) {
    _Float16 half;
    memcpy(&half, &from[i], 2);
    float single = __extendhfsf2(half);
    memcpy(&to[i], &single, 4);
  }
}
void narrow(const uint32_t *from, uint16_t *to, long n) {
  for (long i = 0; i < n; ++i) {
    float single;
    memcpy(&single, &from[i], 4);
    _Float16 half = __truncsfhf2(single);
    memcpy(&to[i], &half, 2);
  }
}
"""


def test_conversion_of_f16(tmp_path):
    """Every f16, and f32 around every f16 and midpoint between two; NumPy rounds as IEEE does."""
    (tmp_path / "h.c").write_text(HALVES)
    subprocess.run([LLVM / "clang", "-O1", "-shared", "-fPIC", f"-I{ROOT}/lib/Runtime",
                    tmp_path / "h.c", "-o", tmp_path / "h.so"], check=True)
    library = ctypes.CDLL(str(tmp_path / "h.so"))

    def convert(function, array, dtype):
        result = np.empty(array.size, dtype)
        function(array.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p),
                 ctypes.c_long(array.size))
        return result

    halves = np.arange(1 << 16, dtype=np.uint16)
    singles = halves.view(np.float16).astype(np.float32).view(np.uint32)
    found = convert(library.widen, halves, np.uint32)
    number = ~np.isnan(halves.view(np.float16))
    assert (found == singles)[number].all() and np.isnan(found[~number].view(np.float32)).all()
    near = (singles[:, None] + np.array([0, 1, 2**32 - 1, 4096, 4095, 4097], np.uint32)).ravel()
    near = np.concatenate([near, inputs.rng(1).integers(0, 1 << 32, 1 << 20, np.uint32)])
    with np.errstate(over="ignore"):
        wanted = near.view(np.float32).astype(np.float16)
    found = convert(library.narrow, near, np.uint16).view(np.float16)
    number = ~np.isnan(near.view(np.float32))
    assert (found.view(np.uint16) == wanted.view(np.uint16))[number].all()
    assert np.isnan(found[~number]).all()


# Bad calls


def changed(t, **fields):
    for name, value in fields.items():
        setattr(t, name, value)
    return t


def typed(array, code, bits, lanes=1):
    t = tensor(array)
    t.dtype.code, t.dtype.bits, t.dtype.lanes = code, bits, lanes
    return t


def bad_calls():
    """(what is wrong, number of the tensor, what to pass, status, message)."""
    q, keys, w, rows = core_inputs()
    indices, out, _ = core_results()
    memory = np.zeros(4096, np.uint8)
    yield "null", 0, None, ARGUMENT, "argument 0 (%q): the tensor is NULL"
    yield "null result", 5, None, ARGUMENT, "result 1: the tensor is NULL"
    yield "data", 1, changed(tensor(keys), data=None), ARGUMENT, \
        "argument 1 (%keys): data is NULL, but it has elements"
    yield "rank", 0, q[0], ARGUMENT, \
        "argument 0 (%q): the tensor has 2 dimensions, expected 3, those of extent 1 apart"
    yield "negative rank", 0, changed(tensor(q), ndim=-1), ARGUMENT, "has -1 dimensions"
    yield "no shape", 0, changed(tensor(q), shape=None), ARGUMENT, "3 dimensions and no shape"
    yield "extent", 0, q[:, :7], ARGUMENT, "argument 0 (%q): dimension 1 is 7, expected 8"
    yield "negative extent", 1, changed(tensor(keys), shape=integers([-2, 16])), ARGUMENT, \
        "argument 1 (%keys): dimension 0 is -2, expected at least 0"
    yield "disagreeing extents", 2, w[:3], ARGUMENT, "argument 2 (%w): dimension 0 is 3, expected 5"
    yield "result extent", 4, indices[:4], ARGUMENT, "result 0: dimension 0 is 4, expected 5"
    yield "dtype", 1, np.zeros((40, 16), np.float16), ARGUMENT, \
        "argument 1 (%keys): the element type has code 2, 16 bits and 1 lanes, expected code 4, " \
        "16 bits and 1 lane (bfloat16)"
    yield "width", 2, w.astype(np.float64), ARGUMENT, "64 bits"
    yield "lanes", 2, typed(w, 2, 32, 2), ARGUMENT, "2 lanes"
    yield "device", 3, changed(tensor(rows), device_type=2), ARGUMENT, \
        "argument 3 (%rows): the tensor is on a device of type 2, expected 1"
    yield "stride", 0, np.repeat(q, 2, 2)[:, :, ::2], ARGUMENT, \
        "argument 0 (%q): dimension 2 has stride 2, expected stride 1"
    yield "negative stride", 1, keys[::-1], ARGUMENT, \
        "argument 1 (%keys): dimension 0 has stride -16, expected at least 0"
    yield "alignment", 1, changed(tensor(keys), byte_offset=1), ARGUMENT, \
        "argument 1 (%keys): its address is 1 more than a multiple of 2"
    yield "span", 1, changed(tensor(keys), strides=integers([2**62, 1])), ARGUMENT, \
        "argument 1 (%keys): its last element is out of the address space"
    yield "count", 1, changed(tensor(keys), shape=integers([2**61, 16]),
                              strides=integers([0, 1])), ARGUMENT, "does not fit 64 bits"
    yield "overlap", 4, np.lib.stride_tricks.as_strided(memory.view(np.int32), (5, K), (4, 4)), \
        ARGUMENT, f"result 0: dimension 1 has stride 1, so that elements may overlap"
    yield "one row", 5, np.lib.stride_tricks.as_strided(out, (5, 4, 8), (0, 16, 2)), ARGUMENT, \
        "result 1: dimension 0 has stride 0, so that elements may overlap; expected at least 1"
    yield "rows in rows", 5, np.lib.stride_tricks.as_strided(out, (5, 4, 8), (62, 16, 2)), \
        ARGUMENT, "result 1: dimension 0 has stride 31, so that elements may overlap; expected at " \
        "least 32"
    yield "shared", 5, np.frombuffer(keys, BF16, 160).reshape(5, 4, 8), ARGUMENT, \
        "result 1: its 320 bytes and the 1280 bytes of argument 1 (%keys) share memory"
    yield "workspace", 7, np.zeros(3, np.uint8), WORKSPACE, "workspace has 3 bytes, "
    yield "no workspace", 7, None, WORKSPACE, "workspace has 0 bytes, "
    yield "workspace type", 7, np.zeros(99, np.int32), ARGUMENT, "workspace: the element type has"
    yield "workspace stride", 7, memory[::2], ARGUMENT, "workspace: it has stride 2, expected 1"


BAD_CALLS = list(bad_calls())


@pytest.mark.parametrize("number, given, status, message", [c[1:] for c in BAD_CALLS],
                         ids=[c[0] for c in BAD_CALLS])
def test_a_bad_call_is_a_status(artefact, number, given, status, message):
    """And nothing is written."""
    results = core_results()
    arguments = [*core_inputs(), *results, artefact.workspace("core", core_inputs())]
    if isinstance(given, np.ndarray) and message.endswith("share memory"):
        arguments[1] = np.frombuffer(given.base, BF16).reshape(40, 16)
    arguments[number] = given
    with pytest.raises(Failed) as failed:
        artefact.raw("core", *arguments, 1, None)
    assert failed.value.status == status and message in failed.value.message
    assert harness.same_bits(results, core_results())


def test_streams_and_answers(artefact):
    arguments = [*core_inputs(), *core_results(), artefact.workspace("core", core_inputs()), 1]
    for name, given, last, message in [
            ("core", arguments, ctypes.c_void_p(1), "stream: it is not NULL, but the target cpu"),
            ("core_shapes", core_inputs(), None, "dims: it is NULL, expected 7 int64"),
            ("core_workspace", [*core_inputs(), 1], None, "bytes: it is NULL, expected 1 int64")]:
        with pytest.raises(Failed, match=message) as failed:
            artefact.raw(name, *given, last)
        assert failed.value.status == ARGUMENT


def test_the_last_error_is_of_the_thread(artefact):
    with pytest.raises(Failed):
        artefact.raw("core", *[None] * 8, 1, None)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(artefact.library.dsa_last_error).result() == b""
    assert artefact.library.dsa_last_error().startswith(b"argument 0")


def random_call(artefact, rng):
    """One call with random changes of valid tensors, all within memory that there is."""
    T, S = int(rng.integers(0, 7)), int(rng.integers(0, 50))
    ins, outs = core_inputs(T, S, seed=int(rng.integers(100))), core_results(T)
    given = [*ins, *outs]
    arena = np.zeros(1 << 16, np.uint8)
    held = []

    def mutate(array):
        t = tensor(array)
        held.append(array)
        kind = rng.integers(0, 8)
        if kind == 0:  # any shape and strides that the arena holds
            ndim = int(rng.integers(0, 6))
            shape = [int(rng.integers(0, 6)) for _ in range(ndim)]
            strides = [int(rng.integers(-2, 20)) for _ in range(ndim)]
            t = changed(t, data=arena.ctypes.data + (1 << 15) + int(rng.integers(0, 9)), ndim=ndim,
                        shape=integers(shape),
                        strides=None if rng.random() < .3 else integers(strides))
        elif kind == 1:
            t = typed(array, int(rng.integers(0, 18)), int(rng.choice([1, 4, 8, 16, 32, 64])),
                      int(rng.integers(0, 3)))
        elif kind == 2:  # an extent less
            shape = list(array.shape)
            d = int(rng.integers(0, len(shape)))
            shape[d] = max(shape[d] - int(rng.integers(0, 3)), 0)
            t.shape = integers(shape)
        elif kind == 3:
            shape = list(array.shape)
            shape.insert(int(rng.integers(0, len(shape) + 1)), 1)
            t = changed(t, ndim=len(shape), shape=integers(shape), strides=None)
        elif kind == 4:
            strides = [s // array.itemsize for s in array.strides]
            strides[int(rng.integers(0, len(strides)))] = int(rng.choice([-1, 0, 1]))
            t.strides = integers(strides)
        elif kind == 5:
            t = changed(t, data=None if rng.random() < .5 else t.data,
                        byte_offset=0 if array.nbytes == 0 else int(rng.integers(0, 3)) * 0)
        elif kind == 6:
            t.device_type = int(rng.integers(0, 4))
        return t

    given = [mutate(a) if rng.random() < .25 else tensor(a) for a in given]
    size = ctypes.c_int64(-1)
    try:
        artefact.raw("core_workspace", *given[:4], 1, ctypes.byref(size))
        artefact.raw("core", *given, np.zeros(size.value, np.uint8), 1, None)
    except Failed as failed:
        assert failed.status in (ARGUMENT, WORKSPACE) and failed.message
        return False
    if not any(np.shares_memory(a, arena) for a in held) and T and S:
        assert (outs[0] < S).all() and (outs[0] >= -1).all()
    return True


FUZZ = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import numpy as np
import test_artefact
artefact = test_artefact.Artefact({path!r})
rng = np.random.default_rng(11)
print(sum(test_artefact.random_call(artefact, rng) for _ in range(1000)))
"""


def in_a_process(code, path):
    """What code prints in a process of its own: a crash is its end, and not the tests'."""
    here = pathlib.Path(__file__).resolve().parent
    code = code.format(tests=str(here), root=str(here.parent), path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_thousand_random_calls(path):
    # Both outcomes are there.
    assert 100 < int(in_a_process(FUZZ, path)) < 900


# Programs


def test_two_threads_of_a_program(artefact, large):
    ins, want = large

    def run_often(_):
        return [run_core(artefact, ins, 2) for _ in range(10)]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for results in pool.map(run_often, range(2)):
            assert all(harness.same_bits(r, want) for r in results)


FORK = """
import os, sys
sys.path[:0] = [{tests!r}, {root!r}]
import harness, test_artefact
artefact = test_artefact.Artefact({path!r})
def run():
    return test_artefact.run_core(artefact, test_artefact.core_inputs(), 2)
def in_child(want):
    child = os.fork()
    if child == 0:
        again = run()
        os._exit(0 if want is None or harness.same_bits(again, want) else 1)
    assert os.waitpid(child, 0)[1] == 0
in_child(None)
want = run()
in_child(want)
assert harness.same_bits(run(), want)
"""


def test_a_fork_before_and_after_the_first_call(path):
    in_a_process(FORK, path)


# Any program with GCC's OpenMP: its runtime is loaded before the artefact's.
PROGRAM = r"""
#include "libf.h"
#include <stdio.h>
#include <stdlib.h>

static char file[1 << 20];

/* `p THREADS T S` reads q, keys, w and rows and writes indices, out and lse. */
int main(int argc, char **argv) {
  int sum = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(3) reduction(+ : sum)
  for (int i = 0; i < 100; ++i)
    sum += i;
  if (sum != 4950)
    return 2;
#endif
  if (argc != 4)
    return 4;
  int threads = atoi(argv[1]), T = atoi(argv[2]), S = atoi(argv[3]);
  int64_t shapes[7][3] = {{T, 8, 16}, {S, 16}, {T, 8}, {T, 4, 16}, {T, 6}, {T, 4, 8}, {T, 4}};
  int ranks[7] = {3, 2, 2, 3, 2, 3, 2};
  DLDataType types[7] = {{kDLBfloat, 16, 1}, {kDLBfloat, 16, 1}, {kDLFloat, 32, 1},
                         {kDLBfloat, 16, 1}, {kDLInt, 32, 1},    {kDLBfloat, 16, 1},
                         {kDLFloat, 32, 1}};
  DLTensor tensors[8] = {{0}};
  size_t sizes[7];
  for (int i = 0; i < 7; ++i) {
    tensors[i].device.device_type = kDLCPU;
    tensors[i].ndim = ranks[i];
    tensors[i].dtype = types[i];
    tensors[i].shape = shapes[i];
    sizes[i] = types[i].bits / 8;
    for (int d = 0; d < ranks[i]; ++d)
      sizes[i] *= shapes[i][d];
    tensors[i].data = aligned_alloc(64, (sizes[i] + 63) / 64 * 64);
    if (i < 4 && fread(tensors[i].data, 1, sizes[i], stdin) != sizes[i])
      return 3;
  }
  int64_t bytes;
  DLTensor *t = tensors;
  int status = core_workspace(&t[0], &t[1], &t[2], &t[3], threads, &bytes);
  DLTensor workspace = {malloc(bytes), {kDLCPU, 0}, 1, {kDLUInt, 8, 1}, &bytes, NULL, 0};
  for (int repeat = 0; !status && repeat < 20; ++repeat)
    status = core(&t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &workspace, threads, NULL);
  if (status)
    fprintf(stderr, "%s\n", dsa_last_error());
  for (int i = 4; i < 7; ++i)
    fwrite(t[i].data, 1, sizes[i], stdout);
  return status;
}
"""


@pytest.mark.parametrize("compiler, options, runtime", [
    ([LLVM / "clang"], [], None),
    ([LLVM / "clang", "-fopenmp=libomp"], [], "libomp"),
    (["gcc", "-fopenmp"], ["-Wl,--no-as-needed", "-lgomp"], "libgomp")],
    ids=["c", "libomp", "libgomp"])
def test_from_c(folder, path, tmp_path, large, compiler, options, runtime):
    (tmp_path / "p.c").write_text(PROGRAM)
    subprocess.run([*compiler, "-std=c11", "-D_ISOC11_SOURCE", tmp_path / "p.c", f"-I{folder}",
                    f"-I{DLPACK}", *options, path, f"-Wl,-rpath,{folder}",
                    "-o", tmp_path / "p"], check=True)
    ins, want = large
    fed = b"".join(a.tobytes() for a in ins)
    for threads in ("1", "4"):
        done = subprocess.run([tmp_path / "p", threads, *map(str, LARGE)], input=fed,
                              capture_output=True, timeout=LIMIT_S)
        assert done.returncode == 0, done.stderr
        assert done.stdout == b"".join(r.tobytes() for r in want)
    loaded = subprocess.run(["ldd", tmp_path / "p"], capture_output=True, text=True).stdout
    assert runtime is None or runtime in loaded


@pytest.mark.parametrize("standard", ["c11", "c++17"])
def test_the_header_is_enough(folder, path, standard):
    language = "c" if standard == "c11" else "c++"
    subprocess.run([LLVM / "clang", "-x", language, f"-std={standard}", "-Wall", "-Wextra",
                    "-Werror", "-Wpedantic", "-Wno-pragma-once-outside-header", f"-I{DLPACK}",
                    "-fsyntax-only", path.with_suffix(".h")], check=True)


def test_two_artefacts_in_one_program(folder, path, tmp_path):
    """Objects and shared objects: one last error for both, and no name twice."""
    other = TEXT.replace("@core", "@core2").replace("@scale", "@scale2").replace("@best", "@best2")
    for text, name in ((TEXT, "libf.o"), (other, "libg.o")):
        assert compile_to(tmp_path / name, text, "--emit=obj").returncode == 0
        done = compile_to(tmp_path / f"{name[:-2]}.h", text, "--emit=header")
        assert done.returncode == 0, done.stderr
    compiled(tmp_path, other, name="libg.so")
    (tmp_path / "p.c").write_text(r"""
#include "libf.h"
#include "libg.h"
#include <string.h>
int main(void) {
  DLTensor none = {0};
  int64_t dims[7];
  if (core_shapes(&none, &none, &none, &none, dims) != DSA_STATUS_ARGUMENT)
    return 1;
  if (core2_shapes(NULL, &none, &none, &none, dims) != DSA_STATUS_ARGUMENT)
    return 2;
  return strcmp(dsa_last_error(), "argument 0 (%q): the tensor is NULL") ? 3 : 0;
}
""")
    for libraries in (["libf.o", "libg.o", "-fopenmp", "-lm"], [path, "libg.so"]):
        subprocess.run([LLVM / "clang", "p.c", f"-I{DLPACK}", *libraries,
                        f"-Wl,-rpath,{folder}:{tmp_path}", "-o", "p"], check=True, cwd=tmp_path)
        assert subprocess.run([tmp_path / "p"]).returncode == 0


# Targets


# AMD's last chip with it is of 2015, and Intel has had none.
OLD = "+xop"


@pytest.fixture(scope="module")
def has_old():
    if " xop " in f" {pathlib.Path('/proc/cpuinfo').read_text()} ":
        pytest.skip("this CPU has xop, which the test takes for a feature that no CPU has")


def test_a_chip_that_lacks_a_feature(folder, has_old):
    old = Artefact(compiled(folder, TEXT, f"--features={OLD}", name="libold.so"))
    with pytest.raises(Failed) as failed:
        old.raw("core_shapes", *core_inputs(), (ctypes.c_int64 * 7)())
    assert failed.value.status == DEVICE
    assert "this CPU has no xop, which the target cpu (" in failed.value.message


def test_the_next_target_that_fits(folder, expected, has_old):
    path = compiled(folder, TEXT, f"--features={OLD}", "--target=cpu,reference", name="libboth.so")
    assert harness.same_bits(run_core(Artefact(path), core_inputs()), expected["reference"])
    first = Artefact(compiled(folder, TEXT, "--target=cpu,reference", name="libfirst.so"))
    assert harness.same_bits(run_core(first, core_inputs()), expected["cpu"])


def test_another_architecture(tmp_path):
    path = compiled(tmp_path, TEXT, "--triple=aarch64-linux-gnu", "--cpu=neoverse-v2",
                    "--target=cpu,reference")
    header = subprocess.run([LLVM / "llvm-readelf", "-h", path], capture_output=True, text=True)
    assert "AArch64" in header.stdout


def needed(path):
    listed = subprocess.run([LLVM / "llvm-readelf", "--needed-libs", path], check=True,
                            capture_output=True, text=True).stdout.split()
    return {word for word in listed if ".so" in word}


def test_what_a_shared_object_depends_on(path):
    libraries = needed(path)
    assert {"libomp"} < {name.split(".so")[0] for name in libraries} <= {"libc", "libm", "libomp"}
    symbols = subprocess.run([LLVM / "llvm-nm", "-D", path], check=True, capture_output=True,
                             text=True).stdout
    undefined = {line.split()[-1] for line in symbols.splitlines() if " U " in line}
    assert not undefined & {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign",
                            "mmap", "abort", "exit"}
    assert not any(name.startswith(("omp_", "GOMP_")) for name in undefined)
    assert not [line for line in symbols.splitlines() if " T " in line and
                line.split()[-1].split("_")[0] not in ("core", "scale", "best")]


def test_the_size_of_a_forward_pass(tmp_path):
    text = (ROOT / "test/Integration/v32-core.mlir").read_text()
    path = compiled(tmp_path, text, "--target=cpu,reference")
    assert path.stat().st_size <= 1 << 20


def test_the_sidecar(path):
    text = path.with_suffix(".json").read_text()
    sidecar = json.loads(text)
    core, scale, best = sidecar["functions"]
    assert [t["name"] for t in core["inputs"]] == ["q", "keys", "w", "rows"]
    assert core["inputs"][0] == {"name": "q", "read": True, "dtype": "bfloat16",
                                 "shape": [None, 8, 16], "innermost_stride": 1, "alignment": 2}
    assert core["inputs"][2]["innermost_stride"] == "any"
    assert core["results"][0] == {"dtype": "int32", "shape": [None, K], "innermost_stride": 1,
                                  "alignment": 4}
    assert [t["read"] for t in best["inputs"]] == [True, False, False]
    assert scale["inputs"][0]["shape"] == [1, None, 3]
    target, = sidecar["targets"]
    assert target["name"] == "cpu" and target["cpu"] and "sse4.2" in target["features"]
    indexer, = [k for k in target["kernels"] if k["op"] == "dsa.lightning_indexer"]
    assert indexer["function"] == "core" and target["cpu"] in indexer["kernel"]
    # The shared object has it too.
    held = ctypes.c_char.in_dll(ctypes.CDLL(str(path)), "dsa_sidecar")
    assert ctypes.string_at(ctypes.addressof(held)).decode() == text


# Files


def test_the_same_bytes(tmp_path, path):
    """From another folder and beside other compilations."""
    (tmp_path / "other" / "folder").mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        folders = [tmp_path / "other" / "folder" / str(i) for i in range(8)]
        for folder in folders:
            folder.mkdir()
        made = list(pool.map(lambda folder: compiled(folder, TEXT), folders))
    for other in made:
        for suffix in (".so", ".h", ".json"):
            assert other.with_suffix(suffix).read_bytes() == path.with_suffix(suffix).read_bytes()
    assert str(tmp_path).encode() not in made[0].read_bytes()


@pytest.mark.parametrize("emit, start", [
    ("mlir", "module attributes"), ("llvm", "; ModuleID = 'artefact'"), ("header", "/* f.h - "),
    ("obj", "\x7fELF")])
def test_what_can_be_written(tmp_path, emit, start):
    (tmp_path / "f.mlir").write_text(TEXT)
    done = subprocess.run([BIN / "dsa-compile", tmp_path / "f.mlir", f"--emit={emit}", "-o", "-"],
                          capture_output=True, timeout=LIMIT_S)
    assert done.returncode == 0 and done.stdout.startswith(start.encode())
    assert [p.name for p in tmp_path.iterdir()] == ["f.mlir"]


FUNCTION = "func.func @{}(%a: {}) -> tensor<2xf32> {{ %0 = arith.constant dense<0.> : " \
    "tensor<2xf32> return %0 : tensor<2xf32> }}"


@pytest.mark.parametrize("text, options, message", [
    ("func.func @f( {", [], "cannot be parsed; see above"),
    ("func.func private @f()", [], "the file has no public function with a body"),
    (FUNCTION.format("f", "i32"), [], "argument 0 of 'f' is i32; only functions on ranked tensors"),
    (FUNCTION.format("f", "tensor<2xi1>"), [], "argument 0 of 'f' is tensor<2xi1>; element types"),
    (FUNCTION.format("select", "tensor<2xf32>"), [],
     "'select' cannot be a function in C: the C library has a function of this name; rename it"),
    (FUNCTION.format('"a b"', "tensor<2xf32>"), [], "a name in C has letters, digits and _"),
    (FUNCTION.format("register", "tensor<2xf32>"), [], "C or C++ uses this name itself"),
    (FUNCTION.format("dsa_f", "tensor<2xf32>"), [], "names that begin with dsa_"),
    (TEXT, ["--target=cpu,cpu"], "--target takes each target once"),
    (TEXT, ["--target=cpu,reference", "--emit=mlir"], "--emit=mlir and --emit=ptx take one target"),
    (TEXT, ["--target=reference", "--cpu=znver4"], "--cpu and --features are of --target=cpu"),
    (TEXT, ["--target=tpu"], "there is no target 'tpu'"),
    (TEXT, ["--cpu=z80"], "cpu 'z80' is not one that LLVM knows"),
    (TEXT, ["--features=+x"], "features has '+x'"),
    (TEXT, ["--triple=riscv64-linux-gnu"], "is not of a system that artefacts are made for"),
    (TEXT, ["--triple=x86_64-windows"], "is not of a system that artefacts are made for"),
    (TEXT, ["--cpu=diamondrapids"], "which an artefact cannot look up when it runs; add "
                                    "--features=-avx10.2"),
])
def test_what_is_refused(tmp_path, text, options, message):
    done = compile_to(tmp_path / "libf.so", text, *options)
    assert done.returncode == 1 and message in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["libf.mlir"]


def test_names_of_the_runtime_are_free(tmp_path):
    """Those of functions that only it sees."""
    taken = ["fail", "match", "describe", "record", "chosen"]
    path = compiled(tmp_path, "\n".join(FUNCTION.format(n, "tensor<2xf32>") for n in taken))
    for name in taken:
        assert Artefact(path).shapes(name, [np.zeros(2, np.float32)], [1]) == [(2,)]


def test_a_shared_object_needs_a_name(tmp_path):
    for output in ("-", tmp_path / "f"):
        done = subprocess.run([BIN / "dsa-compile", ROOT / "test/Integration/v32-core.mlir", "-o",
                               output], capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 1 and "a name that ends in .so" in done.stderr


def test_files_that_cannot_be_written(tmp_path):
    """The old ones stay, all three."""
    for suffix in (".so", ".h", ".json"):
        (tmp_path / f"libf{suffix}").write_text("old")
    (tmp_path / "libf.h").unlink()
    (tmp_path / "libf.h").mkdir()
    done = compile_to(tmp_path / "libf.so", TEXT)
    assert done.returncode == 74 and "libf.h': Is a directory" in done.stderr
    assert (tmp_path / "libf.so").read_text() == (tmp_path / "libf.json").read_text() == "old"
    done = compile_to(tmp_path / "no.so", TEXT, env={**os.environ, "TMPDIR": "/no/such"})
    assert done.returncode == 74 and "/no/such" in done.stderr
    assert not (tmp_path / "no.so").exists()
    full = subprocess.run([BIN / "dsa-compile", tmp_path / "no.mlir", "--emit=obj", "-o",
                           "/dev/full"], capture_output=True, text=True, timeout=LIMIT_S)
    assert full.returncode == 74 and "No space left on device" in full.stderr


def test_a_full_disk(tmp_path):
    """One of any size up to that at which it is large enough."""
    small = tmp_path / "small"
    small.mkdir()
    environment = {**os.environ, "TMPDIR": str(small)}
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small],
                      capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        codes = []
        for kilobytes in (16, 40, 64, 96, 1024):
            subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", small], check=True)
            done = compile_to(tmp_path / "libf.so", TEXT, env=environment)
            codes.append(done.returncode)
            assert done.returncode in (0, 74) and list(small.iterdir()) == []
            assert (tmp_path / "libf.so").exists() == (done.returncode == 0)
        assert codes[0] == 74 and codes[-1] == 0
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("bytes_", [100, 20000])
def test_a_limit_of_file_sizes(tmp_path, bytes_):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

    (tmp_path / "libf.so").write_text("old")
    (tmp_path / "libf.mlir").write_text(TEXT)
    done = subprocess.run([BIN / "dsa-compile", "libf.mlir", "-o", "libf.so"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=LIMIT_S, preexec_fn=limit)
    assert done.returncode == 74 and "File too large" in done.stderr
    assert (tmp_path / "libf.so").read_text() == "old"


def test_killed_at_any_time(tmp_path):
    """30 kills: files are whole or absent, and the next run succeeds."""
    whole = compiled(tmp_path, TEXT).read_bytes()
    arguments = [BIN / "dsa-compile", tmp_path / "libf.mlir", "-o", tmp_path / "libf.so"]
    rng = np.random.default_rng(5)
    for _ in range(30):
        (tmp_path / "libf.so").unlink(missing_ok=True)
        process = subprocess.Popen(arguments, env={**os.environ, "TMPDIR": str(tmp_path)},
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=float(rng.uniform(0.1, 0.9)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not (tmp_path / "libf.so").exists() or (tmp_path / "libf.so").read_bytes() == whole
    assert compiled(tmp_path, TEXT).read_bytes() == whole
