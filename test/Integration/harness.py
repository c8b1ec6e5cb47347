"""Runs one op, given as arrays, through dsa-run on a target.

An op is written as a list of clauses in the order of its assembly: strings
stand for themselves, `Clause(name, arrays)` for `name(%a, %b : types)`. Each
array becomes an argument of the function, so a test says what it means once.
"""

import contextlib
import dataclasses
import os
import pathlib
import subprocess

import ml_dtypes
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("DSA_BUILD_DIR", ROOT / "build")) / "bin"
# A hang is a failure; nothing here takes near as long.
LIMIT_S = 120

BF16, F8 = np.dtype(ml_dtypes.bfloat16), np.dtype(ml_dtypes.float8_e4m3fn)
TYPES = {np.dtype(np.float32): "f32", np.dtype(np.float16): "f16", BF16: "bf16",
         F8: "f8E4M3FN", np.dtype(np.int32): "i32", np.dtype(np.uint8): "i8",
         np.dtype(np.int8): "i8", np.dtype(np.float64): "f64"}
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": BF16, "f8E4M3FN": F8,
          "i32": np.int32, "f64": np.float64}
BITS = {BF16: np.uint16, F8: np.uint8}


class Clause:
    """`name(%a, %b : type, type)`; nothing if there are no arrays. With `columns_known`, the last
    dimension is static even where others are dynamic."""

    def __init__(self, name, *arrays, suffix="", columns_known=False):
        self.name, self.suffix, self.columns_known = name, suffix, columns_known
        self.arrays = [np.asarray(a) for a in arrays if a is not None]


@dataclasses.dataclass
class Result:
    """A result of the op: its shape and element type; `dims` for dynamic ones."""
    shape: tuple
    type: str


class Failure(Exception):
    """dsa-run ended with another code than 0."""

    def __init__(self, code, message):
        super().__init__(f"exit code {code}: {message}")
        self.code, self.message = code, message


def tensor_type(shape, type_name, dynamic, kept=(), turn=0):
    """`dynamic`: every dimension but `kept` (True), none (False), or every other one, beginning
    with `turn` ("mixed"), so that operands know different ones of the same extents."""
    def hidden(d):
        return d not in kept and (dynamic is True or dynamic == "mixed" and (d + turn) % 2 == 0)

    dims = "".join("?x" if hidden(d) else f"{n}x" for d, n in enumerate(shape))
    return f"tensor<{dims}{type_name}>"


def function_text(op, clauses, results, dynamic, static_results=()):
    """The function @f of an op, and its arguments in order.

    `dynamic` is that of `tensor_type`; results keep the dimensions that
    `static_results` lists per result (K, dv)."""
    arguments, parts, types = [], [], []
    for clause in clauses:
        if isinstance(clause, str):
            parts.append(clause)
            continue
        if not clause.arrays:
            continue
        names = [f"%a{len(arguments) + i}" for i in range(len(clause.arrays))]
        texts = [tensor_type(a.shape, TYPES[a.dtype], dynamic,
                             (a.ndim - 1,) if clause.columns_known else (), len(arguments) + i)
                 for i, a in enumerate(clause.arrays)]
        arguments += clause.arrays
        types += texts
        parts.append(f"{clause.name}({', '.join(names)} : {', '.join(texts)}{clause.suffix})")
    # Inits come as arguments too: their contents must not matter.
    inits, init_types = [], []
    for i, result in enumerate(results):
        kept = static_results[i] if static_results else ()
        inits.append(f"%r{i}")
        init_types.append(tensor_type(result.shape, result.type, dynamic, kept, turn=i))
    signature = ", ".join([f"%a{i}: {t}" for i, t in enumerate(types)]
                          + [f"{n}: {t}" for n, t in zip(inits, init_types)])
    returned = ", ".join(f"%x#{i}" for i in range(len(results))) if len(results) > 1 else "%x"
    bound = f"%x:{len(results)}" if len(results) > 1 else "%x"
    text = (f"func.func @f({signature}) -> ({', '.join(init_types)}) {{\n"
            f"  {bound} = {op} {' '.join(parts)}\n"
            f"      outs({', '.join(inits)} : {', '.join(init_types)})\n"
            f"  return {returned} : {', '.join(init_types)}\n}}\n")
    for result in results:
        # Poison: a kernel that reads an init shows it.
        dtype = np.dtype(DTYPES[result.type])
        fill = np.full(result.shape, 0x7f, np.uint8 if dtype.itemsize == 1 else np.uint16) \
            if dtype in BITS else np.full(result.shape, 12345, dtype)
        arguments.append(fill.view(dtype) if dtype in BITS else fill)
    return text, arguments


# What functions are compiled for, by the name that tests show.
TARGETS = {"reference": ["--target=reference"], "cpu": ["--target=cpu"],
           "cpu with 8 lanes": ["--target=cpu", "--features=-avx512f"],
           "cpu with 4 lanes": ["--target=cpu", "--features=-avx512f,-avx2"],
           "cpu without bf16 pairs": ["--target=cpu", "--features=-avx512bf16"],
           # On the emulator, which ends with exit code 70 where it sees a race.
           **{chip: [f"--target={chip}:emulated"]
              for chip in ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")}}
_target = "reference"
_passes = ()


@contextlib.contextmanager
def compiled_for(target):
    """Functions executed in this context are compiled for a target of TARGETS."""
    global _target
    before, _target = _target, target
    try:
        yield
    finally:
        _target = before


def is_gpu():
    """Whether functions executed now are compiled for a GPU."""
    return _target.startswith("sm_")


@contextlib.contextmanager
def rewritten_by(*options):
    """Functions executed in this context first go through dsa-opt with `options`."""
    global _passes
    _passes = options
    try:
        yield
    finally:
        _passes = ()


def execute(text, arguments, result_types, folder, function="f", options=()):
    """The results of a function of `text`, as arrays of `result_types`."""
    folder = pathlib.Path(folder)
    if _passes:
        rewritten = rewrite(text, *_passes)
        assert rewritten != rewrite(text), f"{_passes} left alone:\n{text}"
        text = rewritten
    (folder / "f.mlir").write_text(text)
    command = [str(BIN / "dsa-run"), str(folder / "f.mlir"), f"--function={function}",
               *TARGETS[_target], *options]
    for i, array in enumerate(arguments):
        bits = BITS.get(array.dtype)
        np.save(folder / f"in{i}.npy", array.view(bits) if bits else array)
        command.append(f"--input={folder}/in{i}.npy")
    command += [f"--output={folder}/out{i}.npy" for i in range(len(result_types))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise Failure(done.returncode, f"{done.stderr}\n{' '.join(command)}\n{text}")
    loaded = []
    for i, type_name in enumerate(result_types):
        array, dtype = np.load(folder / f"out{i}.npy"), np.dtype(DTYPES[type_name])
        loaded.append(array.view(dtype) if dtype in BITS else array)
    return loaded


def rewrite(text, *options):
    """What dsa-opt makes of `text`."""
    done = subprocess.run([BIN / "dsa-opt", *options], input=text, text=True,
                          capture_output=True, timeout=LIMIT_S)
    if done.returncode:
        raise Failure(done.returncode, f"{done.stderr}\n{' '.join(options)}\n{text}")
    return done.stdout


def same_bits(xs, ys):
    """Whether two lists of arrays are equal, NaN and signs of zero included."""
    return all(x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()
               for x, y in zip(xs, ys, strict=True))


def run(folder, op, clauses, results, dynamic=False, static_results=(), options=()):
    """The results of an op, in order."""
    text, arguments = function_text(op, clauses, results, dynamic, static_results)
    return execute(text, arguments, [r.type for r in results], folder, options=options)


PRESETS = ("mla_656", "mla_584", "index_132")


def field_text(field):
    """`64 x f8E4M3FN at 8 scale f32 per 32 at 0`."""
    text = f"{field.count} x {field.type} at {field.offset}"
    if not field.group:
        return text
    scale = {"f32": "f32", "e8m0": "f8E8M0FNU"}[field.scale_type]
    return f"{text} scale {scale} per {field.group} at {field.scale_offset}"


def layout_text(layout):
    """`<index_132, page = 64>` of a layout of the reference; one without a name spelled out."""
    page = f", page = {layout.page}" if layout.page else ""
    if layout.name in PRESETS:
        return f"<{layout.name}{page}>"
    fields = ", ".join(field_text(field) for field in layout.fields)
    scales = f", scale_record_bytes = {layout.scale_record_bytes}" if layout.scale_record_bytes \
        else ""
    size = f", page_bytes = {layout.page_bytes}" if layout.page else ""
    return f"<[{fields}], record_bytes = {layout.record_bytes}{page}{scales}{size}>"


def score_clauses(q, k, w, *, q_tail=None, k_tail=None, key_scale=None, block_table=None,
                  row_ids=None, lo=None, hi=None, activation="relu", paged=False, layout=None):
    """The clauses of SCORE, with the keywords of the reference."""
    return [Clause("query", q), Clause("query_tail", q_tail), Clause("keys", k),
            Clause("key_tail", k_tail), "paged" if paged else "",
            f"layout = {layout_text(layout)}" if layout else "",
            Clause("block_table", block_table), Clause("row_ids", row_ids),
            Clause("key_scale", key_scale), Clause("weights", w), Clause("lo", lo),
            Clause("hi", hi), f"activation = {activation}" if activation != "relu" else ""]


def select_clauses(k, *, ids=None, translate=None, translate_row_ids=None,
                   order="index_ascending"):
    """The clauses of SELECT after scores and bounds."""
    table, page = translate or (None, None)
    return [Clause("ids", ids), Clause("translate", table, suffix=f", page = {page}"),
            Clause("translate_row_ids", translate_row_ids),
            f"order = {order}" if order != "index_ascending" else ""]


def positions(q, k, block_table=None, paged=False, layout=None, **_):
    """S of a key source."""
    if not paged:
        return k.shape[-2]
    return block_table.shape[1] * (layout.page if layout else k.shape[1])


def indexer_scores(folder, q, k, w, dynamic=False, options=(), **keywords):
    rows = q.shape[:-2]
    result = Result(rows + (positions(q, k, **keywords),), "f32")
    return run(folder, "dsa.indexer_scores", score_clauses(q, k, w, **keywords), [result],
               dynamic, options=options)[0]


def _run_selection(folder, op, clauses, rows, k, dynamic, values):
    """(indices, count, values), or (indices, count)."""
    results = [Result(rows + (k,), "i32"), Result(rows, "i32"), Result(rows + (k,), "f32")]
    kept = [(len(rows),), (), (len(rows),)]
    n = 3 if values else 2
    return run(folder, op, clauses, results[:n], dynamic, kept[:n])


def top_k(folder, scores, k, *, lo=None, hi=None, dynamic=False, values=True, **keywords):
    clauses = [Clause("scores", scores), f"k = {k}", Clause("lo", lo), Clause("hi", hi),
               *select_clauses(k, **keywords)]
    return _run_selection(folder, "dsa.top_k", clauses, scores.shape[:-1], k, dynamic, values)


def lightning_indexer(folder, q, k, w, top, *, dynamic=False, values=True, ids=None,
                      translate=None, translate_row_ids=None, order="index_ascending",
                      **keywords):
    clauses = [*score_clauses(q, k, w, **keywords), f"k = {top}",
               *select_clauses(top, ids=ids, translate=translate,
                               translate_row_ids=translate_row_ids, order=order)]
    return _run_selection(folder, "dsa.lightning_indexer", clauses, q.shape[:-2], top, dynamic,
                          values)


def sparse_attention(folder, q, keys, indices, *, scale, dv, q_tail=None, key_tails=(),
                     counts=(), values=(), block_tables=(), row_ids=None, sink=None,
                     paged=False, layouts=(), compute_type=None, out_type=None, dynamic=False,
                     options=()):
    rows = q.shape[:-1]
    texts = [f"#dsa.kv_layout{layout_text(x) if x else '<dense>'}" for x in layouts]
    clauses = [Clause("query", q, columns_known=is_gpu()),
               Clause("query_tail", q_tail, columns_known=is_gpu()), Clause("keys", *keys),
               Clause("key_tails", *key_tails), Clause("values", *values),
               "paged" if paged else "", f"layouts = [{', '.join(texts)}]" if texts else "",
               Clause("block_tables", *block_tables), Clause("row_ids", row_ids),
               Clause("indices", *indices), Clause("counts", *counts), Clause("sink", sink),
               f"scale = {float(np.float32(scale)):.9e} dv = {dv}",
               f"compute_type = {compute_type}" if compute_type else ""]
    results = [Result(rows + (dv,), out_type or TYPES[q.dtype]), Result(rows, "f32")]
    return run(folder, "dsa.sparse_attention", clauses, results, dynamic, [(len(rows),), ()],
               options)


def merge_attention(folder, outs, lses, sink=None, *, out_type=None, dynamic=False,
                    options=()):
    clauses = [Clause("parts", *outs), Clause("lses", *lses), Clause("sink", sink)]
    results = [Result(outs[0].shape[1:], out_type or TYPES[outs[0].dtype]),
               Result(lses[0].shape[1:], "f32")]
    return run(folder, "dsa.merge_attention", clauses, results, dynamic, options=options)


def unpack(folder, packed, layout, *, paged, to="f32", dynamic=False):
    rows = (packed.shape[0], layout.page) if paged else packed.shape[:1]
    width = sum(field.count for field in layout.fields)
    results = [Result(rows + (width,), {"codes": "f8E4M3FN"}.get(to, to))]
    kept = [tuple(range(1, len(rows) + 1))]
    if to == "codes":
        groups = layout.fields[0].count // layout.fields[0].group
        results.append(Result(rows if groups == 1 else rows + (groups,), "f32"))
        kept.append(tuple(range(1, len(results[1].shape))))
    clauses = [Clause("packed", packed), "paged" if paged else "",
               f"layout = {layout_text(layout)}"]
    return run(folder, "dsa.unpack", clauses, results, dynamic, kept)
