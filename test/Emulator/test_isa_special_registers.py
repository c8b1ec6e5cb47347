"""PTX ISA 10, Special Registers."""

import numpy as np
import pytest

import emulator
from isa import HEADER, dump, run

NAMES = ["tid.x", "tid.y", "tid.z", "ntid.x", "ntid.y", "ntid.z", "ctaid.x", "ctaid.y", "ctaid.z",
         "nctaid.x", "nctaid.y", "nctaid.z", "laneid", "lanemask_eq", "lanemask_le", "lanemask_lt",
         "lanemask_ge", "lanemask_gt", "warpid", "nwarpid"]  # fmt: skip


def read(names, grid, block):
    """The registers of each thread, in the order of blocks and of threads in them."""
    moves = "".join(
        f"  mov.u32 %r1, %{name};\n  st.global.u32 [%rd1+{4 * i}], %r1;\n"
        for i, name in enumerate(names)
    )
    ptx = f"""{HEADER}
.visible .entry k(.param .u64 p0)
{{
  .reg .b32 %r<16>;
  .reg .b64 %rd<4>;
  mov.u32 %r2, %tid.z;
  mov.u32 %r3, %ntid.y;
  mov.u32 %r4, %tid.y;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  mov.u32 %r6, %ntid.x;
  mov.u32 %r7, %tid.x;
  mad.lo.u32 %r8, %r5, %r6, %r7;
  mov.u32 %r2, %ctaid.z;
  mov.u32 %r3, %nctaid.y;
  mov.u32 %r4, %ctaid.y;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  mov.u32 %r9, %nctaid.x;
  mov.u32 %r7, %ctaid.x;
  mad.lo.u32 %r5, %r5, %r9, %r7;
  mad.lo.u32 %r8, %r5, {np.prod(block)}, %r8;
  ld.param.u64 %rd2, [p0];
  mad.wide.u32 %rd1, %r8, {4 * len(names)}, %rd2;
{moves}  ret;
}}
"""
    dump(ptx)
    out = np.full((np.prod(grid), np.prod(block), len(names)), 12345, np.uint32)
    report = emulator.launch(ptx, "k", grid, block, [out])
    assert report.races == []
    return {name: out[:, :, i] for i, name in enumerate(names)}


@pytest.mark.parametrize(
    "grid, block",
    [
        ((2, 3, 2), (5, 3, 4)),
        ((4, 1, 1), (64, 1, 1)),
        ((1, 1, 1), (1, 1, 1)),
        ((1, 2, 1), (33, 2, 1)),
    ],
)
def test_places_of_threads(grid, block):
    """%tid.x runs fastest, then y, then z; the lane is that number modulo 32."""
    got = read(NAMES, grid, block)
    threads = np.arange(np.prod(block))
    blocks = np.arange(np.prod(grid))[:, None]
    lane = threads % 32
    one = np.left_shift(1, lane)
    want = {
        "tid.x": threads % block[0],
        "tid.y": threads // block[0] % block[1],
        "tid.z": threads // (block[0] * block[1]),
        "ctaid.x": blocks % grid[0],
        "ctaid.y": blocks // grid[0] % grid[1],
        "ctaid.z": blocks // (grid[0] * grid[1]),
        "laneid": lane,
        "lanemask_eq": one,
        "lanemask_lt": one - 1,
        "lanemask_le": 2 * one - 1,
        "lanemask_ge": 2**32 - one,
        "lanemask_gt": 2**32 - 2 * one,
    }
    for i, axis in enumerate("xyz"):
        want[f"ntid.{axis}"], want[f"nctaid.{axis}"] = np.array(block[i]), np.array(grid[i])
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], np.broadcast_to(values, got[name].shape), name)


def test_sizes():
    """Of the shared memory of the launch, of all of the block's, and of a warp."""
    out = np.zeros((1, 3), np.uint32)
    body = """
  mov.u32 %r1, %dynamic_smem_size;
  mov.u32 %r2, %total_smem_size;
  mov.u32 %r3, WARP_SZ;
  mov.u32 %r4, cells;
  st.global.u32 [%e0], %r1;
  st.global.u32 [%e0+4], %r2;
  st.global.u32 [%e0+8], %r3;
"""
    run(body, out, block=1, variables=".shared .align 4 .b8 cells[400];\n", shared=1200)
    assert out[0, 0] == 1200 and out[0, 1] >= 1600 and out[0, 2] == 32


def test_numbers_of_warps():
    """%warpid is the same in all lanes of a warp, differs between those of a block
    and is less than %nwarpid."""
    got = read(["warpid", "nwarpid"], (2, 1, 1), (40, 3, 1))
    for block in range(2):
        warps = [set(got["warpid"][block, i : i + 32].tolist()) for i in range(0, 120, 32)]
        assert all(len(warp) == 1 for warp in warps)
        assert len(set.union(*warps)) == 4
    assert (got["warpid"] < got["nwarpid"]).all()
