"""Calls the entry points of a function as a caller in C does.

dsa-run passes contiguous arrays only. Here a function is compiled to a shared
library and gets descriptors of NumPy arrays, strides and all.
"""

import ctypes
import functools
import os
import pathlib
import re
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("DSA_BUILD_DIR", ROOT / "build")) / "bin"
LLVM = pathlib.Path(os.environ.get("DSA_LLVM_DIR", "/usr/lib/llvm-22")) / "bin"


@functools.cache
def descriptor_type(rank):
    """A memref descriptor: pointers, offset, sizes, strides."""

    class Descriptor(ctypes.Structure):
        _fields_ = [("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p),
                    ("offset", ctypes.c_int64), ("sizes", ctypes.c_int64 * rank),
                    ("strides", ctypes.c_int64 * rank)]

    return Descriptor


def descriptor(array):
    extents = ctypes.c_int64 * array.ndim
    strides = [s // array.itemsize for s in array.strides]
    return descriptor_type(array.ndim)(array.ctypes.data, array.ctypes.data, 0,
                                       extents(*array.shape), extents(*strides))


class Library:
    """The functions of an MLIR module, compiled for a target, reference or cpu; `passes`, a
    pipeline, runs on the way, after the entry points were made and before ops are decomposed.
    `edit` makes of the pipeline as text the one that is run."""

    def __init__(self, text, folder, options="", passes="", edit=None, target="reference"):
        folder = pathlib.Path(folder)
        (folder / "f.mlir").write_text(text)
        command = [BIN / "dsa-opt", folder / "f.mlir", f"--dsa-{target}-pipeline={options}"]
        if passes or edit:
            dump = subprocess.run([*command, "--dump-pass-pipeline", "-o", os.devnull],
                                  check=True, capture_output=True, text=True).stderr
            # Printed once when it is parsed and once when it is run.
            pipeline = re.sub(r"\n *", "", dump.split("passes:")[-1])
            assert "dsa-decompose" in pipeline
            if passes:
                pipeline = pipeline.replace("dsa-decompose", f"{passes},dsa-decompose")
            command[-1] = "--pass-pipeline=" + (edit(pipeline) if edit else pipeline)
        lowered = subprocess.run(command, check=True, capture_output=True)
        ir = subprocess.run([LLVM / "mlir-translate", "--mlir-to-llvmir"],
                            input=lowered.stdout, check=True, capture_output=True)
        (folder / "f.ll").write_bytes(ir.stdout)
        subprocess.run(
            [LLVM / "clang", "-O1", "-shared", "-fPIC", "-Wno-override-module",
             f"-I{ROOT}/include", folder / "f.ll", ROOT / "lib/Runtime/Status.c",
             "-lm", *(["-fopenmp"] if target == "cpu" else []), "-o", folder / "f.so"], check=True)
        self.path = folder / "f.so"
        self.library = ctypes.CDLL(str(self.path))
        self.library.dsa_last_error.restype = ctypes.c_char_p

    def raw(self, name, *arguments):
        """The status of a function on arrays and Python integers (i32)."""
        held = [descriptor(a) if isinstance(a, np.ndarray) else a for a in arguments]
        passed = [ctypes.c_int32(h) if isinstance(h, int) else ctypes.byref(h) for h in held]
        return getattr(self.library, f"_mlir_ciface_{name}")(*passed)

    def call(self, name, inputs, outputs):
        """The status of `name`, with one thread and the workspace that it asks for, none if it
        refuses the inputs."""
        size = np.zeros(1, np.int64)
        self.raw(f"{name}_workspace", *inputs, 1, size)
        return self.raw(name, *inputs, *outputs, np.empty(size[0], np.int8), 1)

    def workspace(self, name, inputs, threads):
        """A workspace for `name` as large as it asks for."""
        size = np.zeros(1, np.int64)
        assert self.raw(f"{name}_workspace", *inputs, threads, size) == 0, self.last_error()
        return np.empty(size[0], np.int8)

    def last_error(self):
        return self.library.dsa_last_error().decode()
