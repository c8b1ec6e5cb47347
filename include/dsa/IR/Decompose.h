//===- Decompose.h - What the ops mean, as linalg and scf -------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decomposition of an op is its definition: every kernel is tested against
// it. The pass `dsa-decompose` applies it, and puts memref-form ops on tensors
// first.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DECOMPOSE_H
#define DSA_IR_DECOMPOSE_H

#include "dsa/IR/KeySource.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::dsa {

class DSAOpInterface;

struct DecomposeOptions {
  /// The type of sums, exponentials and logarithms: f32, the types' default,
  /// or f64, for a reference free of rounding errors of its own. Scores are
  /// rounded to f32 in both.
  bool accumulateInF64 = false;
};

/// Emits, before `op`, what it means in linalg and scf, and returns the values
/// that replace its results. Fails, with an error, on memrefs.
FailureOr<SmallVector<Value>> decompose(OpBuilder &b, DSAOpInterface op,
                                        const DecomposeOptions &options = {});

/// Ids for a selection from the positions `[offset, offset + size)` alone:
/// `ids` of that part, or, if null, the positions. Those that `translation`
/// (without row ids) has no slot for are -1. The shape is that of `ids` or
/// `size`, with B in front where the batch entries' tables differ.
Value createIds(OpBuilder &b, Location loc, Value ids, OpFoldResult offset,
                OpFoldResult size, const Translation &translation,
                bool batched);

} // namespace mlir::dsa

#endif // DSA_IR_DECOMPOSE_H
