"""The inputs of a case, as dsa-bench makes them (Inputs.cpp), in NumPy.

Element i of an argument is made of bits that depend on i and on the argument's
role only. Narrow floats are their bits: bf16 as uint16, f8E4M3FN as uint8.
"""

import zlib

import numpy as np

ROLES = {"query": 0, "keys": 1, "block_table": 2, "key_scale": 3, "weights": 4, "hi": 5,
         "scores": 6, "indices": 7, "attention_query": 8, "attention_keys": 9}
PIECE = np.uint64((1 << 21) - 1)


def bits(role, count):
    z = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(ROLES[role] << 40)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def floats(role, shape, element="f32"):
    return made_of(bits(role, int(np.prod(shape))).reshape(shape), element)


def made_of(z, element):
    """Bell-shaped, of variance 1; f8E4M3FN: exponents of 2^-6 to 2^1."""
    if element == "f8E4M3FN":
        sign, exponent, mantissa = (z & np.uint64(1), z >> np.uint64(1) & np.uint64(7),
                                    z >> np.uint64(4) & np.uint64(7))
        codes = sign << np.uint64(7) | (exponent + np.uint64(1)) << np.uint64(3) | mantissa
        return codes.astype(np.uint8)
    total = sum((z >> np.uint64(shift) & PIECE).astype(np.int64) for shift in (0, 21, 42))
    values = ((2 * total - 3 * int(PIECE)) / 2.0 ** 21).astype(np.float32)
    return (values.view(np.uint32) >> 16).astype(np.uint16) if element == "bf16" else values


def scales(z):
    """In [0.5, 1.5)."""
    return np.float32(0.5) + (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def records(role, count):
    """`mla_656`: 512 codes, 4 scales and 64 bf16."""
    z = bits(role, 1024 * count).reshape(count, 1024)
    fields = (made_of(z[:, :512], "f8E4M3FN"), scales(z[:, 512:516]),
              made_of(z[:, 516:580], "bf16"))
    return np.concatenate([np.ascontiguousarray(f).view(np.uint8) for f in fields], 1)


def indices(T, S, K, holes):
    """Different rows, ascending; every tenth is -1 if there are holes."""
    order = np.argsort(bits("indices", T * S).reshape(T, S), axis=1)
    chosen = np.sort(order[:, :K], axis=1).astype(np.int32)
    if holes:
        chosen[:, 9::10] = -1
    return chosen


def make(case):
    """The arguments of the case's function, by name, in order."""
    if case["op"] == "top_k":
        return {"scores": floats("scores", (case["T"], case["S"]))}
    if case["op"] == "sparse_attention":
        return make_attention(case) | {
            "indices": indices(case["T"], case["S"], case["K"], case["holes"])}
    return make_scores(case) | (make_attention(case) if case["op"] == "v32_core" else {})


def make_attention(case):
    S, keys = case["S"], case["keys"]
    return {"attention_query": floats("attention_query", (case["T"], case["H"], case["Dk"]),
                                      "bf16" if keys == "i8" else keys),
            "attention_keys": records("attention_keys", S) if keys == "i8" else
            floats("attention_keys", (S, case["Dk"]), keys)}


def make_scores(case):
    T, S = case["T"], case["S"]
    Hi, D, keys, page = case["Hi"], case["D"], case["keys"], case["page"]
    made = {"query": floats("query", (T, Hi, D), "bf16" if keys == "f8E4M3FN" else keys)}
    made["keys"] = floats("keys", (S // page, page, D) if page else (S, D), keys)
    if page:
        made["block_table"] = np.argsort(bits("block_table", S // page)).astype(np.int32)[None]
    if keys == "f8E4M3FN":
        made["key_scale"] = scales(bits("key_scale", S))
    made["weights"] = floats("weights", (T, Hi))
    if case["causal"]:
        made["hi"] = np.arange(S - T + 1, S + 1, dtype=np.int32)
    return made


def checksums(arrays):
    return {name: zlib.crc32(array.tobytes()) for name, array in arrays.items()}
