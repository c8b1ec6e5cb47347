"""What ptxas makes of a kernel: registers, spills, and the least registers without them."""

import pathlib
import re
import shutil
import subprocess
import tempfile

# `.maxnreg` is tried in these steps down to the least that ptxas takes.
STEP, LEAST = 8, 24
# Limits in a row that spill, below which none is tried.
PATIENCE = 3


class Failure(Exception):
    """ptxas refuses a text, or says what is not understood."""


def find(build, given=None):
    """ptxas: the one given, that of tools/get-ptxas.sh, that of CUDA_HOME, or one on PATH."""
    if given:
        return given
    return shutil.which("ptxas", path=build / "cuda/bin") or shutil.which("ptxas")


def get_version(ptxas):
    said = subprocess.run([ptxas, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\bV(\d+\.\d+\.\d+)", said)
    if not found:
        raise Failure(f"'{ptxas} --version' says no version")
    return found[1]


def assemble(ptxas, text, chip):
    """Registers of a thread, bytes and notes of a kernel on a chip."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kernel.ptx"
        path.write_text(text)
        done = subprocess.run([ptxas, "-v", f"-arch={chip}", "-o", "/dev/null", path],
                              capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode:
        raise Failure(f"ptxas for {chip}: {said.strip()}")

    def number(regex):
        return sum(map(int, re.findall(regex, said)))

    if said.count("Used ") != 1:
        raise Failure(f"ptxas for {chip} does not report one kernel: {said.strip()}")
    return {
        "registers": number(r"Used (\d+) registers"),
        "static_shared_bytes": number(r"(\d+) bytes smem"),
        "stack_bytes": number(r"(\d+) bytes stack frame"),
        "spill_bytes": number(r"(\d+) bytes spill (?:stores|loads)"),
        # Notes on performance have numbers, (C7510) for one.
        "notes": re.findall(r"\(C\d+\).*|warning.*", said),
    }


def find_floor(ptxas, kernel, chip, registers, guess=None):
    """The least limit on registers, in steps of 8, with which nothing spills. ptxas has no option
    for it: it ignores `-maxrregcount` beside `.reqntid`. Spills do not always grow as the limit
    falls, so that a few limits below one that spills are tried. Where `guess` still does not spill
    and the next does, it is taken."""

    def spills(limit):
        return limit < LEAST or assemble(ptxas, kernel.with_registers(limit), chip)["spill_bytes"]

    if guess and guess % STEP == 0 and not spills(guess) and spills(guess - STEP):
        return guess
    floor, misses = registers, 0
    for limit in range((registers - 1) // STEP * STEP, 0, -STEP):
        if spills(limit):
            misses += 1
            if misses == PATIENCE:
                break
        else:
            floor, misses = limit, 0
    return floor
