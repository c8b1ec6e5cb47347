"""Holds the documents against the project.

Every ```mlir and ```c block of README.md, docs/*.md and the op descriptions must
stand, spaces apart, in a file of its language under test/. Every ```console block is run: lines that
begin with "$ " are commands, the others their expected output, where "..."
stands for any text. Commands run in one scratch folder per document in which
test/ is the project's, with standard error in the output.

usage: check_docs.py ROOT BIN
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMMAND_LIMIT_S = 300

# Language of a block: the files under test/ that may hold it.
SNIPPETS = {"mlir": "*.mlir", "c": "*.c"}


def blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)


def squeeze(text):
    return " ".join(text.split())


def check_snippets(root):
    documents = [root / "README.md", *sorted(root.glob("docs/*.md")),
                 root / "include/dsa/IR/DSAOps.td"]
    errors = []
    for language, files in SNIPPETS.items():
        known = [squeeze(path.read_text()) for path in root.glob(f"test/**/{files}")]
        for document in documents:
            for block in blocks(document.read_text(), language):
                if not any(squeeze(block) in text for text in known):
                    errors.append(f"{document.name}: no file under test/ holds:\n{block}")
    return errors


def check_console(root, bin_folder, document):
    errors = []
    environment = dict(os.environ, PATH=os.pathsep.join(
        [str(pathlib.Path(sys.executable).parent), str(bin_folder), os.environ["PATH"]]))
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "test").symlink_to(root / "test")
        for block in blocks(document.read_text(), "console"):
            for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
                command, _, expected = step.partition("\n")
                done = subprocess.run(command, shell=True, cwd=folder, env=environment,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, timeout=COMMAND_LIMIT_S)
                pattern = ".*".join(map(re.escape, expected.strip().split("...")))
                if not re.fullmatch(pattern, done.stdout.strip(), re.S):
                    errors.append(f"{document.name}: $ {command}\n-- expected\n{expected}"
                                  f"-- got\n{done.stdout}")
    return errors


def main():
    root, bin_folder = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    errors = check_snippets(root)
    for document in sorted(root.glob("docs/*.md")):
        errors += check_console(root, bin_folder, document)
    print("\n".join(errors) or "ok")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
