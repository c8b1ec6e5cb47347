"""What compiled functions call of the runtime, down to kernels that the emulator runs.

What drivers may answer beside is test/Runtime/test_gpu.py.
"""

import concurrent.futures
import ctypes
import os
import pathlib
import sys
import threading

import pytest

import driver
import emulator
from driver import (call, capture, context_of, devices, end_capture, handle, memory,
                    stream_of_current, words)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Runtime"))

import gpu_runtime  # noqa: E402
from gpu_runtime import ARGUMENT, DEVICE, OK, PREPARE, program  # noqa: E402

CUBIN = ("sm_80", b"\x7fELF")
PTX = ("compute_80", driver.PTX.encode())
PTX_90 = ("compute_90", driver.PTX.replace("sm_80", "sm_90").encode())
KERNELS = [("store", 0), ("reverse", 100000)]
STORE, REVERSE = 0, 1


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    # Who loads it first is who the runtime's dlopen finds.
    emulator.cuda()
    path = tmp_path_factory.mktemp("runtime") / "runtime.so"
    gpu_runtime.build(path)
    return gpu_runtime.Runtime(path)


@pytest.fixture(autouse=True)
def clean():
    # Before as well: other tests of the process may have launched something.
    emulator.cuda().dsa_emulator_clear()
    yield
    emulator.cuda().dsa_emulator_clear()


def launches():
    return emulator.cuda().dsa_emulator_count(b"launches")


def store(runtime, begun, address, count, value):
    """Stores with two blocks of 32 threads."""
    return runtime.launch(begun, STORE, (2, 1, 1), 32, 0, address, ctypes.c_uint32(count),
                          ctypes.c_uint32(value))


@pytest.mark.parametrize("images", [[PTX], [CUBIN, PTX], [PTX_90, PTX]])
def test_kernels_on_the_default_stream(runtime, images):
    p = program(images, KERNELS)
    with memory(256) as address:
        begun = runtime.begin(p)
        assert store(runtime, begun, address, 64, 5) == OK
        assert words(address, 64) == list(range(5, 69))
        assert runtime.launch(begun, REVERSE, (1, 1, 1), 64, 100000, address) == OK
        assert words(address, 64) == list(range(63, -1, -1))
    assert begun.status == OK


def test_more_shared_memory_than_was_declared(runtime):
    begun = runtime.begin(program([PTX], KERNELS))
    with memory(256) as address:
        assert runtime.launch(begun, REVERSE, (1, 1, 1), 64, 100001, address) == DEVICE
    assert runtime.last_error() == ("GPU 0, kernel reverse: cuLaunchKernel failed with "
                                    "CUDA_ERROR_INVALID_VALUE (1)")


def test_one_program_on_two_chips(runtime):
    with devices("sm_80,sm_90"):
        p = program([PTX, PTX_90], KERNELS)
        for device in (0, 1, 0):
            with context_of(device), stream_of_current() as stream, memory(256) as address:
                begun = runtime.begin(p, stream.value, device)
                assert begun.status == OK
                assert store(runtime, begun, address, 64, device) == OK
                call("cuStreamSynchronize", stream)
                assert words(address, 64) == list(range(device, device + 64))
        with context_of(1), stream_of_current() as stream:
            assert runtime.begin(p, stream.value, 0).status == ARGUMENT
            assert "of GPU 1, but the tensors are on GPU 0" in runtime.last_error()


def test_a_stream_needs_no_current_context(runtime):
    p = program([PTX], KERNELS)
    with memory(256) as address, stream_of_current() as stream:
        def run():
            return store(runtime, runtime.begin(p, stream.value), address, 64, 1)

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            assert pool.submit(run).result() == OK
            assert pool.submit(lambda: runtime.begin(p).status).result() == DEVICE
        assert words(address, 2) == [1, 2]


@pytest.mark.parametrize("device, images, what", [
    ("sm_80", [PTX_90], "GPU 0 (emulated sm_80, sm_80) cannot run any of the images of the "
                        "kernels: compute_90"),
    ("sm_80", [CUBIN], "image sm_80: cuLibraryLoadData failed with CUDA_ERROR_NO_BINARY_FOR_GPU"),
    ("sm_86", [PTX], "GPU 0 (emulated sm_86, sm_86) has 101376 bytes of shared memory for a "
                     "block, the kernels need 101377")])
def test_a_chip_without_an_image(runtime, device, images, what):
    with devices(device):
        assert runtime.begin(program(images, [("store", 101377)])).status == DEVICE
        assert what in runtime.last_error()


def test_an_image_without_the_kernel(runtime):
    assert runtime.begin(program([PTX], [("nothing", 0)])).status == DEVICE
    assert runtime.last_error() == ("GPU 0, image compute_80, kernel nothing: cuLibraryGetKernel "
                                    "failed with CUDA_ERROR_NOT_FOUND (500)")


# Captures


def test_a_first_call_during_a_capture_does_not_disturb_it(runtime):
    p = program([PTX], KERNELS)
    with stream_of_current() as stream, memory(256) as address:
        capture(stream)
        begun = runtime.begin(p, stream.value)
        assert begun.status == PREPARE and "prepare the function" in runtime.last_error()
        assert store(runtime, begun, address, 64, 1) == PREPARE
        assert runtime.begin(p).status == PREPARE  # The default stream waits for the other.
        call("cuGraphDestroy", end_capture(stream))
        assert launches() == 0


@pytest.mark.parametrize("in_context", [True, False])
def test_what_is_prepared_can_be_captured(runtime, in_context):
    """Prepared in the current context, or in one that the runtime has to make current."""
    p = program([CUBIN, PTX], KERNELS)
    before = handle("cuCtxGetCurrent")
    if in_context:
        assert runtime.prepare(p, 0) == OK
    else:
        call("cuCtxSetCurrent", None)
        assert runtime.prepare(p, 0) == OK
        assert handle("cuCtxGetCurrent").value is None
        call("cuCtxSetCurrent", before)
    with stream_of_current() as stream, memory(256) as address:
        capture(stream)
        begun = runtime.begin(p, stream.value)
        assert begun.status == OK
        assert store(runtime, begun, address, 64, 3) == OK
        assert runtime.launch(begun, REVERSE, (1, 1, 1), 8, 64, address) == OK
        graph = end_capture(stream)
        executable = handle("cuGraphInstantiateWithFlags", graph, ctypes.c_uint64(0))
        assert launches() == 0
        call("cuGraphLaunch", executable, stream)
        assert launches() == 2
        assert words(address, 10) == [7, 6, 5, 4, 3, 2, 1, 0, 11, 12]
        for name, object in (("cuGraphExecDestroy", executable), ("cuGraphDestroy", graph)):
            call(name, object)


# Failures


def test_a_kernel_that_fails(runtime):
    p = program([PTX], KERNELS)
    with memory(128) as address:
        begun = runtime.begin(p)
        assert store(runtime, begun, address, 33, 0) == DEVICE
        first = runtime.last_error()
        assert first.startswith("GPU 0, kernel store: cuLaunchKernel failed with "
                                "CUDA_ERROR_ILLEGAL_ADDRESS (700)")
        assert store(runtime, begun, address, 1, 0) == DEVICE
        assert runtime.check_aligned(begun, 1, 16, "x") == DEVICE
        assert launches() == 1 and runtime.last_error() == first
        # As on a GPU, the context is lost.
        assert store(runtime, runtime.begin(p), address, 1, 0) == DEVICE
        assert launches() == 1


def test_threads_at_once(runtime):
    """Each with a stream and a stretch of memory, on a program that none has used."""
    threads, rounds = 8, 5
    current = handle("cuCtxGetCurrent")
    barrier = threading.Barrier(threads)

    def run(programs, address, stream):
        call("cuCtxSetCurrent", current)
        statuses = []
        for i, p in enumerate(programs):
            barrier.wait()
            statuses.append(store(runtime, runtime.begin(p, stream.value), address, 64, i))
        return statuses

    programs = [program([CUBIN, PTX], KERNELS) for _ in range(rounds)]
    with memory(256 * threads) as address, \
            concurrent.futures.ThreadPoolExecutor(threads) as pool:
        streams = [handle("cuStreamCreate", 0) for _ in range(threads)]
        runs = [pool.submit(run, programs, ctypes.c_uint64(address.value + 256 * i), stream)
                for i, stream in enumerate(streams)]
        assert [r.result() for r in runs] == [[OK] * rounds] * threads
        assert words(address, 64 * threads) == list(range(rounds - 1, rounds + 63)) * threads
        assert launches() == threads * rounds
        for stream in streams:
            call("cuStreamDestroy_v2", stream)


def test_a_forked_child_is_told(runtime):
    p = program([PTX], KERNELS)
    assert runtime.begin(p).status == OK
    child = os.fork()
    if child == 0:
        told = [(runtime.begin(p).status, runtime.last_error()),
                (runtime.prepare(program([PTX], KERNELS), 0), runtime.last_error())]
        os._exit(0 if all(status == DEVICE and "forked" in text for status, text in told) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
