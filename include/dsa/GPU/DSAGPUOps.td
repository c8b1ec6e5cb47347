//===- DSAGPUOps.td - Ops of the dsa_gpu dialect ----------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_DSAGPUOPS_TD
#define DSA_GPU_DSAGPUOPS_TD

include "dsa/GPU/DSAGPUDialect.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class DSAGPU_Op<string mnemonic, list<Trait> traits = []>
    : Op<DSAGPU_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// In kernels
//===----------------------------------------------------------------------===//

def DSAGPU_SharedMemoryOp : DSAGPU_Op<"shared_memory", [Pure]> {
  let summary = "The dynamic shared memory of the block";
  let description = [{
    The address of the first of the bytes that the launch asked for, a multiple
    of 1024. Every op of a block gives the same address; contents are undefined
    until written.

    ```mlir
    %tile = dsa_gpu.shared_memory : !llvm.ptr<3>
    ```

    It lowers to an external array of no size, `.extern .shared`. Upstream's
    `gpu.dynamic_shared_memory` makes an internal one, which PTX has as a static
    byte that other shared memory may lie on.
  }];
  let results = (outs LLVM_PointerInAddressSpace<3>:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

class DSAGPU_ApproximateOp<string mnemonic>
    : DSAGPU_Op<mnemonic, [Pure, SameOperandsAndResultType]> {
  let arguments = (ins F32:$x);
  let results = (outs F32:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
}

def DSAGPU_Exp2Op : DSAGPU_ApproximateOp<"exp2"> {
  let summary = "2^x by one instruction";
  let description = [{
    `result = 2^x`, PTX's `ex2.approx.ftz.f32`: the relative error is at most
    2^-22. Denormal operands count as 0 and denormal results are 0, so that
    `2^x` is 0 for `x < -126`. `2^-inf` is 0, `2^inf` is inf, NaN stays NaN.

    ```mlir
    %p = dsa_gpu.exp2 %x : f32
    ```
  }];
}

def DSAGPU_Log2Op : DSAGPU_ApproximateOp<"log2"> {
  let summary = "The binary logarithm by one instruction";
  let description = [{
    `result = log2(x)`, PTX's `lg2.approx.f32`: for `0.5 < x < 2` the absolute
    error, elsewhere the relative error, is at most 2^-22. `log2(0)` is -inf,
    `log2(inf)` is inf, of negative numbers and NaN it is NaN. Not the form that
    flushes: of a sum of weights that is denormal, the logarithm is finite.

    ```mlir
    %l = dsa_gpu.log2 %sum : f32
    ```
  }];
}

//===----------------------------------------------------------------------===//
// On the host
//===----------------------------------------------------------------------===//

def DSAGPU_CallOp : DSAGPU_Op<"call", [Pure]> {
  let summary = "The call that the host function runs in";
  let description = [{
    What launches and checks of an entry point are given. `dsa-gpu-call-argument`
    makes it the last argument of the entry points, where they have the form
    that callers know; until then their arguments are those of every target.

    ```mlir
    %call = dsa_gpu.call : !llvm.ptr
    ```
  }];
  let results = (outs LLVM_PointerInAddressSpace<0>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def DSAGPU_LaunchOp : DSAGPU_Op<"launch", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Start a kernel";
  let description = [{
    Runs `blocks.x · blocks.y · blocks.z` blocks of `threads` threads of `kernel`,
    in order behind what the call has launched before, and does not wait for
    them. A block has `shared_bytes` bytes of dynamic shared memory; what a chip
    has at most is checked when the kernel is loaded. `args` are the kernel's
    arguments, of exactly its types: a pointer to the device's memory is
    `!llvm.ptr<1>` on the host too, where nothing reads through it. A memref
    among them is the address of its first element, for a kernel's pointer.

    Grids are checked at run time: an extent that is negative or that the device
    does not have (x < 2^31, y and z < 65536) fails the call, an extent of 0
    launches nothing. There is no result: the status stands in `call`, and
    in a call that has failed a launch does nothing.

    ```mlir
    dsa_gpu.launch %call : !llvm.ptr, @kernels::@copy blocks(%n, %one, %one) threads = 128
        shared_bytes = 1024 args(%from, %to : !llvm.ptr<1>, !llvm.ptr<1>)
    ```

    The kernel is a `gpu.func` of a `gpu.module`, or what passes make of them, an
    `llvm.func` of one or an entry in the table of kernels of a `gpu.binary`.
    `threads` is a multiple of 32, at most 1024, and what the kernel's
    `known_block_size` says.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<0>:$call,
    SymbolRefAttr:$kernel, I64:$blocks_x, I64:$blocks_y, I64:$blocks_z,
    I32Attr:$threads, I32Attr:$shared_bytes,
    Variadic<AnyTypeOf<[I32, I64, F32, LLVM_PointerInAddressSpace<1>,
                        AnyStridedMemRef],
                       "i32, i64, f32, pointer to global memory or memref">>
        :$args);
  let assemblyFormat = [{
    $call `:` qualified(type($call)) `,` $kernel
    `blocks` `(` $blocks_x `,` $blocks_y `,` $blocks_z `)`
    `threads` `=` $threads `shared_bytes` `=` $shared_bytes
    (`args` `(` $args^ `:` type($args) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def DSAGPU_CheckAlignedOp : DSAGPU_Op<"check_aligned"> {
  let summary = "Fail the call unless a number is a multiple of another";
  let description = [{
    If `value`, a number of bytes or the address of the first element of a
    memref, is not a multiple of `multiple`, a power of two, then the call fails
    with status 1 and a message that begins with `what`. Kernels load and copy
    16 bytes at a time, and there is no slow path for memory that does not allow
    it.

    ```mlir
    dsa_gpu.check_aligned %call, %stride : !llvm.ptr, i64, multiple = 16,
        what = "keys: its row stride"
    ```
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<0>:$call,
    AnyTypeOf<[I64, AnyStridedMemRef], "i64 or memref">:$value,
    I64Attr:$multiple, StrAttr:$what);
  let assemblyFormat = [{
    $call `,` $value `:` qualified(type($call)) `,`
    qualified(type($value)) `,` `multiple` `=` $multiple `,`
    `what` `=` $what attr-dict
  }];
  let hasVerifier = 1;
}

def DSAGPU_CheckEqualOp : DSAGPU_Op<"check_equal"> {
  let summary = "Fail the call unless a number is the expected one";
  let description = [{
    If `value` is not `expected`, then the call fails with status 1 and a message
    that begins with `what`. Where a kernel counts on a stride that is known only
    when its function is called, such as that between the elements of a row.

    ```mlir
    dsa_gpu.check_equal %call, %stride : !llvm.ptr, i64, expected = 2,
        what = "keys: its last stride"
    ```
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<0>:$call, I64:$value,
    I64Attr:$expected, StrAttr:$what);
  let assemblyFormat = [{
    $call `,` $value `:` qualified(type($call)) `,`
    qualified(type($value)) `,` `expected` `=` $expected `,`
    `what` `=` $what attr-dict
  }];
}

#endif // DSA_GPU_DSAGPUOPS_TD
