//===- VectorMath.h - Exponential and logarithm of vectors ------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of vectors of the target's f32 lanes. A lane's result depends on
// that lane and the target only. Errors are bounds that
// test/Integration/test_vector_math.py holds them to (measured: 1.8e-7).
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_VECTORMATH_H
#define DSA_LIB_CONVERSION_DSATOCPU_VECTORMATH_H

#include "KernelBuilder.h"

namespace mlir::dsa {

/// The greater of both lanes; `x` where either is NaN.
Value takeMaximum(KernelBuilder &b, Value x, Value y);

/// 2^y for y <= 0; of other numbers, anything. Exactly 1 for 0, +0 for -inf,
/// NaN for NaN. Relative error: at most 2e-7. Results below 2^-126 are 0 on
/// targets without AVX-512; with it they are rounded to denormals.
Value exp2OfNonPositive(KernelBuilder &b, Value y);

/// ln(x), denormals included: -inf for 0, inf for inf, NaN for NaN and numbers
/// below 0. Relative error: at most 2e-7.
Value log(KernelBuilder &b, Value x);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_VECTORMATH_H
