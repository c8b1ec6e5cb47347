"""dsa-bench and its report: what they say, write and refuse. No test asserts a speed."""

import importlib.util
import json
import subprocess
import sys

import pytest
from tools import BIN, LIMIT_S, ROOT, run

SCRIPTS = ROOT / "tools" / "dsa-bench"
sys.path.insert(0, str(SCRIPTS))

import figures  # noqa: E402
import inputs  # noqa: E402
import sessions  # noqa: E402

USER, MISSING, INTERNAL, IO = 1, 69, 70, 74


def smoke(tmp_path, *arguments):
    code, out, err = run("dsa-bench", "--smoke", "--rounds=2", f"--output={tmp_path}/o.json",
                         *arguments)
    assert code == 0, err
    return json.loads((tmp_path / "o.json").read_text()), out


def report_py(*arguments):
    done = subprocess.run([sys.executable, SCRIPTS / "report.py", *map(str, arguments)],
                          capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout, done.stderr


# ---- dsa-bench -------------------------------------------------------------------------------


def test_list_names_every_case_with_its_floors():
    code, out, _ = run("dsa-bench", "--list", "--isa=avx2")
    head, *lines = out.splitlines()
    assert code == 0 and head == f"{len(lines)} cases; floors and goals of machines of kind 'avx2'"
    names = [line.split()[0] for line in lines]
    assert len(set(names)) == len(names)
    assert {"indexer_scores.bf16.T256.S8K.causal", "indexer_scores.bf16.T1.S32763",
            "lightning_indexer.bf16.T64.S32K", "top_k.T16.S128K"} <= set(names)
    assert "indexer_scores.bf16.T1.S32K of_roof floor 0.89, goal 0.95; compile_s at most 1" in [
        " ".join(line.split()) for line in lines]


@pytest.mark.parametrize("patterns, expected", [
    (["S8K.causal"], ["indexer_scores.bf16.T256.S8K.causal"]),
    # A name stands for its case alone, not for those whose names begin like it.
    (["indexer_scores.bf16.T1.S32K"], ["indexer_scores.bf16.T1.S32K"]),
    (["page64", "T1.S32K.page"], ["indexer_scores.bf16.T1.S32K.page64",
                                  "indexer_scores.bf16.T64.S4K.page64"]),
])
def test_cases_are_selected_by_a_part_of_their_name(patterns, expected):
    code, out, _ = run("dsa-bench", "--list", *(f"--case={p}" for p in patterns))
    assert code == 0 and [line.split()[0] for line in out.splitlines()[1:]] == expected


@pytest.mark.parametrize("arguments, code, message", [
    (["--case=no_such"], USER,
     "error: no case contains 'no_such' in its name; --list prints the 48 cases\n"),
    (["--rounds=0"], USER, "error: --rounds is 0; a figure takes at least 1\n"),
    (["--roofs=0"], USER, "error: --roofs is 0; it takes at least 1 thread\n"),
    (["--pipeline=no-such", "--case=top_k"], USER,
     "error: --pipeline=no-such is no pipeline on a module: 'no-such' does not refer to a "
     "registered pass or pass pipeline\n"),
    (["--smoke", "--rounds=1", "--case=top_k.T16.S32K", "--output=/no/such/o.json"], IO,
     "error: cannot write '/no/such/o.json': No such file or directory\n"),
])
def test_wrong_options_are_one_message(arguments, code, message):
    ended, _, err = run("dsa-bench", *arguments)
    assert ended == code and message in err and err.count("error: ") == 1


def test_roofs_alone():
    code, out, err = run("dsa-bench", "--smoke", "--rounds=1", "--roofs=2")
    assert code == 0, err
    *loops, copy = map(str.split, out.splitlines())
    assert copy[0] == "copy" and copy[2] == "GB/s" and all(unit == "GF/s" for *_, unit in loops)
    assert all(float(rate) > 0 for _, rate, _ in [*loops, copy])


SHAPES = ["indexer_scores.f32.T1.S32K", "indexer_scores.bf16.T256.S8K.causal",
          "indexer_scores.f8E4M3FN.T64.S4K", "indexer_scores.bf16.T64.S4K.page64",
          "lightning_indexer.bf16.T16.S8K", "top_k.T16.S32K"]
ATTENTION = ["sparse_attention.f32.T16.S32K.H16", "sparse_attention.mla_656.T16.S32K.H16",
             "sparse_attention.bf16.T16.S32K.H127.K2047.holes", "v32_core.bf16.T1.S32K"]


FLOPS = {
    # Visible pairs only: rows see 254, 255 and 256 of 256 keys.
    "indexer_scores.bf16.T256.S8K.causal": 2 * (254 + 255 + 256) * 64 * 128,
    "top_k.T16.S32K": 0,
    # Three of 31 indices are holes.
    "sparse_attention.bf16.T16.S32K.H127.K2047.holes": 2 * 3 * 127 * 28 * (576 + 512),
    "v32_core.bf16.T1.S32K": 2 * (256 * 64 * 128 + 128 * 32 * (576 + 512)),
}


@pytest.mark.parametrize("shapes", [SHAPES, ATTENTION], ids=["scores", "attention"])
def test_a_smoke_run_gives_json(tmp_path, shapes):
    report, out = smoke(tmp_path, "--pages=both", *(f"--case={name}" for name in shapes))
    assert {"version", "date", "isa", "pipeline", "rounds", "openblas"} <= set(report)
    assert report["smoke"] and report["pages"] == "both"
    assert {"chip", "cpu", "features", "cores", "l2_bytes"} <= set(report["machine"])
    assert sorted(case["name"] for case in report["cases"]) == sorted(shapes)
    for case in report["cases"]:
        assert case["name"] in out
        assert [roof["name"] for roof in case["roofs"]][-1] == "copy"
        assert len(case["compile_s"]) == 1 and case["compile_s"][0] > 0
        ours, *others = case["contenders"]
        assert ours["name"] == "dsa" and "dsa, 4K pages" in [c["name"] for c in others]
        for contender in case["contenders"]:
            times = contender["rounds_ms"]
            assert len(times) == 2 and min(times) == contender["best_ms"] > 0
            assert contender["median_ms"] == pytest.approx(sum(times) / 2)
        assert case["flops"] == FLOPS.get(case["name"], case["flops"])
        # A figure that means nothing is not held against a floor.
        assert case["ratios"] and not any("floor" in ratio for ratio in case["ratios"])


def test_each_kind_of_case_has_its_ratio(tmp_path):
    names = ["T1.S32K.Hi32", "lightning_indexer.bf16.T1.S8K", "top_k.T16.S32K", "T1.S32K.threads2",
             "K2047.holes"]
    report, _ = smoke(tmp_path, *(f"--case={name}" for name in names))
    found = {case["name"]: {r["metric"]: r["value"] for r in case["ratios"]}
             for case in report["cases"]}
    for case in report["cases"]:
        best = {c["name"]: c["best_ms"] for c in case["contenders"]}
        ratios = found[case["name"]]
        for metric, other in (("of_scores_alone", "dsa, indexer_scores alone"),
                              ("over_nth_element", "std::nth_element"),
                              ("over_one_thread", "dsa, one thread")):
            assert (metric in ratios) == (other in best)
            if other in best:
                assert ratios[metric] == pytest.approx(best[other] / best["dsa"])
        if "of_plain_shape" in ratios:
            # 32 heads of 64 are half of the work; 127 of 128 with 28 of 32 keys a little less.
            part = 127 / 128 * 28 / 32 if "holes" in case["name"] else 1 / 2
            assert ratios["of_plain_shape"] == pytest.approx(
                best["dsa, plain shape"] / best["dsa"] * part)
    assert sum(len(r.keys() - {"of_roof", "compile_s"}) for r in found.values()) == 5


@pytest.mark.parametrize("shapes", [SHAPES, ATTENTION], ids=["scores", "attention"])
def test_another_program_can_make_the_inputs(tmp_path, shapes):
    report, _ = smoke(tmp_path, *(f"--case={name}" for name in shapes))
    for case in report["cases"]:
        assert inputs.checksums(inputs.make(case)) == case["inputs_crc32"], case["name"]


def test_a_case_that_fails_has_no_figures(tmp_path):
    """Nothing but parsing: what comes out cannot be compiled."""
    code, out, err = run("dsa-bench", "--smoke", "--case=top_k", "--pipeline=canonicalize",
                         f"--output={tmp_path}/o.json")
    assert code == INTERNAL and not out
    cases = json.loads((tmp_path / "o.json").read_text())["cases"]
    assert len(cases) == 2
    for case in cases:
        assert f"error: {case['name']}: {case['error']}" in err and "contenders" not in case


def test_another_program_sets_the_pace():
    command = [BIN / "dsa-bench", "--smoke", "--rounds=2", "--paced", "--case=top_k"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        seen = []
        for line in process.stdout:
            state = json.loads(line)
            seen.append((state["case"]["name"], state["round"]))
            process.stdin.write("round\n")
            process.stdin.flush()
    assert process.returncode == 0
    assert seen == [(f"top_k.T16.S{size}", i) for size in ("32K", "128K") for i in range(2)]


@pytest.mark.parametrize("text, got", [(b"go\n", "'go'"), (b"", "its end")])
def test_whoever_sets_the_pace_has_to_say_round(text, got):
    code, _, err = run("dsa-bench", "--smoke", "--paced", "--case=top_k.T16.S32K", input=text)
    assert code == USER and "waits for a line 'round' on standard input before" in err
    assert f"but got {got}\n" in err


# ---- report.py -------------------------------------------------------------------------------


def case(name="indexer_scores.bf16.T1.S32K", best_ms=2.0, ratios=(), **more):
    return {"name": name, "op": "indexer_scores", "T": 1, "S": 32768, "threads": 1,
            "flops": 536870912, "keys": "bf16", "compile_s": [0.5],
            "roofs": [{"name": "f32_fma", "unit": "GF/s", "best": 100.0},
                      {"name": "copy", "unit": "GB/s", "best": 20.0}],
            "contenders": [{"name": "dsa", "best_ms": best_ms, "median_ms": best_ms + 1,
                            "best_gflops": 536.870912 / best_ms, "bytes": 8536320},
                           {"name": "OpenBLAS q k^T, GEMM only", "best_ms": 6.0,
                            "median_ms": 6.5}],
            "ratios": list(ratios), **more}


def made_up(*cases, **more):
    return {"version": "0.1.0", "date": "2026-01-02T03:04:05Z", "isa": "avx2", "pages": "huge",
            "pipeline": "p", "rounds": 7, "smoke": False, "openblas": "OpenBLAS 0",
            "machine": {"chip": "Chip", "cpu": "znver3", "family": "25", "model": "1",
                        "cores": 2}, "cases": list(cases), **more}


def roof(value, floor=0.89, goal=0.95):
    return {"metric": "of_roof", "to": "f32_fma", "value": value, "floor": floor, "goal": goal}


def compile_time(value):
    return {"metric": "compile_s", "value": value, "floor": 1}


def test_the_best_of_the_processes_counts():
    merged = figures.merge([made_up(case(best_ms=2.0, ratios=[roof(0.88), compile_time(1.2)])),
                            made_up(case(best_ms=3.0, ratios=[roof(0.90), compile_time(0.9)]))])
    entry, = merged["cases"]
    assert entry["contenders"][0]["best_ms"] == 2.0 and len(merged["processes"]) == 2
    assert [(r["value"], r["values"]) for r in entry["ratios"]] == [(0.90, [0.88, 0.90]),
                                                                   (0.9, [1.2, 0.9])]
    assert figures.misses(merged) == []


@pytest.mark.parametrize("cases, expected", [
    ([case(ratios=[roof(0.89), compile_time(1)])], []),
    ([case(ratios=[roof(0.88)])],
     ["indexer_scores.bf16.T1.S32K: of_roof is 0.880, has to be at least 0.89"]),
    ([case(ratios=[roof(0.99), compile_time(1.25)]), case("b", ratios=[roof(0.1)])],
     ["indexer_scores.bf16.T1.S32K: compile_s is 1.250, has to be at most 1",
      "b: of_roof is 0.100, has to be at least 0.89"]),
    ([case(ratios=[roof(0.99)]), {"name": "c", "error": "wrong result"}], ["c: wrong result"]),
    # A check that finds nothing to check has not passed.
    ([case(ratios=[{"metric": "of_roof", "value": 0.5}])],
     ["no floors are set for machines of kind 'avx2'"]),
])
def test_the_check_names_what_is_below_its_floor(cases, expected):
    assert figures.misses(figures.merge([made_up(*cases)])) == expected


def test_a_core_is_held_against_pytorch():
    core = case("v32_core.bf16.T1.S32K", op="v32_core", contenders=[
        {"name": "dsa", "best_ms": 2.0}, {"name": "PyTorch eager", "best_ms": 9.0},
        {"name": "PyTorch compile", "best_ms": 6.0}, {"name": "PyTorch best", "best_ms": 5.0}],
        torch_targets={"over_torch_textbook": {"floor": 3.5}})
    sessions.add_ratios(core)
    assert core["ratios"] == [
        {"metric": "over_torch_textbook", "to": "PyTorch compile", "value": 3.0, "floor": 3.5},
        {"metric": "over_torch_best", "to": "PyTorch best", "value": 2.5}]
    assert figures.misses(figures.merge([made_up(core)])) == [
        "v32_core.bf16.T1.S32K: over_torch_textbook is 3.000, has to be at least 3.5"]


def test_a_failure_in_one_process_is_not_hidden_by_the_other():
    merged = figures.merge([made_up(case(ratios=[roof(0.99)])),
                            made_up({"name": case()["name"], "error": "wrong result"})])
    assert figures.misses(merged) == ["indexer_scores.bf16.T1.S32K: wrong result"]


def test_smoke_figures_pass_no_check():
    merged = figures.merge([made_up(case(ratios=[roof(0.99)]), smoke=True)])
    assert figures.misses(merged) == ["figures of a smoke run mean nothing and cannot be checked"]


@pytest.mark.parametrize("reached, code", [(0.91, 0), (0.80, USER)])
def test_a_report_is_checked_and_printed(tmp_path, reached, code):
    (tmp_path / "in.json").write_text(json.dumps(made_up(case(ratios=[roof(reached)]))))
    ended, out, err = report_py(f"--from={tmp_path}/in.json", "--check",
                                f"--output={tmp_path}/out.json")
    assert ended == code
    assert ("below its floor: indexer_scores.bf16.T1.S32K: of_roof" in err) == (code == USER)
    assert (f"| indexer_scores.bf16.T1.S32K | 2.000 | 3.000 | 268.4 | roof | {reached:.3f} | 0.89 "
            "| 0.95 | 3.00x |  | absent | absent | absent |  |") in out
    assert "Chip (znver3, family 25 model 1)" in out and "2026-01-02, commit unknown" in out
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["cases"][0]["ratios"][0]["value"] == reached
    # It can be read again.
    assert report_py(f"--from={tmp_path}/out.json")[1] == out


def test_a_quick_report(tmp_path):
    code, out, err = report_py("--build", BIN.parent, "--quick", "--no-torch", "--rounds=1",
                               "--case=top_k.T16.S32K", f"--output={tmp_path}/o.json")
    assert code == 0 and "process 2 of 2" in err and "| top_k.T16.S32K |" in out
    report = json.loads((tmp_path / "o.json").read_text())
    assert len(report["processes"]) == 2 and "commit" in report
    assert report["torch_absent"] == "not asked for"


def test_help_of_the_report_has_an_example():
    code, out, _ = report_py("--help")
    assert code == 0 and "--plot=roofline.svg" in out and "exit codes" in out


@pytest.mark.parametrize("text, arguments, code, message", [
    (None, [], IO, "cannot read '{}': No such file or directory"),
    ("{", [], USER, "'{}' is not JSON"),
    ("[]", [], USER, "'{}' holds no cases"),
    (json.dumps(made_up(case())), ["--output=/no/such/o.json"], IO,
     "cannot write '/no/such/o.json': its folder does not exist"),
])
def test_what_the_report_refuses(tmp_path, text, arguments, code, message):
    path = tmp_path / "in.json"
    if text is not None:
        path.write_text(text)
    ended, out, err = report_py(f"--from={path}", *arguments)
    assert ended == code and not out
    assert err.startswith("report: error: " + message.format(path)) and err.count("\n") == 1


def test_the_error_of_dsa_bench_is_the_reports():
    code, out, err = report_py("--build", BIN.parent, "--quick", "--no-torch", "--case=no_such")
    assert code == USER and not out and "error: no case contains 'no_such'" in err


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is not None,
                    reason="matplotlib is installed here")
def test_a_picture_without_matplotlib(tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(made_up(case())))
    code, _, err = report_py(f"--from={tmp_path}/in.json", f"--plot={tmp_path}/p.svg")
    assert code == MISSING and "pip install -r tools/dsa-bench/requirements.txt" in err


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None,
                    reason="needs matplotlib, of tools/dsa-bench/requirements.txt")
def test_a_picture(tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(made_up(case())))
    code, _, err = report_py(f"--from={tmp_path}/in.json", f"--plot={tmp_path}/p.svg")
    text = (tmp_path / "p.svg").read_text()
    assert code == 0 and "<svg" in text, err
