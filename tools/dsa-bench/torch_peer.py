"""What a PyTorch user has instead: scores, selection and attention in PyTorch, on the CPU.

A process of its own that report.py talks to. Each line of standard input is a line of
`dsa-bench --paced`, {"case": {...}, "round": n}; the answer is one line, the best time in
milliseconds of each form in this round, on the same inputs:

  eager     the formula as it is usually written, in f32
  compile   the same through torch.compile
  best      the fastest of several other ways to write it, found in round 0

usage: torch_peer.py [--smoke]
"""

import argparse
import json
import os
import sys
import time

import torch

import inputs

DTYPES = {"uint16": torch.bfloat16, "uint8": torch.float8_e4m3fn}
CHUNK = 4096
RUNS, SECONDS = 20, 0.25


def to_torch(array):
    tensor = torch.from_numpy(array.view({"uint16": "int16"}.get(array.dtype.name, array.dtype)))
    dtype = DTYPES.get(array.dtype.name)
    return tensor.view(dtype) if dtype else tensor


def finish(scores, key_scale, hidden):
    if key_scale is not None:
        scores = scores * key_scale
    return scores if hidden is None else scores.masked_fill(hidden, float("-inf"))


def textbook(q, k, w, key_scale, hidden):
    dots = torch.einsum("thd,sd->ths", q.float(), k.float())
    return finish(torch.einsum("ths,th->ts", dots.relu(), w), key_scale, hidden)


def whole_gemm(q, k, w, key_scale, hidden):
    """One GEMM in the type of q, the rest in f32."""
    dots = (q.flatten(0, 1) @ k.to(q.dtype).T).view(q.shape[0], q.shape[1], -1)
    return finish(torch.matmul(w[:, None], dots.relu_().float())[:, 0], key_scale, hidden)


def whole_narrow(q, k, w, key_scale, hidden):
    """The sum over heads in the type of q, too."""
    dots = (q.flatten(0, 1) @ k.to(q.dtype).T).view(q.shape[0], q.shape[1], -1)
    scores = torch.matmul(w[:, None].to(q.dtype), dots.relu_())[:, 0]
    return finish(scores.float(), key_scale, hidden)


def chunked(form):
    """Over some keys at a time, so that what lies between stays in a cache."""
    def scores(q, k, w, key_scale, hidden):
        parts = [form(q, k[i:i + CHUNK], w, None, None) for i in range(0, k.shape[0], CHUNK)]
        return finish(torch.cat(parts, 1), key_scale, hidden)

    scores.__name__ = f"chunked_{form.__name__}"
    return scores


FORMS = [textbook, whole_gemm, whole_narrow, chunked(textbook), chunked(whole_gemm),
         chunked(whole_narrow)]


def as_given(scores):
    return scores


def selecting(form, K, ordered):
    def selected(*arguments):
        return torch.topk(form(*arguments), K, dim=-1, sorted=ordered).indices

    selected.__name__ = form.__name__
    return selected


def attention_forms(case):
    """Ways to gather the rows and to attend over them; the first is the usual one."""
    scale, Dv = case["scale"], case["Dv"]

    def gathered(q, kv, indices):
        rows = kv[indices].float()
        p = torch.softmax(torch.einsum("thd,tkd->thk", q.float(), rows) * scale, -1)
        return torch.einsum("thk,tkd->thd", p, rows[..., :Dv]).to(q.dtype)

    def gathered_narrow(q, kv, indices):
        """The products in the type of q."""
        rows = kv[indices]
        p = torch.softmax((q @ rows.mT).float() * scale, -1).to(q.dtype)
        return p @ rows[..., :Dv]

    def gathered_sdpa(q, kv, indices):
        """Heads as the queries of one head; its kernel needs V as wide as K."""
        rows = kv[indices][:, None]
        return torch.nn.functional.scaled_dot_product_attention(
            q[:, None], rows, rows, scale=scale)[:, 0, :, :Dv]

    return [gathered, gathered_narrow, gathered_sdpa]


def in_turn(select, attend):
    """An indexer, and attention over what it selects."""
    def core(q, k, w, attention_query, attention_keys):
        return attend(attention_query, attention_keys, select(q, k, w, None, None))

    core.__name__ = f"{select.__name__}, {attend.__name__}"
    return core


class Case:
    """The forms of a case, ready to be timed."""

    def __init__(self, case, smoke):
        torch.set_num_threads(case["threads"])
        self.threads, self.smoke, self.failures = case["threads"], smoke, {}
        arrays = inputs.make(case)
        self.checksums = inputs.checksums(arrays)
        tensors = {name: to_torch(array) for name, array in arrays.items()}
        first = {"top_k": self.find_top_k, "sparse_attention": self.find_attention,
                 "v32_core": self.find_core}.get(case["op"], self.find_scores)(case, tensors)
        self.forms = {"eager": first}
        self.try_form("compile", torch.compile(first, dynamic=False))
        self.check(first, self.best_form, case)
        self.forms["best"], self.best = self.best_form, self.best_form.__name__

    # Each of these sets the arguments and the best form, and returns the usual form.

    def find_top_k(self, case, tensors):
        self.arguments = (tensors["scores"],)
        self.best_form = selecting(as_given, case["K"], False)
        return selecting(as_given, case["K"], True)

    def find_scores(self, case, tensors):
        hidden = None
        if "hi" in tensors:
            hidden = torch.arange(case["S"])[None] >= tensors["hi"][:, None]
        self.arguments = (tensors["query"], tensors["keys"], tensors["weights"],
                          tensors.get("key_scale"), hidden)
        if case["op"] == "indexer_scores":
            self.best_form = min(FORMS, key=self.measure)
            return FORMS[0]
        self.best_form = min((selecting(form, case["K"], False) for form in FORMS),
                             key=self.measure)
        return selecting(FORMS[0], case["K"], True)

    def find_attention(self, case, tensors):
        self.arguments = (tensors["attention_query"], tensors["attention_keys"],
                          tensors["indices"].long())
        forms = attention_forms(case)
        self.best_form = min(forms, key=self.measure)
        return forms[0]

    def find_core(self, case, tensors):
        """The best form is the best indexer and the best attention."""
        first = self.find_scores(case, tensors)
        best = self.best_form
        tensors["indices"] = best(*self.arguments)
        usual = self.find_attention(case, tensors)
        self.best_form = in_turn(best, self.best_form)
        self.arguments = tuple(tensors[name] for name in (
            "query", "keys", "weights", "attention_query", "attention_keys"))
        return in_turn(first, usual)

    def try_form(self, name, form):
        try:
            form(*self.arguments)
            self.forms[name] = form
        except Exception as error:  # whatever the compiler raises: it is said, and left out
            self.failures[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]

    def check(self, first, best, case):
        """Forms in bf16 differ by bf16's rounding; one that is wrong differs by more."""
        # Rounded scores select other rows.
        if case["op"] not in ("indexer_scores", "sparse_attention"):
            return
        expected, found = (form(*self.arguments).float() for form in (first, best))
        finite = torch.isfinite(expected)
        error = (expected[finite] - found[finite]).abs().max() / expected[finite].abs().max()
        assert error < 0.02, f"the best form is off by {error:.3g} of the largest result"

    def measure(self, form):
        clock = time.thread_time if self.threads == 1 else time.perf_counter
        form(*self.arguments)
        begin = clock()
        times = []
        for _ in range(1 if self.smoke else RUNS):
            start = clock()
            form(*self.arguments)
            times.append(clock() - start)
            if clock() - begin > SECONDS:
                break
        return min(times)

    def run_round(self):
        if self.threads != 1 and not self.smoke:
            time.sleep(0.3)
        return {name: 1e3 * self.measure(form) for name, form in self.forms.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="one run of each form a round")
    smoke = parser.parse_args().smoke
    # Nothing but answers goes to the pipe, whatever libraries print.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    case = None
    for line in sys.stdin:
        request = json.loads(line)
        with torch.inference_mode():
            if request["round"] == 0:
                torch.compiler.reset()
                case = Case(request["case"], smoke)
            answer = {"ms": case.run_round(), "failures": case.failures, "best": case.best,
                      "inputs_crc32": case.checksums}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
