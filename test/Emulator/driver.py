"""The CUDA driver's functions by ctypes, as the emulator's stand-in has them.

Numbers are typed from the documentation of the driver's API, apart from the
project's own header. `PTX` has kernels for tests of what is around a kernel.
"""

import contextlib
import ctypes

import emulator

INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED, INVALID_DEVICE = 1, 2, 3, 101
INVALID_CONTEXT, NO_BINARY_FOR_GPU, INVALID_PTX = 201, 209, 218
INVALID_HANDLE, ILLEGAL_STATE, NOT_FOUND = 400, 401, 500
ILLEGAL_ADDRESS, MISALIGNED_ADDRESS = 700, 716
CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED, CAPTURE_IMPLICIT = 900, 901, 906
# Attributes of devices and of functions.
MULTIPROCESSORS, MAJOR, MINOR, SHARED_OPTIN = 16, 75, 76, 97
MAX_THREADS, STATIC_SHARED, DYNAMIC_SHARED = 0, 1, 8
NON_BLOCKING = 1
GLOBAL, THREAD_LOCAL, RELAXED = 0, 1, 2

# store(p, n, v): p[i] = v + i for the first n threads. reverse(p): p[i] = the
# number of the last thread less i, through dynamic shared memory. misaligned(p)
# stores a word at p + 2. bounded() may have 64 threads, fixed_shared() has 1024
# bytes of its own.
PTX = """
.version 7.8
.target sm_80
.address_size 64

.global .align 4 .u32 table[2] = {3, 5};
.extern .shared .align 16 .b8 dynamic[];

.visible .entry store(.param .u64 store_p, .param .u32 store_n, .param .u32 store_v)
{
  .reg .pred %out;
  .reg .b32 %r<8>;
  .reg .b64 %d<4>;
  ld.param.u64 %d0, [store_p];
  ld.param.u32 %r0, [store_n];
  ld.param.u32 %r1, [store_v];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %out, %r5, %r0;
  @%out bra DONE;
  add.s32 %r6, %r1, %r5;
  cvta.to.global.u64 %d1, %d0;
  mul.wide.u32 %d2, %r5, 4;
  add.s64 %d3, %d1, %d2;
  st.global.u32 [%d3], %r6;
DONE:
  ret;
}

.visible .entry reverse(.param .u64 reverse_p)
{
  .reg .b32 %r<9>;
  .reg .b64 %d<4>;
  ld.param.u64 %d0, [reverse_p];
  mov.u32 %r0, %tid.x;
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, dynamic;
  shl.b32 %r3, %r0, 2;
  add.s32 %r4, %r2, %r3;
  st.shared.u32 [%r4], %r0;
  bar.sync 0;
  sub.s32 %r5, %r1, %r0;
  shl.b32 %r6, %r5, 2;
  add.s32 %r7, %r2, %r6;
  ld.shared.u32 %r8, [%r7+-4];
  cvta.to.global.u64 %d1, %d0;
  mul.wide.u32 %d2, %r0, 4;
  add.s64 %d3, %d1, %d2;
  st.global.u32 [%d3], %r8;
  ret;
}

.visible .entry misaligned(.param .u64 misaligned_p)
{
  .reg .b32 %r<1>;
  .reg .b64 %d<2>;
  ld.param.u64 %d0, [misaligned_p];
  cvta.to.global.u64 %d1, %d0;
  mov.u32 %r0, 1;
  st.global.u32 [%d1+2], %r0;
  ret;
}

.visible .entry bounded() .maxntid 64, 1, 1
{
  ret;
}

.visible .entry fixed_shared()
{
  .shared .align 4 .b8 fixed[1024];
  .reg .b32 %r<2>;
  mov.u32 %r0, fixed;
  mov.u32 %r1, 1;
  st.shared.u32 [%r0], %r1;
  ret;
}
"""


class DriverError(Exception):
    def __init__(self, name, code):
        super().__init__(f"{name} returned {code}")
        self.code = code


def call(name, *arguments):
    """Integers are passed as 32 bits: handles and sizes are ctypes' objects."""
    if code := getattr(emulator.cuda(), name)(*arguments):
        raise DriverError(name, code)


def get(kind, name, *arguments):
    """What the function stores through its first parameter."""
    value = kind()
    call(name, ctypes.byref(value), *arguments)
    return value


def handle(name, *arguments):
    return get(ctypes.c_void_p, name, *arguments)


@contextlib.contextmanager
def devices(targets):
    """The devices are these, separated by commas; afterwards one sm_80."""
    emulator.set_option("device", targets)
    try:
        yield
    finally:
        emulator.set_option("device", "sm_80")


@contextlib.contextmanager
def context_of(device):
    """The primary context of a device, current."""
    context = handle("cuDevicePrimaryCtxRetain", device)
    call("cuCtxPushCurrent_v2", context)
    try:
        yield context
    finally:
        call("cuCtxPopCurrent_v2", None)
        call("cuDevicePrimaryCtxRelease_v2", device)


@contextlib.contextmanager
def stream_of_current(flags=0):
    stream = handle("cuStreamCreate", flags)
    try:
        yield stream
    finally:
        call("cuStreamDestroy_v2", stream)


@contextlib.contextmanager
def memory(bytes):
    address = get(ctypes.c_uint64, "cuMemAlloc_v2", ctypes.c_size_t(bytes))
    try:
        yield address
    finally:
        emulator.cuda().dsa_emulator_clear()
        call("cuMemFree_v2", address)


def words(address, count):
    """The first u32 there."""
    values = (ctypes.c_uint32 * count)()
    call("cuMemcpyDtoH_v2", values, address, ctypes.c_size_t(4 * count))
    return list(values)


def capture(stream, mode=GLOBAL):
    call("cuStreamBeginCapture_v2", stream, mode)


def end_capture(stream):
    """The graph."""
    graph = ctypes.c_void_p()
    call("cuStreamEndCapture", stream, ctypes.byref(graph))
    return graph


def status_of(stream):
    """Of its capture: 0 none, 1 active, 2 invalidated."""
    status = ctypes.c_int()
    call("cuStreamIsCapturing", stream, ctypes.byref(status))
    return status.value



def launch(function, arguments, grid=(1, 1, 1), block=(32, 1, 1), shared=0, stream=None):
    """`arguments` are ctypes' objects."""
    pointers = (ctypes.c_void_p * max(len(arguments), 1))(*map(ctypes.addressof, arguments))
    call("cuLaunchKernel", function, *grid, *block, shared, stream, pointers, None)
