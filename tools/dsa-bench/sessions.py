"""Runs dsa-bench, and PyTorch beside it, in turns."""

import json
import pathlib
import subprocess
import sys


class Failure(Exception):
    """Ends the report with an exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


HERE = pathlib.Path(__file__).resolve().parent
FORMS = ("eager", "compile", "best")


class Peer:
    """The PyTorch process; of no use if `absent` says why."""

    def __init__(self, smoke):
        probe = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"],
                               capture_output=True, text=True)
        lines = probe.stderr.splitlines()
        self.absent = (lines[-1] if lines else "no reason given") if probe.returncode else None
        self.version = probe.stdout.strip() or None
        self.process = None
        if not self.absent:
            command = [sys.executable, HERE / "torch_peer.py"] + ["--smoke"] * smoke
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.close()
            raise Failure(70, "the PyTorch process ended; its message is above")
        return json.loads(answer)

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def has_peer(case):
    """PyTorch runs beside plain shapes; for a variant of one it does the same work."""
    if case["op"] == "sparse_attention":
        return case["keys"] != "i8" and not case["holes"]
    return case["op"] == "top_k" or (case["Hi"], case["D"], case["page"],
                                     case["S"] % 64) == (64, 128, 0, 0)


def take_turns(bench, peer):
    """The answers of PyTorch by case, while dsa-bench measures."""
    answers = {}
    for line in bench.stdout:
        case = json.loads(line)["case"]
        if peer.process and has_peer(case):
            answers.setdefault(case["name"], []).append(peer.ask(line))
        try:
            bench.stdin.write("round\n")
            bench.stdin.flush()
        except BrokenPipeError:  # it has ended; its exit code says why
            break
    return answers


def add_peer(case, answers):
    """Puts PyTorch's times beside the others of the case."""
    if answers[0]["inputs_crc32"] != case["inputs_crc32"]:
        raise Failure(70, f"{case['name']}: PyTorch had other inputs")
    for form in FORMS:
        times = sorted(a["ms"][form] for a in answers if form in a["ms"])
        if times:
            middle = len(times) // 2
            median = times[middle] if len(times) % 2 else sum(times[middle - 1:middle + 1]) / 2
            case["contenders"].append({
                "name": f"PyTorch {form}", "best_ms": times[0], "median_ms": median,
                "rounds_ms": [a["ms"][form] for a in answers]})
    if case["op"] == "v32_core":
        add_ratios(case)
    case["torch_failures"], case["torch_best"] = answers[0]["failures"], answers[0]["best"]


def add_ratios(case):
    """What a core is held against: the usual form, eager or compiled, and the best one."""
    times = {c["name"]: c["best_ms"] for c in case["contenders"]}
    for metric, names in (("over_torch_textbook", ("PyTorch eager", "PyTorch compile")),
                          ("over_torch_best", ("PyTorch best",))):
        name = min((n for n in names if n in times), key=times.get)
        case["ratios"].append({"metric": metric, "to": name,
                               "value": times[name] / times["dsa"],
                               **case["torch_targets"].get(metric, {})})


def run(program, arguments, output, smoke, with_torch):
    """(report of one process, its exit code)."""
    peer = Peer(smoke) if with_torch else None
    if peer is None:
        code = subprocess.run([program, *arguments, f"--output={output}"],
                              stdout=subprocess.DEVNULL).returncode
        answers = {}
    else:
        try:
            with subprocess.Popen([program, *arguments, "--paced", f"--output={output}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True) as bench:
                answers = take_turns(bench, peer)
            code = bench.returncode
        finally:
            peer.close()
    if not pathlib.Path(output).exists():
        return None, code
    report = json.loads(pathlib.Path(output).read_text())
    report["torch"] = peer.version if peer else None
    report["torch_absent"] = peer.absent if peer else "not asked for"
    for case in report["cases"]:
        if "contenders" in case and case["name"] in answers:
            add_peer(case, answers[case["name"]])
    return report, code
