"""Every valid part of the tests' files, as text, as generic text and as bytecode, reads back the same.

usage: check_roundtrips.py ROOT
"""

import pathlib
import re
import subprocess
import sys


def opt(*arguments, data=None):
    done = subprocess.run(["dsa-opt", *map(str, arguments)], input=data, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


MARKER = "// -----"


def merge(parts):
    return f"\n{MARKER}\n".join(parts)


def roundtrip(parts, origin):
    """The parts in one file, and as bytecode, which has no marker, one by one."""
    source = merge(parts).encode()
    split = ["--split-input-file"]
    text = opt(*split, data=source)
    assert text.count(MARKER.encode()) == len(parts) - 1, origin
    assert opt(*split, data=text) == text, origin
    assert opt(*split, "--verify-roundtrip", data=source) == text, origin
    assert opt(*split, data=opt(*split, "--mlir-print-op-generic", data=source)) == text, origin
    for part in parts:
        assert opt(data=opt("--emit-bytecode", data=part.encode())) == opt(data=part.encode()), origin


files = parts = 0
for path in sorted((pathlib.Path(sys.argv[1]) / "test").rglob("*.mlir")):
    # What a verifier refuses is no input of a round trip; what a pass refuses is.
    refused_by_pass = "Transforms" in path.parts or path.name == "decompose-memrefs-invalid.mlir"
    valid = [part for part in re.split(rf"(?m)^{MARKER}.*\n", path.read_text())
             if refused_by_pass or "expected-error" not in part]
    if valid:
        roundtrip(valid, path)
        files += 1
        parts += len(valid)
assert files > 15 and parts > 50, (files, parts)
print("ok")
