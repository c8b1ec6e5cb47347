"""Every constraint label of an op has a negative test of that name, and every test a label.

usage: check_labels.py ROOT
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
ods = (root / "include/dsa/IR/DSAOps.td").read_text()
tests = "\n".join(p.read_text() for p in (root / "test/IR").glob("*-invalid.mlir"))
wrong = []
for name, body in re.findall(r'DSA_Op<"(\w+)".*?description = \[\{(.*?)\}\];', ods, re.S):
    labels = {int(n) for n in re.findall(r"\* \(C(\d+)\)", body)}
    if "(C1) to (C8) are those of" in body:
        labels |= set(range(1, 9))
    tested = {int(n) for n in re.findall(rf"@{name}_c(\d+)_", tests)}
    wrong += [f"{name}: C{n} has no test" for n in sorted(labels - tested)]
    wrong += [f"{name}: a test names C{n}, which is no constraint" for n in sorted(tested - labels)]
    if labels != set(range(1, len(labels) + 1)):
        wrong.append(f"{name}: labels are not C1 to C{len(labels)}")
print("\n".join(wrong) or "ok")
sys.exit(bool(wrong))
