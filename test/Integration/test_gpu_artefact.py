"""Artefacts with code for CPUs and GPUs, on the emulator: the entry points that programs call."""

import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import harness
from artefact import Artefact, Failed, compile_to, compiled, tensor
from entry_points import LLVM
from harness import BF16, BIN, ROOT
from reference import inputs

sys.path.insert(0, str(ROOT / "test" / "Emulator"))

import driver  # noqa: E402
import emulator  # noqa: E402

DLPACK = ROOT / "third_party" / "dlpack" / "include"
ARGUMENT, DEVICE, PREPARE = 1, 4, 5
CUDA = 2
HEADS, DK, DV, K = 16, 64, 32, 48
TEXT = f"""
func.func @attend(%q: tensor<?x{HEADS}x{DK}xbf16>, %keys: tensor<?x{DK}xbf16>,
    %indices: tensor<?x{K}xi32>) -> (tensor<?x{HEADS}x{DV}xbf16>, tensor<?x{HEADS}xf32>) {{
  %c0 = arith.constant 0 : index
  %T = tensor.dim %q, %c0 : tensor<?x{HEADS}x{DK}xbf16>
  %o = tensor.empty(%T) : tensor<?x{HEADS}x{DV}xbf16>
  %l = tensor.empty(%T) : tensor<?x{HEADS}xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x{HEADS}x{DK}xbf16>)
      keys(%keys : tensor<?x{DK}xbf16>) indices(%indices : tensor<?x{K}xi32>)
      scale = 0.125 dv = {DV}
      outs(%o, %l : tensor<?x{HEADS}x{DV}xbf16>, tensor<?x{HEADS}xf32>)
  return %out, %lse : tensor<?x{HEADS}x{DV}xbf16>, tensor<?x{HEADS}xf32>
}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("gpu"), TEXT, "--target=cpu,sm_80,sm_86")


@pytest.fixture
def artefact(path, tmp_path):
    """A copy that no device is prepared for, beside the emulator."""
    # Other tests of the process may have launched something before.
    emulator.cuda().dsa_emulator_clear()
    copy = tmp_path / "libf.so"
    copy.write_bytes(path.read_bytes())
    yield Artefact(copy)
    emulator.cuda().dsa_emulator_clear()


def arrays(T=3, S=100, seed=1):
    rng = inputs.rng(seed)
    q, keys = (rng.standard_normal(shape, np.float32).astype(BF16)
               for shape in ((T, HEADS, DK), (S, DK)))
    indices = rng.integers(0, S, (T, K), np.int32)
    indices[:, 40:] = -1
    return [q, keys, indices]


def results(T=3):
    return [np.full((T, HEADS, DV), 77, BF16), np.full((T, HEADS), 77, np.float32)]


class OnGPU:
    """Tensors of these arrays on a GPU; the emulator's memory is that of the process."""

    def __init__(self, *arrays, device=0):
        self.arrays = arrays
        self.tensors = [tensor(array) for array in arrays]
        for t in self.tensors:
            t.device_type, t.device_id = CUDA, device

    def __enter__(self):
        for i, array in enumerate(self.arrays):
            emulator.cuda().dsa_emulator_add_buffer(
                ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(array.nbytes), b"%d" % i)
        return self.tensors

    def __exit__(self, *_):
        for array in self.arrays:
            emulator.cuda().dsa_emulator_remove_buffer(ctypes.c_void_p(array.ctypes.data))


def run(artefact, ins, stream=None, device=0):
    """The results on a GPU."""
    outs = results(len(ins[0]))
    with OnGPU(*ins, device=device) as tensors:
        workspace = artefact.workspace("attend", tensors)
    with OnGPU(*ins, *outs, workspace, device=device) as tensors:
        artefact.raw("attend", *tensors, 1, stream)
    return outs


def launches():
    return emulator.cuda().dsa_emulator_count(b"launches")


def expect_close(found, wanted):
    for f, w in zip(found, wanted):
        np.testing.assert_allclose(f.astype(np.float32), w.astype(np.float32), rtol=0.02,
                                   atol=0.01)


@pytest.mark.parametrize("chip", ["sm_80", "sm_86", "sm_90", "sm_120"])
def test_the_device_of_the_tensors_runs(artefact, chip):
    wanted = artefact.call("attend", arrays(), results())
    assert launches() == 0
    with driver.devices(chip):
        found = run(artefact, arrays())
        assert launches() > 0 and emulator.cuda().dsa_emulator_race_count() == 0
    expect_close(found, wanted)


def test_shapes_from_tensors_of_a_gpu(artefact):
    with OnGPU(*arrays(T=7)) as tensors:
        assert artefact.shapes("attend", tensors, [3, 2]) == [(7, HEADS, DV), (7, HEADS)]


def test_no_rows(artefact):
    assert [r.size for r in run(artefact, arrays(T=0))] == [0, 0]
    assert launches() == 0


def test_two_gpus(artefact):
    """Of different chips, each on a stream of its own."""
    with driver.devices("sm_80,sm_86"):
        for device in (0, 1):
            with driver.context_of(device), driver.stream_of_current() as stream:
                expect_close(run(artefact, arrays(), stream, device),
                             artefact.call("attend", arrays(), results()))
                with pytest.raises(Failed, match=f"of GPU {device}, but the tensors are on GPU"):
                    run(artefact, arrays(), stream, 1 - device)


def test_a_capture(artefact):
    ins, outs = arrays(), results()
    with OnGPU(*ins) as tensors:
        workspace = artefact.workspace("attend", tensors)
    with OnGPU(*ins, *outs, workspace) as tensors, driver.stream_of_current() as stream:
        driver.capture(stream)
        with pytest.raises(Failed) as refused:
            artefact.raw("attend", *tensors, 1, stream)
        assert refused.value.status == PREPARE
        driver.call("cuGraphDestroy", driver.end_capture(stream))
        artefact.raw("attend_prepare", 0)
        driver.capture(stream)
        artefact.raw("attend", *tensors, 1, stream)
        graph = driver.end_capture(stream)
        executable = driver.handle("cuGraphInstantiateWithFlags", graph, ctypes.c_uint64(0))
        assert launches() == 0
        for seed in (1, 2):
            for array, fresh in zip(ins, arrays(seed=seed)):
                array[...] = fresh
            driver.call("cuGraphLaunch", executable, stream)
            expect_close(outs, artefact.call("attend", ins, results()))
        driver.call("cuGraphExecDestroy", executable)
        driver.call("cuGraphDestroy", graph)


# Bad calls


def expect_refusal(artefact, ins, status, message, **options):
    with pytest.raises(Failed) as refused:
        run(artefact, ins, **options)
    assert refused.value.status == status and message in refused.value.message
    assert launches() == 0


def test_rows_that_are_not_aligned(artefact):
    q, keys, indices = arrays()
    wide = np.zeros((100, DK + 4), BF16)
    expect_refusal(artefact, [q, wide[:, :DK], indices], ARGUMENT,
                   f"is {2 * DK + 8}, expected a multiple of 16")


def test_rows_that_begin_between(artefact):
    q, keys, indices = arrays()
    flat = np.zeros(keys.size + 8, BF16)
    expect_refusal(artefact, [q, flat[1:1 + keys.size].reshape(keys.shape), indices], ARGUMENT,
                   "expected a multiple of 16")


def test_extents_that_do_not_fit(artefact):
    q, keys, indices = arrays()
    expect_refusal(artefact, [q, keys, indices[:2]], ARGUMENT, "argument 2 (%indices)")


def test_a_workspace_that_is_too_small(artefact):
    ins, outs = arrays(T=1, S=4000), results(1)
    with OnGPU(*ins) as tensors:
        size = len(artefact.workspace("attend", tensors))
    with OnGPU(*ins, *outs) as tensors:
        if size:
            with pytest.raises(Failed, match="workspace has 0 bytes"):
                artefact.raw("attend", *tensors, None, 1, None)
        else:
            artefact.raw("attend", *tensors, None, 1, None)


def test_tensors_here_and_there(artefact):
    ins, outs = arrays(), results()
    with OnGPU(*ins) as tensors:
        with pytest.raises(Failed, match=r"argument 1 \(%keys\): the tensor is on a device of "
                                         "type 1, expected 2"):
            artefact.raw("attend", tensors[0], ins[1], tensors[2], *outs, None, 1, None)


def test_a_gpu_that_is_not_there(artefact):
    expect_refusal(artefact, arrays(), DEVICE, "there is no GPU number 3", device=3)
    with pytest.raises(Failed, match="there is no GPU number 1"):
        artefact.raw("attend_prepare", 1)


def test_a_kernel_that_fails(artefact):
    """Memory that the tensor claims and the device does not have."""
    ins = arrays()
    outs = results()
    with OnGPU(*ins) as tensors:
        workspace = artefact.workspace("attend", tensors)
    with OnGPU(*ins, outs[1], workspace) as tensors:
        t = tensor(outs[0])
        t.device_type = CUDA
        with pytest.raises(Failed, match="CUDA_ERROR_ILLEGAL_ADDRESS") as failed:
            artefact.raw("attend", *tensors[:3], t, *tensors[3:], 1, None)
        assert failed.value.status == DEVICE


# The files


def test_where_there_is_no_driver(path):
    """The artefact loads; tensors of the CPU are computed, those of a GPU refused."""
    code = """if True:
        import ctypes, sys
        try:
            ctypes.CDLL("libcuda.so.1")
            print("there is a driver")
            sys.exit()
        except OSError:
            pass
        import numpy as np
        from artefact import Artefact, Failed
        from test_gpu_artefact import arrays, results, tensor
        artefact = Artefact(sys.argv[1])
        assert artefact.call("attend", arrays(), results())[0].any()
        on_gpu = [tensor(array) for array in (*arrays(), *results())]
        for t in on_gpu:
            t.device_type = 2
        for call in (["attend_prepare", 0], ["attend", *on_gpu, None, 1, None]):
            try:
                artefact.raw(*call)
            except Failed as failed:
                print(failed)
    """
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True,
                          cwd=pathlib.Path(__file__).parent,
                          env={**harness.os.environ, "PYTHONPATH": str(ROOT / "test")})
    assert done.returncode == 0, done.stderr
    if done.stdout == "there is a driver\n":
        pytest.skip("this machine has a CUDA driver")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("status 4: the CUDA driver cannot be loaded: libcuda.so.1")
               for line in lines)


def test_the_header_and_the_sidecar(path, tmp_path):
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert [(t["name"], t["device"], t.get("chip")) for t in sidecar["targets"]] == [
        ("cpu", "cpu", None), ("sm_80", "cuda", "sm_80"), ("sm_86", "cuda", "sm_86")]
    assert sidecar["functions"][0]["prepare"] == "attend_prepare"
    program = tmp_path / "main.c"
    program.write_text(f'#include "{path.with_suffix(".h")}"\n'
                       "int main(void) { return attend_prepare(-1) == DSA_STATUS_DEVICE ? 0 : 1; }")
    subprocess.run([LLVM / "clang", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{DLPACK}",
                    program, path, f"-Wl,-rpath,{path.parent}", "-o", tmp_path / "main"],
                   check=True)
    assert subprocess.run([tmp_path / "main"]).returncode == 0


def test_without_a_gpu_target_nothing_is_carried(tmp_path):
    library = ctypes.CDLL(str(compiled(tmp_path, TEXT, "--target=cpu")))
    assert not hasattr(library, "attend_prepare")
    symbols = subprocess.run([LLVM / "llvm-nm", "-D", tmp_path / "libf.so"], check=True,
                             capture_output=True, text=True).stdout
    assert "dlopen" not in symbols and "attend_shapes" in symbols
    assert "_prepare" not in (tmp_path / "libf.h").read_text()
    assert "prepare" not in json.loads((tmp_path / "libf.json").read_text())["functions"][0]


def test_a_function_with_the_name_of_a_preparation(tmp_path):
    text = TEXT + TEXT.replace("@attend", "@attend_prepare")
    refused = compile_to(tmp_path / "libf.so", text, "--target=cpu,sm_80")
    assert refused.returncode == 1
    assert "'attend_prepare' is the name of what prepares 'attend' for a GPU" in refused.stderr
    compiled(tmp_path, text, "--target=cpu")


def test_the_same_bytes(path, tmp_path):
    # GPUs are tried by what their code may take, however they are given.
    again = compiled(tmp_path, TEXT, "--target=cpu,sm_86,sm_80")
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("options", [[], ["--cubins"]])
def test_the_size_of_v32(tmp_path, options):
    places = [os.environ.get("CUDA_HOME", "") + "/bin", BIN.parent / "cuda" / "bin"]
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    if options:
        if not (ptxas := shutil.which("ptxas", path=path)):
            pytest.skip("no ptxas: tools/get-ptxas.sh gets it")
        options = [*options, f"--ptxas={ptxas}"]
    text = (ROOT / "test/Integration/v32-attention.mlir").read_text()
    made = compiled(tmp_path, text, "--target=cpu,sm_80,sm_86", *options)
    assert made.stat().st_size <= 2 << 20


def test_options_for_one_of_the_targets(path, tmp_path):
    targets = "--target=cpu,sm_80,sm_86"
    other = compiled(tmp_path, TEXT, targets, "--pipeline-options=sm_80:batch-invariant sm-count=4",
                     "--pipeline-options=cpu:tile-rows=7")
    assert other.read_bytes() != path.read_bytes()
    for options, message in [
            ("batch-invariant", "'batch-invariant' are no options of the pipeline for cpu"),
            ("sm_86:chip=sm_80", "the chip is that of --target, sm_86"),
            ("sm_90:stages=4", "for sm_90, which is not among the targets")]:
        refused = compile_to(tmp_path / "libg.so", TEXT, targets, f"--pipeline-options={options}")
        assert refused.returncode == 1 and message in refused.stderr
