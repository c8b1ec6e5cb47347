"""The cases of test/data/cases: inputs on which other kernels went wrong."""

import json

import numpy as np
import pytest

import harness
from reference import compare

TARGETS = ("reference", "cpu")

FOLDER = harness.ROOT / "test" / "data" / "cases"
CASES = json.loads((FOLDER / "cases.json").read_text())


def run_case(folder, op, attrs, x):
    """The results of a case, by name."""
    bounds = {name: x[name] for name in ("lo", "hi") if name in x}
    if op == "top_k":
        return dict(zip(("indices", "count", "values"),
                        harness.top_k(folder, x["scores"], attrs["k"], **bounds)))
    if op == "indexer_scores":
        return {"scores": harness.indexer_scores(folder, x["q"], x["k"], x["w"], **bounds)}
    if op == "lightning_indexer":
        activation = attrs.get("activation", "relu")
        return dict(zip(("indices", "count", "values"),
                        harness.lightning_indexer(folder, x["q"], x["k"], x["w"], attrs["k"],
                                                  activation=activation, **bounds)))
    if op == "merge_attention":
        return dict(zip(("out", "lse"),
                        harness.merge_attention(folder, [x["outs"]], [x["lses"]], x.get("sink"))))
    assert op == "sparse_attention"
    tables = [x["table0"]] if "table0" in x else []
    return dict(zip(("out", "lse"), harness.sparse_attention(
        folder, x["q"], [x["keys0"]], [x["indices0"]], scale=attrs["scale"], dv=attrs["dv"],
        counts=[x["counts0"]] if "counts0" in x else [], block_tables=tables,
        paged=bool(tables), sink=x.get("sink"))))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(tmp_path, case):
    with np.load(FOLDER / f"{case['name']}.npz") as data:
        arrays = {name: data[name] for name in data.files}
    inputs = {name[3:]: a for name, a in arrays.items() if name.startswith("in_")}
    got = run_case(tmp_path, case["op"], case["attrs"], inputs)
    wanted = {name[4:]: a for name, a in arrays.items() if name.startswith("out_")}
    assert wanted
    for name, want in wanted.items():
        compare.values_close(name, got[name], want, *case["tol"].get(name, (0, 0)))
