"""The project's own kernels, compiled and run with a PTX text of somebody's in
their place: what mutate_barriers.py breaks."""

import dataclasses
import functools
import itertools
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import emulator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from reference import compare, layouts  # noqa: E402

BF16 = layouts.DTYPES["bf16"]
BIN = emulator.build / "bin"

ATTENTION = """
func.func @attend(%q: tensor<{t}x{h}x{dk}xbf16>, %k: tensor<{s}x{dk}xbf16>{value_argument},
                  %i: tensor<{t}x{n}xi32>) -> (tensor<{t}x{h}x{dv}xf32>, tensor<{t}x{h}xf32>) {{
  %o = tensor.empty() : tensor<{t}x{h}x{dv}xf32>
  %l = tensor.empty() : tensor<{t}x{h}xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<{t}x{h}x{dk}xbf16>)
      keys(%k : tensor<{s}x{dk}xbf16>) {values} indices(%i : tensor<{t}x{n}xi32>)
      scale = 0.1 dv = {dv} outs(%o, %l : tensor<{t}x{h}x{dv}xf32>, tensor<{t}x{h}xf32>)
  return %out, %lse : tensor<{t}x{h}x{dv}xf32>, tensor<{t}x{h}xf32>
}}
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """Attention of one query row on a chip, with a schedule."""

    name: str
    chip: str
    h: int
    dk: int
    dv: int
    n: int
    options: str = ""
    has_values: bool = False

    @functools.cached_property
    def folder(self):
        return tempfile.TemporaryDirectory(prefix="dsa-mutation-")

    @functools.cached_property
    def inputs(self):
        rng = np.random.default_rng(len(self.name))
        draw = lambda *shape: rng.standard_normal(shape).astype(BF16)  # noqa: E731
        q, keys = draw(1, self.h, self.dk), draw(77, self.dk)
        values = [draw(77, self.dv)] if self.has_values else []
        return q, keys, values, rng.integers(-1, 77, (1, self.n)).astype(np.int32)

    def _path(self, name):
        return pathlib.Path(self.folder.name) / name

    def compile(self):
        """Writes the function and its inputs, and gives the text of its kernels."""
        q, keys, values, indices = self.inputs
        value_type = f"tensor<77x{self.dv}xbf16>"
        self._path("f.mlir").write_text(ATTENTION.format(
            t=1, h=self.h, dk=self.dk, dv=self.dv, s=77, n=self.n,
            value_argument=f", %v: {value_type}" if values else "",
            values=f"values(%v : {value_type})" if values else ""))
        for i, array in enumerate([q, keys, *values, indices]):
            np.save(self._path(f"{i}.npy"), array if array.dtype == np.int32
                    else array.view(np.uint16))
        subprocess.run([BIN / "dsa-compile", self._path("f.mlir"), f"--target={self.chip}",
                        f"--pipeline-options={self.options}", "--emit=ptx", "-o",
                        self._path("f.ptx")], check=True)
        return self._path("f.ptx").read_text()

    def observe(self, ptx):
        """Who objects to a text: the emulator, or the reference."""
        q, keys, values, indices = self.inputs
        count = len(values) + 3
        seen = set()
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "f.ptx").write_text(ptx)
            for seed, checks_races in itertools.product(range(2), [True, False]):
                done = subprocess.run(
                    [BIN / "dsa-run", self._path("f.mlir"), "--function=attend",
                     f"--target={self.chip}:emulated", f"--pipeline-options={self.options}",
                     f"--seed={seed}", f"--check-races={int(checks_races)}",
                     f"--ptx={folder}/f.ptx",
                     *(f"--input={self._path(f'{i}.npy')}" for i in range(count)),
                     f"--output={folder}/out.npy", f"--output={folder}/lse.npy"],
                    stderr=subprocess.PIPE, text=True)
                if "racing" in done.stderr:
                    seen.add("race")
                elif done.returncode:
                    seen.add("error")
                else:
                    try:
                        compare.attention_matches(
                            np.load(folder / "out.npy"), np.load(folder / "lse.npy"), q, [keys],
                            [indices], type="bf16", scale=0.1, dv=self.dv,
                            **({"values": values} if values else {}))
                    except AssertionError:
                        seen.add("value")
        return seen


CASES = [
    # The defaults of both classes of shared memory, with a part of the query in it and without;
    # a list that is split, so that the merge runs; one stage; more of them; keys of two quads.
    Case("attention_163KB", "sm_80", 64, 576, 512, 320),
    Case("attention_99KB", "sm_86", 32, 576, 512, 320),
    Case("attention_16_heads", "sm_86", 8, 64, 64, 330),
    Case("attention_values", "sm_86", 32, 576, 512, 100, has_values=True),
    Case("attention_4_stages", "sm_90", 64, 128, 128, 330, "stages=4 sm-count=1"),
    Case("attention_64_keys", "sm_90", 32, 128, 112, 330, "keys=64 stages=1 sm-count=1"),
]
