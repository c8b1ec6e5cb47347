"""The mutation tester notices everything that a mutant may not do."""

import os
import re
import subprocess
import sys

import pytest
from tools import LIMIT_S, ROOT

MUTATE = ROOT / "tools" / "fuzz" / "mutate.py"
CRASH = "internal error in dsa-opt (signal 11 in {}): this is a defect; please report it"
OURS, MLIR = "dsa-opt+0x12ab", "libMLIR.so.22.1+0x34cd"


def mutate(folder, script, *arguments, environment=None):
    """mutate.py with a shell script as dsa-opt."""
    (folder / "bin").mkdir()
    opt = folder / "bin" / "dsa-opt"
    # Reading of the corpus must succeed; mutants come with a pipeline.
    opt.write_text(f'#!/bin/sh\ncase "$*" in --mlir-print-op-generic) cat; exit 0;; esac\n{script}\n')
    opt.chmod(0o755)
    done = subprocess.run([sys.executable, MUTATE, "--kind", "text", "-n", "2", "--build", folder,
                           "--keep", folder / "kept", *arguments], capture_output=True, text=True,
                          timeout=LIMIT_S, env={**os.environ, **(environment or {})})
    kept = sorted(p.name for p in folder.glob("kept/*"))
    return done.returncode, done.stdout, kept


@pytest.mark.parametrize("script", [
    "exit 0",
    "echo 'in.mlir:1:1: error: no' >&2; exit 1",
    f"echo 'error: {CRASH.format(MLIR)}' >&2; exit 70",
], ids=["valid", "refused", "upstream"])
def test_what_passes(tmp_path, script):
    code, out, kept = mutate(tmp_path, script)
    assert code == 0 and out.endswith("2 passed, 0 failed\n") and not kept
    assert ("outside this project, 2 times" in out) == ("70" in script)


@pytest.mark.parametrize("script, failure", [
    ("kill -SEGV $$", "ended by signal 11"),
    ("exit 3", "exit code 3"),
    ("exit 1", "exit code 1 without an error"),
    ("exit 70", "exit code 70 without the line that explains it"),
    (f"echo 'error: {CRASH.format(OURS)}' >&2; exit 70", f"signal 11 in {OURS}"),
    (f"echo 'error: {CRASH.format(MLIR + ', called from ' + OURS)}' >&2; exit 70",
     f"signal 11 in {MLIR}, called from {OURS}"),
    ("echo 'in.mlir:1:1: error: roundTrip testing roundtripped module differs' >&2; exit 1",
     "does not read back as printed"),
    ("echo \"in.mlir:1:1: error: 'builtin.module' op failed to parse textual content back, "
     "cannot verify round-trip.\" >&2; exit 1", "does not read back as printed"),
    ("exec sleep 60", "did not end in time"),
    (f"exec {sys.executable} -c 'b\"x\" * (2 << 30)'", "took 20"),
])
def test_what_fails_is_kept(tmp_path, script, failure):
    limit = "0.5" if "sleep" in script else "30"
    code, out, kept = mutate(tmp_path, script, "--limit-s", limit, "--jobs", "1")
    assert code == 1 and out.endswith("0 passed, 2 failed\n")
    assert kept == ["text-1-0.mlir", "text-1-1.mlir"]
    assert re.findall("FAILED: (.*)\n", out)[0].startswith(failure)
    # The command that is printed is the mutant's.
    assert str(tmp_path / "kept" / kept[1]) in out


def test_what_mlir_opt_crashes_on_is_not_ours(tmp_path):
    """After memory is corrupted, the stack tells nothing: mlir-opt does."""
    (tmp_path / "llvm" / "bin").mkdir(parents=True)
    mlir_opt = tmp_path / "llvm" / "bin" / "mlir-opt"
    script = f"echo 'error: {CRASH.format(OURS)}' >&2; exit 70"
    for own, code in (("kill -ABRT $$", 0), ("exit 1", 1)):
        mlir_opt.write_text(f"#!/bin/sh\n{own}\n")
        mlir_opt.chmod(0o755)
        folder = tmp_path / str(code)
        folder.mkdir()
        assert mutate(folder, script, environment={"DSA_LLVM_DIR": str(tmp_path / "llvm")})[0] == code


@pytest.mark.parametrize("script, own, code", [
    ("exec {busy}", "exec sleep 60", 1), ("exec {busy}", "exec {busy}", 0),
    ("exec {large}", "exit 1", 1), ("exec {large}", "exec {large}", 0)])
def test_what_mlir_opt_is_slow_on_is_not_ours(tmp_path, script, own, code):
    """Or what it takes much memory for. What only waits is no work."""
    (tmp_path / "llvm" / "bin").mkdir(parents=True)
    mlir_opt = tmp_path / "llvm" / "bin" / "mlir-opt"
    programs = {"busy": f"{sys.executable} -c 'while True: pass'",
                "large": f"{sys.executable} -c 'b\"x\" * (2 << 30)'"}
    mlir_opt.write_text(f"#!/bin/sh\n{own.format(**programs)}\n")
    mlir_opt.chmod(0o755)
    got, out, _ = mutate(tmp_path, script.format(**programs), "--limit-s", "0.3", "--jobs", "1", "-n",
                         "1", environment={"DSA_LLVM_DIR": str(tmp_path / "llvm")})
    assert got == code
    assert ("outside this project, 1 times: slow or large in mlir-opt" in out) == (code == 0)


def test_help_has_an_example():
    done = subprocess.run([sys.executable, MUTATE, "--help"], capture_output=True, text=True,
                          timeout=LIMIT_S)
    assert done.returncode == 0 and "--kind text -n 100000" in done.stdout
