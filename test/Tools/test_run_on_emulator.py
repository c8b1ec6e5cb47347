"""dsa-run on an emulated GPU: functions and texts of kernels that it refuses, and why."""

import re

import pytest
from tools import ROOT, run

ATTEND = ROOT / "test" / "Tools" / "attend.mlir"
USER = 1


def test_function_without_a_kernel(tmp_path):
    (tmp_path / "f.mlir").write_text("func.func @f(%a: tensor<2xf32>) { return }\n")
    code, out, err = run("dsa-run", "f.mlir", "--function=f", "--target=sm_80:emulated",
                         "--input=zeros", cwd=tmp_path)
    assert code == USER and not out
    assert err == "error: 'f.mlir' has nothing that is computed on a GPU, for the target sm_80\n"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("kernels") / "attend.ptx"
    assert run("dsa-compile", ATTEND, "--target=sm_80", "--emit=ptx", "-o", path)[0] == 0
    return path.read_text()


def run_text(tmp_path, text):
    (tmp_path / "changed.ptx").write_text(text)
    return run("dsa-run", ATTEND, "--function=attend", "--target=sm_80:emulated",
               "--input=random:1:1x16x576", "--input=random:2:9x576", "--input=zeros:1x2048",
               "--ptx=changed.ptx", cwd=tmp_path)


def test_text_of_dsa_compile(tmp_path, text):
    assert run_text(tmp_path, text)[0] == 0


# What is made of the first of some instructions, and what the emulator says.
LOAD = r"ld\.global\.b32\s+(%r\d+), \[(%rd\d+)[^\]]*\];"
CHANGED = [
    (LOAD, r"foo.bar.b32 \1, \2;",
     r"line \d+: 'foo.bar.b32': the emulator does not have this instruction"),
    (LOAD, r"ld.global.b32 \1, [\2+1099511627776];",
     r"kernel 'attend_sparse_attention': line \d+ 'ld.global.b32 .*': block \(0, 0, 0\), thread "
     r"\(0, 0, 0\): the access to 4 bytes at global address 0x[0-9a-f]+ is in no buffer"),
    (r"bar\.sync\s+0;", "", r"\d+ racing accesses; the first: .*attend_sparse_attention.*")]


@pytest.mark.parametrize("old, new, reason", CHANGED, ids=["instruction", "address", "race"])
def test_the_emulator_says_where(tmp_path, text, old, new, reason):
    changed, count = re.subn(old, new, text, count=1)
    assert count == 1
    code, out, err = run_text(tmp_path, changed)
    assert code == USER and not out
    assert re.fullmatch(f"error: 'attend' on the emulator: {reason}\n", err), err


def test_text_of_another_kernel(tmp_path, text):
    code, out, err = run_text(tmp_path, text.replace("attend_sparse", "other_sparse"))
    assert code == USER and not out
    assert ("GPU 0, image compute_80, kernel attend_sparse_attention: cuLibraryGetKernel failed "
            "with CUDA_ERROR_NOT_FOUND") in err
