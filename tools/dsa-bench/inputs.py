"""The inputs of a case, as dsa-bench makes them (Inputs.cpp), in NumPy.

Element i of an argument is made of bits that depend on i and on the argument's
role only. Narrow floats are their bits: bf16 as uint16, f8E4M3FN as uint8.
"""

import zlib

import numpy as np

ROLES = {"query": 0, "keys": 1, "block_table": 2, "key_scale": 3, "weights": 4, "hi": 5,
         "scores": 6}
PIECE = np.uint64((1 << 21) - 1)


def bits(role, count):
    z = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(ROLES[role] << 40)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def floats(role, shape, element="f32"):
    """Bell-shaped, of variance 1; f8E4M3FN: exponents of 2^-6 to 2^1."""
    z = bits(role, int(np.prod(shape)))
    if element == "f8E4M3FN":
        sign, exponent, mantissa = (z & np.uint64(1), z >> np.uint64(1) & np.uint64(7),
                                    z >> np.uint64(4) & np.uint64(7))
        codes = sign << np.uint64(7) | (exponent + np.uint64(1)) << np.uint64(3) | mantissa
        return codes.astype(np.uint8).reshape(shape)
    total = sum((z >> np.uint64(shift) & PIECE).astype(np.int64) for shift in (0, 21, 42))
    values = ((2 * total - 3 * int(PIECE)) / 2.0 ** 21).astype(np.float32).reshape(shape)
    return (values.view(np.uint32) >> 16).astype(np.uint16) if element == "bf16" else values


def make(case):
    """The arguments of the case's function, by name, in order."""
    T, S = case["T"], case["S"]
    if case["op"] == "top_k":
        return {"scores": floats("scores", (T, S))}
    Hi, D, keys, page = case["Hi"], case["D"], case["keys"], case["page"]
    made = {"query": floats("query", (T, Hi, D), "bf16" if keys == "f8E4M3FN" else keys)}
    made["keys"] = floats("keys", (S // page, page, D) if page else (S, D), keys)
    if page:
        made["block_table"] = np.argsort(bits("block_table", S // page)).astype(np.int32)[None]
    if keys == "f8E4M3FN":
        fraction = (bits("key_scale", S) >> np.uint64(40)).astype(np.float32)
        made["key_scale"] = np.float32(0.5) + fraction / np.float32(1 << 24)
    made["weights"] = floats("weights", (T, Hi))
    if case["causal"]:
        made["hi"] = np.arange(S - T + 1, S + 1, dtype=np.int32)
    return made


def checksums(arrays):
    return {name: zlib.crc32(array.tobytes()) for name, array in arrays.items()}
