"""Compiles DeepSeek-V3.2's attention core for this CPU, runs it and checks the results.

64 query rows over 32,768 keys in bf16: 64 index heads of width 128, the best 2,048 keys of each
row, 128 heads over latent rows of 576 columns with 512 of them as values. Inputs have the
statistics of real models: heavy tails, low rank, and keys that no index head likes, whose scores
tie at exactly 0. The results are compared with a float64 reference in NumPy that shares no code
with the compiler, and the time with what this machine can do at most. The attention of one of the
rows is computed by the kernel for a GPU, too, whose PTX an emulator runs.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

from reference import compare, inputs, layouts, ops  # noqa: E402

T, S, K = 64, 32768, 2048
HI, D, H, DK, DV = 64, 128, 128, 576, 512
RUNS = 3
# 192^-0.5 times the square of 0.1 ln 40 + 1, as in v32-core.mlir.
SCALE = np.float32(0.1352337)


def make_inputs():
    data = inputs.real_model(inputs.rng(1), T=T, S=S, Hi=HI, D=D, H=H, Dk=DK)
    # The scale of the logits is the model's; the queries carry the rest.
    q = data["q"].astype(np.float32) * np.float32(data["scale"]) / SCALE
    # The last rows of a prefill, and one of another sequence that has fewer keys than K.
    hi = (S - T + 1 + np.arange(T)).astype(np.int32)
    hi[0] = 1000
    return [data["index_q"], data["index_k"], data["index_w"], hi,
            layouts.cast(q, "bf16"), data["kv"]]


def run(build, function, arrays, num_results, folder, *options):
    """The results of a function of test/Integration/v32-FUNCTION.mlir, and the line of times that
    dsa-run prints."""
    command = [build / "bin" / "dsa-run", ROOT / f"test/Integration/v32-{function}.mlir",
               f"--function={function}", *options]
    for i, array in enumerate(arrays):
        bits = array if array.dtype.kind in "fi" else array.view(np.uint16)
        np.save(folder / f"in{i}.npy", bits)
        command.append(f"--input={folder}/in{i}.npy")
    command += [f"--output={folder}/out{i}.npy" for i in range(num_results)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"quickstart: error: dsa-run exited with code {done.returncode}")
    results = [np.load(folder / f"out{i}.npy") for i in range(num_results)]
    return [x.view(layouts.DTYPES["bf16"]) if x.dtype == np.uint16 else x
            for x in results], done.stdout.strip()


def measure_roof(build, threads):
    """The most multiplications and additions that the threads can do in a second, in 10^9, and
    what does them; (None, None) on machines that dsa-bench does not know."""
    done = subprocess.run([build / "bin" / "dsa-bench", f"--roofs={threads}", "--rounds=3"],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"quickstart: error: dsa-bench exited with code {done.returncode}")
    rates = {name: float(rate) for name, rate, _ in map(str.split, done.stdout.splitlines())}
    return next(((rates[name], name) for name in ("bf16_dot", "f32_fma") if name in rates),
                (None, None))


def count_work(hi, count):
    """Operations of one run: scores of the keys that each row sees, products with the selected
    rows and with their values. Softmax and selection count for nothing."""
    seen = int(np.clip(hi, 0, S).astype(np.int64).sum())
    selected = int(count.astype(np.int64).sum())
    return 2 * seen * HI * D, 2 * selected * H * (DK + DV)


def get_error(out, want):
    return np.abs(out.astype(np.float64) - want).max() / np.abs(want).max()


def run_emulated(build, q, kv, indices, count, want_out, want_lse, magnitude):
    """Runs the attention of the last row by PTX for sm_80."""
    row = slice(T - 1, T)
    with tempfile.TemporaryDirectory() as folder:
        (out, lse), _ = run(build, "attention", [q[row], kv, indices[row], count[row]], 2,
                            pathlib.Path(folder), "--target=sm_80:emulated")
    used = compare.attention_close(out, lse, want_out[row], want_lse[row], type="bf16",
                                   magnitude=magnitude[row])
    print(f"    one query as PTX for sm_80, on the emulator: worst error "
          f"{get_error(out, want_out[row]):.1e} of the largest, {100 * used:.0f} % of the tolerance")


def describe_speed(milliseconds, work, roof, name, threads):
    rate = sum(work) / milliseconds / 1e6
    parts = f"{work[0] / 1e9:.1f} + {work[1] / 1e9:.1f} Gflop of scores and attention"
    if roof is None:
        return f"{rate:.1f} GF/s on {threads} threads, {parts}; no roof is known for this machine"
    return (f"{rate:.1f} GF/s on {threads} threads, {parts}; "
            f"{100 * rate / roof:.1f} % of the roof ({name}, {roof:.0f} GF/s)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder (default: build)")
    build = parser.parse_args().build
    print("    making inputs", flush=True)
    arrays = make_inputs()
    index_q, index_k, weights, hi, q, kv = arrays
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        print("    compiling and running for the target 'cpu'", flush=True)
        (indices, count, out, lse), times = run(
            build, "core", arrays, 4, pathlib.Path(folder), "--target=cpu",
            f"--threads={threads}", f"--repeat={RUNS}")
    print(f"    {times}")
    best = float(re.search(r"min ([0-9.]+) ms", times)[1])
    speed = describe_speed(best, count_work(hi, count), *measure_roof(build, threads), threads)
    print(f"    {speed}")
    print("    comparing with the float64 reference", flush=True)
    scores, magnitude = ops.indexer_scores(index_q, index_k, weights, hi=hi)
    selection = compare.selection_close((indices, count), scores, magnitude, K, type="bf16",
                                        hi=hi)
    keywords = dict(counts=[count], scale=float(SCALE), dv=DV)
    want_out, want_lse = ops.sparse_attention(q, [kv], [indices], **keywords)
    magnitude, _ = ops.sparse_attention(q, [kv], [indices], absolute=True, **keywords)
    attention = compare.attention_close(out, lse, want_out, want_lse, type="bf16",
                                        magnitude=magnitude)
    out_error = get_error(out, want_out)
    lse_error = np.abs(lse - want_lse).max()
    selected = ", ".join(f"{n} in {rows} rows" if rows > 1 else f"{n} in 1 row"
                         for n, rows in collections.Counter(count.tolist()).most_common())
    print(f"    tokens selected: {selected}")
    print(f"    worst error: out {out_error:.1e} of the largest, lse {lse_error:.1e}; "
          f"{100 * max(selection, attention):.0f} % of the tolerance")
    run_emulated(build, q, kv, indices, count, want_out, want_lse, magnitude)
    print(f"quickstart: ok ({int(count.sum())} tokens selected, worst error {out_error:.1e}, "
          f"{times.removeprefix('time: ').split(',')[0]})")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"quickstart: error: a result is wrong: {error}")
