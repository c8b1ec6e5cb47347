//===- VectorMath.cpp - Exponential and logarithm of vectors --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Range reduction and a polynomial each. The coefficients are minimax: those of
// least largest weighted error, found by Lawson's iteratively reweighted least
// squares on 20,001 Chebyshev nodes; each was rounded to f32 in turn, lowest
// power first, and the higher ones fitted again.
//
//===----------------------------------------------------------------------===//

#include "VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpFPredicate;

/// `coefficients[0] + x * (coefficients[1] + x * (...))`
static Value evaluate(KernelBuilder &b, ArrayRef<double> coefficients,
                      Value x) {
  Value sum = b.splat(b.f32s(), coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = b.fma(sum, x, b.splat(b.f32s(), coefficient));
  return sum;
}

static Value compare(KernelBuilder &b, CmpFPredicate predicate, Value x,
                     double y) {
  return arith::CmpFOp::create(b, predicate, x, b.splat(b.f32s(), y));
}

static Value select(KernelBuilder &b, Value mask, Value x, Value y) {
  return arith::SelectOp::create(b, mask, x, y);
}

Value dsa::takeMaximum(KernelBuilder &b, Value x, Value y) {
  return select(b, arith::CmpFOp::create(b, CmpFPredicate::OGT, y, x), y, x);
}

//===----------------------------------------------------------------------===//
// Exponential
//===----------------------------------------------------------------------===//

/// 2^x for x in [0,1]. The constant is fixed so that 2^0 is 1; relative error
/// of the polynomial itself: 8.3e-8. Of degree 4 it would be 2.9e-6.
static constexpr double exp2Coefficients[] = {1.0,           0x1.62e4bap-1,
                                              0x1.ebdb6ap-3, 0x1.c91c10p-5,
                                              0x1.277c1cp-7, 0x1.e96910p-10};

/// AVX-512 takes integer parts, and scales by their powers of two, itself: with
/// infinities and denormals, and without integers.
static Value exp2ByScale(KernelBuilder &b, Value y) {
  // All lanes, and the rounding mode that is set.
  Value all = arith::ConstantIntOp::create(b, b.getIntegerType(16), -1);
  Value mode = b.i32(4);
  // The immediate asks for y - floor(y), 0 for -inf.
  Value fraction = b.intrinsic("llvm.x86.avx512.mask.reduce.ps.512", b.f32s(),
                               {y, b.i32(1), y, all, mode});
  Value power = evaluate(b, exp2Coefficients, fraction);
  return b.intrinsic("llvm.x86.avx512.mask.scalef.ps.512", b.f32s(),
                     {power, y, power, all, mode});
}

/// The power of two is made of bits: exponents from -127 on, which is that of
/// zero.
static Value exp2ByBits(KernelBuilder &b, Value y) {
  VectorType type = b.f32s(), bits = b.i32s();
  Value small = compare(b, CmpFPredicate::OLT, y, -127.0);
  y = select(b, small, b.splat(type, -127.0), y);
  Value floor = math::FloorOp::create(b, y);
  Value power =
      evaluate(b, exp2Coefficients, arith::SubFOp::create(b, y, floor));
  // Added to 1.5 * 2^23, an integer stands in the low bits, biased here. (NaN
  // as an integer would be poison.)
  Value shifted =
      arith::AddFOp::create(b, floor, b.splat(type, 0x1.8p23 + 127));
  Value exponent =
      arith::ShLIOp::create(b, arith::BitcastOp::create(b, bits, shifted),
                            b.splat(bits, INT64_C(23)));
  return arith::MulFOp::create(b, power,
                               arith::BitcastOp::create(b, type, exponent));
}

Value dsa::exp2OfNonPositive(KernelBuilder &b, Value y) {
  // Such targets are AVX-512 with DQ.
  return b.lanes() == 16 ? exp2ByScale(b, y) : exp2ByBits(b, y);
}

//===----------------------------------------------------------------------===//
// Logarithm
//===----------------------------------------------------------------------===//

/// R of ln((1 + s) / (1 - s)) = 2s + s^3 R(s^2), for s^2 up to that of sqrt(2).
/// Error relative to 2s: 8.2e-10.
static constexpr double logCoefficients[] = {0x1.55557ap-1, 0x1.995ed4p-2,
                                             0x1.31e0d2p-2};

Value dsa::log(KernelBuilder &b, Value x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  VectorType type = b.f32s(), bits = b.i32s();
  auto splat = [&](double value) { return b.splat(type, value); };
  auto splatBits = [&](int64_t value) { return b.splat(bits, value); };

  // x = 2^exponent * m with m in [sqrt(1/2), sqrt(2)), denormals made normal.
  Value isDenormal = compare(b, CmpFPredicate::OLT, x, 0x1p-126);
  Value normal =
      select(b, isDenormal, arith::MulFOp::create(b, x, splat(0x1p23)), x);
  Value code = arith::BitcastOp::create(b, bits, normal);
  Value aboveRoot = arith::SubIOp::create(b, code, splatBits(0x3F3504F3));
  Value exponent = arith::ShRSIOp::create(b, aboveRoot, splatBits(23));
  Value m = arith::BitcastOp::create(
      b, type,
      arith::SubIOp::create(b, code,
                            arith::ShLIOp::create(b, exponent, splatBits(23))));
  exponent =
      arith::SubFOp::create(b, arith::SIToFPOp::create(b, type, exponent),
                            select(b, isDenormal, splat(23.0), splat(0.0)));

  Value s = arith::DivFOp::create(b, arith::SubFOp::create(b, m, splat(1.0)),
                                  arith::AddFOp::create(b, m, splat(1.0)));
  Value square = arith::MulFOp::create(b, s, s);
  Value rest =
      arith::MulFOp::create(b, square, evaluate(b, logCoefficients, square));
  Value result = b.fma(s, rest, arith::AddFOp::create(b, s, s));
  result = b.fma(exponent, splat(0x1.62e430p-1), result);

  // NaN and inf are their own logarithms.
  result = select(b, compare(b, CmpFPredicate::UGE, x, infinity), x, result);
  Value ofOthers =
      select(b, compare(b, CmpFPredicate::OEQ, x, 0.0), splat(-infinity),
             splat(std::numeric_limits<double>::quiet_NaN()));
  return select(b, compare(b, CmpFPredicate::OLE, x, 0.0), ofOthers, result);
}
