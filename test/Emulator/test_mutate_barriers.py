"""tools/mutation.sh: what it mutates, who notices, and how it compares that with its table."""

import json
import os
import signal
import sys

import mutate_barriers
import numpy as np
import pytest
from emulator import launch_loaded
from mutate_barriers import Subject, compare, find_mutants, run_all

# Each of two warps reads what the other wrote.
PTX = """
.version 8.0
.target sm_80
.address_size 64
.visible .entry copy(.param .u64 y)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<4>;
  .shared .align 4 .b8 s[256];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, s;
  // bar.sync 0; in a comment is none
  mad.lo.s32 %r3, %r1, 4, %r2;
  st.shared.u32 [%r3], %r1;
  bar.sync 0; // the one that matters
  bar.warp.sync 0xffffffff;
  xor.b32 %r1, %r1, 32;
  mad.lo.s32 %r3, %r1, 4, %r2;
  ld.shared.u32 %r3, [%r3];
  ld.param.u64 %rd1, [y];
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r3;
  ret;
}
"""

WAITS = """
.entry a(
@!%p12 barrier.sync.aligned %r7, 64;
{ cp.async.commit_group; cp.async.wait_group 3; }
cp.async.wait_all;
bar.red.popc.u32 %r1, 0, %p1;
.entry b(
bar.arrive 1, 64;
barrier.cluster.wait.acquire;
"""


def copy_subject(name="copy", ptx=PTX):
    def run(module):
        y = np.zeros(64, np.int32)
        report = launch_loaded(module, "copy", 1, 64, [y])
        yield report, lambda: np.testing.assert_array_equal(y, np.arange(64))
    return Subject(name, ptx, run)


def test_every_instruction_that_orders_memory_is_mutated():
    found = {mutant.key: mutant for mutant in find_mutants(Subject("waits", WAITS, None))}
    assert list(found) == [
        "a: barrier.sync.aligned 1 dropped", "a: cp.async.commit_group 1 dropped",
        "a: cp.async.wait_group 1 dropped", "a: cp.async.wait_group 1 one more",
        "a: cp.async.wait_all 1 dropped", "b: bar.arrive 1 dropped",
        "b: barrier.cluster.wait.acquire 1 dropped"]
    dropped = found["a: barrier.sync.aligned 1 dropped"]
    assert dropped.instruction == "@!%p barrier.sync.aligned %r, 64;"
    assert dropped.ptx == WAITS.replace("@!%p12 barrier.sync.aligned %r7, 64;", "")
    assert found["a: cp.async.wait_group 1 one more"].ptx == WAITS.replace("group 3", "group 4")


def test_who_notices():
    seen = run_all(list(find_mutants(copy_subject())), jobs=2)
    assert "race" in seen["copy", "copy: bar.sync 1 dropped"]
    assert seen["copy", "copy: bar.warp.sync 1 dropped"] == "nobody"


def test_a_mutant_that_hangs_or_crashes_is_no_mutant_that_is_seen(monkeypatch):
    def hang(module):
        while True:
            pass

    def crash(module):
        os.kill(os.getpid(), signal.SIGKILL)
    monkeypatch.setattr(mutate_barriers, "LIMIT_S", 1)
    mutants = [next(find_mutants(Subject(run.__name__, PTX, run))) for run in (hang, crash)]
    seen = run_all(mutants, jobs=2)
    assert seen == {("hang", mutants[0].key): "died (-14)", ("crash", mutants[1].key): "died (-9)"}
    found = {"hang": {mutants[0].key: {"instruction": "bar.sync 0;", "seen": "died (-14)"}}}
    assert "died" in "".join(compare(found, found))


def entry(seen, **more):
    return {"instruction": "bar.sync 0;", "seen": seen, **more}


@pytest.mark.parametrize("got, expected, message", [
    (entry("race"), entry("race"), None),
    (entry("nobody"), entry("nobody", redundant="Nothing follows."), None),
    (entry("nobody"), entry("nobody"), "does not say why"),
    (entry("nobody"), entry("nobody", redundant=""), "does not say why"),
    (entry("nobody"), entry("race"), "seen by nobody; the table says race"),
    (entry("race"), entry("nobody", redundant="Nothing follows."), "seen by race; the table says nobody"),
    (entry("race"), entry("race value"), "seen by race; the table says race value"),
    (entry("race"), {**entry("race"), "instruction": "bar.sync 1;"}, "(bar.sync 1;)"),
    (entry("race"), None, "not in the table"),
    (None, entry("race"), "there is no such mutant"),
])
def test_what_differs_from_the_table_is_said(got, expected, message):
    found, table = ({"kernel": {"key": e} if e else {}} for e in (got, expected))
    messages = list(compare(found, table))
    assert len(messages) == (message is not None)
    assert message is None or message in messages[0]


def main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["mutation.sh", *arguments])
    return mutate_barriers.main()


def test_the_table_is_written_and_then_holds(monkeypatch, tmp_path, capsys):
    table = tmp_path / "table.json"
    monkeypatch.setattr(mutate_barriers, "TABLE", table)
    monkeypatch.setattr(mutate_barriers, "subjects", lambda: [copy_subject()])
    assert main(monkeypatch) == 1  # no table yet
    assert main(monkeypatch, "--update") == 1  # a survivor without a reason
    content = json.loads(table.read_text())
    assert content["copy"]["copy: bar.warp.sync 1 dropped"]["redundant"] == ""
    content["copy"]["copy: bar.warp.sync 1 dropped"]["redundant"] = "The barrier before it orders more."
    table.write_text(json.dumps(content))
    capsys.readouterr()
    race_alone = content["copy"]["copy: bar.sync 1 dropped"]["seen"] == "race"
    assert main(monkeypatch, "--update") == (0 if race_alone else 1)
    assert json.loads(table.read_text()) == content  # the reason stays
    output = capsys.readouterr()
    assert ("no mutant is seen by the race check alone" in output.err) == (not race_alone)

    # A kernel that is wrong by itself, or no longer there.
    monkeypatch.setattr(mutate_barriers, "subjects",
                        lambda: [copy_subject("other", PTX.replace("bar.sync 0;", ""))])
    assert main(monkeypatch) == 1
    output = capsys.readouterr()
    assert "other: the kernel itself, with nothing missing, is seen by" in output.err
    assert "copy: in the table, but there is no such kernel" in output.err


def test_an_unknown_kernel_is_a_usage_error(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        main(monkeypatch, "--kernel", "none")
    assert ended.value.code == 2 and "gemm_bf16" in capsys.readouterr().err
