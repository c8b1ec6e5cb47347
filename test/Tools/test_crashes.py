"""A crash ends in exit code 70, says whose code it was in, and leaves what shows it again."""

import os
import re
import subprocess

import pytest
from tools import BIN, LIMIT_S, ROOT, run

INPUT = ROOT / "test" / "Integration" / "tutorial.mlir"
PLUGIN = BIN.parent / "lib" / "libdsa-test-crash.so"
OURS, MLIR, LLVM = (rf"{name}\+0x[0-9a-f]+" for name in
                    (r"libdsa-test-crash\.so", r"libMLIR\.so\.22\.\d+", r"libLLVM\.so\.22\.\d+"))
# The places are those of the innermost code, and of what had called it.
KINDS = {
    "null": f"signal 11 in {OURS}",
    "division": f"signal 8 in {OURS}",
    "trap": f"signal 4 in {OURS}",
    "abort": f"signal 6 in {OURS}",
    "stack": f"signal 11 in {OURS}",
    "mlir": f"signal 11 in {MLIR}, called from {OURS}",
    "memory": f"out of memory in {OURS}",
    "fatal": f"an error that cannot be returned in {LLVM}, called from {OURS}",
}


def crash(folder, kind, *arguments):
    """dsa-opt on a pipeline whose second pass crashes."""
    return run("dsa-opt", INPUT, f"--load-pass-plugin={PLUGIN}", *arguments,
               f"--pass-pipeline=builtin.module(dsa-decompose,test-crash{{how={kind}}},cse)",
               env={**os.environ, "TMPDIR": str(folder)})


def place(text, kind):
    found = re.search(rf"^error: internal error in dsa-opt \(({KINDS[kind]})\): this is a defect",
                      text, re.M)
    assert found, text
    return found[1]


def run_again(folder, reproducer):
    code, out, err = run("dsa-opt", "--run-reproducer", f"--load-pass-plugin={PLUGIN}", reproducer,
                         env={**os.environ, "TMPDIR": str(folder / "absent")})
    assert code == 70 and not out
    return err


def test_the_pass_crashes_only_if_asked_to(tmp_path):
    assert crash(tmp_path, "no")[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_reproducer_of_the_guard(tmp_path, kind):
    code, out, err = crash(tmp_path, kind)
    assert code == 70 and not out
    reproducer, = tmp_path.iterdir()
    assert err.endswith(f"dsa-opt --run-reproducer {reproducer}\n") and err.count("\n") == 1
    assert place(run_again(tmp_path, reproducer), kind) == place(err, kind)


# What these reproducers do not catch ends in the guard. Upstream catches a stack
# that overflows for the whole pipeline only.
@pytest.mark.parametrize("kind, local", [
    (kind, local) for kind in KINDS if KINDS[kind].startswith("signal")
    for local in ([False] if kind in ("stack", "mlir") else [False, True])])
def test_the_reproducer_of_the_pass_manager(tmp_path, kind, local):
    reproducer = tmp_path / "reproducer.mlir"
    code, out, err = crash(tmp_path, kind, f"--mlir-pass-pipeline-crash-reproducer={reproducer}",
                           *["--mlir-pass-pipeline-local-reproducer"] * local)
    assert code == 1 and not out and f"reproducer generated at `{reproducer}`" in err
    # The local one starts where the crash is: dsa-decompose is done.
    assert ("dsa-decompose" in reproducer.read_text()) != local
    place(run_again(tmp_path, reproducer), kind)


def test_a_crash_below_a_parser_of_the_dialect_names_the_caller(tmp_path):
    deep = "affine_map<(d0) -> (" + "-" * 300000 + "d0)>"
    (tmp_path / "in.mlir").write_text(
        "func.func @f(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>) {\n"
        "  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656>\n"
        f"      outs(%o : tensor<9x576xbf16>) {{a = {deep}}}\n  return\n}}\n")
    (tmp_path / "plain.mlir").write_text(f"#m = {deep}\n")
    environment = {**os.environ, "TMPDIR": str(tmp_path / "absent")}
    code, _, err = run("dsa-opt", tmp_path / "in.mlir", env=environment)
    assert code == 70 and re.search(rf"\(signal 11 in {MLIR}, called from dsa-opt\+0x[0-9a-f]+\)", err)
    code, _, err = run("dsa-opt", tmp_path / "plain.mlir", env=environment)
    assert code == 70 and re.search(rf"\(signal 11 in {MLIR}\)", err)


@pytest.mark.parametrize("tool, extra", [("dsa-opt", []), ("dsa-run", ["--function=f"])])
def test_bytecode_that_reads_itself_forever(tmp_path, tool, extra):
    source = "module attributes {dsa.a = [[[]]]} {}"
    done = subprocess.run([BIN / "dsa-opt", "--emit-bytecode"], input=source.encode(),
                          capture_output=True, timeout=LIMIT_S)
    # The inner list becomes its own element.
    assert done.stdout.count(b")\x03\x03\x03\x05") == 1
    (tmp_path / "in.mlirbc").write_bytes(done.stdout.replace(b")\x03\x03\x03\x05", b")\x03\x03\x01\x05"))
    code, out, err = run(tool, tmp_path / "in.mlirbc", *extra)
    assert code == 70 and not out
    assert re.match(rf"error: internal error in {tool} \(endless reading of bytecode in {MLIR}\)", err)


@pytest.mark.parametrize("passes, message", [
    ("--dsa-verify-lowered", "error: 'func.func' op has no lowering"),
    ("--dsa-decompose=accumulate-type=f16", "accumulate-type is 'f16'"),
    ("--dsa-reference-pipeline=checked=true", "argument 0 is 'tensor<*xf32>'"),
])
def test_a_pass_that_fails_has_a_reproducer_too(tmp_path, passes, message):
    (tmp_path / "in.mlir").write_text("func.func @unranked(%a: tensor<*xf32>) {\n  return\n}\n")
    reproducer = tmp_path / "reproducer.mlir"
    code, _, err = run("dsa-opt", tmp_path / "in.mlir", "--canonicalize", passes,
                       f"--mlir-pass-pipeline-crash-reproducer={reproducer}")
    assert code == 1 and message in err and f"reproducer generated at `{reproducer}`" in err
    code, _, again = run("dsa-opt", "--run-reproducer", reproducer)
    assert code == 1 and message in again


def test_bytecode_that_llvm_refuses_in_silence(tmp_path):
    source = "module attributes {dsa.a = [[1 : i32]]} {}"
    done = subprocess.run([BIN / "dsa-opt", "--emit-bytecode"], input=source.encode(),
                          capture_output=True, timeout=LIMIT_S)
    assert done.stdout.count(b"\t\x11\x01\x05") == 1
    (tmp_path / "in.mlirbc").write_bytes(done.stdout.replace(b"\t\x11\x01\x05", b"\t\x13\x01\x05"))
    code, out, err = run("dsa-opt", tmp_path / "in.mlirbc")
    assert code == 1 and not out
    assert err == f"error: '{tmp_path}/in.mlirbc' cannot be read as bytecode\n"
