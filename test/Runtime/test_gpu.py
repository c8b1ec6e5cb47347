"""The runtime's layer for GPUs against a driver that does as the test says (fake_driver.c).

What a kernel computes through it is test/Emulator/test_runtime.py.
"""

import concurrent.futures
import ctypes
import re
import subprocess
import sys

import pytest

import gpu_runtime
from gpu_runtime import ARGUMENT, DEVICE, OK, PREPARE, ROOT, program

IMAGES = [("sm_80", b"cubin80"), ("compute_80", b"ptx80"), ("sm_90", b"cubin90")]
KERNELS = [("attend", 100000), ("merge", 0)]
STREAMS = [16, 17]  # by device


def chip(fake, name, shared=232448):
    number = int(name.split("_")[1])
    fake.set(Major=[number // 10] * 2, Minor=[number % 10] * 2, SharedBytes=[shared] * 2)


# Which image


@pytest.mark.parametrize("device, images, chosen", [
    ("sm_80", ["sm_80", "compute_80"], "sm_80"),
    ("sm_80", ["compute_80", "sm_80"], "sm_80"),
    ("sm_86", ["sm_80", "compute_86"], "sm_80"),
    ("sm_86", ["sm_80", "sm_86", "compute_80"], "sm_86"),
    ("sm_89", ["sm_89", "sm_86", "sm_80"], "sm_89"),
    ("sm_80", ["sm_86", "compute_80"], "compute_80"),
    ("sm_90", ["sm_80", "sm_86", "compute_80"], "compute_80"),
    ("sm_90", ["compute_86", "compute_90", "compute_80"], "compute_90"),
    ("sm_100", ["sm_90", "compute_90"], "compute_90"),
    ("sm_103", ["sm_100", "compute_103"], "sm_100"),
    ("sm_120", ["sm_100", "compute_80", "compute_100"], "compute_100"),
    ("sm_80", ["sm_86", "sm_90", "compute_86"], None),
    ("sm_75", ["sm_80", "compute_80"], None)])
def test_the_image_for_a_chip(fake, device, images, chosen):
    chip(fake, device)
    p = program([(name, name.encode()) for name in images], KERNELS)
    status = fake.prepare(p, 0)
    assert fake.fits(p, 0) == status
    if chosen:
        assert status == OK and fake.loads() == [chosen]
    else:
        assert status == DEVICE and fake.loads() == []
        assert fake.last_error() == (f"GPU 0 (Fake 0, {device}) cannot run any of the images of "
                                     f"the kernels: {', '.join(images)}")


@pytest.mark.parametrize("failing", ["cuLibraryLoadData", "cuKernelGetFunction"])
@pytest.mark.parametrize("error", [200, 209, 218, 222])
def test_an_image_that_the_driver_refuses(fake, failing, error):
    fake.set(Failing=failing.encode(), Error=error, Refused=b"cubin")
    p = program([*IMAGES, ("sm_75", b"cubin75"), ("compute_75", b"ptx75")], KERNELS)
    call = fake.begin(p)
    assert call.status == OK and fake.loads() == ["cubin80", "ptx80"]
    fake.launch(call, 0, (1, 1, 1), 32, 0, ctypes.c_int(7))
    assert fake.log()[-1].startswith("launch ptx80 ")


def test_no_image_that_the_driver_takes(fake):
    fake.set(Failing=b"cuLibraryLoadData", Error=209)
    assert fake.prepare(program(IMAGES, KERNELS), 0) == DEVICE
    assert fake.loads() == ["cubin80", "ptx80"]
    assert fake.last_error() == ("GPU 0, image compute_80: cuLibraryLoadData failed with "
                                 "CUDA_ERROR_NUMBER_209 (209); a newer driver may help")


def test_other_errors_are_not_of_the_image(fake):
    fake.set(Failing=b"cuLibraryLoadData", Error=2)
    assert fake.prepare(program(IMAGES, KERNELS), 0) == DEVICE
    assert fake.loads() == ["cubin80"]
    assert "image sm_80" in fake.last_error() and "memory" in fake.last_error()
    fake.set(Failing=b"")
    assert fake.prepare(program(IMAGES, KERNELS), 0) == OK


def test_shared_memory_that_a_chip_does_not_have(fake):
    chip(fake, "sm_86", shared=101376)
    fits, exceeds = (program(IMAGES, [("merge", 0), ("attend", bytes)]) for bytes in
                     (101376, 101377))
    assert fake.fits(fits, 0) == OK
    for function in (fake.fits, fake.prepare):
        assert function(exceeds, 0) == DEVICE
        assert fake.last_error() == (
            "GPU 0 (Fake 0, sm_86) has 101376 bytes of shared memory for a block, the kernels "
            "need 101377; compile them for sm_86")
    assert fake.loads() == []


def test_many_names_of_images(fake):
    """The message is cut, not the stack."""
    chip(fake, "sm_75")
    p = program([(f"sm_{number}", b"") for number in range(80, 200)], KERNELS)
    assert fake.fits(p, 0) == DEVICE
    assert "sm_80, sm_81" in fake.last_error() and len(fake.last_error()) < 256


@pytest.mark.parametrize("device", [-1, 2, 64, 2**31 - 1])
def test_a_device_that_is_not_there(fake, device):
    for function in (fake.fits, fake.prepare):
        assert function(program(IMAGES, KERNELS), device) == DEVICE
        assert fake.last_error() == (f"there is no GPU number {device}: 2 can be used, numbered "
                                     "from 0")


def test_a_device_beyond_those_that_a_program_keeps_state_for(fake):
    p = program(IMAGES, KERNELS)
    assert fake.prepare(p, 0) == OK
    device = gpu_runtime.DEVICES + 1  # Where the words of the first image are.
    assert fake.begin(p, 16 + device, device).status == DEVICE
    assert "there is no GPU number 65" in fake.last_error()


# Loading


def test_what_is_loaded_and_once(fake):
    p = program(IMAGES, KERNELS)
    assert fake.prepare(p, 0) == OK
    once = ["load cubin80", "kernel attend", "attribute 8=100000 on 0", "kernel merge",
            "attribute 8=0 on 0"]
    assert fake.log() == once
    assert fake.prepare(p, 0) == OK and fake.begin(p).status == OK
    assert fake.log() == once and fake.get("Opened") == 1


def test_an_image_that_two_devices_take(fake):
    chip(fake, "sm_80")
    p = program(IMAGES, KERNELS)
    assert [fake.prepare(p, device) for device in (0, 1)] == [OK, OK]
    assert fake.loads() == ["cubin80"]
    assert [line for line in fake.log() if "=100000" in line] == [
        "attribute 8=100000 on 0", "attribute 8=100000 on 1"]


def test_devices_of_different_chips(fake):
    p = program(IMAGES, KERNELS)
    calls = [fake.begin(p, STREAMS[device], device) for device in (0, 1, 0, 1)]
    assert [call.status for call in calls] == [OK] * 4
    assert fake.loads() == ["cubin80", "cubin90"]
    for call in calls:
        assert fake.launch(call, 1, (2, 3, 4), 64, 8, ctypes.c_int(call.device)) == OK
    assert fake.log()[-4:] == ["launch cubin80 (2,3,4) (64,1,1) 8 on 16 0",
                               "launch cubin90 (2,3,4) (64,1,1) 8 on 17 1"] * 2


@pytest.mark.parametrize("current, retained", [(0, 0), (1, 1), (-1, 1)])
def test_the_context_of_preparation(fake, current, retained):
    fake.set(Current=current)
    p = program(IMAGES, KERNELS)
    assert fake.prepare(p, 0) == OK and fake.prepare(p, 0) == OK
    assert fake.get("Contexts") == retained


def test_a_context_is_not_kept_after_a_failure(fake):
    fake.set(Current=-1, Failing=b"cuLibraryGetKernel", Error=500)
    assert fake.prepare(program(IMAGES, KERNELS), 0) == DEVICE
    assert fake.get("Contexts") == 0


def test_threads_that_load_at_once(fake):
    """All are in cuLibraryLoadData together; one library is kept, and serves all."""
    threads = 4
    fake.library.fakeMeet(threads)
    p = program(IMAGES, KERNELS)

    def run(_):
        call = fake.begin(p, STREAMS[0])
        return call.status, ctypes.addressof(call.kernels.contents)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(run, range(threads)))
    assert {status for status, _ in found} == {OK} and len({kernels for _, kernels in found}) == 1
    assert fake.get("Loads") == threads and fake.get("Libraries") == 1


# Calls


def test_a_stream_of_another_device(fake):
    p = program(IMAGES, KERNELS)
    assert fake.begin(p, STREAMS[1], 0).status == ARGUMENT
    assert fake.last_error() == "stream: it is of GPU 1, but the tensors are on GPU 0"
    fake.set(Current=1)
    assert fake.begin(p, None, 0).status == ARGUMENT
    assert fake.last_error() == ("stream: it is the default one, now of GPU 1, but the tensors "
                                 "are on GPU 0")
    assert fake.begin(p, STREAMS[0], 0).status == OK
    assert fake.loads() == ["cubin80"]


def test_the_default_stream_without_a_context(fake):
    fake.set(Current=-1)
    assert fake.begin(program(IMAGES, KERNELS)).status == DEVICE
    assert fake.last_error() == (
        "stream: cuStreamGetCtx failed with CUDA_ERROR_NUMBER_201 (201); the default stream is "
        "that of the current context, and this thread has none: set the device, or give a stream")


@pytest.mark.parametrize("capturing, failing, error", [
    (1, b"", 0), (2, b"", 0), (0, b"cuStreamIsCapturing", 906)])
def test_a_first_call_during_a_capture(fake, capturing, failing, error):
    fake.set(IsCapturing=capturing, Failing=failing, Error=error)
    p = program(IMAGES, KERNELS)
    call = fake.begin(p)
    assert call.status == PREPARE and fake.log() == []
    assert fake.last_error() == (
        "stream: it is being captured, and the kernels are not loaded on GPU 0 yet: prepare the "
        "function, or call it once, before the capture")
    fake.launch(call, 0, (1, 1, 1), 32, 0, ctypes.c_int(7))
    assert fake.log() == []
    # It has to be of the device that was prepared.
    assert fake.prepare(p, 1) == OK and fake.begin(p).status == PREPARE
    assert fake.prepare(p, 0) == OK and fake.begin(p).status == OK


@pytest.mark.parametrize("grid", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_grid_without_blocks(fake, grid):
    call = fake.begin(program(IMAGES, KERNELS))
    before = fake.log()
    assert fake.launch(call, 0, grid, 32, 0, ctypes.c_int(7)) == OK
    assert fake.log() == before


@pytest.mark.parametrize("grid, is_right", [
    ((2**31 - 1, 65535, 65535), True), ((2**31, 1, 1), False), ((1, 65536, 1), False),
    ((1, 1, 65536), False), ((-1, 1, 1), False), ((2**32 + 1, 1, 1), False)])
def test_the_extents_of_grids(fake, grid, is_right):
    call = fake.begin(program(IMAGES, KERNELS))
    before = fake.log()
    status = fake.launch(call, 0, grid, 32, 0, ctypes.c_int(7))
    assert status == (OK if is_right else ARGUMENT)
    assert (fake.log() != before) == is_right
    if not is_right:
        x, y, z = grid
        assert fake.last_error() == (
            f"kernel attend: a grid of {x} x {y} x {z} blocks, expected at most 2147483647 x "
            "65535 x 65535: the tensors are too large")


def test_the_first_failure_stays(fake):
    call = fake.begin(program(IMAGES, KERNELS))
    fake.set(Failing=b"cuLaunchKernel", Error=701)
    assert fake.launch(call, 0, (1, 1, 1), 32, 0, ctypes.c_int(7)) == DEVICE
    first = fake.last_error()
    assert first == "GPU 0, kernel attend: cuLaunchKernel failed with CUDA_ERROR_NUMBER_701 (701)"
    fake.set(Failing=b"")
    before = fake.log()
    assert fake.launch(call, 1, (1, 1, 1), 32, 0, ctypes.c_int(7)) == DEVICE
    assert fake.launch(call, 1, (2**40, 1, 1), 32, 0, ctypes.c_int(7)) == DEVICE
    assert fake.check_aligned(call, 1, 16, "keys: its row stride in bytes") == DEVICE
    assert fake.log() == before and fake.last_error() == first


@pytest.mark.parametrize("value, is_right", [
    (0, True), (1152, True), (-16, True), (1150, False), (-8, False), (2**62 + 8, False)])
def test_what_has_to_be_aligned(fake, value, is_right):
    call = fake.begin(program(IMAGES, KERNELS))
    status = fake.check_aligned(call, value, 16, "keys: its row stride in bytes")
    assert status == (OK if is_right else ARGUMENT)
    if not is_right:
        assert fake.last_error() == (f"keys: its row stride in bytes is {value}, expected a "
                                     "multiple of 16")


@pytest.mark.parametrize("value", [2, 4, -2, 2**32 + 2])
def test_what_has_to_be_equal(fake, value):
    call = fake.begin(program(IMAGES, KERNELS))
    status = fake.check_equal(call, value, 2, "keys: its last stride in bytes")
    assert status == (OK if value == 2 else ARGUMENT)
    if value != 2:
        assert fake.last_error() == f"keys: its last stride in bytes is {value}, expected 2"
        assert fake.check_equal(call, 7, 8, "query") == ARGUMENT
        assert "query" not in fake.last_error()


@pytest.mark.parametrize("error, advice", [
    (700, "compute-sanitizer"), (716, "compute-sanitizer"), (719, "compute-sanitizer"),
    (2, "free some"), (801, "")])
def test_what_helps_against_an_error_of_a_launch(fake, error, advice):
    call = fake.begin(program(IMAGES, KERNELS))
    fake.set(Failing=b"cuLaunchKernel", Error=error)
    assert fake.launch(call, 0, (1, 1, 1), 32, 0, ctypes.c_int(7)) == DEVICE
    found = re.fullmatch(r"GPU 0, kernel attend: cuLaunchKernel failed with "
                         rf"CUDA_ERROR_NUMBER_{error} \({error}\)(; .*)?", fake.last_error())
    assert found and (advice in found[1] if advice else not found[1])


# The driver


@pytest.mark.parametrize("function", ["cuInit", "cuDeviceGetCount", "cuDeviceGetAttribute",
                                      "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent",
                                      "cuLibraryLoadData", "cuLibraryGetKernel",
                                      "cuKernelGetFunction", "cuKernelSetAttribute"])
def test_each_error_of_preparation_is_told(fake, function):
    fake.set(Current=-1, Failing=function.encode(), Error=999)
    p = program(IMAGES, KERNELS)
    assert fake.prepare(p, 0) == DEVICE
    assert fake.last_error().endswith(f"{function} failed with CUDA_ERROR_NUMBER_999 (999)")
    fake.set(Failing=b"")
    assert fake.prepare(p, 0) == OK


@pytest.mark.parametrize("function", ["cuStreamGetCtx", "cuCtxPushCurrent", "cuCtxGetDevice",
                                      "cuStreamIsCapturing", "cuLibraryLoadData"])
def test_each_error_of_a_beginning_is_told(fake, function):
    fake.set(Failing=function.encode(), Error=12345)
    p = program(IMAGES, KERNELS)
    assert fake.begin(p).status == DEVICE
    assert fake.last_error().endswith(f"{function} failed with an unknown error (12345)")
    fake.set(Failing=b"")
    assert fake.begin(p).status == OK


def test_no_gpu(fake):
    fake.set(Failing=b"cuInit", Error=100)
    assert fake.begin(program(IMAGES, KERNELS)).status == DEVICE
    assert fake.last_error() == ("cuInit failed with CUDA_ERROR_NUMBER_100 (100); no GPU is "
                                 "visible: see nvidia-smi and CUDA_VISIBLE_DEVICES")


def test_no_driver(fake):
    fake.set(IsThere=0)
    p = program(IMAGES, KERNELS)
    for status in (fake.fits(p, 0), fake.prepare(p, 0), fake.begin(p).status):
        assert status == DEVICE
        assert fake.last_error() == (
            "the CUDA driver cannot be loaded: libcuda.so.1: no such fake; on a machine with an "
            "NVIDIA GPU, install its driver")
    fake.set(IsThere=1)
    assert fake.begin(p).status == OK


def test_a_driver_without_libraries(fake):
    fake.set(Missing=b"cuLibraryLoadData")
    assert fake.begin(program(IMAGES, KERNELS)).status == DEVICE
    assert fake.last_error() == ("the CUDA driver is too old: its library has no "
                                 "cuLibraryLoadData; expected version 12.0 or newer")


def test_the_runtime_loads_where_no_driver_is(tmp_path):
    """With the dlopen of the C library, in a process that has no driver."""
    gpu_runtime.build(tmp_path / "runtime.so")
    code = (
        "import sys; from gpu_runtime import *\n"
        "runtime = Runtime(sys.argv[1])\n"
        "try: ctypes.CDLL('libcuda.so.1')\n"
        "except OSError: print(runtime.begin(program([], [])).status, runtime.last_error())\n"
        "else: print('there is a driver')\n")
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "runtime.so"],
                          cwd=ROOT / "test" / "Runtime", capture_output=True, text=True,
                          check=True)
    if done.stdout == "there is a driver\n":
        pytest.skip("this machine has a CUDA driver")
    assert done.stdout.startswith("4 the CUDA driver cannot be loaded: libcuda.so.1: cannot open "
                                  "shared object file")
