"""Holds the documents against the project.

Every ```mlir, ```cpp and ```cmake block of README.md, docs/*.md and the op
descriptions must stand, spaces apart, in a file under test/ that a test uses.
Every ```console block is run: lines that begin with "$ " are commands, the
others their expected output, where "..." stands for any text. Commands run in
one scratch folder per document in which test/ is the project's and lib/ the
build's, with standard error in the output.

usage: check_docs.py ROOT BIN [PAGE-NOT-TO-RUN...]
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMMAND_LIMIT_S = 300
# Where the blocks of a language have to stand.
SOURCES = {"mlir": "*.mlir", "cpp": "*.cpp", "cmake": "CMakeLists.txt"}


def blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)


def squeeze(text):
    return " ".join(text.split())


def check_snippets(root):
    known = {language: [squeeze(path.read_text()) for path in root.glob(f"test/**/{name}")]
             for language, name in SOURCES.items()}
    documents = [root / "README.md", *sorted(root.glob("docs/*.md")),
                 root / "include/dsa/IR/DSAOps.td"]
    errors = []
    for document in documents:
        for language, texts in known.items():
            for block in blocks(document.read_text(), language):
                if not any(squeeze(block) in text for text in texts):
                    errors.append(f"{document.name}: no file under test/ holds:\n{block}")
    return errors


def check_console(root, bin_folder, document):
    errors = []
    environment = dict(os.environ, PATH=os.pathsep.join(
        [str(pathlib.Path(sys.executable).parent), str(bin_folder), os.environ["PATH"]]))
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "test").symlink_to(root / "test")
        (pathlib.Path(folder) / "lib").symlink_to(bin_folder.parent / "lib")
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
        if document.name not in sys.argv[3:]:
            errors += check_console(root, bin_folder, document)
    print("\n".join(errors) or "ok")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
