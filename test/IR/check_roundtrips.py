"""Every valid file of the tests, as text, as generic text and as bytecode, reads back the same.

usage: check_roundtrips.py ROOT
"""

import pathlib
import subprocess
import sys


def opt(*arguments, data=None):
    done = subprocess.run(["dsa-opt", *map(str, arguments)], input=data, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


files = [path for path in sorted((pathlib.Path(sys.argv[1]) / "test").rglob("*.mlir"))
         if "invalid" not in path.name and "expected-error" not in path.read_text()]
assert len(files) > 10
for path in files:
    split = ["--split-input-file"] if "// -----" in path.read_text() else []
    text = opt(path, *split)
    assert opt(*split, data=text) == text, path
    assert opt(path, *split, "--verify-roundtrip") == text, path
    assert opt(*split, data=opt(path, *split, "--mlir-print-op-generic")) == text, path
    if not split:
        assert opt(data=opt(path, "--emit-bytecode")) == text, path
print("ok")
