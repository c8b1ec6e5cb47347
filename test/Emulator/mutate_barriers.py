"""Takes from kernels, one by one, each instruction that orders memory, and looks
who notices.

A mutant lacks one barrier, arrival, commit or wait, or waits for one group of
copies less. It is run on the emulator with inputs and schedules of several
seeds, and is seen by who objects in one of them: `error` (a deadlock, an address
out of bounds), `value` (a wrong result), `race` (the race check). What nobody
sees must be redundant, and barrier_mutants.json says why it is. That table holds
what is seen of every mutant: this fails if anything differs from it, and if no
mutant is seen by the race check alone.
"""

import argparse
import dataclasses
import json
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import re
import signal
import sys
import time

import dsa_kernels
import emulator
from kernel_case import execute, ptx
from nvcc_cases import CASES

TABLE = pathlib.Path(__file__).with_name("barrier_mutants.json")
# Far above what a mutant takes: one that hangs needs other inputs.
LIMIT_S = 60

INSTRUCTION = re.compile(
    r"(?:@!?%\w+\s+)?"
    r"\b(?P<opcode>bar(?:rier)?(?:\.\w+)*\.(?:sync|arrive|wait)(?:\.\w+)*"
    r"|cp\.async\.(?:commit_group|wait_group|wait_all))\b(?P<operands>[^;]*);")
ENTRY = re.compile(r"\.entry\s+([\w$]+)")


@dataclasses.dataclass(frozen=True)
class Subject:
    """Kernels to mutate, all those of a PTX text; `observe` runs such a text and
    tells who objects, a set of `error`, `value` and `race`."""

    name: str
    ptx: str
    observe: object


@dataclasses.dataclass(frozen=True)
class Mutant:
    subject: Subject
    key: str
    instruction: str
    ptx: str


def by_launches(run):
    """Who objects in launches: `run` takes a loaded module and yields, launch
    after launch, the report and a check of the values, which raises an
    AssertionError if they are wrong."""
    def observe(text):
        seen = set()
        try:
            for report, check in run(emulator.load(text)):
                if report.race_count:
                    seen.add("race")
                try:
                    check()
                except AssertionError:
                    seen.add("value")
        except emulator.EmulatorError:
            seen.add("error")
        return seen
    return observe


def nvcc_subject(file):
    cases = [case for case in CASES if case.file == file]

    def run(module):
        for case in cases:
            for seed in range(4):
                report, args = execute(module, case.kernel, case.run(seed), seed=seed)
                yield report, lambda: case.run(seed).check(args)
    return Subject(file, ptx(file), by_launches(run))


def dsa_subject(case):
    return Subject(case.name, case.compile(), case.observe)


def subjects():
    return [nvcc_subject(file) for file in (
        "divergence", "gemm_bf16", "gemm_f16", "histogram", "idioms", "named_barriers", "pipeline",
        "pointers", "radix_sort", "reduce", "softmax", "stencil", "transpose")] + [
            dsa_subject(case) for case in dsa_kernels.CASES]


def find_mutants(subject):
    """Keyed by kernel, opcode and number among those, which outlast changes of
    other instructions. Registers are nameless for the same reason."""
    entry, counts, offset = None, {}, 0
    for line in subject.ptx.splitlines(keepends=True):
        if match := ENTRY.search(line):
            entry = match[1]
        for match in INSTRUCTION.finditer(line.partition("//")[0]):
            opcode = match["opcode"]
            number = counts[entry, opcode] = counts.get((entry, opcode), 0) + 1
            key = f"{entry}: {opcode} {number}"
            instruction = re.sub(r"%([a-z]+)\d+", r"%\1", " ".join(match[0].split()))

            def replace(group, by):
                start, end = (offset + place for place in match.span(group))
                return subject.ptx[:start] + by + subject.ptx[end:]
            yield Mutant(subject, key + " dropped", instruction, replace(0, ""))
            if opcode == "cp.async.wait_group":
                weaker = f" {int(match['operands']) + 1}"
                yield Mutant(subject, key + " one more", instruction, replace("operands", weaker))
        offset += len(line)


def work(mutant, connection):
    # Ends the process within a call of the emulator, too.
    signal.alarm(LIMIT_S)
    connection.send(" ".join(sorted(mutant.subject.observe(mutant.ptx))) or "nobody")


def run_all(mutants, jobs):
    """What is seen of each, in a process of its own: what a mutant breaks there,
    or a launch leaves behind, reaches no other. Forks of a process that has used
    the driver have none: `observe` only there."""
    fork = multiprocessing.get_context("fork")
    waiting, running, results = list(reversed(mutants)), {}, {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=work, args=(mutant, sender))
            process.start()
            sender.close()
            running[receiver] = mutant, process
        for receiver in multiprocessing.connection.wait(list(running)):
            mutant, process = running.pop(receiver)
            try:
                results[mutant.subject.name, mutant.key] = receiver.recv()
            except EOFError:
                process.join()
                results[mutant.subject.name, mutant.key] = f"died ({process.exitcode})"
            process.join()
    return results


def compare(found, table):
    """What differs from the table, and what its survivors lack."""
    for name, mutants in found.items():
        known = table.get(name, {})
        for key in sorted(mutants.keys() | known.keys()):
            got, expected = mutants.get(key), known.get(key)
            if got is None:
                yield f"{name}, {key}: in the table, but there is no such mutant"
            elif got["seen"].startswith("died"):
                yield f"{name}, {key}: the emulator {got['seen']}"
            elif expected is None:
                yield f"{name}, {key} ({got['instruction']}): seen by {got['seen']}, not in the table"
            elif (got["seen"], got["instruction"]) != (expected["seen"], expected["instruction"]):
                yield (f"{name}, {key} ({got['instruction']}): seen by {got['seen']}; the table"
                       f" says {expected['seen']} ({expected['instruction']})")
            elif got["seen"] == "nobody" and not expected.get("redundant"):
                yield f"{name}, {key}: seen by nobody, and the table does not say why it is redundant"


def update(found, table):
    """The table with what was found; reasons stay with survivors that stay."""
    for name, mutants in found.items():
        known = table.get(name, {})
        for key, mutant in mutants.items():
            if mutant["seen"] == "nobody":
                mutant["redundant"] = known.get(key, {}).get("redundant", "")
        table[name] = mutants
    TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(
        prog="tools/mutation.sh", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 all is as the table says, 1 it is not, 2 usage,"
        " 69 the emulator is not built")
    parser.add_argument("--kernel", action="append", metavar="NAME",
                        help="only this one; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="processes at a time (default: one for each processor)")
    parser.add_argument("--update", action="store_true",
                        help="write what is seen to the table; survivors that are new get an"
                        " empty reason, to be filled in by who has proven them redundant")
    options = parser.parse_args()
    chosen = subjects()
    if options.kernel:
        if unknown := set(options.kernel) - {subject.name for subject in chosen}:
            parser.error(f"no kernel {', '.join(sorted(unknown))}; there are "
                         + ", ".join(subject.name for subject in chosen))
        chosen = [subject for subject in chosen if subject.name in options.kernel]

    if not (library := emulator.build / "lib" / "emulated-cuda" / "libcuda.so.1").exists():
        print(f"error: no {library}: run tools/check.sh first", file=sys.stderr)
        return 69

    start = time.monotonic()
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    whole = [Mutant(subject, "whole", "", subject.ptx) for subject in chosen]
    mutants = [mutant for subject in chosen for mutant in find_mutants(subject)]
    results = run_all(whole + mutants, options.jobs)
    found = {subject.name: {} for subject in chosen}
    for mutant in mutants:
        found[mutant.subject.name][mutant.key] = {
            "instruction": mutant.instruction, "seen": results[mutant.subject.name, mutant.key]}
    failures = [f"{name}: the kernel itself, with nothing missing, is seen by {results[name, 'whole']}"
                for name in found if results[name, "whole"] != "nobody"]
    if options.update and not failures:
        update(found, table)
    failures += compare(found, table)
    seen = [mutant["seen"] for of_kernel in found.values() for mutant in of_kernel.values()]
    if not options.kernel:
        failures += [f"{name}: in the table, but there is no such kernel"
                     for name in sorted(table.keys() - found.keys())]
        if "race" not in seen:
            failures.append("no mutant is seen by the race check alone")
    for name, of_kernel in found.items():
        counts = [m["seen"] for m in of_kernel.values()]
        print(f"{name}: " + ", ".join(f"{counts.count(s)} {s}" for s in sorted(set(counts))))
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    print(f"{len(seen)} mutants in {time.monotonic() - start:.0f} s: {seen.count('race')} seen by the"
          f" race check alone, {seen.count('nobody')} redundant, {len(failures)} not as the table says")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
