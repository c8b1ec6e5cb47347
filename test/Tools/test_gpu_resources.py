"""tools/gpu-resources: what it reads from PTX and from ptxas, and what it objects to."""

import copy
import json
import subprocess
import sys

import pytest
from tools import BIN, LIMIT_S, ROOT

FOLDER = ROOT / "tools" / "gpu-resources"
sys.path.insert(0, str(FOLDER))

import assembler  # noqa: E402
import ptx  # noqa: E402
import table  # noqa: E402

# The loop is entered in its middle, and a part of it stands behind the end.
PTX = """
.version 7.8
.target sm_80
.address_size 64
	// .globl	products
.extern .shared .align 1024 .b8 dsa_shared_memory[];

.visible .entry products(
	.param .u64 products_param_0
)
.reqntid 64, 1, 1
{
	.reg .b32 	%r<9>;
	st.shared.v2.b32 	[%rd1], {%r1, %r2};
	@%p1 bra 	$L_end;
	bra.uni 	$L_middle;
$L_top:
	// begin inline asm
	{ .reg .pred q; @q ld.shared.b32 %r1, [%rd2]; }
	// end inline asm
	mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
		{%r1, %r2, %r3, %r4},
		{%r5, %r6, %r7, %r8}, {%r5, %r6}, {%r1, %r2, %r3, %r4};
	@!%p1 cp.async.cg.shared.global [%rd1], [%rd2], 16, %r1;
	ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r1, %r2, %r3, %r4}, [%rd1];
	bra.uni 	$L_middle;
$L_end:
	bar.sync 	0;
	call.uni f, ();
	ret;
$L_middle:
	// bar.sync 0; in a comment is none
	ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%rd1+16];
	st.shared.b16 	[%rd1], %rs1;
	@%p2 bra 	$L_top;
	bra.uni 	$L_end;
}
	// .globl	other
.visible .entry other()
.reqntid 32, 1, 1
.maxnreg 128
{
$L_again:
	ld.volatile.global.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1];
	ld.local.b32 	%r1, [%rd1];
	@%p1 bra 	$L_again;
	ret;
}
"""

COUNTS = """\
products: sm_80, 64 threads, 15 instructions
  kernel: mma.sync 1, ldmatrix 1, ldmatrix.trans 1, cp.async 1, bar.sync 1, ld.shared 1, \
st.shared 2, call 1
  loop: mma.sync 1, ldmatrix 1, ldmatrix.trans 1, cp.async 1, ld.shared 1, st.shared 1
other: sm_80, 32 threads, 4 instructions
  kernel: ld.global 1, ld.local 1
"""

# Stands in for ptxas: says that a kernel spills where limits are below 64, or 72.
PTXAS = r"""#!/bin/sh
if [ "$1" = --version ]; then echo "release 99.0, V99.0.1"; exit; fi
limit=$(sed -n 's/^\.maxnreg //p' "$5")
case $limit in 72 | 56 | 48 | 40) spills=8 ;; *) spills=0 ;; esac
echo "ptxas info    : Used 90 registers, used 1 barriers, 512 bytes smem
ptxas info    : (C7510) Potential Performance Loss
    8 bytes stack frame, $spills bytes spill stores, 4 bytes spill loads"
"""


@pytest.fixture
def ptxas(tmp_path):
    path = tmp_path / "ptxas"
    path.write_text(PTXAS)
    path.chmod(0o755)
    return path


def run(*arguments, **keywords):
    done = subprocess.run([sys.executable, FOLDER / "table.py", *arguments], text=True,
                          capture_output=True, timeout=LIMIT_S, **keywords)
    return done.returncode, done.stdout, done.stderr


def test_counts():
    assert run("--count", "-", input=PTX) == (0, COUNTS, "")


def test_bytes_of_the_loop():
    products, other = ptx.read_kernels(PTX)
    assert sum(map(ptx.get_shared_bytes, products.loop)) == 4 + 16 + 16 + 16 + 2
    assert (products.uses_dynamic_memory, other.loop) == (False, [])


def test_kernels_are_apart():
    products, other = ptx.read_kernels(PTX)
    assert "other" not in products.text and "products" not in other.text
    assert ".target sm_80" in other.text
    assert ".reqntid 32, 1, 1\n.maxnreg 40\n{" in other.with_registers(40)


def test_what_ptxas_says(ptxas):
    assert assembler.get_version(ptxas) == "99.0.1"
    assert assembler.assemble(ptxas, PTX, "sm_80") == {
        "registers": 90, "static_shared_bytes": 512, "stack_bytes": 8, "spill_bytes": 4,
        "notes": ["(C7510) Potential Performance Loss"]}


@pytest.mark.parametrize("guess", [None, 64, 80, 88])
def test_floor(ptxas, guess):
    # 4 bytes of loads are no part of what differs.
    ptxas.write_text(PTXAS.replace("4 bytes spill loads", "0 bytes spill loads"))
    kernel = ptx.read_kernels(PTX)[1]
    assert assembler.find_floor(ptxas, kernel, "sm_80", 90, guess) == (80 if guess == 80 else 64)


def test_refused(ptxas):
    ptxas.write_text("#!/bin/sh\necho no; exit 3\n")
    with pytest.raises(assembler.Failure, match="ptxas for sm_80: no"):
        assembler.assemble(ptxas, PTX, "sm_80")


def test_instructions_are_those_of_the_table(ptxas):
    """Of a ptxas of another version the rest of the table is no matter."""
    code, said, errors = run("--check", "--ptxas", ptxas, "--build", BIN.parent)
    version = json.loads(table.TABLE.read_text())["ptxas"]
    assert (code, errors) == (0, ""), said + errors
    assert said.strip() == (f"skipped: registers and spills; the table is that of ptxas {version}, "
                            "and this is 99.0.1")


def test_drift():
    entries = json.loads(table.TABLE.read_text())["kernels"]
    found = copy.deepcopy(entries)
    assert table.find_drift(entries, found) == []
    found["v32_sparse_attention, 99 KB"]["chips"]["sm_86"]["registers"] = 300
    found["new"] = {"threads": 32}
    del found["merge_merge_attention, 99 KB"]["shared_bytes"]
    before = entries["v32_sparse_attention, 99 KB"]["chips"]["sm_86"]["registers"]
    assert table.find_drift(entries, found) == [
        f"v32_sparse_attention, 99 KB: chips: sm_86: registers: 300, but {before} in the table",
        "merge_merge_attention, 99 KB: shared_bytes: nothing, but 0 in the table",
        "new: threads: 32, but nothing in the table"]


@pytest.mark.parametrize("field, value, objection", [
    ("spill_bytes", 8, "spills 8 bytes, has a stack of 0"),
    ("stack_bytes", 16, "spills 0 bytes, has a stack of 16"),
    ("floor", 248, "its floor is 248 registers, above 240"),
    ("static_shared_bytes", 163 << 10, "takes 318976 bytes of shared memory, above 166912"),
    ("notes", ["(C7510) slow"], "ptxas says: (C7510) slow"),
])
def test_what_kernels_may_not_have(field, value, objection):
    name = "v32_sparse_attention, 163 KB"
    entry = {"shared_bytes": 152064, "instructions": {}, "chips": {"sm_80": {
        "static_shared_bytes": 0, "stack_bytes": 0, "spill_bytes": 0, "notes": [], "floor": 240}}}
    assert table.find_broken({name: entry}) == []
    entry["chips"]["sm_80"][field] = value
    assert table.find_broken({name: entry}) == [f"{name}, sm_80: {objection}"]
    # What is had by an option may be less good.
    assert table.find_broken({"v32_sparse_attention, 227 KB, stages=4": entry}) == []


def test_local_memory_and_calls():
    entry = {"instructions": {"call": 1, "ld.local": 2, "ld.global": 3}}
    assert table.find_broken({"k, 99 KB": entry}) == ["k, 99 KB: has ld.local",
                                                      "k, 99 KB: has call"]


def test_text_of_the_table():
    value = {"a": 1, "b": {"c": [1], "d": {"e": "é"}}, "f": {}}
    assert json.loads(table.to_text(value)) == value
    assert table.to_text(value).count("\n") == 8


def test_missing(tmp_path):
    code, _, errors = run("--check", "--build", tmp_path)
    assert code == 69
    assert errors.startswith(f"table.py: error: no {tmp_path}/bin/dsa-opt; build it")
