"""Where operands of dsa.sparse_attention's GPU kernel stand: slices, alignment, parts of lists."""

import re

import numpy as np
import pytest

from harness import Failure, execute, rewritten_by
from problems import make
from reference import inputs

TARGETS = ("sm_80",)


class Text:
    """A function on tensors, line by line."""

    def __init__(self):
        self.arguments, self.arrays, self.lines = [], [], []

    def argument(self, array, type_name):
        name = f"%a{len(self.arrays)}"
        text = f"tensor<{'x'.join(map(str, array.shape))}x{type_name}>"
        self.arguments.append(f"{name}: {text}")
        self.arrays.append(array)
        return name, text

    def value(self, text, type_text):
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name, type_text

    def part(self, source, offsets, shape, step=1):
        """A slice of a value, with every `step`-th element of the last dimension."""
        name, text = source
        result = re.sub(r"(\d+x)+", "x".join(map(str, shape)) + "x", text, count=1)
        steps = ", ".join(["1"] * (len(shape) - 1) + [str(step)])
        return self.value(f"tensor.extract_slice {name}[{', '.join(map(str, offsets))}] "
                          f"[{', '.join(map(str, shape))}] [{steps}] : {text} to {result}",
                          result)

    def function(self, returned):
        types = ", ".join(text for _, text in returned)
        body = "\n  ".join(self.lines)
        return (f"func.func @f({', '.join(self.arguments)}) -> ({types}) {{\n  {body}\n"
                f"  return {', '.join(name for name, _ in returned)} : {types}\n}}\n")


def clause(name, *operands):
    return f"{name}({', '.join(n for n, _ in operands)} : {', '.join(t for _, t in operands)})"


def surrounded(array, before, after, step=1):
    """A tensor of NaN, or of indices that name no row, with `array` inside: `step` elements from
    one of a row to the next."""
    steps = [1] * (array.ndim - 1) + [step]
    ends = [b + n * s for b, n, s in zip(before, array.shape, steps)]
    fill = 2**31 - 1 if array.dtype == np.int32 else np.nan
    large = np.full([e + a for e, a in zip(ends, after)], fill, np.float64).astype(array.dtype)
    large[tuple(map(slice, before, ends, steps))] = array
    return large


def embedded(text, array, type_name, before, after, step=1):
    """A slice of an argument with `array` in it."""
    return text.part(text.argument(surrounded(array, before, after, step), type_name), before,
                     array.shape, step)


@pytest.mark.parametrize("step", [1, 3])
def test_slices_of_tensors(tmp_path, step):
    """Padded pages, rows, heads and lists: addresses and strides of 16 bytes, no other. What is
    read by the element may have its elements anywhere."""
    problem = make(inputs.rng(1), 3, 6, [(90, 70), (50, 40)], 96, 64, cut=32, values=True,
                   page=[16, 7], table=True, row_ids=True, counts=True, sink=True)
    more, text = problem.keywords, Text()

    def pools(arrays, before, after):
        return [embedded(text, x, "bf16", (1, 2, 8 * before), (2, 3, 8 * after)) for x in arrays]

    q = embedded(text, problem.q, "bf16", (1, 2, 8), (1, 3, 24))
    tail = embedded(text, more["q_tail"], "bf16", (0, 1, 16), (1, 1, 8))
    keys, tails = pools(problem.keys, 1, 1), pools(more["key_tails"], 0, 3)
    values = pools(more["values"], 2, 3)
    lists = [embedded(text, x, "i32", (1, 3), (1, 4), step) for x in problem.indices]
    counts = [embedded(text, x, "i32", (1,), (1,), step) for x in more["counts"]]
    tables = [embedded(text, x, "i32", (1, 1), (1, 1), step) for x in more["block_tables"]]
    ids = embedded(text, more["row_ids"], "i32", (2,), (1,), step)
    sink = embedded(text, more["sink"], "f32", (3,), (1,), step)
    # Results that are parts of a tensor: of one part, merged.
    held = [text.value(f"tensor.empty() : {t}", t)
            for t in ("tensor<1x4x9x80xf32>", "tensor<1x4x9xf32>")]
    inits = [text.value(f"tensor.extract_slice {held[0][0]}[0, 1, 2, 8] [1, 3, 6, 64] [1, 1, 1, 1]"
                        f" : {held[0][1]} to tensor<3x6x64xf32>", "tensor<3x6x64xf32>"),
             text.value(f"tensor.extract_slice {held[1][0]}[0, 1, 2] [1, 3, 6] [1, 1, 1]"
                        f" : {held[1][1]} to tensor<3x6xf32>", "tensor<3x6xf32>")]
    text.lines.append("%x:2 = dsa.sparse_attention " + " ".join([
        clause("query", q), clause("query_tail", tail), clause("keys", *keys),
        clause("key_tails", *tails), clause("values", *values), "paged",
        clause("block_tables", *tables), clause("row_ids", ids), clause("indices", *lists),
        clause("counts", *counts), f"scale = {np.float32(more['scale']):.9e} dv = 64",
        clause("outs", *inits)]))
    out = text.value(f"tensor.insert_slice %x#0 into {held[0][0]}[0, 1, 2, 8] [1, 3, 6, 64] "
                     f"[1, 1, 1, 1] : tensor<3x6x64xf32> into {held[0][1]}", held[0][1])
    lse = text.value(f"tensor.insert_slice %x#1 into {held[1][0]}[0, 1, 2] [1, 3, 6] [1, 1, 1] : "
                     f"tensor<3x6xf32> into {held[1][1]}", held[1][1])
    parts, lses = (text.part(out, (0, 1, 2, 8), (1, 3, 6, 64)),
                   text.part(lse, (0, 1, 2), (1, 3, 6)))
    results = [text.value(f"tensor.empty() : {t}", t)
               for t in ("tensor<3x6x64xf32>", "tensor<3x6xf32>")]
    text.lines.append("%y:2 = dsa.merge_attention " + " ".join([
        clause("parts", parts), clause("lses", lses), clause("sink", sink),
        clause("outs", *results)]))
    returned = [("%y#0", results[0][1]), ("%y#1", results[1][1])]
    out, lse = execute(text.function(returned), text.arrays, ["f32", "f32"], tmp_path)
    problem.compare(out, lse)


# Slices whose address or whose stride is not one of 16 bytes, and what the call says.
MISALIGNED = [
    ("query", (0, 0, 4), (0, 0, 12), r"query: its address is \d+, expected a multiple of 16"),
    ("query", (0, 0, 0), (0, 0, 4),
     r"query: the stride in bytes of its dimension 0 is 312, expected a multiple of 16"),
    ("keys", (0, 1), (0, 15), r"keys\[0\]: its address is \d+, expected a multiple of 16"),
    ("keys", (0, 0), (0, 2),
     r"keys\[0\]: the stride in bytes of its dimension 0 is 100, expected a multiple of 16"),
    ("values", (0, 0), (0, 1),
     r"values\[0\]: the stride in bytes of its dimension 0 is 66, expected a multiple of 16"),
    ("key_tails", (3, 4), (0, 4),
     r"key_tails\[0\]: its address is \d+, expected a multiple of 16"),
    ("query_tail", (0, 0, 4), (0, 0, 4),
     r"query_tail: its address is \d+, expected a multiple of 16")]


def sliced(tmp_path, operand="", before=(), after=(), t=2, h=3, step=1):
    """Runs and compares, one operand being a slice."""
    problem = make(inputs.rng(2), t, h, [(60, 40)], 64, 32, cut=16, values=True)
    more, text = problem.keywords, Text()
    names = {"query": problem.q, "query_tail": more["q_tail"], "keys": problem.keys[0],
             "key_tails": more["key_tails"][0], "values": more["values"][0]}
    clauses = []
    for name, array in names.items():
        nothing = (0,) * array.ndim
        around = (before or nothing, after or nothing, step)
        if name != operand:
            around = (nothing, nothing)
        clauses.append(clause(name, embedded(text, array, "bf16", *around)))
    indices = text.argument(problem.indices[0], "i32")
    inits = [text.value(f"tensor.empty() : {x}", x)
             for x in (f"tensor<{t}x{h}x32xbf16>", f"tensor<{t}x{h}xf32>")]
    text.lines.append("%x:2 = dsa.sparse_attention " + " ".join([
        *clauses, clause("indices", indices), f"scale = {np.float32(more['scale']):.9e} dv = 32",
        clause("outs", *inits)]))
    returned = [("%x#0", inits[0][1]), ("%x#1", inits[1][1])]
    problem.compare(*execute(text.function(returned), text.arrays, ["bf16", "f32"], tmp_path))


@pytest.mark.parametrize("operand, before, after, message", MISALIGNED,
                         ids=[f"{name}-{before}" for name, before, _, _ in MISALIGNED])
def test_what_is_not_aligned_fails_the_call(tmp_path, operand, before, after, message):
    with pytest.raises(Failure, match="'f' returned status 1: " + message) as raised:
        sliced(tmp_path, operand, before, after)
    assert raised.value.code == 1


@pytest.mark.parametrize("operand, dimension", [
    ("query", 2), ("query_tail", 2), ("keys", 1), ("key_tails", 1), ("values", 1)])
def test_rows_whose_elements_are_apart_fail_the_call(tmp_path, operand, dimension):
    """16 bytes are copied at a time: what is between would be copied, too."""
    name = operand if operand.startswith("query") else rf"{operand}\[0\]"
    with pytest.raises(Failure, match=f"'f' returned status 1: {name}: the stride in bytes of its "
                                      f"dimension {dimension} is 4, expected 2\n") as raised:
        sliced(tmp_path, operand, step=2)
    assert raised.value.code == 1


def test_strides_of_dimensions_of_1_do_not_count(tmp_path):
    sliced(tmp_path, "query", (0, 0, 0), (0, 0, 3), t=1, h=1)
    with pytest.raises(Failure, match="dimension 1 is 102,"):
        sliced(tmp_path, "query", (0, 0, 0), (0, 0, 3), t=1)


@pytest.mark.parametrize("parts", [2, 3])
def test_split_before_kernels(tmp_path, parts):
    """dsa-split: slots of lists in parts, whose rows are apart, and a merge of their results."""
    problem = make(inputs.rng(3), 3, 6, [(90, 70), (50, 40)], 64, 64, sink=True)
    with rewritten_by(f"--dsa-split=slot-parts={parts}"):
        problem.check(tmp_path, out_type="f32")


def test_nothing_is_written_beside_results(tmp_path):
    """Heads in blocks of 64 of which few exist, columns in tiles of 16 for more warps than that:
    the emulator knows every allocation."""
    for h, dv in ((1, 16), (65, 16), (63, 80)):
        make(inputs.rng(4), 2, h, [(40, 33)], 80, dv).check(tmp_path, dynamic=True)


LISTS_THAT_GROW = """
func.func @f(%q: tensor<5x8x64xbf16>, %kv: tensor<300x64xbf16>, %i: tensor<5x1000xi32>)
    -> (tensor<5x8x64xf32>, tensor<5x8xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %c300 = arith.constant 300 : index
  %c1000 = arith.constant 1000 : index
  %o = tensor.empty() : tensor<5x8x64xf32>
  %l = tensor.empty() : tensor<5x8xf32>
  %r:2 = scf.for %t = %c0 to %c5 step %c2 iter_args(%oo = %o, %ll = %l)
      -> (tensor<5x8x64xf32>, tensor<5x8xf32>) {
    %m = affine.min affine_map<(d0) -> (2, 5 - d0)>(%t)
    %before = arith.muli %t, %c300 : index
    %wanted = arith.addi %before, %c300 : index
    %k = arith.minui %wanted, %c1000 : index
    %qs = tensor.extract_slice %q[%t, 0, 0] [%m, 8, 64] [1, 1, 1]
        : tensor<5x8x64xbf16> to tensor<?x8x64xbf16>
    %is = tensor.extract_slice %i[%t, 0] [%m, %k] [1, 1] : tensor<5x1000xi32> to tensor<?x?xi32>
    %os = tensor.extract_slice %oo[%t, 0, 0] [%m, 8, 64] [1, 1, 1]
        : tensor<5x8x64xf32> to tensor<?x8x64xf32>
    %ls = tensor.extract_slice %ll[%t, 0] [%m, 8] [1, 1] : tensor<5x8xf32> to tensor<?x8xf32>
    %x:2 = dsa.sparse_attention query(%qs : tensor<?x8x64xbf16>) keys(%kv : tensor<300x64xbf16>)
        indices(%is : tensor<?x?xi32>) scale = 0.25 dv = 64
        outs(%os, %ls : tensor<?x8x64xf32>, tensor<?x8xf32>)
    %o2 = tensor.insert_slice %x#0 into %oo[%t, 0, 0] [%m, 8, 64] [1, 1, 1]
        : tensor<?x8x64xf32> into tensor<5x8x64xf32>
    %l2 = tensor.insert_slice %x#1 into %ll[%t, 0] [%m, 8] [1, 1]
        : tensor<?x8xf32> into tensor<5x8xf32>
    scf.yield %o2, %l2 : tensor<5x8x64xf32>, tensor<5x8xf32>
  }
  return %r#0, %r#1 : tensor<5x8x64xf32>, tensor<5x8xf32>
}
"""


@pytest.mark.parametrize("options", ["sm-count=108", "sm-count=1"])
def test_loops_whose_lists_grow(tmp_path, options):
    """The memory of splits is that of as many blocks as there are multiprocessors."""
    problem = make(inputs.rng(5), 5, 8, [(300, 1000)], 64, 64, peak=2.0)
    problem.keywords.update(scale=0.25)
    out, lse = execute(LISTS_THAT_GROW, [problem.q, problem.keys[0], problem.indices[0]],
                       ["f32", "f32"], tmp_path, options=[f"--pipeline-options={options}"])
    with pytest.raises(Failure, match="'memref.alloc' op of 'memref<.x8x64xf32>' has an extent"):
        execute(LISTS_THAT_GROW, [problem.q, problem.keys[0], problem.indices[0]], ["f32", "f32"],
                tmp_path, options=["--pipeline-options=batch-invariant"])
    problem.keywords["counts"] = [np.minimum(np.arange(5) // 2 * 600 + 300, 1000).astype(np.int32)]
    problem.compare(out, lse)
