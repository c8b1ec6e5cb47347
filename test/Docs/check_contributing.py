"""Holds the file lists of docs/Contributing.md against the project.

Each list must have as many files as its heading says. Every file of it must exist for every op,
pass and target that exists, and say its name; and the sources that name an op or a pass must be
in the list, so that the list is enough.

usage: check_contributing.py ROOT
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
page = (root / "docs/Contributing.md").read_text()
wrong = []


def recipe(kind):
    """The files of a recipe, as many as its heading says."""
    count, section = re.search(rf"^## A new {kind}: (\d+) files(.*?)^## ", page, re.M | re.S).groups()
    table = section.split("\n\n|")[1]
    files = re.findall(r"^\| `([^`]+)` \|", "|" + table, re.M)
    if int(count) != len(files):
        wrong.append(f"a new {kind}: the heading says {count} files, the list has {len(files)}")
    return files


def check(kind, files, names, spellings):
    """Each file exists for each of `names`, such as `{"<Op>": "TopK"}`, and contains a spelling."""
    for spelled in names:
        for pattern in files:
            for variable, name in spelled.items():
                pattern = pattern.replace(variable, name)
            path = root / pattern
            found = [path] if path.exists() else sorted(path.parent.glob(path.stem + ".*"))
            if not found:
                wrong.append(f"a new {kind}: {pattern} does not exist")
            elif not any(name in found[0].read_text() for name in spellings(spelled)):
                wrong.append(f"a new {kind}: {pattern} does not name {spelled}")


def sources_naming(regex):
    return {str(path.relative_to(root)) for folder in ("include", "lib", "tools", "cmake")
            for path in (root / folder).rglob("*") if path.is_file()
            and path.suffix in (".h", ".cpp", ".td", ".txt", ".cmake")
            and re.search(regex, path.read_text())}


ods = (root / "include/dsa/IR/DSAOps.td").read_text()
ops = [{"<Op>": "".join(word.capitalize() for word in op.split("_")), "<op>": op,
        "<op-name>": op.replace("_", "-")} for op in re.findall(r'DSA_Op<"(\w+)"', ods)]
files = recipe("op")
check("op", files, ops, lambda p: p.values())
extra = sources_naming(r"\bUnpackOp\b|IR/Unpack\.cpp") - {f.replace("<Op>", "Unpack") for f in files}
# An op works without the kernels that a backend may have for it.
wrong += [f"a new op: {path} names dsa.unpack, but is not in the list" for path in sorted(extra)
          if not path.startswith("lib/Conversion/")]

pass_files = {path.name: path.read_text() for path in root.glob("include/dsa/*Passes.td")}
definitions = "".join(pass_files.values())
passes = [{"<Pass>": name, "<pass-name>": argument} for name, argument in re.findall(
    r'def (\w+)Pass : Pass<"dsa-([\w-]+)"', definitions)]
# Passes of a backend stand with their tests in its folder.
backends = "".join(path.read_text() for path in (root / "lib/Conversion").rglob("*.cpp"))
own = [p for p in passes if f"GEN_PASS_DEF_{p['<Pass>'].upper()}PASS" in backends]
files = recipe("pass")
spell = (lambda p: [p["<Pass>"], "dsa-" + p["<pass-name>"]])
check("pass", files, [p for p in passes if p not in own], spell)
check("pass", [f for f in files if "Transforms" not in f and "CMake" not in f
               and not f.endswith("Passes.td")], own, spell)
wrong += [f"a new pass: {p['<Pass>']} of a backend stands in include/dsa/Passes.td" for p in own
          if f"def {p['<Pass>']}Pass" in pass_files["Passes.td"]]
extra = sources_naming(r"\bFusePass|Transforms/Fuse\.cpp") - {f.replace("<Pass>", "Fuse")
                                                               for f in files}
wrong += [f"a new pass: {path} names dsa-fuse, but is not in the list" for path in sorted(extra)]

targets = [{"<Target>": name, "<target>": name.lower()} for name in re.findall(
    r"void build(\w+)Pipeline", (root / "include/dsa/Pipelines.h").read_text())]
check("target", recipe("target"), targets, lambda p: p.values())

assert len(ops) > 5 and len(passes) > 10 and targets
print("\n".join(wrong) or "ok")
sys.exit(bool(wrong))
