"""The project's own kernels, compiled and run with a PTX text of somebody's in
their place: what mutate_barriers.py breaks."""

import dataclasses
import functools
import itertools
import pathlib
import subprocess
import sys
import tempfile

TEST = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TEST), str(TEST / "Integration"), str(TEST / "Integration" / "GPU")]

import harness  # noqa: E402
from problems import Problem, make  # noqa: E402
from reference import inputs  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Case:
    """Attention on a chip, with options of its pipeline."""

    name: str
    chip: str
    problem: Problem
    options: str = ""
    dynamic: bool = False

    @functools.cached_property
    def folder(self):
        return tempfile.TemporaryDirectory(prefix="dsa-mutation-")

    def run(self, folder, *options):
        """out and lse."""
        with harness.compiled_for(self.chip):
            return self.problem.run(folder, dynamic=self.dynamic, options=[
                f"--pipeline-options={self.options}", *options])

    def compile(self):
        """The text of the kernels; the run is for its file, f.mlir."""
        self.run(self.folder.name)
        return subprocess.run(
            [harness.BIN / "dsa-compile", f"{self.folder.name}/f.mlir", f"--target={self.chip}",
             f"--pipeline-options={self.options}", "--emit=ptx", "-o", "-"],
            stdout=subprocess.PIPE, check=True, text=True).stdout

    def observe(self, ptx):
        """Who objects to a text: the emulator, or the reference."""
        seen = set()
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder, "f.ptx")
            text.write_text(ptx)
            for seed, checks_races in itertools.product(range(2), [True, False]):
                try:
                    self.problem.compare(*self.run(
                        folder, f"--ptx={text}", f"--seed={seed}",
                        f"--check-races={int(checks_races)}"))
                except harness.Failure as failure:
                    seen.add("race" if "racing" in failure.message else "error")
                except AssertionError:
                    seen.add("value")
        return seen


def one_row(h, dk, dv, slots, **keywords):
    return make(inputs.rng(slots), 1, h, [(77, slots)], dk, dv, **keywords)


CASES = [
    # The defaults of both classes of shared memory, with a part of the query in it and without;
    # a list that is split, so that the merge runs; one stage; more of them; keys of two quads.
    Case("attention_163KB", "sm_80", one_row(64, 576, 512, 320)),
    Case("attention_99KB", "sm_86", one_row(32, 576, 512, 320)),
    Case("attention_16_heads", "sm_86", one_row(8, 64, 64, 330)),
    Case("attention_values", "sm_86", one_row(32, 576, 512, 100, values=True)),
    Case("attention_4_stages", "sm_90", one_row(64, 128, 128, 330), "stages=4 sm-count=1"),
    Case("attention_64_keys", "sm_90", one_row(32, 128, 112, 330), "keys=64 stages=1 sm-count=1"),
    # Pools and block tables, lists of two sets with counts; rows in two pieces.
    Case("attention_two_sets", "sm_80", make(
        inputs.rng(1), 1, 64, [(90, 128), (150, 200)], 512, 512, batch=2, page=[16, 64],
        table=True, counts=True, sink=True), dynamic=True),
    Case("attention_tails", "sm_86", make(
        inputs.rng(2), 3, 32, [(80, 160)], 576, 512, cut=64, page=[7], table=True, row_ids=True,
        type_name="f16", counts=True), dynamic=True),
]
