"""What is refused when a module is loaded: by name and line, whatever the text is."""

import random
import re

import emulator
import kernels
import pytest


def refusal(text):
    """What a load says; None if it loads."""
    try:
        emulator.unload(emulator.load(text))
    except emulator.EmulatorError as error:
        return str(error)
    return None


INSTRUCTIONS = {
    "call.uni (retval0), f, (param0);": "'call.uni': the emulator does not have this instruction",
    "tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [image, {%f1, %f2}];": "'tex.2d.v4.f32.f32'",
    "wgmma.fence.sync.aligned;": "'wgmma.fence.sync.aligned'",
    "add.cc.u32 %r3, %r4, %r5;": "'add' with '.cc'",
    "add.f16 %h1, %h2, %h3;": "'add' with '.f16'",
    "add.rn.bf16x2 %r3, %r4, %r5;": "'add' with '.bf16x2'",
    "add.rn.u32 %r3, %r4, %r5;": "'add' with '.rn'",
    "add.rz.f64 %d3, %d4, %d5;": "'add.rz.f64': the emulator does not have this combination",
    "add %r3, %r4, %r5;": "'add': it has no type",
    "add.u32 %r3, %r4;": "'add.u32': it has 2 operands, not 3",
    "add.u32 %r3, %r4, %d5;": "register '%d5' is of type .b64, the operand of type .u32",
    "add.u32 %d3, %r4, %r5;": "register '%d3' is of type .b64, the result of type .u32",
    "add.u32 %r3, %r4, %r32;": "there is no register '%r32'",
    "add.u32 %r3, %r4, %r01;": "there is no register '%r01'",
    "add.u32 5, %r4, %r5;": "a register should be where another operand is",
    "add.u32 _, %r4, %r5;": "a register should be where another operand is",
    "add.f32 %f3, %f4, 1;": "a whole number is where one of type .f32 should be",
    "add.f64 %d3, %d4, 0f3F800000;": "an f32 is where a number of type .f64 should be",
    "mov.u32 %tid.x, 5;": "nothing is written to '%tid.x'",
    "mov.u32 %r3, %clock;": "there is no register '%clock'",
    "mov.b64 %d3, {%r1, %r2, %r3};": "is not made of 3 registers",
    "mul.u32 %r3, %r4, %r5;": "it with one of .lo, .hi, .wide",
    "setp.u32 %p1, %r4, %r5;": "it with one of .eq, .ne",
    "setp.lt.b32 %p1, %r4, %r5;": "compared with .eq and .ne only",
    "cvt.f32.s32 %f1, %r1;": "it rounds with .rn, .rz, .rm or .rp",
    "cvt.rn.satfinite.e4m3x2.f32 %h1, %f1, %f2;": "'cvt.rn.satfinite.e4m3x2.f32'",
    "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r1}, {%r2}, {%r3}, {%r4};": "'mma.sync",
    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2}, "
    "{%r3, %r4}, {%f1, %f2, %f3, %f4};": "operand 2 has 2 registers, not 4",
    "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2}, [%r3];": "2 registers for 4 matrices",
    "cp.async.bulk.shared::cluster.global [%r1], [%d1], 16, [%r2];": "'cp.async.bulk",
    "cp.async.cg.shared.global [%r1], [%d1], 8;": "it copies 16 bytes, not 8",
    "cp.async.ca.shared.global [%r1], [%r2], 8;": "addresses of .global have 64 bits",
    "ld.shared.u32 %r1, %r2;": "operand 2 should be an address in brackets",
    "ld.shared.u32 %r1, [table];": "'table' is in .const, the access is to .shared",
    "ld.u32 %r1, [cells];": "'cells' is in .shared, the access is to .generic",
    "ld.global.v4.u64 {%d1, %d2, %d3, %d4}, [%d1];": "an access of more than 16 bytes",
    "st.const.u32 [table], 1;": "nothing is stored to .const here",
    "atom.shared.add.b32 %r1, [%r2], 1;": "this operation for .b32",
    "bar.arrive 1;": "it has 1 operands, not 2",
    "bra NOWHERE;": "there is no label 'NOWHERE'",
    "brx.idx %r1, TABLE;": "there are no .branchtargets 'TABLE'",
    "@%r1 bra L; L:": "register '%r1' is of type .b32",
    "lop3.b32 %r1, %r2, %r3, %r4, 256;": "the table is a number from 0 to 255, not 256",
    "vote.ballot.b32 %r1, %p1;": "it with .sync",
}  # fmt: skip


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_instructions(instruction):
    text = kernels.text(f"mov.u32 %r1, 0;\n{instruction}", declarations=".const .u32 table[2];")
    message = refusal(text)
    assert message.startswith("line 11: ") and INSTRUCTIONS[instruction] in message
    assert "\n" not in message


MODULES = {
    ".func f() { ret; }": "line 4: functions (.func) are not supported",
    ".global .texref t;": "line 4: '.texref' is where a type should be",
    ".alias a, b;": "line 4: '.alias' is where a directive of a module that is supported",
    ".global .u32 x = 0x1FFFFFFFFFFFFFFFF;": "is no number of 64 bits",
    ".global .u32 x = 09;": "'09' is no number",
    ".global .u32 x[2] = {1, 2, 3};": "'x' has 8 bytes and a longer initializer",
    ".global .u64 x = y;": "'y' is no variable in .global or .const",
    ".global .u32 x = {1;": "';' is where '}' should be",
    ".global .u32 x;\n.global .u32 x;": "line 5: there are two variables 'x'",
    ".global .u32 x[];": "only an .extern .shared variable has no size",
    ".extern .global .u32 x;": "no other module is there to define 'x'",
    ".shared .u32 x = 1;": "a variable of .shared is not initialized",
    ".global .align 3 .u32 x;": "an alignment is a power of two, not 3",
    ".global .u32 x[1073741824];": "'x' has more than 2^30 bytes",
    ".global .pred x;": "no variable is of type .pred",
    "/* comment": "line 4: this comment has no end",
    '.file 1 "name': "line 4: this string has no end",
    "\x80": "no PTX has the byte 0xc2 here",
    "?": "no PTX has the character '?' here",
    ".entry f(.param .u32 a, .param .u32 a) { ret; }": "there are two parameters 'a'",
    ".entry f(.param .b8 a[65536]) { ret; }": "the parameters have more than 32764 bytes",
    ".entry f() .reqnctapercluster 2 { ret; }": "'.reqnctapercluster' is where a directive",
    ".entry f() { .param .u32 a; }": "'.param' in a kernel's body: calls are not supported",
    ".entry f() { .reg .u32 a, a; }": "there are two registers 'a'",
    ".entry f() { .shared .u32 a; .shared .u32 a; }": "there are two variables 'a'",
    ".entry f() { .global .u32 a; }": "a variable in .global stands outside of kernels",
    ".entry f() { .local .b8 a[600000]; }": "kernel 'f' has 600000 bytes of local memory",
    ".entry f() { L: L: ret; }": "there are two labels 'L'",
    ".entry f() { { L: } bra L; }": "there is no label 'L'",
    ".entry f() { ret }": "'}' is where an operand should be",
    ".entry f() { ret;": "the text ends where an instruction, a label or '}' should be",
    ".entry f() { ret; } .entry f() { ret; }": "there are two kernels 'f'",
}  # fmt: skip


@pytest.mark.parametrize("text", MODULES)
def test_modules(text):
    message = refusal(kernels.HEADER + text)
    assert MODULES[text] in message
    assert re.match(r"line \d+: |kernel 'f' ", message)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "line 1: the text ends where '.version' should be"),
        (".version 7.8 .target sm_80 .address_size 32", "line 1: addresses have 64 bits here"),
        ("__global__ void f() {}", "line 1: '__global__' is where '.version' should be"),
    ],
)
def test_what_is_no_module(text, message):
    assert refusal(text) == message


# Something of all that the parser knows.
WHOLE = """.version 7.8
.target sm_80, debug
.address_size 64
// A comment, /* and another
/* of two
   lines */
.file 1 "a.cu", 12, 34
.visible .global .align 8 .u64 tables[2] = {generic(numbers), numbers+4};
.const .align 4 .f32 numbers[3] = {0f3F800000, -1.5e+3, 2};
.global .b8 grid[2][3] = {{1, 2, 3}, {4, 0x5, 0b110}};
.extern .shared .align 16 .b8 dynamic[];
.extern .func (.param .b32 r) other (.param .b64 a);
.visible .entry whole(
  .param .u64 .ptr .global .align 16 out,
  .param .align 8 .b8 structure[24])
.maxntid 64, 1, 1 .minnctapersm 2 .maxnreg 64
{
  .reg .pred p, q;
  .reg .b32 %r<9>;
  .reg .b64 %d<4>;
  .loc 1 10 3, function_name $L__info_string0, inlined_at 1 4 5
  .pragma "nounroll";
  ld.param.v2.u32 {%r1, _}, [structure+8];
  @!p ld.volatile.shared::cta.u32 %r2, [dynamic+-4];
  setp.lt.and.s32 p|q, %r1, -7, !p;
  mov.b64 %d1, {%r1, %r2};
  { .reg .b32 inner; mov.u32 inner, %tid.x; $L_in: bra.uni $L_in; }
  T: .branchtargets A, B;
  brx.idx %r1, T;
A:
  shfl.sync.bfly.b32 %r3|p, %r1, 1, 31, 0xffffffff;
B: ret;
}
.section .debug_str { .b8 1, 2, 3 .b64 label }
"""


TOKENS = list(re.finditer(r'"[^"]*"|[\w.$%:]+|\S', WHOLE))


def test_the_whole_text_loads():
    assert refusal(WHOLE) is None


def test_every_truncation_is_refused():
    kernel = WHOLE.index(".visible .entry"), WHOLE.index(".section")
    for token in TOKENS:
        message = refusal(WHOLE[: token.start()])
        inside = kernel[0] < token.start() < kernel[1]
        if inside or message:
            assert message and message.startswith("line "), token
        half = (token.start() + token.end()) // 2
        message = refusal(WHOLE[:half])
        assert message is None or message.startswith("line "), token


def test_no_missing_or_doubled_token_is_a_crash():
    for token in TOKENS:
        for text in ("", token.group() * 2, token.group() + " " + token.group()):
            message = refusal(WHOLE[: token.start()] + text + WHOLE[token.end() :])
            assert message is None or re.match(r"line \d+: ", message), token


def test_no_shuffled_token_is_a_crash():
    tokens = [token.group() for token in TOKENS]
    choices = random.Random(1)
    for _ in range(3000):
        changed = tokens.copy()
        for _ in range(choices.randint(1, 3)):
            changed[choices.randrange(len(changed))] = choices.choice(tokens)
        message = refusal(" ".join(changed))
        assert message is None or re.match(r"line \d+: |kernel '", message)
