"""dsa_enter, dsa_leave and dsa_prepare with targets of GPUs, on tables as the compiler writes them.

What is checked of each tensor is test/Integration/test_artefact.py.
"""

import ctypes
import pathlib
import sys

import pytest

for folder in ("Integration", ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))

from artefact import Tensor, Type, integers  # noqa: E402
from gpu_runtime import ARGUMENT, DEVICE, OK, PREPARE, Call, Program, program  # noqa: E402

CPU, CUDA, ROCM = 1, 2, 10
RUN, SHAPES, WORKSPACE = 0, 1, 2
STREAMS = [16, 17]
WIDE = program([("sm_80", b"wide80"), ("compute_80", b"wide ptx")], [("f", 160000)])
NARROW = program([("sm_86", b"narrow86"), ("compute_80", b"narrow ptx")], [("f", 90000)])


class Argument(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_char_p),
                ("extents", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_int32),
                ("code", ctypes.c_int32), ("bits", ctypes.c_int32), ("unused", ctypes.c_int32)]


class Target(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("baseline", ctypes.c_char_p),
                ("device", ctypes.c_int32), ("featureCount", ctypes.c_int32),
                ("features", ctypes.c_void_p), ("program", ctypes.POINTER(Program))]


class Table(ctypes.Structure):
    """struct dsa_artefact."""
    _fields_ = [("targets", ctypes.POINTER(Target)), ("targetCount", ctypes.c_int64),
                ("gpu", ctypes.c_void_p)]


class Function(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("artefact", ctypes.POINTER(Table)),
                ("arguments", ctypes.POINTER(Argument)), ("inputCount", ctypes.c_int64),
                ("resultCount", ctypes.c_int64), ("extentCount", ctypes.c_int64),
                ("entries", ctypes.POINTER(ctypes.c_void_p))]


class Artefact:
    """A function of two inputs and a result, each of 4 f32. Entry e of target t is 100 + 10t + e.
    """

    def __init__(self, fake, *programs):
        self.fake = fake
        self.programs = [ctypes.pointer(p) if p else None for p in programs]
        targets = [Target(b"cpu" if p is None else b"gpu", b"", CPU if p is None else CUDA, 0,
                          None, p) for p in self.programs]
        hooks = ctypes.c_void_p.in_dll(fake.library, "dsa_gpu_functions")
        self.table = Table((Target * len(targets))(*targets), len(targets),
                           ctypes.addressof(hooks))
        self.arguments = (Argument * 3)(*(Argument(name, b"float32", integers([4]), 1, 2, 32, 0)
                                          for name in (b"a", b"b", b"result 0")))
        entries = [100 + 10 * t + e for t in range(len(targets)) for e in range(3)]
        self.function = Function(b"f", ctypes.pointer(self.table), self.arguments, 2, 1, 1,
                                 (ctypes.c_void_p * len(entries))(*entries))
        self.memory = (ctypes.c_float * 12)()

    def tensors(self, device, number=0):
        """Inputs and the result; a GPU's memory is never touched here."""
        return [Tensor(ctypes.addressof(self.memory) + 16 * i, device, number, 1, Type(2, 32, 1),
                       integers([4]), None, 0) for i in range(3)]

    def enter(self, tensors, entry=RUN, last=None):
        """The status, what is to be called, and the call."""
        used = [*tensors, None] if entry == RUN else tensors[:2]
        pointers = (ctypes.c_void_p * len(used))(
            *(t and ctypes.addressof(t) for t in used))
        function, call = ctypes.c_void_p(), Call()
        ctypes.memset(ctypes.byref(call), 0xaa, ctypes.sizeof(call))
        status = self.fake.library.dsa_enter(
            ctypes.byref(self.function), entry, pointers, ctypes.c_void_p(last),
            (ctypes.c_int64 * 64)(), ctypes.byref(function),
            ctypes.byref(call) if entry == RUN else None)
        return status, function.value, call

    def prepare(self, device):
        return self.fake.library.dsa_prepare(ctypes.byref(self.table), device)

    def leave(self, status, call):
        return self.fake.library.dsa_leave(ctypes.byref(self.function), status,
                                           call and ctypes.byref(call))


@pytest.fixture(autouse=True)
def fresh():
    """No program has state of another test's driver."""
    for p in (WIDE, NARROW):
        ctypes.memset(p.state, 0, 8 * (64 + p.imageCount * (1 + p.kernelCount)))


def chips(fake, *names):
    shared = {"sm_75": 65536, "sm_80": 166912, "sm_86": 101376, "sm_90": 232448}
    numbers = [int(name[3:]) for name in names]
    fake.set(Major=[n // 10 for n in numbers], Minor=[n % 10 for n in numbers],
             SharedBytes=[shared[name] for name in names])


def test_the_device_of_the_tensors_chooses(fake):
    chips(fake, "sm_90", "sm_86")
    artefact = Artefact(fake, None, WIDE, NARROW)
    for _ in range(2):
        status, function, call = artefact.enter(artefact.tensors(CPU))
        assert (status, function, call.status) == (OK, 100, OK) and not call.program
        for device, entry in ((0, 110), (1, 120)):
            status, function, call = artefact.enter(artefact.tensors(CUDA, device),
                                                    last=STREAMS[device])
            assert (status, function, call.device) == (OK, entry, device)
            assert call.stream == STREAMS[device]
            assert ctypes.addressof(call.program.contents) == ctypes.addressof(
                artefact.programs[1 + device].contents)
    assert fake.loads() == ["wide", "narrow86"]


def test_the_choice_is_made_once(fake):
    artefact = Artefact(fake, None, WIDE)
    assert artefact.enter(artefact.tensors(CUDA))[0] == OK
    fake.set(Failing=b"cuDeviceGetAttribute", Error=999)
    assert artefact.enter(artefact.tensors(CUDA))[0] == OK
    assert artefact.enter(artefact.tensors(CUDA, 1))[0] == DEVICE


def test_targets_of_gpus_come_first(fake):
    artefact = Artefact(fake, WIDE, None)
    assert [artefact.enter(artefact.tensors(device))[1] for device in (CPU, CUDA)] == [110, 100]


def test_the_first_target_that_fits(fake):
    chips(fake, "sm_80", "sm_86")
    artefact = Artefact(fake, NARROW, WIDE)
    assert artefact.enter(artefact.tensors(CUDA))[1] == 100
    assert fake.loads() == ["narrow"]


@pytest.mark.parametrize("entry", [SHAPES, WORKSPACE])
def test_entries_without_a_kernel_load_nothing(fake, entry):
    chips(fake, "sm_80", "sm_86")
    artefact = Artefact(fake, None, WIDE, NARROW)
    answer = integers([0])
    status, function, _ = artefact.enter(artefact.tensors(CUDA, 1), entry,
                                         ctypes.addressof(answer))
    assert (status, function) == (OK, 120 + entry) and fake.loads() == []


def test_no_target_fits(fake):
    chips(fake, "sm_75", "sm_75")
    artefact = Artefact(fake, None, WIDE, NARROW)
    for status in (artefact.enter(artefact.tensors(CUDA))[0], artefact.prepare(0)):
        assert status == DEVICE
        assert fake.last_error() == ("GPU 0 (Fake 0, sm_75) cannot run any of the images of the "
                                     "kernels: sm_86, compute_80")


@pytest.mark.parametrize("number", [-1, 2, 64])
def test_a_device_that_is_not_there(fake, number):
    artefact = Artefact(fake, None, WIDE)
    assert artefact.enter(artefact.tensors(CUDA, number))[0] == DEVICE
    assert f"there is no GPU number {number}" in fake.last_error()


@pytest.mark.parametrize("device", [CUDA, ROCM])
def test_tensors_of_a_device_that_there_is_no_code_for(fake, device):
    artefact = Artefact(fake, None)
    assert artefact.enter(artefact.tensors(device))[0] == ARGUMENT
    assert fake.last_error() == f"a: the tensor is on a device of type {device}, expected 1"


def test_the_first_tensor_decides(fake):
    artefact = Artefact(fake, None, WIDE)
    tensors = [artefact.tensors(ROCM)[0], *artefact.tensors(CUDA)[1:]]
    assert artefact.enter(tensors)[0] == ARGUMENT
    assert fake.last_error() == "a: the tensor is on a device of type 10, expected 1 or 2"
    tensors = [artefact.tensors(CUDA)[0], *artefact.tensors(ROCM)[1:]]
    assert artefact.enter(tensors)[0] == ARGUMENT
    assert "is on a device of type 10, expected 2" in fake.last_error()


def test_an_artefact_for_gpus_alone(fake):
    artefact = Artefact(fake, WIDE)
    assert artefact.enter(artefact.tensors(CPU))[0] == ARGUMENT
    assert fake.last_error() == "a: the tensor is on a device of type 1, expected 2"
    assert artefact.enter(artefact.tensors(CUDA))[0] == OK


@pytest.mark.parametrize("device, number, what", [
    (CPU, 0, "a device of type 1, expected 2"), (CUDA, 0, "GPU 0, expected GPU 1, that of the "
                                                          "first")])
def test_tensors_of_several_devices(fake, device, number, what):
    artefact = Artefact(fake, None, WIDE)
    for i in (1, 2):
        tensors = artefact.tensors(CUDA, 1)
        tensors[i] = artefact.tensors(device, number)[i]
        assert artefact.enter(tensors)[0] == ARGUMENT
        assert fake.last_error() == f"{['a', 'b', 'result 0'][i]}: the tensor is on {what}"
    # Of CPUs there is one, whatever its number.
    tensors = artefact.tensors(CPU, 3)
    tensors[1] = artefact.tensors(CPU, 4)[1]
    assert artefact.enter(tensors)[0] == OK


def test_a_tensor_that_is_null_has_no_device(fake):
    artefact = Artefact(fake, None, WIDE)
    tensors = artefact.tensors(CUDA)
    tensors[0] = None
    assert artefact.enter(tensors)[0] == ARGUMENT
    assert fake.last_error() == "a: the tensor is NULL"


def test_tensors_are_checked_before_the_stream(fake):
    artefact = Artefact(fake, None, WIDE)
    tensors = artefact.tensors(CUDA)
    tensors[2].data = tensors[0].data
    assert artefact.enter(tensors, last=STREAMS[1])[0] == ARGUMENT
    assert "share memory" in fake.last_error() and fake.loads() == []
    assert artefact.enter(artefact.tensors(CUDA), last=STREAMS[1])[0] == ARGUMENT
    assert "stream: it is of GPU 1" in fake.last_error()


def test_the_status_of_a_call(fake):
    artefact = Artefact(fake, None, WIDE)
    call = artefact.enter(artefact.tensors(CUDA))[2]
    assert artefact.leave(OK, call) == OK and artefact.leave(OK, None) == OK
    assert fake.check_aligned(call, 8, 16, "a: its row stride in bytes") == ARGUMENT
    assert artefact.leave(OK, call) == ARGUMENT
    assert fake.last_error() == "a: its row stride in bytes is 8, expected a multiple of 16"
    assert artefact.leave(DEVICE, call) == DEVICE
    fake.library.dsa_fail_extent.argtypes = [ctypes.c_int64] * 4
    assert artefact.leave(fake.library.dsa_fail_extent(1, 0, 3, 4), call) == ARGUMENT
    assert fake.last_error() == "b: dimension 0 is 3, expected 4"


def test_preparation_for_a_capture(fake):
    chips(fake, "sm_86", "sm_86")
    artefact = Artefact(fake, None, WIDE, NARROW)
    fake.set(IsCapturing=1)
    assert artefact.enter(artefact.tensors(CUDA))[0] == PREPARE
    assert artefact.prepare(0) == OK and fake.loads() == ["narrow86"]
    assert artefact.enter(artefact.tensors(CUDA))[0] == OK
