"""Feeds dsa-opt with broken variants of the tests' own files.

Each mutant is one process of dsa-opt with one of the pipelines. It passes if it
ends in time and below 2 GiB (but for what LLVM takes to read bytecode) with exit
code 0, with 1 and a message, or with 70 for a crash that is LLVM's: in its
libraries and without code of this project on the way there, in its reader of
bytecode, or one that mlir-opt, which knows nothing of this project, has too; or
if mlir-opt, which only reads it, takes much time or memory as well. Anything
else fails: the mutant is kept and its command printed.

example, an hour's worth:
  python tools/fuzz/mutate.py --kind text -n 100000 --seed 7 --keep failures
"""

import argparse
import collections
import concurrent.futures
import itertools
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

from mutations import BYTECODE, TEXT, mutate

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LLVM = pathlib.Path(os.environ.get("DSA_LLVM_DIR", "/usr/lib/llvm-22")) / "bin"
LIMIT_BYTES = 2 << 30
# How many times its limit of processor time a mutant may take by the clock.
PATIENCE = 6
# What is done with a mutant that parses.
PIPELINES = [
    [],
    ["--verify-roundtrip"],
    ["--canonicalize", "--cse"],
    ["--resolve-ranked-shaped-type-result-dims"],
    ["--one-shot-bufferize=bufferize-function-boundaries"],
    ["--generate-runtime-verification"],
    ["--dsa-fuse"],
    ["--dsa-tile=rows=3"],
    ["--dsa-split=position-parts=3 slot-parts=2"],
    ["--dsa-fuse", "--dsa-tile=rows=1", "--dsa-split=position-parts=2 slot-parts=2"],
    ["--dsa-decompose"],
    ["--dsa-function-abi=checked=true"],
    ["--dsa-buffer-cleanup", "--dsa-expand-copies", "--dsa-expand-floats", "--dsa-floats-to-bits"],
    ["--dsa-verify-lowered"],
    ["--dsa-reference-pipeline"],
    ["--dsa-reference-pipeline=checked=true accumulate-type=f64"],
    ["--dsa-plan-workspace"],
    ["--dsa-decompose-for-cpu", "--dsa-to-cpu", "--dsa-attach-cpu-target"],
    ["--dsa-cpu-pipeline"],
    ["--dsa-cpu-pipeline=checked=true features=-avx512f"],
]
# `internal error in dsa-opt (signal 11 in libMLIR.so.22.1+0x12, called from ...)`.
CRASH = re.compile(r"internal error in dsa-opt \((.*)\): this is a defect", re.S)
PLACE = r" in lib(?:MLIR|LLVM)\.so[\w.]*\+0x[0-9a-f]+"
UPSTREAM = re.compile(rf".*{PLACE}", re.S)
CALLED = re.compile(rf".*{PLACE}, called from dsa-opt\+(0x[0-9a-f]+)", re.S)
# Functions that only fetch attributes from LLVM's reader: nothing of ours goes in.
FETCHES = re.compile(r"mlir::DialectBytecodeReader::read|::readProperties\(mlir::DialectBytecodeReader&")
# dsa-opt says the one once it has parsed and verified its input; a verifier, or
# a pass, says the other.
PARSED = "Pass Manager with"
REFUSED = re.compile(r"error: '[\w.]+' op ")
# What --verify-roundtrip says.
ROUNDTRIP = re.compile(r"roundTrip testing|cannot verify round-trip")

Result = collections.namedtuple("Result", "failure reached parsed passed upstream")


def read_sources():
    """The parts of the tests' files and their single functions, without comments.

    Two lists: what is valid as far as the tests say, and what some pass or
    verifier refuses.
    """
    valid, invalid = [], []
    for path in sorted((ROOT / "test").rglob("*.mlir")):
        for part in re.split(r"(?m)^// -----.*\n", path.read_text()):
            corpus = invalid if "expected-error" in part else valid
            part = re.sub(r"(?m)^\s*//.*\n|\s*//.*$", "", part).strip() + "\n"
            # Not the scripts: LLVM's verifiers of transform ops hang on negative segment sizes.
            part = re.split(r"(?m)^module attributes {transform", part)[0]
            if not part.strip():
                continue
            head, *functions = re.split(r"(?m)^(?=func\.func )", part)
            corpus.append(part)
            corpus += [head + function for function in functions
                       if len(functions) > 1 and len(set(re.findall(r"@\w+", function))) == 1]
    return list(dict.fromkeys(valid)), list(dict.fromkeys(invalid))


def make_corpus(kind, opt, jobs):
    def convert(text):
        option = "--emit-bytecode" if kind == "bytecode" else "--mlir-print-op-generic"
        return subprocess.run([opt, option], input=text.encode(), timeout=60,
                              capture_output=True).stdout

    valid, invalid = read_sources()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # What does not parse comes out empty.
        converted = [data for data in pool.map(convert, valid + invalid) if data]
    if not converted:
        sys.exit(f"mutate.py: error: {opt} reads none of the .mlir files under {ROOT / 'test'}")
    if kind == "bytecode":
        return converted
    # The generic form goes past the parsers of the ops, straight to the verifiers.
    readable = valid + [data.decode() for data in converted]
    # Mutants of what is refused are mostly refused: one in seven is enough.
    return readable * max(1, round(6 * len(invalid) / len(readable))) + invalid


def execute(command, scratch, limit_s):
    """(exit code, negative for a signal; CPU seconds; peak memory; standard error)"""
    # Not a pipe: the output of a mutant may have no end.
    with tempfile.TemporaryFile(dir=scratch) as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=errors, env={**os.environ, "TMPDIR": str(scratch),
                                                       "LLVM_DISABLE_SYMBOLIZATION": "1"})
        # A busy machine is no hang: what counts is the time of the processor,
        # unless none is used. Not process.kill(), which would wait for it first.
        timer = threading.Timer(PATIENCE * limit_s, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read().decode("utf-8", "replace")
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text


def find_upstream(reason, opt, path, scratch, limit_s):
    """The reason of a crash as one of LLVM's, or None."""
    if UPSTREAM.fullmatch(reason):
        return reason
    if called := CALLED.fullmatch(reason):
        function = subprocess.run([LLVM / "llvm-symbolizer", f"--obj={opt}", called[1]], text=True,
                                  capture_output=True, timeout=60).stdout.partition("\n")[0]
        if FETCHES.search(function):
            return reason
    # Memory that LLVM has corrupted crashes whoever comes next.
    code, *_ = execute([LLVM / "mlir-opt", path], scratch, limit_s)
    return f"{reason}; mlir-opt ends by signal {-code}" if code < 0 else None


def find_excess_upstream(path, scratch, limit_s):
    """A reason if mlir-opt takes the most memory, or much of the time, as well; or None."""
    _, cpu_s, memory, _ = execute([LLVM / "mlir-opt", path], scratch, limit_s)
    # Passes of dsa-opt verify again what reading has verified.
    return "slow or large in mlir-opt" if memory >= LIMIT_BYTES or 4 * cpu_s > limit_s else None


def judge(kind, code, cpu_s, memory, errors, limit_s, find_upstream, find_excess_upstream):
    crash = CRASH.search(errors)
    upstream = find_upstream(crash[1]) if crash and code == 70 else None
    is_late = code == -signal.SIGKILL or cpu_s > limit_s
    # LLVM's reader of bytecode makes room for as much as a file claims to hold.
    is_large = memory >= LIMIT_BYTES and (kind == "text" or PARSED in errors)
    excess = find_excess_upstream() if is_late or is_large else None
    failure = None
    if is_late and not excess:
        failure = f"did not end in time ({cpu_s:.1f} s of the processor)"
    elif code < 0 and not is_late:
        failure = f"ended by signal {-code}"
    elif code not in (0, 1, 70) and not is_late:
        failure = f"exit code {code}"
    elif is_large and not excess:
        failure = f"took {memory >> 20} MiB"
    elif code == 70 and not upstream:
        failure = crash[1] if crash else "exit code 70 without the line that explains it"
    elif code == 1 and "error:" not in errors:
        failure = "exit code 1 without an error"
    elif kind == "text" and ROUNDTRIP.search(errors):
        # Bytecode can hold types that no text can, such as negative sizes.
        failure = "does not read back as printed"
    parsed = PARSED in errors
    return Result(failure, parsed or REFUSED.search(errors) is not None, parsed, code == 0,
                  upstream or excess)


def report(results, done, total, start):
    print(f"{done} of {total} mutants, {time.monotonic() - start:.0f} s, "
          f"{sum(r.failure is not None for r in results)} failed", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["text", "bytecode"], required=True,
                        help="what to mutate: the files, or their bytecode")
    parser.add_argument("-n", type=int, default=1000, help="how many mutants (default: 1000)")
    parser.add_argument("--seed", type=int, default=1,
                        help="the same seed and files give the same mutants (default: 1)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", default=pathlib.Path("fuzz-failures"),
                        help="folder for mutants that fail, made when needed (default: fuzz-failures)")
    parser.add_argument("--keep-all", action="store_true",
                        help="also keep mutants that are too much for LLVM or MLIR, which is no "
                             "failure here")
    parser.add_argument("--limit-s", type=float, default=10, metavar="S",
                        help="processor time that a mutant may take (default: 10)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help="how many at a time (default: one a processor)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder (default: build)")
    options = parser.parse_args()
    opt = (options.build / "bin" / "dsa-opt").resolve()
    if not opt.exists():
        sys.exit(f"mutate.py: error: there is no {opt}; build the project or give --build")
    # A mutant must not take the machine with it; children inherit the limits.
    resource.setrlimit(resource.RLIMIT_AS, (4 * LIMIT_BYTES, 4 * LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    binary = options.kind == "bytecode"
    corpus = make_corpus(options.kind, opt, options.jobs)
    changes = BYTECODE if binary else TEXT

    def run(index, scratch):
        rng = random.Random(f"{options.kind} {options.seed} {index}")
        mutant = mutate(rng, corpus, changes)
        data = mutant if binary else mutant.encode("utf-8", "surrogatepass")
        path = scratch / f"{options.kind}-{options.seed}-{index}.{'mlirbc' if binary else 'mlir'}"
        path.write_bytes(data)
        arguments = rng.choice(PIPELINES)
        command = [opt, path, "--dump-pass-pipeline", *arguments]
        result = judge(options.kind, *execute(command, scratch, options.limit_s), options.limit_s,
                       lambda reason: find_upstream(reason, opt, path, scratch, options.limit_s),
                       lambda: find_excess_upstream(path, scratch, options.limit_s))
        if result.failure or options.keep_all and result.upstream:
            options.keep.mkdir(parents=True, exist_ok=True)
            kept = options.keep / path.name
            kept.write_bytes(data)
            quoted = " ".join(f"'{a}'" if " " in a else a for a in arguments)
            print(f"{'FAILED: ' + result.failure if result.failure else result.upstream}\n"
                  f"  {opt} {kept} {quoted}", flush=True)
        path.unlink()
        return result

    results, start = [], time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = pool.map(run, range(options.n), itertools.repeat(pathlib.Path(scratch)))
        for done, result in enumerate(runs, 1):
            results.append(result)
            if done % 500 == 0:
                report(results, done, options.n, start)
    places = collections.Counter(re.sub(r"\(\d+\)", "(...)", r.upstream)
                                 for r in results if r.upstream)
    for place, count in places.most_common():
        print(f"outside this project, {count} times: {place}")
    reached, parsed, passed = (100 * sum(share) / max(1, len(results)) for share in
                               zip(*((r.reached, r.parsed, r.passed) for r in results)))
    print(f"of the mutants {reached:.0f} % reach the verifiers, {parsed:.0f} % are valid and "
          f"{passed:.0f} % pass their pipeline")
    failed = sum(r.failure is not None for r in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
