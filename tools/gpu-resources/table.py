#!/usr/bin/env python3
"""What the GPU kernels need, and the committed table of it.

Kernels of a fixed list of shapes are generated, their instructions counted, and
assembled by ptxas for every chip that loads the image: registers of a thread, the
least `.maxnreg` without spills (in steps of 8; the floor), spills, shared memory,
notes. No GPU is needed. A kernel that is made without options must have no spills,
no local memory, no notes, a floor of at most 240 and an image's shared memory.

  tools/gpu-resources/table.py --check              # against the committed table
  tools/gpu-resources/table.py --update             # writes it, and its page
  dsa-compile core.mlir --target=sm_80 --emit=ptx -o - |
    tools/gpu-resources/table.py --count -          # instructions of any text

The table is that of one version of ptxas. With another one, or none, --check says
so in a line that begins with "skipped", and compares what needs none.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

import assembler
import page
import ptx

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "test/golden/gpu-resources.json"
PAGE = ROOT / "docs/generated/GPUResources.md"
SHAPES = ROOT / "test/data/gpu"
LARGEST_FLOOR = 240

# Of each shape, a file in SHAPES with a function of its name, the kernels that are
# looked at. The merge of splits differs between shapes by constants only.
KERNELS = {
    "v32": ["sparse_attention", "sparse_attention_merge"],
    "glm5": ["sparse_attention"],
    "heads8": ["sparse_attention"],
    "two_sets": ["sparse_attention"],
    "values": ["sparse_attention"],
    "pages": ["sparse_attention"],
    "merge": ["merge_attention"],
}


@dataclasses.dataclass
class Image:
    """Kernels for the same shared memory."""
    name: str
    shared_bytes: int
    options: str
    chips: list
    shapes: list
    is_default: bool = True


IMAGES = [
    Image("163 KB", 163 << 10, "chip=sm_80", ["sm_80", "sm_90", "sm_100"], list(KERNELS)),
    Image("99 KB", 99 << 10, "chip=sm_86", ["sm_86", "sm_89", "sm_90", "sm_100", "sm_120"],
          list(KERNELS)),
    Image("227 KB, stages=4", 227 << 10, "chip=sm_90 stages=4", ["sm_90", "sm_100"],
          ["v32"], is_default=False),
]
SCHEDULE = re.compile(
    r"(?P<heads>\d+) heads x (?P<keys>\d+) keys x (?P<stages>\d+) stages, (?P<warps>\d+) warps, "
    r"(?P<query_steps>\d+) query steps in registers, (?P<score_passes>\d+) passes for scores, "
    r"(?P<shared_bytes>\d+) bytes of shared memory")


class Missing(Exception):
    """A program that is needed is not there."""


def generate(dsa_opt, shape, image):
    """The PTX of a shape, and of attention the schedule that its remark names."""
    command = [dsa_opt, SHAPES / f"{shape}.mlir", f"--dsa-gpu-pipeline={image.options}",
               "--remarks-filter=dsa-to-gpu|dsa"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise assembler.Failure(f"{shape}, {image.options}: {done.stderr.strip()}")
    text = re.search(r'@dsa_gpu_program\.compute_\d+\("(.*?)\\00"\)', done.stdout)[1]
    text = re.sub(r"\\(\\|[0-9A-F]{2})",
                  lambda m: "\\" if m[1] == "\\" else chr(int(m[1], 16)), text)
    schedule = SCHEDULE.search(done.stderr)
    return text, {name: int(value) for name, value in schedule.groupdict().items()} \
        if schedule else {}


def describe(kernel, schedule):
    """What is known of a kernel without ptxas."""
    entry = {"target": kernel.target, "threads": kernel.threads, "shared_bytes": 0}
    if kernel.uses_dynamic_memory:
        entry["shared_bytes"] = schedule["shared_bytes"]
        entry["schedule"] = {name: value for name, value in schedule.items()
                             if name != "shared_bytes"}
    entry["instructions"] = ptx.count(kernel.opcodes)
    if kernel.loop:
        entry["loop"] = ptx.count(kernel.loop)
        entry["loop_bytes"] = kernel.threads * sum(map(ptx.get_shared_bytes, kernel.loop))
    return entry


def measure(dsa_opt, ptxas, known):
    """The table's entries by name; without `ptxas` those of chips are left out. `known` are
    entries that those are likely to equal."""
    entries, jobs = {}, []
    for image in IMAGES:
        for shape in image.shapes:
            text, schedule = generate(dsa_opt, shape, image)
            kernels = {kernel.name: kernel for kernel in ptx.read_kernels(text)}
            for suffix in KERNELS[shape]:
                kernel = kernels[f"{shape}_{suffix}"]
                name = f"{kernel.name}, {image.name}"
                entries[name] = describe(kernel, schedule)
                jobs += [(name, kernel, chip) for chip in image.chips]

    def assemble(job):
        name, kernel, chip = job
        found = assembler.assemble(ptxas, kernel.text, chip)
        guess = known.get(name, {}).get("chips", {}).get(chip, {}).get("floor")
        return found | {"floor": assembler.find_floor(ptxas, kernel, chip, found["registers"],
                                                      guess)}

    if ptxas:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for (name, _, chip), found in zip(jobs, pool.map(assemble, jobs)):
                entries[name].setdefault("chips", {})[chip] = found
    return entries


def find_broken(entries):
    """What no kernel may have that is made without options."""
    broken = []
    for image in filter(lambda image: image.is_default, IMAGES):
        for name, entry in entries.items():
            if not name.endswith(f", {image.name}"):
                continue
            for family in ("ld.local", "st.local", "call"):
                if family in entry["instructions"]:
                    broken.append(f"{name}: has {family}")
            for chip, found in entry.get("chips", {}).items():
                if found["spill_bytes"] or found["stack_bytes"]:
                    broken.append(f"{name}, {chip}: spills {found['spill_bytes']} bytes, "
                                  f"has a stack of {found['stack_bytes']}")
                if found["floor"] > LARGEST_FLOOR:
                    broken.append(f"{name}, {chip}: its floor is {found['floor']} registers, "
                                  f"above {LARGEST_FLOOR}")
                shared = entry["shared_bytes"] + found["static_shared_bytes"]
                if shared > image.shared_bytes:
                    broken.append(f"{name}, {chip}: takes {shared} bytes of shared memory, above "
                                  f"{image.shared_bytes}")
                broken += [f"{name}, {chip}: ptxas says: {note}" for note in found["notes"]]
    return broken


def flatten(value, path=""):
    if not isinstance(value, dict):
        return {path: value}
    return {key: leaf for name, inner in value.items()
            for key, leaf in flatten(inner, f"{path}: {name}" if path else name).items()}


def find_drift(committed, found):
    """Lines that say what of the committed entries moved."""
    old, new = flatten(committed), flatten(found)
    return [f"{path}: {new.get(path, 'nothing')}, but {old.get(path, 'nothing')} in the table"
            for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]


def to_text(table):
    """JSON with a line for each dictionary that holds none."""
    def write(value, indent):
        if isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values()):
            lines = [f"{indent} {json.dumps(name)}: {write(inner, indent + ' ')}"
                     for name, inner in value.items()]
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
        return json.dumps(value)
    return write(table, "") + "\n"


def check(dsa_opt, ptxas):
    table = json.loads(TABLE.read_text())
    committed, version = table["kernels"], table["ptxas"]
    have = assembler.get_version(ptxas) if ptxas else None
    if have != version:
        print(f"skipped: registers and spills; the table is that of ptxas {version}, "
              + (f"and this is {have}" if have else "and there is none here"))
        ptxas = None
        committed = {name: {key: value for key, value in entry.items() if key != "chips"}
                     for name, entry in committed.items()}
    found = measure(dsa_opt, ptxas, committed)
    drift, broken = find_drift(committed, found), find_broken(found)
    for line in drift + broken:
        print(line)
    if drift:
        print("to accept what moved: tools/gpu-resources/table.py --update, with ptxas " + version)
    return not drift and not broken


def update(dsa_opt, ptxas):
    if not ptxas:
        raise Missing("no ptxas in the build folder, in CUDA_HOME or on PATH; "
                      "tools/get-ptxas.sh gets one")
    known = json.loads(TABLE.read_text())["kernels"] if TABLE.exists() else {}
    found = measure(dsa_opt, ptxas, {})
    table = {"ptxas": assembler.get_version(ptxas), "kernels": found}
    TABLE.write_text(to_text(table))
    PAGE.write_text(page.write(table, IMAGES))
    broken = find_broken(found)
    for line in (find_drift(known, found) if known else []) + broken:
        print(line)
    return not broken


def print_counts(text):
    for kernel in ptx.read_kernels(text):
        print(f"{kernel.name}: {kernel.target}, {kernel.threads} threads, "
              f"{len(kernel.opcodes)} instructions")
        for where, opcodes in (("kernel", kernel.opcodes), ("loop", kernel.loop)):
            if opcodes:
                print(f"  {where}: " + ", ".join(
                    f"{name} {n}" for name, n in ptx.count(opcodes).items() if name != "all"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 ok, 1 something moved or is not as it must be, 2 usage, "
               "69 a program is missing")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true",
                      help="compare with the table; print what moved")
    mode.add_argument("--update", action="store_true", help="write the table and its page")
    mode.add_argument("--page", action="store_true", help="print the page of the table")
    mode.add_argument("--count", metavar="FILE",
                      help="print how many instructions the kernels of a text of PTX have (- is "
                           "standard input), and the loop of each that has products of matrices")
    parser.add_argument("--build", type=pathlib.Path,
                        default=os.environ.get("DSA_BUILD_DIR", ROOT / "build"),
                        help="build folder (default: $DSA_BUILD_DIR, or build)")
    parser.add_argument("--ptxas", help="ptxas to use (default: that in cuda/bin of the build "
                                        "folder, in $CUDA_HOME/bin, or on PATH)")
    options = parser.parse_args()
    build = pathlib.Path(options.build)
    try:
        if options.count:
            print_counts(sys.stdin.read() if options.count == "-"
                         else pathlib.Path(options.count).read_text())
            return 0
        if options.page:
            print(page.write(json.loads(TABLE.read_text()), IMAGES), end="")
            return 0
        dsa_opt = build / "bin/dsa-opt"
        if not dsa_opt.exists():
            raise Missing(f"no {dsa_opt}; build it, or name the build folder with --build")
        ptxas = assembler.find(build, options.ptxas)
        return 0 if (check if options.check else update)(dsa_opt, ptxas) else 1
    except Missing as error:
        print(f"table.py: error: {error}", file=sys.stderr)
        return 69
    except assembler.Failure as error:
        print(f"table.py: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
