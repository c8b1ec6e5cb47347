"""Runs PTX on the emulator, by the driver API that programs use with a GPU.

    report = launch(ptx, "kernel", grid=2, block=(64, 1, 1), args=[x, np.int32(5)])

`args` are NumPy arrays, which the kernel gets the address of and which hold
what it stored afterwards, and NumPy scalars, which it gets the value of. All
arrays are C-contiguous. An error of the load or of the launch raises
`EmulatorError`; races do not: they are in `report.races`.
"""

import ctypes
import dataclasses
import functools
import os
import pathlib

import numpy as np

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("DSA_BUILD_DIR", root / "build"))


class EmulatorError(Exception):
    pass


@dataclasses.dataclass
class Report:
    races: list
    race_count: int
    error: str
    count: object  # of an opcode, "warp-instructions" or "lane-instructions"


@functools.cache
def cuda():
    """The stand-in for the driver, with a context of its device current."""
    driver = ctypes.CDLL(str(build / "lib" / "emulated-cuda" / "libcuda.so.1"))
    for name in ("error", "race", "load_error"):
        getattr(driver, f"dsa_emulator_{name}").restype = ctypes.c_char_p
    for name in ("race_count", "count"):
        getattr(driver, f"dsa_emulator_{name}").restype = ctypes.c_int64
    context = ctypes.c_void_p()
    _check(driver.cuInit(0), "cuInit")
    _check(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0), "cuDevicePrimaryCtxRetain")
    _check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
    return driver


def _check(code, call):
    if code:
        raise EmulatorError(f"{call} returned {code}")


def set_option(name, value):
    if not cuda().dsa_emulator_set(name.encode(), str(value).encode()):
        raise EmulatorError(f"no option {name}={value}")


def _three(size):
    sizes = (size,) if isinstance(size, int) else tuple(size)
    return sizes + (1,) * (3 - len(sizes))


def load(ptx):
    """The module, to be unloaded by `unload`."""
    lib, module = cuda(), ctypes.c_void_p()
    code = lib.cuModuleLoadData(ctypes.byref(module), ctypes.c_char_p(ptx.encode()))
    if code:
        raise EmulatorError(lib.dsa_emulator_load_error().decode() or f"code {code}")
    return module


def unload(module):
    _check(cuda().cuModuleUnload(module), "cuModuleUnload")


def launch_loaded(
    module, kernel, grid, block, args, *, shared=0, seed=0, check_races=True, isa="best"
):
    lib = cuda()
    set_option("seed", seed)
    set_option("check-races", int(check_races))
    set_option("isa", isa)
    function = ctypes.c_void_p()
    if lib.cuModuleGetFunction(ctypes.byref(function), module, kernel.encode()):
        raise EmulatorError(f"no kernel {kernel}")
    if shared > 48 * 1024:
        # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        _check(lib.cuFuncSetAttribute(function, 8, shared), "cuFuncSetAttribute")
    values, arrays = [], []
    for i, arg in enumerate(args):
        if isinstance(arg, np.ndarray):
            assert arg.flags.c_contiguous, f"argument {i}"
            arrays.append(arg)
            lib.dsa_emulator_add_buffer(
                ctypes.c_void_p(arg.ctypes.data),
                ctypes.c_uint64(arg.nbytes),
                f"argument {i}".encode(),
            )
            values.append(np.uint64(arg.ctypes.data))
        else:
            assert isinstance(arg, np.generic), f"argument {i} is a {type(arg)}"
            values.append(arg)
    held = [ctypes.create_string_buffer(value.tobytes()) for value in values]
    pointers = (ctypes.c_void_p * max(len(held), 1))(*map(ctypes.addressof, held))
    lib.dsa_emulator_clear()
    try:
        code = lib.cuLaunchKernel(
            function, *_three(grid), *_three(block), shared, None, pointers, None
        )
    finally:
        for array in arrays:
            lib.dsa_emulator_remove_buffer(ctypes.c_void_p(array.ctypes.data))
    error = lib.dsa_emulator_error().decode()
    if code or error:
        # The context works again.
        lib.dsa_emulator_clear()
        raise EmulatorError(error or f"cuLaunchKernel returned {code}")
    races = []
    while (race := lib.dsa_emulator_race(ctypes.c_int64(len(races)))) is not None:
        races.append(race.decode())
    return Report(
        races,
        lib.dsa_emulator_race_count(),
        error,
        lambda what: lib.dsa_emulator_count(what.encode()),
    )


def launch(ptx, kernel, grid, block, args, **options):
    module = load(ptx)
    try:
        return launch_loaded(module, kernel, grid, block, args, **options)
    finally:
        unload(module)
