//===- Parallel.h - Work for several threads --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_PARALLEL_H
#define DSA_LIB_CONVERSION_DSATOCPU_PARALLEL_H

#include "KernelBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::dsa {

/// The number of threads that the entry point `function` is called with, at
/// least 1; 1 in functions without the ABI of `dsa-function-abi`. An i32.
Value getNumThreads(KernelBuilder &b, func::FuncOp function);

/// The arrays of a ScratchPlan: those of one thread begin at `base`.
struct Scratch {
  Value buffer, base;
  /// The number of the thread, below that of `threads` and of the work.
  Value thread;

  /// The array at `offset` of the plan. Extents that are constants become
  /// static.
  Value view(KernelBuilder &b, Value offset, ArrayRef<Value> extents,
             Type elementType) const;
};

/// How often a loop runs, and how often at most, in whatever loop it stands:
/// scratch memory is asked for as many threads as that gives work.
struct WorkCount {
  Value count, planned;
};

/// Calls `body(i, scratch)` for each i below the count, on `threads` threads
/// (an i32) that take the next i when they are done with one:
/// `schedule(dynamic)` of OpenMP. Each thread has the scratch memory of `plan`.
/// What `body` computes must not depend on which thread runs it.
void parallelFor(KernelBuilder &b, WorkCount work, Value threads,
                 const ScratchPlan &plan,
                 function_ref<void(Value i, const Scratch &scratch)> body);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_PARALLEL_H
