"""Small kernels for tests of what is around instructions."""

import numpy as np

import emulator

HEADER = """.version 7.8
.target sm_80
.address_size 64
"""


def text(body, shared=1024, declarations=""):
    """A kernel k(out). %r0 is the thread, %r1 the address of `cells` in shared
    memory and %r2 that of the thread's word there, %d0 is `out` and %d1 the
    thread's word of it. Without declarations the body begins in line 9."""
    return f"""{HEADER}{declarations.strip()}
.entry k(.param .u64 out) {{
.reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<32>; .reg .f32 %f<16>; .reg .b64 %d<16>;
.shared .align 16 .b8 cells[{shared}];
mov.u32 %r0, %tid.x; mov.u32 %r1, cells; mad.lo.u32 %r2, %r0, 4, %r1;
ld.param.u64 %d0, [out]; mad.wide.u32 %d1, %r0, 4, %d0;
{body.strip()}
ret;
}}
"""


def run(body, out=None, threads=64, grid=1, shared=1024, dynamic=0, declarations="", **options):
    """The report; `out` are the words of the threads."""
    out = np.zeros(threads, np.uint32) if out is None else out
    return emulator.launch(
        text(body, shared, declarations), "k", grid, threads, [out], shared=dynamic, **options
    )
