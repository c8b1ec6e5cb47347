"""Holds the documents against the project.

Every ```mlir, ```c, ```cpp and ```cmake block of README.md, docs/*.md and the op
descriptions must stand, spaces apart, in a file of its language under test/. In
the description of a pass, one block is the input, which must stand there too,
and the next one is what the pass, with the options that the text between them
names, makes of it: SSA names apart, and "..." stands for any text.
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


# Language of a block: the files under test/ that may hold it.
SNIPPETS = {"mlir": "*.mlir", "c": "*.c", "cpp": "*.cpp", "cmake": "CMakeLists.txt"}


def blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)


def squeeze(text):
    return " ".join(text.split())


def check_snippets(root):
    documents = [root / "README.md", *sorted(root.glob("docs/*.md")),
                 root / "include/dsa/IR/DSAOps.td", root / "include/dsa/GPU/DSAGPUOps.td"]
    errors = []
    for language, files in SNIPPETS.items():
        known = [squeeze(path.read_text()) for path in root.glob(f"test/**/{files}")]
        found = [(document.name, block) for document in documents
                 for block in blocks(document.read_text(), language)]
        if language == "mlir":
            for file in pass_files(root):
                passes = blocks(file.read_text(), language)
                found += [(file.name, block) for block in passes[::2]]
        errors += [f"{name}: no file under test/ holds:\n{block}" for name, block in found
                   if not any(squeeze(block) in text for text in known)]
    return errors


def pass_files(root):
    return sorted(root.glob("include/dsa/*Passes.td"))


def missing_piece(pattern, text):
    """The first of the pieces between "..." of `pattern` that `text` does not hold, behind those
    before it and up to spaces and a renaming of SSA values; None if it holds them all. A piece is
    where it is found first: no other place is tried, so the time is linear in the pieces."""
    names, end = {}, 0
    for piece in re.sub(r"//.*", "", pattern).split("..."):
        parts, new = [], {}
        for token in re.findall(r"%\w+|[\w.]+|\S", piece):
            if token in names:
                parts.append(re.escape(names[token]) + r"\b")
            elif token in new:
                parts.append(rf"(?P={new[token]})\b")
            elif token.startswith("%"):
                new[token] = f"n{len(new)}"
                parts.append(rf"(?P<{new[token]}>%\w+)")
            else:
                parts.append(re.escape(token))
        found = re.compile(r"\s*".join(parts)).search(text, end)
        if not found:
            return piece
        names |= {token: found[group] for token, group in new.items()}
        end = found.end()
    return None


def holds(expected, output):
    """Whether `output` is `expected`, where "..." stands for any text."""
    first, *rest = expected.split("...")
    if not rest:
        return output == expected
    *middle, last = rest
    if not output.startswith(first):
        return False
    end = len(first)
    for piece in middle:
        found = output.find(piece, end)
        if found < 0:
            return False
        end = found + len(piece)
    return output.endswith(last) and end + len(last) <= len(output)


def check_passes(root, bin_folder):
    errors = []
    text = "".join(file.read_text() for file in pass_files(root))
    for name, description in re.findall(r'Pass<"([\w-]+)".*?description = \[\{(.*?)\}\];', text,
                                        re.S):
        pieces = re.split(r"^ *```mlir\n(.*?)^ *```$", description, flags=re.M | re.S)
        for before, between, after in zip(pieces[1::4], pieces[2::4], pieces[3::4], strict=True):
            options = "".join(f"={x}" for x in re.findall(r"with `([^`]*)`", between))
            done = subprocess.run([bin_folder / "dsa-opt", f"--{name}{options}"], input=before,
                                  capture_output=True, text=True, timeout=COMMAND_LIMIT_S)
            missing = missing_piece(after, done.stdout)
            if missing is not None:
                errors.append(f"Passes.td: --{name}{options} of\n{before}-- is not\n{after}"
                              f"-- but\n{done.stdout}{done.stderr}"
                              f"-- which, behind what was found, has no\n{missing.strip()}")
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
                if not holds(expected.strip(), done.stdout.strip()):
                    errors.append(f"{document.name}: $ {command}\n-- expected\n{expected}"
                                  f"-- got\n{done.stdout}")
    return errors


def main():
    root, bin_folder = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    errors = check_snippets(root) + check_passes(root, bin_folder)
    for document in sorted(root.glob("docs/*.md")):
        if document.name not in sys.argv[3:]:
            errors += check_console(root, bin_folder, document)
    print("\n".join(errors) or "ok")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
