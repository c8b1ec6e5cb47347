"""Reads assembly from standard input and checks the loops that multiply.

usage: check_loops.py {x86,aarch64} MULTIPLY MINIMUM

A loop of one block with at least MINIMUM instructions of the name MULTIPLY (such
as vfmadd231ps) counts: the loop over the steps of a register tile. Each such loop must keep its sums in registers: no access
to the stack by a vector register. Prints the number of loops; exits 1 if there
is none, or if one spills.
"""

import re
import sys

# Where the stack is: where no frame is set up, the frame pointer holds anything.
STACK = {"x86": r"\(%rsp", "aarch64": r"\[sp\b"}
FRAME = {"x86": (r"movq\s+%rsp, %rbp", r"|\(%rbp"), "aarch64": (r"(mov|add)\s+x29, sp", r"|\[x29\b")}
VECTOR = {"x86": re.compile(r"%[xyz]mm"), "aarch64": re.compile(r"\b[qv]\d")}
LABEL = re.compile(r"^(\.L\w+):")
JUMP = {"x86": re.compile(r"^\s+j\w+\s+(\.L\w+)"),
        "aarch64": re.compile(r"^\s+(?:b\.?\w*|cbn?z|tbn?z)\s.*?(\.L\w+)\s*$")}


def single_block_loops(lines, arch):
    """Line ranges from a label to the first jump behind it, where that goes back to the label."""
    for begin, line in enumerate(lines):
        if not (label := LABEL.match(line)):
            continue
        for end in range(begin + 1, len(lines)):
            if LABEL.match(lines[end]):
                break
            if jump := JUMP[arch].match(lines[end]):
                if jump[1] == label[1]:
                    yield begin, end
                break


def main():
    arch, multiply, minimum = sys.argv[1], sys.argv[2], int(sys.argv[3])
    text = sys.stdin.read()
    set_up, pointer = FRAME[arch]
    stack = re.compile(STACK[arch] + (pointer if re.search(set_up, text) else ""))
    lines = text.splitlines()
    found, spills = 0, []
    for begin, end in single_block_loops(lines, arch):
        body = lines[begin:end + 1]
        if sum(multiply in line for line in body) < minimum:
            continue
        found += 1
        spills += [line.strip() for line in body
                   if stack.search(line) and VECTOR[arch].search(line)]
    print(f"{found} loops of {multiply}, {len(spills)} accesses of vectors to the stack")
    print("\n".join(spills[:8]))
    sys.exit(0 if found and not spills else 1)


main()
