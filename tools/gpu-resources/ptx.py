"""What a text of PTX consists of: its kernels, their instructions, their loop of products.

Read are the texts that LLVM writes. Every instruction has one statement, so that
counting statements counts instructions.
"""

import collections
import dataclasses
import re

# What is counted, and the opcodes that are of it.
FAMILIES = {
    "mma.sync": r"mma\.sync\.",
    "ldmatrix": r"ldmatrix\.(?!.*\.trans\.)",
    "ldmatrix.trans": r"ldmatrix\..*\.trans\.",
    "cp.async": r"cp\.async\.c[ag]\.",
    "cp.async.commit_group": r"cp\.async\.commit_group",
    "cp.async.wait_group": r"cp\.async\.wait_(group|all)",
    "bar.sync": r"(bar|barrier)\.(cta\.)?sync",
    "shfl.sync": r"shfl\.",
    "ex2.approx": r"ex2\.approx\.",
    "ld.shared": r"ld\.(\w+\.)*shared",
    "st.shared": r"st\.(\w+\.)*shared",
    "ld.global": r"ld\.(\w+\.)*global",
    "st.global": r"st\.(\w+\.)*global",
    "ld.local": r"ld\.(\w+\.)*local",
    "st.local": r"st\.(\w+\.)*local",
    "call": r"call\b",
}
# Bytes that one thread moves to or from shared memory: of the four matrices that
# 32 threads load each has 16, and a copy is of 16.
FIXED_BYTES = {"ldmatrix": 16, "ldmatrix.trans": 16, "cp.async": 16}


def get_family(opcode):
    return next((name for name, regex in FAMILIES.items() if re.match(regex, opcode)), None)


def get_shared_bytes(opcode):
    """Bytes of shared memory that a thread moves with an instruction."""
    family = get_family(opcode)
    if family in FIXED_BYTES:
        return FIXED_BYTES[family]
    if family not in ("ld.shared", "st.shared"):
        return 0
    count, bits = re.search(r"(?:\.v(\d))?\.[bfsu](\d+)$", opcode).groups()
    return int(count or 1) * int(bits) // 8


def count(opcodes):
    """How many instructions of each family there are, and how many in all."""
    found = collections.Counter(map(get_family, opcodes))
    return {"all": len(opcodes)} | {name: found[name] for name in FAMILIES if found[name]}


@dataclasses.dataclass
class Block:
    """Instructions that run one after the other."""
    opcodes: list = dataclasses.field(default_factory=list)
    targets: list = dataclasses.field(default_factory=list)
    falls_through: bool = True


@dataclasses.dataclass
class Kernel:
    name: str
    # A text of this kernel alone.
    text: str
    target: str
    threads: int
    uses_dynamic_memory: bool
    opcodes: list
    # Of the loop that has products of matrices; none in a kernel without.
    loop: list

    def with_registers(self, limit):
        """The text with at most that many registers of a thread, whatever it says itself."""
        text = re.sub(r"^\.maxnreg .*\n", "", self.text, flags=re.M)
        return re.sub(r"^(\.reqntid .*)$", rf"\1\n.maxnreg {limit}", text, flags=re.M)


def read_blocks(body):
    """The blocks of a kernel by their labels, in order; the first is called ''."""
    blocks = {"": Block()}
    block = blocks[""]
    for statement in re.split(r"[;\n]", re.sub(r"//.*", "", body)):
        statement = statement.strip(" \t{}")
        if label := re.fullmatch(r"([$\w]+):", statement):
            block = blocks[label[1]] = Block()
            continue
        found = re.match(r"(@!?[%\w]+\s+)?([a-z][\w.:]*)\s*(.*)", statement)
        if not found:
            continue
        predicate, opcode, operands = found.groups()
        if not block.falls_through or block.targets and not opcode.startswith("bra"):
            # Behind a branch without a label between.
            block = blocks[f"behind {len(blocks)}"] = Block()
        block.opcodes.append(opcode)
        if opcode.startswith("bra"):
            block.targets.append(operands.strip())
        if opcode.split(".")[0] in ("bra", "ret", "exit", "trap") and not predicate:
            block.falls_through = False
    return blocks


def find_loop(blocks):
    """Opcodes of the blocks that products of matrices run in again and again."""
    names = list(blocks)
    successors = {
        name: block.targets + ([after] if block.falls_through and after else [])
        for (name, block), after in zip(blocks.items(), [*names[1:], None])}
    reached = {}
    for name in names:
        seen, pending = set(), list(successors[name])
        while pending:
            if (next_name := pending.pop()) not in seen:
                seen.add(next_name)
                pending += successors[next_name]
        reached[name] = seen

    def has_products(name):
        return any(get_family(opcode) == "mma.sync" for opcode in blocks[name].opcodes)

    inside = {name for name in names if any(
        name in reached[other] and other in reached[name]
        for other in filter(has_products, names))}
    return [opcode for name in names if name in inside for opcode in blocks[name].opcodes]


def read_kernels(text):
    """The kernels of a module."""
    head, *entries = re.split(r"^(?=(?:\.visible |\.weak )?\.entry )", text, flags=re.M)
    head = re.sub(r"^\s*// \.globl.*\n", "", head, flags=re.M)
    kernels = []
    for entry in entries:
        entry = re.sub(r"^\s*// \.globl.*\n", "", entry, flags=re.M)
        signature, body = entry.split("\n{", 1)
        blocks = read_blocks(body)
        threads = re.search(r"\.reqntid (\d+)", signature)
        kernels.append(Kernel(
            name=re.search(r"\.entry ([$\w]+)", signature)[1],
            text=head + entry,
            target=re.search(r"\.target (\w+)", head)[1],
            threads=int(threads[1]) if threads else 0,
            uses_dynamic_memory="dsa_shared_memory" in body,
            opcodes=[opcode for block in blocks.values() for opcode in block.opcodes],
            loop=find_loop(blocks)))
    return kernels
