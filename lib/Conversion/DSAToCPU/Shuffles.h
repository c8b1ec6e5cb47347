//===- Shuffles.h - Vectors across lanes ------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built from shuffles that are one instruction each: interleavings within 128
// bits, and selections of blocks of 128 bits.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_SHUFFLES_H
#define DSA_LIB_CONVERSION_DSATOCPU_SHUFFLES_H

#include "KernelBuilder.h"

namespace mlir::dsa {

/// As many vectors of 32-bit lanes as each has lanes, rows for columns.
SmallVector<Value> transpose(KernelBuilder &b, ArrayRef<Value> rows);

/// Pairs of the 32 elements of two rows of bf16, as i32: in each run of 8
/// columns, the lower or the upper four.
Value pairRows(KernelBuilder &b, Value even, Value odd, bool upper);

/// Of sums of the lower and of the upper pairs, those of 16 columns each, in
/// order.
SmallVector<Value> unpairColumns(KernelBuilder &b, Value lower, Value upper);

/// For 16 vectors of 16 f32 lanes: lane i is the sum of the lanes of vector i,
/// in the order of `addTree`.
Value addLanes(KernelBuilder &b, ArrayRef<Value> vectors);

/// The sum of 16 vectors: g_i = (x[4i] + x[4i+2]) + (x[4i+1] + x[4i+3]), then
/// (g_0 + g_2) + (g_1 + g_3).
Value addTree(KernelBuilder &b, ArrayRef<Value> vectors);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_SHUFFLES_H
