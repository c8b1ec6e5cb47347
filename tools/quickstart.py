"""Compiles DeepSeek-V3.2's attention core, runs it and checks the results.

Four query rows over 32,768 keys in bf16: 64 index heads of width 128, the best
2,048 keys of each row, 128 heads over latent rows of 576 columns with 512 of
them as values. Inputs have the statistics of real models: heavy tails, low
rank, and keys that no index head likes, whose scores tie at exactly 0. The
results are compared with a float64 reference in NumPy that shares no code with
the compiler.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

from reference import compare, inputs, layouts, ops  # noqa: E402

T, S, K, DV = 4, 32768, 2048, 512
# 192^-0.5 times the square of 0.1 ln 40 + 1, as in v32-core.mlir.
SCALE = np.float32(0.1352337)


def make_inputs():
    data = inputs.real_model(inputs.rng(1), T=T, S=S, Hi=64, D=128, H=128, Dk=576)
    # The scale of the logits is the model's; the queries carry the rest.
    q = data["q"].astype(np.float32) * np.float32(data["scale"]) / SCALE
    hi = np.array([S, S - 1, S // 2 + 13, 1000], np.int32)
    return [data["index_q"], data["index_k"], data["index_w"], hi,
            layouts.cast(q, "bf16"), data["kv"]]


def run(build, arrays, folder):
    """The results of @core, and the line of times that dsa-run prints."""
    command = [build / "bin" / "dsa-run", ROOT / "test/Integration/v32-core.mlir",
               "--function=core", "--target=reference", "--repeat=3"]
    for i, array in enumerate(arrays):
        bits = array if array.dtype.kind in "fi" else array.view(np.uint16)
        np.save(folder / f"in{i}.npy", bits)
        command.append(f"--input={folder}/in{i}.npy")
    command += [f"--output={folder}/out{i}.npy" for i in range(4)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"quickstart: error: dsa-run exited with code {done.returncode}")
    indices, count, out, lse = (np.load(folder / f"out{i}.npy") for i in range(4))
    return indices, count, out.view(layouts.DTYPES["bf16"]), lse, done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder (default: build)")
    build = parser.parse_args().build
    print("    making inputs", flush=True)
    arrays = make_inputs()
    index_q, index_k, weights, hi, q, kv = arrays
    with tempfile.TemporaryDirectory() as folder:
        print("    compiling and running for the target 'reference'", flush=True)
        indices, count, out, lse, times = run(build, arrays, pathlib.Path(folder))
    print(f"    {times}")
    print("    comparing with the float64 reference", flush=True)
    scores, magnitude = ops.indexer_scores(index_q, index_k, weights, hi=hi)
    selection = compare.selection_close((indices, count), scores, magnitude, K, type="bf16",
                                        hi=hi)
    want_out, want_lse = ops.sparse_attention(q, [kv], [indices], counts=[count],
                                              scale=float(SCALE), dv=DV)
    attention = compare.attention_close(out, lse, want_out, want_lse, type="bf16")
    out_error = np.abs(out.astype(np.float64) - want_out).max() / np.abs(want_out).max()
    lse_error = np.abs(lse - want_lse).max()
    print(f"    tokens selected: {' '.join(map(str, count))} of {' '.join(map(str, hi))}")
    print(f"    worst error: out {out_error:.1e} of the largest, lse {lse_error:.1e}; "
          f"{100 * max(selection, attention):.0f} % of the tolerance")
    print(f"quickstart: ok ({int(count.sum())} tokens selected, worst error {out_error:.1e}, "
          f"{times.removeprefix('time: ').split(',')[0]})")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"quickstart: error: a result is wrong: {error}")
