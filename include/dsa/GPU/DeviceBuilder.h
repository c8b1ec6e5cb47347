//===- DeviceBuilder.h - What GPU kernels are written in --------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The vocabulary of the authors of GPU kernels: integer arithmetic that folds,
// addresses, asynchronous copies, and the instructions of a warp.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_DEVICEBUILDER_H
#define DSA_GPU_DEVICEBUILDER_H

#include "dsa/Builder/FoldingBuilder.h"

namespace mlir::dsa {

/// Registers that a warp's lanes hold together: a piece of a matrix in the
/// layout that mma.sync has it in.
using Fragment = SmallVector<Value, 4>;

class DeviceBuilder : public FoldingBuilder {
public:
  using FoldingBuilder::FoldingBuilder;

  //===--------------------------------------------------------------------===//
  // Integers of 32 bits, or 64 where an operand has them
  //===--------------------------------------------------------------------===//

  Value i64(int64_t value);
  Value bitXor(Value lhs, Value rhs);
  /// Of a value that is not negative.
  Value toI64(Value value);
  Value toI32(Value value);

  //===--------------------------------------------------------------------===//
  // f32
  //===--------------------------------------------------------------------===//

  Value f32(double value);
  Value addf(Value lhs, Value rhs);
  Value subf(Value lhs, Value rhs);
  Value mulf(Value lhs, Value rhs);
  Value divf(Value lhs, Value rhs);
  /// The greater one; of a NaN and a number the number.
  Value maxf(Value lhs, Value rhs);
  Value comparef(arith::CmpFPredicate predicate, Value lhs, Value rhs);
  /// 2^x and the binary logarithm, as the hardware approximates them.
  Value exp2(Value x);
  Value log2(Value x);
  /// e^x by way of 2^x.
  Value exp(Value x);
  /// Two f32 rounded to `element`, f16 or bf16, in an i32: `low` in its lower
  /// half.
  Value pack(Type element, Value low, Value high);
  Value extract(Value vector, int64_t at);
  Value vector(ArrayRef<Value> elements);

  //===--------------------------------------------------------------------===//
  // Threads
  //===--------------------------------------------------------------------===//

  Value threadId();
  Value blockIdX();
  Value blockIdY();
  /// All threads of the block arrive before one goes on, and see what the
  /// others have stored.
  void barrier();
  /// `value` of the lane whose number differs by the bits of `mask`.
  Value shuffleXor(Value value, int64_t mask);
  /// `combine` over groups of `lanes` neighbouring lanes, a power of two, in
  /// one order; all of them get it.
  Value reduce(Value value, int64_t lanes,
               function_ref<Value(Value, Value)> combine);

  //===--------------------------------------------------------------------===//
  // Memory. Addresses are `!llvm.ptr<1>` (global) and `!llvm.ptr<3>` (shared).
  //===--------------------------------------------------------------------===//

  Value sharedMemory();
  /// The address `bytes` behind `address`.
  Value advance(Value address, Value bytes);
  Value advance(Value address, int64_t bytes);
  /// `alignment` in bytes.
  Value load(Type type, Value address, unsigned alignment);
  void store(Value value, Value address, unsigned alignment);

  /// Begins a copy of 16 bytes from global to shared memory. Only the first
  /// `bytes` (0 or 16) are read; the others become zeros.
  void copyAsync(Value shared, Value global, Value bytes);
  /// Ends a group of copies of this thread.
  void commitCopies();
  /// Waits until at most `pending` groups of this thread are under way.
  void waitForCopies(int64_t pending);

  //===--------------------------------------------------------------------===//
  // Matrices
  //===--------------------------------------------------------------------===//

  /// Four 8x8 matrices of 16-bit elements, each lane giving the address of a
  /// row: lanes 0 to 7 of the first matrix, and so on. `transposed`: each of
  /// them.
  Fragment loadMatrices(Value address, bool transposed);
  /// accumulator + a * b of shapes 16x16 and 16x8, elements f16 or bf16, sums
  /// f32.
  Fragment multiply(Type element, ArrayRef<Value> a, ArrayRef<Value> b,
                    ArrayRef<Value> accumulator);

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  /// carried = body(i, carried) for i in [from, to).
  SmallVector<Value>
  forLoop(Value from, Value to, ValueRange carried,
          function_ref<SmallVector<Value>(Value i, ValueRange carried)> body);
};

} // namespace mlir::dsa

#endif // DSA_GPU_DEVICEBUILDER_H
