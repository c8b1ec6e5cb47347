"""Bytecode says which version of the dialect wrote it, and another one is refused.

Writes a file as bytecode, which must read back, then raises the one byte that
holds the version: no other byte makes dsa-opt speak of a version of dsa.

usage: bytecode_version.py FILE.mlir
"""

import subprocess
import sys

# A number n below 64 is the byte 2 n + 1.
VERSION, NEXT = 2 * 1 + 1, 2 * 2 + 1
MESSAGE = b"bytecode of dsa version 2 cannot be read; this is version 1"


def opt(*arguments, data=None):
    return subprocess.run(["dsa-opt", *arguments], input=data, capture_output=True, timeout=60)


written = opt(sys.argv[1], "--emit-bytecode").stdout
assert opt(data=written).returncode == 0
refused = []
for i, byte in enumerate(written):
    if byte == VERSION:
        done = opt(data=written[:i] + bytes([NEXT]) + written[i + 1:])
        if MESSAGE in done.stderr:
            assert done.returncode == 1
            refused.append(i)
assert len(refused) == 1, refused
print("ok")
