"""Input made to exhaust stack, memory or time: exit code 0, 1 or 70 and no signal.

Memory of a process stays under 1 GiB, and none takes a minute.
"""

import os

import pytest
from tools import run

GIB = 1 << 30

BOMBS = {
    "attribute": lambda: 'func.func private @f() attributes {a = ' + "[" * 100000 + "]" * 100000 + "}",
    "type": lambda: "func.func private @f(" + "tuple<" * 100000 + "i1" + ">" * 100000 + ")",
    "affine": lambda: "#m = affine_map<(d0) -> (" + "(" * 100000 + "d0" + ")" * 100000 + ")>",
    "affine_sum": lambda: "#m = affine_map<(d0) -> (d0" + " + d0" * 100000 + ")>",
    "affine_minus": lambda: "#m = affine_map<(d0) -> (" + "-" * 100000 + "d0)>",
    "regions": lambda: "\n".join(["func.func @f(%c: i1) {", *["scf.if %c {"] * 20000,
                                  *["}"] * 20000, "return }"]),
    "dimension": lambda: "func.func private @f(tensor<4611686018427387904x2xf32>)",
    "layout": lambda: "func.func private @f() attributes {l = #dsa.kv_layout<[16777216 x f32], "
                      "record_bytes = 67108864, page = 2147483647>}",
    "vector": lambda: "func.func @f() -> vector<1000000x1000000xf32> {\n"
                      "%0 = arith.constant dense<0.0> : vector<1000000x1000000xf32>\n"
                      "return %0 : vector<1000000x1000000xf32> }",
    "ops": lambda: "func.func @f() {\n" + "%0 = arith.constant 0 : i32\n".join([""] * 2)
                   + "".join(f"%c{i} = arith.constant {i} : i32\n" for i in range(100000))
                   + "return }",
    "name": lambda: "func.func private @" + "n" * 10_000_000 + "()",
    "string": lambda: 'func.func private @f() attributes {a = "' + "(" * 1_000_000 + '"}',
    "k": lambda: "func.func @f(%s: tensor<1x2xf32>, %i: tensor<1x2147483648xi32>, "
                 "%c: tensor<1xi32>) {\n dsa.top_k scores(%s : tensor<1x2xf32>) k = 2147483648 "
                 "outs(%i, %c : tensor<1x2147483648xi32>, tensor<1xi32>) return }",
    "keysets": lambda: "func.func @f(%q: tensor<1x1x1xf32>, %k: tensor<1x1xf32>, "
                       "%i: tensor<1x1xi32>, %o: tensor<1x1x1xf32>, %l: tensor<1x1xf32>) {\n"
                       " dsa.sparse_attention query(%q : tensor<1x1x1xf32>) keys("
                       + ", ".join(["%k"] * 3000) + " : " + ", ".join(["tensor<1x1xf32>"] * 3000)
                       + ") indices(" + ", ".join(["%i"] * 3000) + " : "
                       + ", ".join(["tensor<1x1xi32>"] * 3000)
                       + ") scale = 1.0 dv = 1 outs(%o, %l : tensor<1x1x1xf32>, tensor<1x1xf32>)\n"
                       "return }",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(tmp_path, name):
    (tmp_path / "bomb.mlir").write_text(BOMBS[name]())
    for tool, extra in (("dsa-opt", ["-o", "/dev/null"]), ("dsa-run", ["--function=f"])):
        code, _, err = run(tool, tmp_path / "bomb.mlir", *extra, memory=GIB,
                           env={**os.environ, "TMPDIR": str(tmp_path)})
        assert code in (0, 1, 70), (tool, code, err[-300:])
        if code:
            assert "error:" in err
