"""lib/Runtime's layer for GPUs by ctypes: what compiled functions and their wrappers do."""

import ctypes
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LLVM = pathlib.Path(os.environ.get("DSA_LLVM_DIR", "/usr/lib/llvm-22")) / "bin"
OK, ARGUMENT, DEVICE, PREPARE = 0, 1, 4, 5
CUBIN, PTX = 0, 1
DEVICES = 64
RUNTIME = ["Artefact", "Features", "GPU", "Status"]


class Image(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_char_p), ("kind", ctypes.c_int32),
                ("major", ctypes.c_int32), ("minor", ctypes.c_int32), ("unused", ctypes.c_int32)]


class Kernel(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("sharedBytes", ctypes.c_int32),
                ("unused", ctypes.c_int32)]


class Program(ctypes.Structure):
    _fields_ = [("images", ctypes.POINTER(Image)), ("kernels", ctypes.POINTER(Kernel)),
                ("state", ctypes.POINTER(ctypes.c_void_p)), ("imageCount", ctypes.c_int32),
                ("kernelCount", ctypes.c_int32)]


class Call(ctypes.Structure):
    _fields_ = [("program", ctypes.POINTER(Program)), ("stream", ctypes.c_void_p),
                ("kernels", ctypes.POINTER(ctypes.c_void_p)), ("device", ctypes.c_int32),
                ("status", ctypes.c_int32)]


def program(images, kernels):
    """Images as (name, data), `sm_80` or `compute_80`; kernels as (name, shared bytes)."""
    def image(name, data):
        architecture, number = name.split("_")
        return Image(name.encode(), data, CUBIN if architecture == "sm" else PTX,
                     int(number) // 10, int(number) % 10, 0)

    state = (ctypes.c_void_p * (DEVICES + len(images) * (1 + len(kernels))))()
    return Program((Image * len(images))(*(image(*i) for i in images)),
                   (Kernel * len(kernels))(*(Kernel(n.encode(), b, 0) for n, b in kernels)),
                   state, len(images), len(kernels))


def build(output, *sources, options=()):
    """A shared library of the runtime, and of other sources."""
    runtime = ROOT / "lib" / "Runtime"
    dlpack = ROOT / "third_party" / "dlpack" / "include"
    subprocess.run([LLVM / "clang", "-std=c11", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra",
                    "-Werror", f"-I{ROOT}/include", f"-I{runtime}", f"-I{dlpack}", *options,
                    *sources, *(runtime / f"{name}.c" for name in RUNTIME), "-o", output,
                    "-pthread"], check=True)


class Runtime:
    """The functions of such a library."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.library.dsa_last_error.restype = ctypes.c_char_p

    def last_error(self):
        return self.library.dsa_last_error().decode()

    def fits(self, program, device):
        return self.library.dsa_gpu_fits(ctypes.byref(program), ctypes.c_int32(device))

    def prepare(self, program, device):
        return self.library.dsa_gpu_prepare(ctypes.byref(program), ctypes.c_int32(device))

    def begin(self, program, stream=None, device=0):
        """The call, whose status is in it."""
        call = Call()
        call.held = program  # which the call points to
        status = self.library.dsa_gpu_begin(ctypes.byref(call), ctypes.byref(program),
                                            ctypes.c_void_p(stream), ctypes.c_int32(device))
        assert status == call.status
        return call

    def launch(self, call, kernel, grid, threads, shared, *arguments):
        """`arguments` are ctypes' objects. Returns the status of the call."""
        pointers = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        self.library.dsa_gpu_launch(ctypes.byref(call), ctypes.c_int32(kernel),
                                    *map(ctypes.c_int64, grid), ctypes.c_int32(threads),
                                    ctypes.c_int32(shared), pointers)
        return call.status

    def check_aligned(self, call, value, multiple, what):
        self.library.dsa_gpu_check_aligned(ctypes.byref(call), ctypes.c_int64(value),
                                           ctypes.c_int64(multiple), what.encode())
        return call.status

    def check_equal(self, call, value, expected, what):
        self.library.dsa_gpu_check_equal(ctypes.byref(call), ctypes.c_int64(value),
                                         ctypes.c_int64(expected), what.encode())
        return call.status
