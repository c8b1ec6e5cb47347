"""A kernel of kernels/, with its inputs and what it must give."""

import dataclasses
import functools
import pathlib

import emulator
import numpy as np

KERNELS = pathlib.Path(__file__).resolve().parent / "kernels"


@dataclasses.dataclass
class Run:
    """A launch, and the check of its arguments afterwards."""

    grid: object
    block: object
    args: list
    check: object
    shared: int = 0
    reached: tuple = ()  # arrays that a structure among the arguments points to


@dataclasses.dataclass(frozen=True)
class Case:
    file: str
    kernel: str
    make: object  # of a random generator and a seed, which decides the size
    variant: str = ""  # of what other cases run too

    def __str__(self):
        return self.kernel + (f"-{self.variant}" if self.variant else "")

    @functools.cache
    def run(self, seed):
        return self.make(np.random.default_rng([seed, *self.kernel.encode()]), seed)


@functools.cache
def ptx(file, arch="sm_80"):
    return (KERNELS / f"{file}.{arch}.ptx").read_text()


def execute(module, kernel, run, **options):
    """The report, and the arguments as the kernel left them."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in run.args]
    lib = emulator.cuda()
    for array in run.reached:
        lib.dsa_emulator_add_buffer(emulator.ctypes.c_void_p(array.ctypes.data),
                                    emulator.ctypes.c_uint64(array.nbytes), b"reached")
    try:
        report = emulator.launch_loaded(module, kernel, run.grid, run.block, args,
                                        shared=run.shared, **options)
    finally:
        for array in run.reached:
            lib.dsa_emulator_remove_buffer(emulator.ctypes.c_void_p(array.ctypes.data))
    return report, args


UNWRITTEN = 0x5A5A5A5A


def unwritten(*shape, dtype=np.int32):
    """For a result: what no kernel stores."""
    return np.full(shape, UNWRITTEN, np.int64).astype(dtype)


def expect(expected, index=-1):
    """The argument at `index` equals `expected`."""
    return lambda args: np.testing.assert_array_equal(args[index], expected)


def wrap(values):
    """To 32 bits, as the kernels' int."""
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def blocks(n, size):
    return -(-n // size)


def up_to(n, multiple):
    return blocks(n, multiple) * multiple
