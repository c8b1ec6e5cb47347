"""Stock mlir-opt with the plugin does what dsa-opt does: same text, same errors, same failures.

usage: check_plugin.py ROOT PLUGIN
"""

import pathlib
import subprocess
import sys

root, plugin = map(pathlib.Path, sys.argv[1:])
PLUGIN = [f"--load-dialect-plugin={plugin}", f"--load-pass-plugin={plugin}"]
# dsa-opt has one thread: diagnostics of two are in any order.
STOCK = ["mlir-opt", "--mlir-disable-threading", *PLUGIN]


def run(program, *arguments):
    done = subprocess.run([*program, *map(str, arguments)], capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def files(folder):
    return [path for path in sorted((root / "test" / folder).glob("*.mlir"))
            if "invalid" not in path.name]


cases = [(path, "dsa-decompose") for path in files("IR")]
cases += [(path, "dsa-reference-pipeline") for path in files("Integration") + files("Pipelines")]
succeeded = set()
for path, pipeline in cases:
    split = ["--split-input-file"] if "// -----" in path.read_text() else []
    arguments = [path, *split, f"--pass-pipeline=builtin.module({pipeline})"]
    ours, stock = run(["dsa-opt"], *arguments), run(STOCK, *arguments)
    assert ours == stock, (path, pipeline, ours[0], ours[2][:500], stock[0], stock[2][:500])
    if not ours[0]:
        succeeded.add(path.name)
# What fails alike proves little.
assert succeeded >= {"calls.mlir", "memrefs.mlir", "v32-core.mlir", "tutorial.mlir"}, succeeded
print("ok")
