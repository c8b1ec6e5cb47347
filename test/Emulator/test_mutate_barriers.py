"""tools/mutation.sh: what it mutates, who notices, and how it compares that with its table."""

import json
import os
import signal
import sys

import mutate_barriers
import numpy as np
import pytest
from emulator import launch_loaded
from mutate_barriers import Subject, by_launches, compare, find_mutants, run_all

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


def copy_subject(name="copy", ptx=PTX, checks_values=True):
    def run(module):
        y = np.zeros(64, np.int32)
        report = launch_loaded(module, "copy", 1, 64, [y])
        expected = np.arange(64) if checks_values else y
        yield report, lambda: np.testing.assert_array_equal(y, expected)
    return Subject(name, ptx, by_launches(run))


def observed(subject):
    """In this process: those that `run_all` forks have no driver if this one has
    used it."""
    return {mutant.key: subject.observe(mutant.ptx) for mutant in find_mutants(subject)}


def read_subject(seen_without_barrier):
    """Of which the observer reads the text."""
    return Subject("copy", PTX, lambda text: set() if "\n  bar.sync 0;" in text
                   else set(seen_without_barrier))


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


@pytest.mark.parametrize("checks_values, seen", [(True, {"race", "value"}), (False, {"race"})])
def test_who_notices(checks_values, seen):
    assert observed(copy_subject(checks_values=checks_values)) == {
        "copy: bar.sync 1 dropped": seen, "copy: bar.warp.sync 1 dropped": set()}


def test_an_error_is_noticed():
    # The other warp waits for ever.
    ptx = PTX.replace("bar.sync 0;", "setp.lt.u32 %p1, %r1, 32;\n @%p1 bar.arrive 0, 64;\n"
                                     " @!%p1 bar.sync 0, 64;").replace(
        ".reg .b32", ".reg .pred %p<2>; .reg .b32").replace("xor.b32 %r1, %r1, 32", "and.b32 %r1, %r1, 31")
    seen = observed(copy_subject(ptx=ptx, checks_values=False))
    assert seen["copy: bar.arrive 1 dropped"] == {"error"}


def test_a_mutant_that_hangs_or_crashes_is_no_mutant_that_is_seen(monkeypatch):
    def hang(text):
        while True:
            pass

    def crash(text):
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
    monkeypatch.setattr(mutate_barriers, "subjects", lambda: [read_subject(["race"])])
    assert main(monkeypatch) == 1  # no table yet
    assert main(monkeypatch, "--update") == 1  # a survivor without a reason
    content = json.loads(table.read_text())
    assert content["copy"]["copy: bar.sync 1 dropped"]["seen"] == "race"
    survivor = content["copy"]["copy: bar.warp.sync 1 dropped"]
    assert survivor["redundant"] == ""
    survivor["redundant"] = "The barrier before it orders more."
    table.write_text(json.dumps(content))
    assert main(monkeypatch) == 0
    assert main(monkeypatch, "--update") == 0
    assert json.loads(table.read_text()) == content  # the reason stays

    # What all see, the race check does not see alone.
    monkeypatch.setattr(mutate_barriers, "subjects", lambda: [read_subject(["value", "race"])])
    capsys.readouterr()
    assert main(monkeypatch, "--update") == 1
    assert "no mutant is seen by the race check alone" in capsys.readouterr().err
    assert main(monkeypatch, "--kernel", "copy") == 0


def test_a_kernel_that_is_wrong_or_gone(monkeypatch, tmp_path, capsys):
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"gone": {}}))
    monkeypatch.setattr(mutate_barriers, "TABLE", table)
    monkeypatch.setattr(mutate_barriers, "subjects",
                        lambda: [Subject("copy", PTX, lambda text: {"value"})])
    assert main(monkeypatch, "--update") == 1
    errors = capsys.readouterr().err
    assert "copy: the kernel itself, with nothing missing, is seen by value" in errors
    assert "gone: in the table, but there is no such kernel" in errors
    assert json.loads(table.read_text()) == {"gone": {}}  # nothing is learnt from such a kernel


def test_an_unknown_kernel_is_a_usage_error(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        main(monkeypatch, "--kernel", "none")
    assert ended.value.code == 2 and "gemm_bf16" in capsys.readouterr().err
