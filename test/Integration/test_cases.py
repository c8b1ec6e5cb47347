"""The cases of test/data/cases: inputs on which other kernels went wrong."""

import json

import numpy as np
import pytest

import harness
from reference import compare

TARGETS = ("reference", "cpu", "sm_80")

FOLDER = harness.ROOT / "test" / "data" / "cases"
CASES = json.loads((FOLDER / "cases.json").read_text())


def attention(attrs, x):
    """Operands and keywords of sparse_attention."""
    tables = [x["table0"]] if "table0" in x else []
    keywords = dict(scale=attrs["scale"], dv=attrs["dv"], block_tables=tables, paged=bool(tables),
                    counts=[x["counts0"]] if "counts0" in x else [], sink=x.get("sink"))
    return (x["q"], [x["keys0"]], [x["indices0"]]), keywords


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
    operands, keywords = attention(attrs, x)
    return dict(zip(("out", "lse"), harness.sparse_attention(folder, *operands, **keywords)))


def arrays_of(case):
    """Inputs and expected results, by name."""
    with np.load(FOLDER / f"{case['name']}.npz") as data:
        arrays = {name: data[name] for name in data.files}
    return ({name[3:]: a for name, a in arrays.items() if name.startswith("in_")},
            {name[4:]: a for name, a in arrays.items() if name.startswith("out_")})


# Of the ops of the cases, the kernels for GPUs cover one as it is, and one in other types.
DECLINED = {op: "has no GPU kernel" for op in ("top_k", "indexer_scores", "lightning_indexer")}
DECLINED["sparse_attention"] = "has queries of f32; the GPU kernel has f16 and bf16"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(tmp_path, case):
    ins, wanted = arrays_of(case)
    if harness.is_gpu() and case["op"] in DECLINED:
        with pytest.raises(harness.Failure, match=DECLINED[case["op"]]):
            run_case(tmp_path, case["op"], case["attrs"], ins)
        return
    got = run_case(tmp_path, case["op"], case["attrs"], ins)
    assert wanted
    for name, want in wanted.items():
        compare.values_close(name, got[name], want, *case["tol"].get(name, (0, 0)))
