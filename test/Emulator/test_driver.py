"""The stand-in for the CUDA driver: what it says, keeps and refuses."""

import contextlib
import ctypes
import os
import threading

import pytest

import driver
import emulator
from driver import (call, capture, context_of, devices, end_capture, get, handle, memory,
                    status_of, stream_of_current, words)


@pytest.fixture(autouse=True)
def clean():
    """One device sm_80 with its context current, and no failure."""
    emulator.cuda().dsa_emulator_clear()
    yield
    emulator.cuda().dsa_emulator_clear()


@pytest.fixture
def module():
    loaded = emulator.load(driver.PTX)
    yield loaded
    emulator.cuda().dsa_emulator_clear()
    emulator.unload(loaded)


@pytest.fixture
def library():
    loaded = load_library(driver.PTX)
    yield loaded
    emulator.cuda().dsa_emulator_clear()
    call("cuLibraryUnload", loaded)


def load_library(image):
    return handle("cuLibraryLoadData", ctypes.c_char_p(image.encode()), None, None, 0, None, None,
                  0)


def function(module, name):
    return handle("cuModuleGetFunction", module, name.encode())


def store(address, count, value):
    return [address, ctypes.c_uint32(count), ctypes.c_uint32(value)]


@contextlib.contextmanager
def refuses(code):
    """The body has to raise a DriverError of that code."""
    with pytest.raises(driver.DriverError) as error:
        yield
    assert error.value.code == code


def launches():
    return emulator.cuda().dsa_emulator_count(b"launches")


# Devices and errors


@pytest.mark.parametrize("target, major, minor, multiprocessors, shared", [
    ("sm_80", 8, 0, 108, 166912), ("sm_86", 8, 6, 84, 101376), ("sm_89", 8, 9, 128, 101376),
    ("sm_90", 9, 0, 132, 232448), ("sm_100", 10, 0, 148, 232448), ("sm_120", 12, 0, 170, 101376)])
def test_attributes(target, major, minor, multiprocessors, shared):
    with devices(target):
        found = [get(ctypes.c_int, "cuDeviceGetAttribute", attribute, 0).value for attribute in
                 (driver.MAJOR, driver.MINOR, driver.MULTIPROCESSORS, driver.SHARED_OPTIN)]
        assert found == [major, minor, multiprocessors, shared]
        name = ctypes.create_string_buffer(64)
        call("cuDeviceGetName", name, 64, 0)
        assert target in name.value.decode()


def test_devices_by_number():
    with devices("sm_90,sm_86"):
        assert get(ctypes.c_int, "cuDeviceGetCount").value == 2
        assert get(ctypes.c_int, "cuDeviceGet", 1).value == 1
        assert get(ctypes.c_int, "cuDeviceGetAttribute", driver.MAJOR, 1).value == 8
        with refuses(driver.INVALID_DEVICE):
            get(ctypes.c_int, "cuDeviceGet", 2)
    assert get(ctypes.c_int, "cuDeviceGetCount").value == 1
    with refuses(driver.INVALID_VALUE):
        get(ctypes.c_int, "cuDeviceGetAttribute", 9999, 0)


@pytest.mark.parametrize("name", ["sm_70", "", "sm_80,", "80"])
def test_devices_that_do_not_exist(name):
    with pytest.raises(emulator.EmulatorError):
        emulator.set_option("device", name)
    assert get(ctypes.c_int, "cuDeviceGetCount").value == 1


def test_names_of_errors():
    for code, name in [(0, b"CUDA_SUCCESS"), (700, b"CUDA_ERROR_ILLEGAL_ADDRESS"),
                       (209, b"CUDA_ERROR_NO_BINARY_FOR_GPU")]:
        found, text = ctypes.c_char_p(), ctypes.c_char_p()
        call("cuGetErrorName", code, ctypes.byref(found))
        call("cuGetErrorString", code, ctypes.byref(text))
        assert found.value == name and text.value
    with refuses(driver.INVALID_VALUE):
        call("cuGetErrorName", 12345, ctypes.byref(found))


def test_the_version_has_libraries():
    assert get(ctypes.c_int, "cuDriverGetVersion").value >= 12000


# Contexts


def test_a_thread_without_context():
    codes = []

    def run():
        for name, arguments in [("cuMemAlloc_v2", (ctypes.c_size_t(4),)), ("cuCtxGetDevice", ()),
                                ("cuStreamGetCtx", ())]:
            value = ctypes.c_void_p()
            stored = ctypes.byref(value)
            ordered = (None, stored) if name == "cuStreamGetCtx" else (stored, *arguments)
            codes.append(getattr(emulator.cuda(), name)(*ordered))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert codes == [driver.INVALID_CONTEXT] * 3


def test_the_stack_of_contexts():
    with devices("sm_80,sm_90"):
        outer = handle("cuCtxGetCurrent")
        with context_of(1) as inner, stream_of_current() as stream:
            assert handle("cuCtxGetCurrent").value == inner.value != outer.value
            assert get(ctypes.c_int, "cuCtxGetDevice").value == 1
            call("cuCtxPushCurrent_v2", outer)
            found = ctypes.c_void_p()
            call("cuStreamGetCtx", stream, ctypes.byref(found))
            assert found.value == inner.value
            call("cuStreamGetCtx", None, ctypes.byref(found))
            assert found.value == outer.value
            call("cuCtxPopCurrent_v2", ctypes.byref(found))
            assert found.value == outer.value
        assert handle("cuCtxGetCurrent").value == outer.value
        with refuses(driver.INVALID_CONTEXT):
            call("cuCtxPushCurrent_v2", inner)


def test_a_context_goes_with_its_last_reference(library):
    kernel = handle("cuLibraryGetKernel", library, b"bounded")
    with devices("sm_80,sm_80"):
        context = handle("cuDevicePrimaryCtxRetain", 1)
        call("cuCtxPushCurrent_v2", context)
        handle("cuKernelGetFunction", kernel)
        call("cuDevicePrimaryCtxRelease_v2", 1)
        with refuses(driver.INVALID_CONTEXT):
            get(ctypes.c_int, "cuCtxGetDevice")
        call("cuCtxPopCurrent_v2", None)
        with refuses(driver.INVALID_CONTEXT):
            call("cuDevicePrimaryCtxRelease_v2", 1)
        # What was loaded into it went, too.
        with context_of(1), stream_of_current() as stream:
            capture(stream)
            with refuses(driver.CAPTURE_UNSUPPORTED):
                driver.launch(kernel, [], stream=stream)
            with refuses(driver.CAPTURE_INVALIDATED):
                end_capture(stream)


def test_nothing_works_in_a_forked_child():
    child = os.fork()
    if child == 0:
        count = ctypes.c_int()
        codes = [emulator.cuda().cuDeviceGetCount(ctypes.byref(count)),
                 emulator.cuda().cuInit(0)]
        os._exit(0 if codes == [driver.NOT_INITIALIZED] * 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# Memory


def free():
    values = ctypes.c_size_t(), ctypes.c_size_t()
    call("cuMemGetInfo_v2", *map(ctypes.byref, values))
    return values[0].value


def test_memory_goes_there_and_back():
    before = free()
    with memory(16) as address:
        assert free() == before - 16
        call("cuMemcpyHtoD_v2", address, (ctypes.c_uint32 * 4)(1, 2, 3, 4), ctypes.c_size_t(16))
        call("cuMemsetD8_v2", ctypes.c_uint64(address.value + 4), ctypes.c_ubyte(0x10),
             ctypes.c_size_t(4))
        assert words(address, 4) == [1, 0x10101010, 3, 4]
    assert free() == before


def test_memory_that_is_not_there():
    with refuses(driver.OUT_OF_MEMORY):
        get(ctypes.c_uint64, "cuMemAlloc_v2", ctypes.c_size_t(free() + 1))
    with refuses(driver.INVALID_VALUE):
        get(ctypes.c_uint64, "cuMemAlloc_v2", ctypes.c_size_t(0))
    with memory(16) as address:
        with refuses(driver.INVALID_VALUE):
            words(address, 5)
        with refuses(driver.INVALID_VALUE):
            call("cuMemFree_v2", ctypes.c_uint64(address.value + 4))
    with refuses(driver.INVALID_VALUE):
        call("cuMemFree_v2", address)
    with refuses(driver.INVALID_VALUE):
        words(address, 1)


def test_memory_of_the_caller_is_not_freed():
    own = (ctypes.c_uint32 * 4)(1, 2, 3, 4)
    address = ctypes.c_uint64(ctypes.addressof(own))
    emulator.cuda().dsa_emulator_add_buffer(own, ctypes.c_uint64(16), b"own")
    assert words(address, 4) == [1, 2, 3, 4]
    with refuses(driver.INVALID_VALUE):
        call("cuMemFree_v2", address)
    emulator.cuda().dsa_emulator_remove_buffer(own)
    with refuses(driver.INVALID_VALUE):
        words(address, 4)


# Images


def test_what_does_not_load(module):
    for image, code, why in [("\x7fELF", driver.NO_BINARY_FOR_GPU, "cubin"),
                             ("rubbish", driver.INVALID_PTX, "line 1")]:
        for name in ("cuModuleLoadData", "cuLibraryLoadData"):
            stored, data = ctypes.c_void_p(), ctypes.c_char_p(image.encode())
            rest = (None, None, 0, None, None, 0) if name == "cuLibraryLoadData" else ()
            with refuses(code):
                call(name, ctypes.byref(stored), data, *rest)
            assert why in emulator.cuda().dsa_emulator_load_error().decode()
    with refuses(driver.NOT_FOUND):
        function(module, "nothing")
    with refuses(driver.INVALID_HANDLE):
        function(ctypes.c_void_p(4096), "store")


@pytest.mark.parametrize("target, device, runs", [
    ("sm_80", "sm_80", True), ("sm_80", "sm_120", True), ("sm_86", "sm_80", False),
    ("sm_90", "sm_89", False), ("sm_90a", "sm_90", True), ("sm_90a", "sm_100", False),
    ("sm_100f", "sm_100", True), ("sm_100f", "sm_120", False)])
def test_ptx_runs_on_chips_of_its_target_or_newer(target, device, runs):
    text = driver.PTX.replace("sm_80", target)
    with devices(device):
        if runs:
            emulator.unload(emulator.load(text))
        else:
            with pytest.raises(emulator.EmulatorError, match=f"{target}, which {device}"):
                emulator.load(text)
        # A library is loaded for a device when it is needed there.
        library = load_library(text)
        kernel = handle("cuLibraryGetKernel", library, b"bounded")
        with contextlib.nullcontext() if runs else refuses(driver.INVALID_PTX):
            handle("cuKernelGetFunction", kernel)
        call("cuLibraryUnload", library)
        with refuses(driver.INVALID_HANDLE):
            handle("cuKernelGetFunction", kernel)


def test_variables(module):
    address, size = ctypes.c_uint64(), ctypes.c_size_t()
    call("cuModuleGetGlobal_v2", ctypes.byref(address), ctypes.byref(size), module, b"table")
    assert size.value == 8 and words(address, 2) == [3, 5]
    with refuses(driver.NOT_FOUND):
        call("cuModuleGetGlobal_v2", ctypes.byref(address), ctypes.byref(size), module, b"nothing")


# Launches


def test_a_function_and_a_kernel(module, library):
    kernel = handle("cuLibraryGetKernel", library, b"store")
    for launched in (function(module, "store"), kernel, handle("cuKernelGetFunction", kernel)):
        with memory(400) as address, stream_of_current() as stream:
            driver.launch(launched, store(address, 70, 5), grid=(3, 1, 1), stream=stream)
            call("cuStreamSynchronize", stream)
            assert words(address, 71) == [5 + i for i in range(70)] + [2**32 - 1]


@pytest.mark.parametrize("grid, block", [
    ((0, 1, 1), (32, 1, 1)), ((1, 65536, 1), (32, 1, 1)), ((1, 1, 65536), (32, 1, 1)),
    ((1, 1, 1), (0, 1, 1)), ((1, 1, 1), (1025, 1, 1)), ((1, 1, 1), (1, 1, 65)),
    ((1, 1, 1), (64, 32, 1))])
def test_grids_and_blocks_out_of_range(module, grid, block):
    with memory(4) as address, refuses(driver.INVALID_VALUE):
        driver.launch(function(module, "store"), store(address, 0, 0), grid, block)
    assert launches() == 0


def test_the_bound_of_threads(module):
    bounded = function(module, "bounded")
    assert get(ctypes.c_int, "cuFuncGetAttribute", driver.MAX_THREADS, bounded).value == 64
    driver.launch(bounded, [], block=(64, 1, 1))
    with refuses(driver.INVALID_VALUE):
        driver.launch(bounded, [], block=(65, 1, 1))


def test_shared_memory_has_to_be_asked_for(module):
    reverse = function(module, "reverse")
    with memory(256) as address:
        driver.launch(reverse, [address], block=(64, 1, 1), shared=49152)
        assert words(address, 64) == list(range(63, -1, -1))
        with refuses(driver.INVALID_VALUE):
            driver.launch(reverse, [address], shared=49153)
        call("cuFuncSetAttribute", reverse, driver.DYNAMIC_SHARED, 166912)
        driver.launch(reverse, [address], shared=166912)
        with refuses(driver.INVALID_VALUE):
            call("cuFuncSetAttribute", reverse, driver.DYNAMIC_SHARED, 166913)


def test_shared_memory_of_the_kernel_counts(module):
    fixed = function(module, "fixed_shared")
    assert get(ctypes.c_int, "cuFuncGetAttribute", driver.STATIC_SHARED, fixed).value == 1024
    with refuses(driver.INVALID_VALUE):
        driver.launch(fixed, [], shared=49152 - 1023)
    with refuses(driver.INVALID_VALUE):
        call("cuFuncSetAttribute", fixed, driver.DYNAMIC_SHARED, 166912 - 1023)
    call("cuFuncSetAttribute", fixed, driver.DYNAMIC_SHARED, 166912 - 1024)
    driver.launch(fixed, [], shared=166912 - 1024)


def test_attributes_of_a_kernel_are_of_one_device(library):
    kernel = handle("cuLibraryGetKernel", library, b"reverse")
    with devices("sm_80,sm_86"):
        call("cuKernelSetAttribute", driver.DYNAMIC_SHARED, 166912, kernel, 0)
        with refuses(driver.INVALID_VALUE):
            call("cuKernelSetAttribute", driver.DYNAMIC_SHARED, 166912, kernel, 1)
        found = [get(ctypes.c_int, "cuKernelGetAttribute", driver.DYNAMIC_SHARED, kernel,
                     device).value for device in (0, 1)]
        assert found == [166912, 49152]


def test_a_function_of_a_module_is_of_one_device(module):
    bounded = function(module, "bounded")
    with devices("sm_80,sm_80"), context_of(1), refuses(driver.INVALID_HANDLE):
        driver.launch(bounded, [])


@pytest.mark.parametrize("kernel, code", [("store", driver.ILLEGAL_ADDRESS),
                                          ("misaligned", driver.MISALIGNED_ADDRESS)])
def test_a_failure_stays_until_it_is_cleared(module, kernel, code):
    with memory(256) as address:
        arguments = store(address, 65, 0) if kernel == "store" else [address]
        with refuses(code):
            driver.launch(function(module, kernel), arguments, block=(96, 1, 1))
        assert emulator.cuda().dsa_emulator_error()
        for again in (lambda: words(address, 1), lambda: call("cuCtxSynchronize"),
                      lambda: function(module, "store"), lambda: emulator.load(driver.PTX)):
            with pytest.raises((driver.DriverError, emulator.EmulatorError)):
                again()
        emulator.cuda().dsa_emulator_clear()
        driver.launch(function(module, "store"), store(address, 64, 0), block=(96, 1, 1))
        assert launches() == 1


# Captures


def test_a_graph_replays_launches(module):
    with memory(16) as address, stream_of_current() as stream:
        capture(stream)
        assert status_of(stream) == 1
        for value in (7, 9):
            driver.launch(function(module, "store"), store(address, 4 if value == 7 else 2, value),
                          stream=stream)
        graph = end_capture(stream)
        assert status_of(stream) == 0 and launches() == 0
        executable = handle("cuGraphInstantiateWithFlags", graph, ctypes.c_uint64(0))
        call("cuGraphDestroy", graph)
        for _ in range(2):
            call("cuMemsetD8_v2", address, ctypes.c_ubyte(0), ctypes.c_size_t(16))
            call("cuGraphLaunch", executable, stream)
            assert words(address, 4) == [9, 10, 9, 10]
        assert launches() == 4
        call("cuGraphExecDestroy", executable)
        with refuses(driver.INVALID_HANDLE):
            call("cuGraphLaunch", executable, stream)


@pytest.mark.parametrize("disturb", ["cuMemAlloc_v2", "cuLibraryLoadData", "cuModuleLoadData",
                                     "first use of a library", "cuCtxSynchronize",
                                     "cuStreamSynchronize"])
@pytest.mark.parametrize("mode", [driver.GLOBAL, driver.THREAD_LOCAL, driver.RELAXED])
def test_what_disturbs_a_capture(library, disturb, mode):
    kernel = handle("cuLibraryGetKernel", library, b"bounded")
    actions = {"cuMemAlloc_v2": lambda s: get(ctypes.c_uint64, "cuMemAlloc_v2",
                                              ctypes.c_size_t(4)),
               "cuLibraryLoadData": lambda s: load_library(driver.PTX),
               "cuModuleLoadData": lambda s: handle("cuModuleLoadData",
                                                    ctypes.c_char_p(driver.PTX.encode())),
               "first use of a library": lambda s: driver.launch(kernel, [], stream=s),
               "cuCtxSynchronize": lambda s: call("cuCtxSynchronize"),
               "cuStreamSynchronize": lambda s: call("cuStreamSynchronize", s)}
    with stream_of_current() as stream:
        capture(stream, mode)
        if mode == driver.RELAXED and disturb != "cuStreamSynchronize":
            actions[disturb](stream)
            end_capture(stream)
            return
        with refuses(driver.CAPTURE_UNSUPPORTED):
            actions[disturb](stream)
        assert status_of(stream) == 2
        with refuses(driver.CAPTURE_INVALIDATED):
            end_capture(stream)
        assert status_of(stream) == 0


def test_a_capture_that_failed_leaves_nothing_to_the_next(module):
    with stream_of_current() as stream:
        capture(stream)
        driver.launch(function(module, "bounded"), [], stream=stream)
        with refuses(driver.CAPTURE_UNSUPPORTED):
            call("cuCtxSynchronize")
        with refuses(driver.CAPTURE_INVALIDATED):
            end_capture(stream)
        capture(stream)
        graph = end_capture(stream)
        executable = handle("cuGraphInstantiateWithFlags", graph, ctypes.c_uint64(0))
        call("cuGraphLaunch", executable, stream)
        assert launches() == 0
        call("cuGraphExecDestroy", executable)
        call("cuGraphDestroy", graph)


def test_other_threads_do_not_disturb_a_capture_of_one_thread():
    with stream_of_current() as stream:
        capture(stream, driver.THREAD_LOCAL)
        found = []
        thread = threading.Thread(target=lambda: found.append(load_library(driver.PTX)))
        thread.start()
        thread.join()
        assert status_of(stream) == 1
        end_capture(stream)
        call("cuLibraryUnload", found[0])


@pytest.mark.parametrize("flags", [0, driver.NON_BLOCKING])
def test_the_default_stream_waits_for_blocking_streams(module, flags):
    with memory(4) as address, stream_of_current(flags) as stream:
        capture(stream, driver.RELAXED)
        if flags:
            assert status_of(None) == 0
            driver.launch(function(module, "bounded"), [])
            assert words(address, 1)
            end_capture(stream)
            return
        with refuses(driver.CAPTURE_IMPLICIT):
            status_of(None)
        with refuses(driver.CAPTURE_IMPLICIT):
            driver.launch(function(module, "bounded"), [])
        with refuses(driver.CAPTURE_INVALIDATED):
            end_capture(stream)


def test_captures_in_the_wrong_order():
    with stream_of_current() as stream:
        with refuses(driver.ILLEGAL_STATE):
            end_capture(stream)
        capture(stream)
        with refuses(driver.ILLEGAL_STATE):
            capture(stream)
        end_capture(stream)
    with refuses(driver.CAPTURE_UNSUPPORTED):
        capture(None)
