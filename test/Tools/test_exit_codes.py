"""Bad input and bad surroundings: one clear error and the documented exit code."""

import os
import pathlib
import resource
import signal
import subprocess

import numpy as np
import pytest
from tools import BIN, LIMIT_S, ROOT, run

TUTORIAL = ROOT / "test" / "Integration" / "tutorial.mlir"
IO, USER = 74, 1


@pytest.mark.parametrize("tool", ["dsa-bench", "dsa-compile", "dsa-lsp-server", "dsa-opt",
                                  "dsa-run"])
def test_version_is_the_one_of_the_project(tool):
    code, out, _ = run(tool, "--version")
    version = (ROOT / "VERSION").read_text().strip()
    assert code == 0 and f"{tool} (dsa-mlir) {version}, LLVM 22." in out


@pytest.mark.parametrize("tool, text", [("dsa-bench", "--case=indexer_scores"),
                                        ("dsa-compile", "-o libcore.so"),
                                        ("dsa-lsp-server", "vim.lsp.enable"),
                                        ("dsa-opt", "--dsa-reference-pipeline"),
                                        ("dsa-run", "--function=core")])
def test_help_has_an_example(tool, text):
    code, out, _ = run(tool, "--help")
    assert code == 0 and text in out and "exit codes" in out


@pytest.mark.parametrize("arguments, message", [
    (["--no-such-option"], "Unknown command line argument '--no-such-option'"),
    (["--dsa-decompose=accumulate-type=f16"],
     "accumulate-type is 'f16', but must be f32 or f64"),
    (["--dsa-decompose=no-such=1"], "no such option no-such"),
    (["--dsa-reference-pipeline=accumulate-type=f16"], "f32 or f64"),
    (["--dsa-reference-pipeline=checked=maybe"], "maybe"),
])
def test_opt_refuses_an_option(arguments, message):
    code, out, err = run("dsa-opt", TUTORIAL, *arguments)
    assert code == USER and message in err and not out


@pytest.mark.parametrize("tool, extra", [("dsa-opt", []), ("dsa-run", ["--function=f"]),
                                         ("dsa-compile", ["-o", "libf.so"])])
def test_missing_file(tool, extra):
    code, _, err = run(tool, "/no/such/file.mlir", *extra)
    assert code == IO
    assert err == "error: cannot read '/no/such/file.mlir': No such file or directory\n"


@pytest.mark.parametrize("text", ["func.func @f( {", "\x00\x01\x02", "dsa.top_k"])
def test_text_that_is_not_mlir(tmp_path, text):
    (tmp_path / "bad.mlir").write_text(text)
    for tool, extra in (("dsa-opt", []), ("dsa-run", ["--function=f"])):
        code, out, err = run(tool, tmp_path / "bad.mlir", *extra)
        assert code == USER and "error:" in err and not out


FUNCTIONS = """
func.func @scalar(%a: i32, %b: tensor<2xf32>) -> tensor<2xf32> { return %b : tensor<2xf32> }
func.func @memref(%a: memref<2xf32>) { return }
func.func @complex(%a: tensor<2xcomplex<f32>>) { return }
func.func @same(%a: tensor<2x?xf32>, %b: tensor<3xbf16>) -> tensor<2x?xf32> {
  return %a : tensor<2x?xf32>
}
func.func @pair(%a: tensor<2x?xf32>) -> (tensor<2x?xf32>, tensor<2x?xf32>) {
  return %a, %a : tensor<2x?xf32>, tensor<2x?xf32>
}
func.func private @hidden(%a: tensor<2xf32>)
"""


@pytest.mark.parametrize("arguments, message", [
    (["--function=scalar"], "argument 0 of 'scalar' is i32; only functions on ranked tensors"),
    (["--function=memref"], "argument 0 of 'memref' is memref<2xf32>; only functions on"),
    (["--function=complex"], "argument 0 of 'complex' is tensor<2xcomplex<f32>>; element types"),
    (["--function=absent"], "there is no function 'absent' in the file; it has 'scalar', "
                            "'memref', 'complex', 'same', 'pair'"),
    (["--function=hidden"], "there is no function 'hidden' that is public"),
    (["--function=same"], "--input is given 0 times, but 'same' has 2 arguments"),
    (["--function=same", "--input=zeros", "--input=zeros"],
     "argument 0 (%a) is tensor<2x?xf32>; give the extents, as in zeros:4x64"),
    (["--function=same", "--input=zeros:3x4", "--input=zeros"],
     "argument 0 (%a) is tensor<2x?xf32>, but its shape is given as '3x4'"),
    (["--function=same", "--input=random:x", "--input=zeros"], "random takes a seed"),
    (["--function=same", "--input=zeros:2x99999999999999", "--input=zeros"],
     "argument 0 (%a) would be 2x99999999999999xf32, more than the"),
    (["--function=same", "--input=f32.npy", "--input=zeros", "--output=a", "--output=b"],
     "--output is given 2 times, but 'same' has 1 results"),
    (["--function=same", "--input=f64.npy", "--input=zeros"],
     "argument 0 (%a) is tensor<2x?xf32>, but 'f64.npy' holds elements of type '<f8'; accepted: <f4"),
    (["--function=same", "--input=f32.npy", "--input=f32.npy"],
     "argument 1 (%b) is tensor<3xbf16>, but 'f32.npy' holds elements of type '<f4'; accepted: <u2"),
    (["--function=same", "--input=wide.npy", "--input=zeros"],
     "argument 0 (%a) is tensor<2x?xf32>, but 'wide.npy' has shape 3x4"),
    (["--function=same", "--input=absent.npy", "--input=zeros"], "cannot read 'absent.npy'"),
    (["--function=same", "--input=zeros:2x4", "--input=zeros", "--output=-"],
     "--output=- is not possible"),
    (["--function=pair", "--input=zeros:2x4", "--output=o.npy", "--output=o.npy"],
     "--output=o.npy is given twice"),
    (["--function=same", "--input=/dev/zero", "--input=zeros"],
     "'/dev/zero' is not a regular file"),
    (["--function=same", "--target=tpu", "--input=zeros:2x1", "--input=zeros"],
     "there is no target 'tpu'"),
    (["--function=same", "--input=zeros:2x1", "--input=zeros", "--seed=3"],
     "--seed and --check-races are of an emulated target"),
    (["--function=same", "--target=cpu", "--check-races=0", "--input=zeros:2x1", "--input=zeros"],
     "--seed and --check-races are of an emulated target"),
    (["--function=same", "--target=cpu:emulated"], "only a GPU is emulated"),
    (["--function=same", "--ptx=f.mlir", "--input=zeros:2x1", "--input=zeros"], "--ptx is of a GPU"),
    (["--function=same", "--target=sm_80:emulated", "--pipeline-options=sm-count=huge",
      "--input=zeros:2x1", "--input=zeros"],
     "'sm-count=huge' are no options of the pipeline for sm_80; see above"),
    (["--function=same", "--accumulate-type=f16"], "Cannot find option named 'f16'"),
    (["--function=same", "--repeat=-1"], "'-1' value invalid for uint argument"),
])
def test_run_refuses_what_does_not_fit(tmp_path, arguments, message):
    (tmp_path / "f.mlir").write_text(FUNCTIONS)
    np.save(tmp_path / "f32.npy", np.zeros((2, 4), np.float32))
    np.save(tmp_path / "f64.npy", np.zeros((2, 4)))
    np.save(tmp_path / "wide.npy", np.zeros((3, 4), np.float32))
    code, out, err = run("dsa-run", "f.mlir", *arguments, cwd=tmp_path)
    assert code == (IO if "absent.npy" in message else USER)
    assert message in err and not out


def test_status_of_a_run_is_an_error_and_writes_nothing(tmp_path):
    code, _, err = run("dsa-run", TUTORIAL, "--function=attend", "--input=random:1:2x8x16",
                       "--input=random:1:6x16", "--input=zeros:3x4", "--input=zeros:2",
                       f"--output={tmp_path}/o.npy")
    assert code == USER and "returned status 1" in err and "is 3, expected 2" in err
    assert not list(tmp_path.iterdir())


def _write(tool, target, **keywords):
    if tool == "dsa-opt":
        return run(tool, TUTORIAL, "-o", target, **keywords)
    return run(tool, TUTORIAL, "--function=select", "--input=zeros:300x9",
               f"--output={target}", "--output=/dev/null", **keywords)


@pytest.mark.parametrize("tool", ["dsa-opt", "dsa-run"])
def test_output_that_cannot_be_written(tmp_path, tool):
    (tmp_path / "folder").mkdir()
    targets = {"/dev/full": "No space left on device",
               tmp_path / "no" / "such" / "o": "No such file or directory",
               tmp_path / "folder": "Is a directory"}
    for target, reason in targets.items():
        code, _, err = _write(tool, target)
        assert code == IO and f"cannot write '{target}': {reason}" in err, (target, err)
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


def test_no_result_is_written_if_one_cannot_be(tmp_path):
    (tmp_path / "i.npy").write_text("old")
    code, _, err = run("dsa-run", TUTORIAL, "--function=select", "--input=zeros:3x9",
                       "--output=i.npy", "--output=no/such.npy", cwd=tmp_path)
    assert code == IO and "cannot write 'no/such.npy'" in err
    assert [p.name for p in tmp_path.iterdir()] == ["i.npy"]
    assert (tmp_path / "i.npy").read_text() == "old"


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "o"
    target.write_text("old")
    target.chmod(0o640)
    assert _write("dsa-opt", target)[0] == 0
    assert target.stat().st_mode & 0o777 == 0o640 and target.read_text() != "old"


def test_input_without_end():
    code, _, err = run("dsa-opt", "/dev/zero", memory=1 << 30)
    assert code == USER and "'/dev/zero' has more than 268435456 bytes" in err


@pytest.mark.parametrize("tool", ["dsa-bench", "dsa-compile", "dsa-lsp-server", "dsa-opt",
                                  "dsa-run"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_that_cannot_be_written(tool, option):
    read, write = os.pipe()
    os.close(read)
    with open("/dev/full", "wb") as full:
        for stdout in (write, full):
            done = subprocess.run([BIN / tool, option], stdout=stdout, stderr=subprocess.PIPE,
                                  timeout=LIMIT_S)
            assert done.returncode == IO and done.stderr.startswith(b"error: "), done
    os.close(write)


# The parser of affine expressions calls itself for each sign.
CRASH = "#m = affine_map<(d0) -> (" + "-" * 300000 + "d0)>\n"


def test_a_crash_leaves_a_reproducer_and_nothing_else(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "in.mlir").write_text(CRASH)
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    code, out, err = run("dsa-opt", "in.mlir", "--dsa-decompose=accumulate-type=f64", "-o", "o",
                         cwd=tmp_path, env=environment)
    made, = (tmp_path / "tmp").iterdir()
    assert code == 70 and not out and err.startswith("error: internal error in dsa-opt (signal 11 in libMLIR")
    assert err.endswith(f"dsa-opt --run-reproducer {made}\n") and err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mlir", "tmp"]
    assert 'pipeline: "builtin.module(dsa-decompose{accumulate-type=f64})"' in made.read_text()
    assert run("dsa-opt", "--run-reproducer", made, env=environment)[0] == 70


def test_a_reproducer_that_cannot_be_written(tmp_path):
    (tmp_path / "in.mlir").write_text(CRASH)
    code, _, err = run("dsa-opt", tmp_path / "in.mlir",
                       env={**os.environ, "TMPDIR": str(tmp_path / "absent")})
    assert code == 70 and "report it with the input and the command line" in err


def test_a_reproducer_runs_its_passes(tmp_path):
    """Resources that a reproducer adds are those that --run-reproducer reads."""
    (tmp_path / "in.mlir").write_text(
        'func.func @f() { return }\n{-# external_resources: { mlir_reproducer: { pipeline: '
        '"builtin.module(dsa-decompose{accumulate-type=f16})", disable_threading: true, '
        "verify_each: true } } #-}\n")
    code, _, err = run("dsa-opt", "--run-reproducer", tmp_path / "in.mlir")
    assert code == USER and "accumulate-type is 'f16'" in err


@pytest.mark.parametrize("extents, message", [
    ("4611686018427387904x4", "whose size in bytes does not fit 64 bits"),
    ("1099511627776", "error: result 0 would be 1099511627776xf32, more than the"),
])
def test_a_result_larger_than_memory(tmp_path, extents, message):
    (tmp_path / "f.mlir").write_text(
        f"func.func @f(%a: tensor<f32>) -> tensor<{extents}xf32> {{\n"
        "  %e = tensor.extract %a[] : tensor<f32>\n"
        f"  %0 = tensor.splat %e : tensor<{extents}xf32>\n"
        f"  return %0 : tensor<{extents}xf32>\n}}")
    code, _, err = run("dsa-run", tmp_path / "f.mlir", "--function=f", "--input=zeros")
    assert code == USER and message in err


def test_a_function_that_destroys_the_heap_is_no_signal(tmp_path):
    """An intermediate value whose size, known when it runs, wraps around to nothing."""
    huge = "tensor<?x4xf32>"
    (tmp_path / "f.mlir").write_text(
        "func.func @f(%a: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {\n"
        "  %c = arith.constant 1234567 : index\n"
        "  %c0 = arith.constant 0 : index\n"
        "  %e = tensor.extract %a[] : tensor<f32>\n"
        "  %n0 = tensor.extract %n[] : tensor<i64>\n"
        "  %n1 = arith.index_cast %n0 : i64 to index\n"
        f"  %i = tensor.empty(%n1) : {huge}\n"
        f"  %0 = linalg.fill ins(%e : f32) outs(%i : {huge}) -> {huge}\n"
        f"  %x = tensor.extract %0[%c, %c0] : {huge}\n"
        "  %r = tensor.from_elements %x : tensor<f32>\n"
        "  return %r : tensor<f32>\n}")
    np.save(tmp_path / "n.npy", np.array(2**60, np.int64))
    code, out, err = run("dsa-run", tmp_path / "f.mlir", "--function=f", "--input=zeros",
                         f"--input={tmp_path}/n.npy")
    # The C library may have said before what it found in the heap.
    assert code in (USER, 70) and not out and "error: " in err


@pytest.mark.parametrize("tool", ["dsa-opt", "dsa-run"])
def test_file_size_limit_keeps_the_old_file(tmp_path, tool):
    target = tmp_path / "o"
    target.write_text("old")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    arguments = [BIN / tool, TUTORIAL]
    arguments += ["-o", target] if tool == "dsa-opt" else \
        ["--function=select", "--input=zeros:300x9", f"--output={target}", "--output=/dev/null"]
    done = subprocess.run(arguments, capture_output=True, preexec_fn=limit, timeout=LIMIT_S)
    assert done.returncode == IO and b"File too large" in done.stderr
    assert target.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("tool", ["dsa-opt", "dsa-run"])
def test_closed_pipe_on_standard_output(tool):
    read, write = os.pipe()
    os.close(read)
    arguments = [BIN / tool, TUTORIAL]
    if tool == "dsa-run":
        arguments += ["--function=select", "--input=zeros:3x9"]
    done = subprocess.run(arguments, stdout=write, stderr=subprocess.PIPE, timeout=LIMIT_S)
    os.close(write)
    assert done.returncode == IO and b"cannot write 'standard output'" in done.stderr


def test_a_stale_temporary_file_is_swept(tmp_path):
    stale, fresh = tmp_path / "o.tmp-0123abcd", tmp_path / "o.tmp-4567cdef"
    for path in (stale, fresh):
        path.write_text("part")
    os.utime(stale, (0, 0))
    assert _write("dsa-opt", tmp_path / "o")[0] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o", fresh.name]


@pytest.mark.parametrize("tool", ["dsa-opt", "dsa-run"])
def test_killed_while_writing(tmp_path, tool):
    """40 kills at random times: the file is whole or absent, and the next run succeeds."""
    rng = np.random.default_rng(7)
    target = tmp_path / "o.npy"
    if tool == "dsa-opt":
        body = "".join(f"func.func @f{i}(%a: i32) -> i32 {{ return %a : i32 }}\n"
                       for i in range(20000))
        source = tmp_path / "in.mlir"
        source.write_text(body)
        arguments = [BIN / tool, source, "-o", target]
    else:
        source = TUTORIAL
        arguments = [BIN / tool, source, "--function=select", "--input=zeros:100000x9",
                     f"--output={target}", "--output=/dev/null"]
    done = subprocess.run(arguments, capture_output=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    whole = target.read_bytes()
    seen = 0
    for _ in range(40):
        target.unlink(missing_ok=True)
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=float(rng.uniform(0.05, 0.6)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if target.exists():
            seen += 1
            assert target.read_bytes() == whole
    assert subprocess.run(arguments, capture_output=True, timeout=LIMIT_S).returncode == 0
    assert target.read_bytes() == whole


def test_files_that_are_no_array(tmp_path):
    """A .npy file cut at every length, or with a changed header, is refused by name."""
    np.save(tmp_path / "a.npy", np.arange(12, dtype=np.float32).reshape(2, 6))
    whole = (tmp_path / "a.npy").read_bytes()
    header_end = len(whole) - 48
    cuts = [whole[:n] for n in (*range(0, 12), *range(12, header_end, 9), header_end,
                                len(whole) - 1)]
    changed = [whole.replace(a, b) for a, b in [
        (b"<f4", b">f4"), (b"<f4", b"|O4"), (b"<f4", b"<c8"), (b"(2, 6)", b"(2,-6)"),
        (b"(2, 6)", b"(2, 7)"), (b"(2, 6)", b"2, 6, "), (b"False", b"Maybe"),
        (b"descr", b"dtype"), (b"\x93NUMPY", b"\x93numpy"), (b"(2, 6), }", b"(2, 6), 'x'"),
        (b"(2, 6)", b"(9223372036854775807, 9223372036854775807)")]]
    changed.append(whole[:6] + b"\x09" + whole[7:])
    changed.append(whole + b"\0")
    for i, data in enumerate(cuts + changed):
        path = tmp_path / f"{i}.npy"
        path.write_bytes(data)
    # One process for each: what is refused must be refused alone.
    for i in range(len(cuts) + len(changed)):
        code, _, err = run("dsa-run", TUTORIAL, "--function=select", f"--input={i}.npy",
                           cwd=tmp_path)
        assert code == USER and f"'{i}.npy'" in err, (i, err)


def test_versions_and_orders_of_npy_are_read(tmp_path):
    rows = np.array([[1, 3, 2, 2, 2, 0], [9, 5, 7, 4, 8, 0]], np.float32)
    for version in ((1, 0), (2, 0), (3, 0)):
        for array in (rows, np.asfortranarray(rows)):
            with open(tmp_path / "s.npy", "wb") as file:
                np.lib.format.write_array(file, array, version=version)
            code, _, err = run("dsa-run", TUTORIAL, "--function=select", "--input=s.npy",
                               "--output=i.npy", "--output=n.npy", cwd=tmp_path)
            assert code == 0, err
            assert np.load(tmp_path / "i.npy").tolist() == [[1, 2, 3, 4], [0, 1, 2, 4]]
