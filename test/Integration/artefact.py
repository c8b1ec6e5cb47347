"""Compiles functions by dsa-compile and calls them by ctypes, on DLPack tensors of NumPy arrays."""

import ctypes
import pathlib
import subprocess

import numpy as np

from harness import BF16, BIN, F8, LIMIT_S

CPU, CODES = 1, {"i": 0, "u": 1, "f": 2}


class Type(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class Tensor(ctypes.Structure):
    """DLTensor."""
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32), ("dtype", Type),
                ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


def integers(values):
    return (ctypes.c_int64 * len(values))(*values)


def tensor(array):
    """A DLTensor of `array`, which it does not keep alive."""
    code = {BF16: 4, F8: 10}.get(array.dtype) or CODES[array.dtype.kind]
    return Tensor(array.ctypes.data, CPU, 0, array.ndim, Type(code, 8 * array.itemsize, 1),
                  integers(array.shape), integers([s // array.itemsize for s in array.strides]), 0)


class Failed(Exception):
    """A function returned a status other than 0."""

    def __init__(self, status, message):
        super().__init__(f"status {status}: {message}")
        self.status, self.message = status, message


class Artefact:
    """The functions of a shared object."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.library.dsa_last_error.restype = ctypes.c_char_p

    def raw(self, name, *arguments):
        """Calls with tensors, None, integers (i32) and arrays of ctypes."""
        def pass_on(a):
            if isinstance(a, np.ndarray):
                a = tensor(a)
                held.append(a)
            if isinstance(a, Tensor):
                return ctypes.byref(a)
            return ctypes.c_int32(a) if isinstance(a, int) else a

        held = []
        status = getattr(self.library, name)(*[pass_on(a) for a in arguments])
        if status:
            raise Failed(status, self.library.dsa_last_error().decode())

    def shapes(self, name, inputs, ranks):
        """The shapes of results of these ranks."""
        dims = (ctypes.c_int64 * sum(ranks))()
        self.raw(f"{name}_shapes", *inputs, dims)
        found = iter(dims)
        return [tuple(next(found) for _ in range(rank)) for rank in ranks]

    def workspace(self, name, inputs, threads=1):
        """A workspace as large as asked for, with rubbish in it."""
        size = ctypes.c_int64()
        self.raw(f"{name}_workspace", *inputs, threads, ctypes.byref(size))
        return np.full(size.value, 0xa5, np.uint8)

    def call(self, name, inputs, results, threads=1):
        """Runs `name` into `results`, which it returns."""
        workspace = self.workspace(name, inputs, threads)
        self.raw(name, *inputs, *results, workspace, threads, None)
        return results


def compile_to(output, text, *options, **keywords):
    """Runs dsa-compile on `text`; what subprocess.run says."""
    source = pathlib.Path(output).with_suffix(".mlir")
    source.write_text(text)
    return subprocess.run([BIN / "dsa-compile", source, "-o", output, *options],
                          capture_output=True, text=True, timeout=LIMIT_S, **keywords)


def compiled(folder, text, *options, name="libf.so"):
    """The path of the shared object that dsa-compile makes of `text`."""
    output = pathlib.Path(folder) / name
    done = compile_to(output, text, *options)
    assert done.returncode == 0, done.stderr
    return output
