"""What the tests of single PTX instructions share: kernels around them, and values.

The tests were written from the manual, "Parallel Thread Execution ISA", by a
reader who had not seen the emulator. What they expect is computed with Python's
integers and fractions or with NumPy. All texts but those that the emulator
is to refuse at the load are PTX that ptxas accepts for sm_80: with
DSA_DUMP_PTX=DIRECTORY every one that is run is written there, to be assembled.
"""

import fractions
import hashlib
import os
import pathlib
import string

import ml_dtypes
import numpy as np

import emulator

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = {np.dtype(np.float16), BF16, np.dtype(np.float32), np.dtype(np.float64)}
TYPES = {
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "s8": np.int8, "s16": np.int16, "s32": np.int32, "s64": np.int64,
    "f16": np.float16, "bf16": BF16, "f32": np.float32, "f64": np.float64,
    "b8": np.uint8, "b16": np.uint16, "b32": np.uint32, "b64": np.uint64,
}  # fmt: skip
BLOCK = 80  # of `each`: two full warps and half a warp

# Every kernel has these. Argument i is at address %a{i}, and what is this
# thread's in it, in an array with one row for each thread, at %e{i}. A scalar of
# 32 bits is %s{i}, one of 64 is %a{i}; others, and structures, are only declared,
# as p{i}. %index counts the threads of the grid.
REGISTERS = """
  .reg .pred %p<16>;
  .reg .b16 %h<32>;
  .reg .b32 %r<64>, %s<8>, %index;
  .reg .b64 %d<32>, %a<8>, %e<8>;
  .reg .f32 %f<64>;
  .reg .f64 %g<16>;
"""
HEADER = ".version 8.3\n.target sm_80\n.address_size 64\n"


def text(body, arguments, threads, variables=""):
    """The PTX of a kernel `k`. `variables` are those of the module."""
    parameters, loads = [], []
    for i, argument in enumerate(arguments):
        if isinstance(argument, np.void):
            parameters.append(f".param .align 8 .b8 p{i}[{argument.nbytes}]")
            continue
        size = 8 if isinstance(argument, np.ndarray) else argument.nbytes
        parameters.append(f".param .b{8 * size} p{i}")
        if size >= 4:
            place = {4: "%s", 8: "%a"}[size]
            loads.append(f"ld.param.b{8 * size} {place}{i}, [p{i}];")
        if isinstance(argument, np.ndarray):
            loads.append(f"cvta.to.global.u64 %a{i}, %a{i};")
            if argument.shape and argument.shape[0] == threads:
                size = argument.nbytes // threads
                loads.append(f"mad.wide.u32 %e{i}, %index, {size}, %a{i};")
    return (
        f"{HEADER}{variables}\n"
        f".visible .entry k({', '.join(parameters)})\n{{{REGISTERS}"
        "  mov.u32 %r61, %ctaid.x;\n  mov.u32 %r62, %ntid.x;\n"
        "  mov.u32 %r63, %tid.x;\n  mad.lo.u32 %index, %r61, %r62, %r63;\n"
        + "".join(f"  {load}\n" for load in loads)
        + f"{body}\n  ret;\n}}\n"
    )


def dump(ptx):
    if directory := os.environ.get("DSA_DUMP_PTX"):
        name = hashlib.sha1(ptx.encode()).hexdigest()[:16]
        pathlib.Path(directory, f"{name}.ptx").write_text(ptx)


def run(body, *arguments, block, grid=1, variables="", **options):
    """Runs a kernel of `body` in blocks of `block` x 1 x 1, with no race.

    It is run with the host's best instructions and with the least, to the same bits.
    """
    ptx = text(body, arguments, grid * block, variables)
    dump(ptx)
    arrays = [x for x in arguments if isinstance(x, np.ndarray)]
    before = [x.copy() for x in arrays]
    results = []
    for isa in ("best", "baseline"):
        for array, content in zip(arrays, before):
            array[...] = content
        report = emulator.launch(ptx, "k", grid, block, arguments, isa=isa, **options)
        assert report.races == []
        results.append([x.tobytes() for x in arrays])
    assert results[0] == results[1]


def register(dtype, number):
    dtype = np.dtype(dtype)
    wide = dtype in FLOATS and dtype.itemsize >= 4
    return {1: "%h", 2: "%h", 4: "%f" if wide else "%r", 8: "%g" if wide else "%d"}[
        dtype.itemsize
    ] + str(number)


def memory_type(dtype):
    """The type with which ld and st move a value of `dtype`."""
    dtype = np.dtype(dtype)
    if dtype.itemsize == 1:
        return "s8" if dtype.kind == "i" else "u8"
    return f"{'f' if dtype in FLOATS and dtype.itemsize >= 4 else 'b'}{8 * dtype.itemsize}"


def each(instruction, *inputs, out):
    """What `instruction` gives for each element of the inputs, one thread each.

    $d is the destination, $a, $b, $c and $e are the inputs. A line is one
    instruction; it may write registers %p1..%p9 and those numbered 20..29. It is
    run by all threads, guarded by a predicate that some lack, and behind a branch
    that some take: where it must not run, the destination stays as it was.
    """
    out = np.dtype(out)
    count = len(inputs[0])
    grid = -(-count // BLOCK)
    generator = np.random.default_rng(count)
    guard = generator.integers(0, 2, grid * BLOCK, dtype=np.uint8)
    before = generator.integers(0, 256, (grid * BLOCK, 3 * out.itemsize), dtype=np.uint8)
    results = before.copy()
    places = {"d": register(out, 10)}
    loads = []
    for i, (name, values) in enumerate(zip("abce", inputs)):
        places[name] = register(values.dtype, 11 + i)
        loads.append(f"  ld.global.{memory_type(values.dtype)} {places[name]}, [%e{i + 2}];")
    lines = string.Template(instruction).substitute(places).strip().splitlines()
    plain, guarded = "\n".join(lines), "\n".join(f"@%p15 {line.strip()}" for line in lines)
    kind, destination = memory_type(out), places["d"]
    forms = [plain, guarded, f"@!%p15 bra SKIP;\n{plain}\nSKIP:"]
    body = "\n".join(
        ["  ld.global.u8 %h31, [%e1];", "  setp.ne.b16 %p15, %h31, 0;"]
        + loads
        + [
            f"  ld.global.{kind} {destination}, [%e0+{i * out.itemsize}];\n{form}\n"
            f"  st.global.{kind} [%e0+{i * out.itemsize}], {destination};"
            for i, form in enumerate(forms)
        ]
    )
    padded = [np.resize(values, grid * BLOCK) for values in inputs]
    run(body, results, guard, *padded, block=BLOCK, grid=grid)
    results, before = (x.reshape(-1, 3, out.itemsize) for x in (results, before))
    for form, name in ((1, "guarded"), (2, "behind a branch")):
        expected = np.where(guard[:, None], results[:, 0], before[:, form])
        np.testing.assert_array_equal(results[:, form], expected, err_msg=name)
    return np.ascontiguousarray(results[:count, 0]).view(out).ravel()


def bits(values):
    return values.view(f"u{values.dtype.itemsize}")


def same(got, want, *inputs):
    """Asserts the same bits, where one NaN is as good as another."""
    want = np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    wrong = bits(np.ascontiguousarray(got)) != bits(np.ascontiguousarray(want))
    if got.dtype in FLOATS:
        with np.errstate(invalid="ignore"):
            wrong &= ~(np.isnan(got.astype(np.float64)) & np.isnan(want.astype(np.float64)))
    fail(wrong, got, want, inputs)


def close(got, want, tolerance, *inputs):
    """Asserts that `got` is within `tolerance`, absolute, of the exact `want`.

    `want` is f64. Where it is an infinity, a NaN or a zero, the result is too.
    """
    got64, special = got.astype(np.float64), ~np.isfinite(want) | (want == 0)
    with np.errstate(invalid="ignore"):
        wrong = np.where(special, bits(got64) != bits(want), abs(got64 - want) > tolerance)
    wrong |= ~special & np.isnan(got64)
    wrong &= ~(np.isnan(got64) & np.isnan(want))
    fail(wrong, got, want, inputs)


def fail(wrong, got, want, inputs):
    if wrong.any():
        first = np.argwhere(wrong)[:8]
        rows = [
            f"{tuple(map(int, i))}: of {[x[tuple(i)] for x in inputs]} got {got[tuple(i)]!r} "
            f"({bits(got)[tuple(i)]:#x}), not {want[tuple(i)]!r} ({bits(want)[tuple(i)]:#x})"
            for i in first
        ]
        raise AssertionError(f"{wrong.sum()} of {wrong.size} are wrong\n" + "\n".join(rows))


def wrap(values, dtype):
    """Integers of any size in `dtype`, by their low bits."""
    size = 8 * np.dtype(dtype).itemsize
    low = [int(value) & (1 << size) - 1 for value in values]
    return np.array(low, dtype=f"u{size // 8}").view(dtype)


def integers(dtype, count=100, seed=1):
    """The edges of the type, then random values of all magnitudes."""
    size = 8 * np.dtype(dtype).itemsize
    generator = np.random.default_rng(seed)
    edges = [0, 1, 2, 7, -1, -2, 1 << size - 1, (1 << size - 1) - 1, (1 << size - 1) + 1]
    edges += [int("55" * (size // 8), 16), int("f0" * (size // 8), 16)]
    lengths = generator.integers(1, size + 1, count)
    some = [int.from_bytes(generator.bytes(8), "little") & (1 << int(n)) - 1 for n in lengths]
    signs = generator.integers(0, 2, count)
    return wrap(edges + [-x if s else x for x, s in zip(some, signs)], dtype)


def floats(dtype, count=100, seed=1):
    """Zeros, subnormals, powers, ties, infinities and NaN, then random bits."""
    dtype = np.dtype(dtype)
    size, (precision, lowest, highest) = 8 * dtype.itemsize, FORMATS[dtype]
    tiny, unit = 2.0**lowest, 2.0 ** (1 - precision)
    edges = [0, tiny * unit, tiny * (1 - unit), tiny, 0.5, 1, 1 + unit, 1.5, 2, 2.5, 3, np.pi]
    edges += [1 - unit / 2, 100, 0.1, 2.0**highest, (2 - unit) * 2.0**highest, np.inf, np.nan]
    edges = np.array(edges, np.float64).astype(dtype)
    some = np.random.default_rng(seed).bytes(count * dtype.itemsize)
    middle = np.random.default_rng(seed + 1).normal(size=count) * 8
    random = np.frombuffer(some, dtype=f"u{size // 8}").copy()
    with np.errstate(invalid="ignore"):
        nan = np.isnan(random.view(dtype))
    random[nan] |= 1 << precision - 2  # None that signals, which NumPy warns of.
    return np.concatenate([edges, -edges, random.view(dtype), middle.astype(dtype)])


def pairs(values, count=25):
    """All pairs of the first `count` values, then the rest in pairs."""
    first, rest = values[:count], values[count:]
    a = np.concatenate([np.repeat(first, len(first)), rest])
    b = np.concatenate([np.tile(first, len(first)), np.roll(rest, 1)])
    return a, b


# Bits of the significand, the lowest and the highest exponent.
FORMATS = {
    np.dtype(np.float16): (11, -14, 15),
    BF16: (8, -126, 127),
    np.dtype(np.float32): (24, -126, 127),
    np.dtype(np.float64): (53, -1022, 1023),
}


def rounded(value, dtype, mode="rn"):
    """A fraction in a format: to nearest even, to zero, to minus or plus infinity."""
    dtype = np.dtype(dtype)
    precision, lowest, highest = FORMATS[dtype]
    two, negative, size = fractions.Fraction(2), value < 0, abs(fractions.Fraction(value))
    if not size:
        return dtype.type(0)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= two**exponent > size
    unit = two ** (max(exponent, lowest) - precision + 1)
    whole, rest = divmod(size, unit)
    away = (mode == "rp" and not negative) or (mode == "rm" and negative)
    if mode == "rn":
        whole += 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    elif away and rest:
        whole += 1
    largest = (two**precision - 1) * two ** (highest - precision + 1)
    if whole * unit > largest:
        result = np.inf if mode == "rn" or away else float(largest)
    else:
        result = float(whole * unit)
    return np.float64(-result if negative else result).astype(dtype)


def flushed(values):
    """`values` with subnormal ones as zeros of their sign, as .ftz has them."""
    small = abs(values) < np.finfo(values.dtype).tiny
    return np.where(small, np.copysign(values.dtype.type(0), values), values)
