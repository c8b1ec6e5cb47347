"""Runs the project's tools as a user would."""

import os
import pathlib
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("DSA_BUILD_DIR", ROOT / "build")) / "bin"
# A hang is a failure; nothing here takes near as long.
LIMIT_S = 60


def run(tool, *arguments, memory=None, **keywords):
    """(exit code, standard output, standard error); a signal is a negative code."""
    def limit():
        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    done = subprocess.run([BIN / tool, *map(str, arguments)], capture_output=True,
                          timeout=LIMIT_S, preexec_fn=limit, **keywords)
    return done.returncode, done.stdout.decode("utf-8", "replace"), \
        done.stderr.decode("utf-8", "replace")
