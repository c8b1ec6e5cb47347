//===- Float8Table.h - f8E4M3FN by look-up ----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For targets with a `byteTable`: 64 codes (vectors of i8) at a time, exact and
// in order.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_FLOAT8TABLE_H
#define DSA_LIB_CONVERSION_DSATOCPU_FLOAT8TABLE_H

#include "KernelBuilder.h"

namespace mlir::dsa {

/// Two vectors of 16 pairs of bf16, each held as an i32.
SmallVector<Value> lookUpPairs(KernelBuilder &b, Value codes);

/// Four vectors of 16 f32.
SmallVector<Value> lookUpF32s(KernelBuilder &b, Value codes);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_FLOAT8TABLE_H
