#!/usr/bin/env python3
"""Measures our kernels beside their roofs and peers, in several processes, and reports.

Each process of dsa-bench runs beside a process of PyTorch, round for round; the
best of the processes counts. Prints a table in Markdown. PyTorch and matplotlib,
for the picture, are those of tools/dsa-bench/requirements.txt.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import figures
import sessions
from sessions import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLE = """example:
  build/venv/bin/python tools/dsa-bench/report.py --case=bf16.T1 \\
      --output=figures.json --plot=roofline.svg --check

exit codes: 0 ok, 1 below a floor (--check) or wrong options, 69 a package is
missing, 74 a file cannot be read or written; otherwise that of dsa-bench"""


def parse():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("DSA_BUILD_DIR", ROOT / "build")),
                        help="build folder (default: DSA_BUILD_DIR, or build)")
    parser.add_argument("--case", action="append", default=[], metavar="TEXT",
                        help="as of dsa-bench; may be given again (default: all)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default: 7")
    for option, meaning in (("pages", "huge, 4k or both"), ("pipeline", "of the kernels"),
                            ("isa", "whose roofs, floors and goals apply")):
        parser.add_argument(f"--{option}", help=f"{meaning}; as of dsa-bench")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out")
    parser.add_argument("--quick", action="store_true",
                        help="a smoke run: next to no work, and figures that mean nothing")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="FILE",
                        help="a report of an earlier run: measure nothing")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE", help="write JSON")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE",
                        help="draw a roofline: .svg or .png")
    parser.add_argument("--check", action="store_true",
                        help="exit with 1 and name the cases that are below their floors")
    options = parser.parse_args()
    if options.processes < 1:
        parser.error("--processes takes at least 1")
    return options


def find_commit():
    """The commit of the sources, `+` behind it if they differ; nothing without git."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)

    try:
        head = git("rev-parse", "--short=12", "HEAD")
        if head.returncode:
            return None
        return head.stdout.strip() + ("+" if git("status", "--porcelain").stdout else "")
    except FileNotFoundError:
        return None


def measure(options):
    """(merged report, exit code)."""
    arguments = [f"--case={text}" for text in options.case] + [f"--rounds={options.rounds}"]
    arguments += [f"--{name}={value}" for name in ("pages", "pipeline", "isa")
                  if (value := getattr(options, name)) is not None]
    arguments += ["--smoke"] * options.quick
    program = options.build / "bin" / "dsa-bench"
    if not program.exists():
        raise Failure(69, f"{program} does not exist; build it, or name the folder with --build")
    reports, code = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(options.processes):
            print(f"process {i + 1} of {options.processes}", file=sys.stderr, flush=True)
            report, ended = sessions.run(program, arguments, pathlib.Path(folder) / f"{i}.json",
                                         options.quick, not options.no_torch)
            if report is None:
                raise Failure(ended, "dsa-bench failed; its message is above")
            reports.append(report)
            code = code or ended
    merged = figures.merge(reports)
    merged["commit"] = find_commit()
    return merged, code


def write(path, report):
    """Whole, or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(report, indent=2) + "\n")
        part.replace(path)
    except OSError as error:
        raise Failure(74, f"cannot write '{path}': {error.strerror}")


def read(path):
    """A report of this program, or of one process of dsa-bench."""
    try:
        report = json.loads(path.read_text())
    except OSError as error:
        raise Failure(74, f"cannot read '{path}': {error.strerror}")
    except ValueError as error:
        raise Failure(1, f"'{path}' is not JSON: {error}")
    if not isinstance(report, dict) or not report.get("cases"):
        raise Failure(1, f"'{path}' holds no cases, as report.py and dsa-bench write them")
    if "processes" in report:
        return report
    alone = {"commit": None, "torch": None, "torch_absent": "not asked for"}
    return figures.merge([alone | report])


def main():
    options = parse()
    for path in (options.output, options.plot):
        # Found out now, not after the measurements.
        if path and not path.resolve().parent.is_dir():
            raise Failure(74, f"cannot write '{path}': its folder does not exist")
    if options.plot and not importlib.util.find_spec("matplotlib"):
        raise Failure(69, "--plot needs matplotlib, which is not installed; run "
                      f"{sys.executable} -m pip install -r tools/dsa-bench/requirements.txt")
    if options.source:
        report, code = read(options.source), 0
    else:
        report, code = measure(options)
    if options.output:
        write(options.output, report)
    print("\n".join(figures.describe(report)) + "\n\n" + figures.table(report))
    if options.plot:
        import picture
        picture.draw(report, options.plot)
    if options.check:
        missed = figures.misses(report)
        for line in missed:
            print(f"report: below its floor: {line}", file=sys.stderr)
        code = code or bool(missed)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"report: error: {failure}", file=sys.stderr)
        sys.exit(failure.code)
