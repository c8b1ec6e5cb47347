"""Draws a report as a roofline: speed over work per byte, under what the machine can do."""

import matplotlib

from sessions import Failure

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

MARKERS = {"bf16": "o", "f32": "s", "f8E4M3FN": "^", "i8": "v"}
COLOURS = {"indexer_scores": "tab:blue", "lightning_indexer": "tab:orange",
           "sparse_attention": "tab:green", "v32_core": "tab:red"}


def draw(report, path):
    cases = [c for c in report["cases"] if c["flops"] and c["threads"] == 1 and "error" not in c]
    if not cases:
        raise Failure(1, "--plot needs a case with scores or attention on one thread")
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    roofs = {}
    for case in cases:
        for roof in case["roofs"]:
            roofs[roof["name"]] = max(roofs.get(roof["name"], 0), roof["best"])
    points = []
    for case in cases:
        ours = case["contenders"][0]
        points.append((case["flops"] / ours["bytes"], ours["best_gflops"], case))
    left, right = min(p[0] for p in points) / 4, max(p[0] for p in points) * 4

    peaks = {name: rate for name, rate in roofs.items() if name != "copy"}
    top = max(peaks.values(), default=max(p[1] for p in points))
    for name, rate in peaks.items():
        axes.hlines(rate, max(left, rate / roofs["copy"]), right, colors="black", linewidth=1)
        axes.annotate(f"{name}, {rate:.0f} GF/s", (right, rate), ha="right", va="bottom")
    corner = top / roofs["copy"]
    axes.plot([left, corner], [left * roofs["copy"], top], color="black", linewidth=1,
              linestyle="dashed")
    axes.annotate(f" copy, {roofs['copy']:.0f} GB/s", (left, left * roofs["copy"]), va="top")

    for op, colour in COLOURS.items():
        for keys, marker in MARKERS.items():
            if chosen := [p for p in points if (p[2]["op"], p[2]["keys"]) == (op, keys)]:
                axes.scatter([p[0] for p in chosen], [p[1] for p in chosen], color=colour,
                             marker=marker, label=f"{op}, {keys}", zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("flop per byte of arguments and results")
    axes.set_ylabel("GF/s")
    axes.set_title(f"{report['machine']['chip']} ({report['machine']['cpu']}), one core, "
                   f"{report['date'][:10]}, commit {report['commit'] or 'unknown'}",
                   fontsize="medium")
    axes.grid(which="both", alpha=0.2)
    axes.legend(loc="best")
    figure.savefig(path)
