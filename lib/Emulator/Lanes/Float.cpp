//===- Float.cpp - Arithmetic of floats -----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Floats.h"

namespace dsa::emulator::DSA_EMULATOR_ISA {
namespace {

/// What is done to operands and results, whatever the operation.
template <bool flush, bool saturate>
struct Mode {
  template <typename T>
  static T in(T x) {
    return flush ? flushed(x) : x;
  }
  template <typename T>
  static T out(T x) {
    x = canonical(in(x));
    return saturate ? saturated(x) : x;
  }
};

struct Add {
  template <typename T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct Sub {
  template <typename T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct Mul {
  template <typename T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct Div {
  template <typename T>
  static T apply(T a, T b) {
    return a / b;
  }
};
/// div.approx: for greater divisors than 2^126 a zero, and of an infinity NaN.
struct DivApprox {
  static float apply(float a, float b) {
    float magnitude = __builtin_fabsf(b);
    bool isHuge = magnitude > 0x1p126f && magnitude < __builtin_inff();
    return isHuge ? a * __builtin_copysignf(0, b) : a / b;
  }
};
struct Fma {
  static float apply(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
  static double apply(double a, double b, double c) {
    return __builtin_fma(a, b, c);
  }
};

/// A zero with a sign is less than one without.
template <typename T>
inline bool isLess(T a, T b) {
  return a < b || (a == b && __builtin_signbit(a) && !__builtin_signbit(b));
}
struct Min {
  template <typename T>
  static T apply(T a, T b) {
    return a != a ? b : b != b ? a : isLess(b, a) ? b : a;
  }
};
struct Max {
  template <typename T>
  static T apply(T a, T b) {
    return a != a ? b : b != b ? a : isLess(a, b) ? b : a;
  }
};
struct MinNaN {
  template <typename T>
  static T apply(T a, T b) {
    return a != a ? a : b != b ? b : isLess(b, a) ? b : a;
  }
};
struct MaxNaN {
  template <typename T>
  static T apply(T a, T b) {
    return a != a ? a : b != b ? b : isLess(a, b) ? b : a;
  }
};

// The approximations too are the f32 nearest to the result in f64.
struct Reciprocal {
  template <typename T>
  static T apply(T a) {
    return 1 / a;
  }
};
struct SquareRoot {
  static float apply(float a) { return __builtin_sqrtf(a); }
  static double apply(double a) { return __builtin_sqrt(a); }
};
struct ReciprocalSquareRoot {
  template <typename T>
  static T apply(T a) {
    return T(1 / __builtin_sqrt(double(a)));
  }
};
struct Exp2 {
  static float apply(float a) { return float(__builtin_exp2(double(a))); }
};
struct Log2 {
  static float apply(float a) { return float(__builtin_log2(double(a))); }
};

/// The approximations of f64 know neither the lower words of numbers nor
/// subnormal ones.
inline double upperWord(double x) {
  uint64_t bits = bitCast<uint64_t>(x) & (~uint64_t(0) << 32);
  return bitCast<double>(bits << 1 >> 53 ? bits : bits >> 63 << 63);
}
template <typename F>
struct OfUpperWord {
  static double apply(double a) {
    if (a != a)
      return bitCast<double>(uint64_t(0x7FFFFFFF) << 32);
    return upperWord(F::apply(upperWord(a)));
  }
};

template <typename F, typename M, typename T>
struct UnaryOf {
  static T apply(T a) { return M::out(F::apply(M::in(a))); }
};
template <typename F, typename M, typename T>
struct BinaryOf {
  static T apply(T a, T b) { return M::out(F::apply(M::in(a), M::in(b))); }
};
template <typename F, typename M, typename T>
struct TernaryOf {
  static T apply(T a, T b, T c) {
    return M::out(F::apply(M::in(a), M::in(b), M::in(c)));
  }
};

// Of the bits alone: a NaN stays the one it is.
template <typename M>
struct Negate {
  template <typename T>
  static T apply(T a) {
    return -M::in(a);
  }
};
template <typename M>
struct Absolute {
  static float apply(float a) { return __builtin_fabsf(M::in(a)); }
  static double apply(double a) { return __builtin_fabs(M::in(a)); }
};
/// The magnitude of `b` with the sign of `a`.
struct CopySign {
  static float apply(float a, float b) { return __builtin_copysignf(b, a); }
  static double apply(double a, double b) { return __builtin_copysign(b, a); }
};

/// f32 with a rounding that is not the host's, from what f64 holds exactly.
void roundDirected(char *registers, const Instruction &i, uint32_t mask) {
  const LaneOperation &o = i.lane;
  Lanes<float> a = load<float>(registers, i.operands[1]);
  Lanes<float> b = load<float>(registers, i.operands[2]);
  Lanes<float> c = {};
  if (o.operation == Operation::Fma)
    c = load<float>(registers, i.operands[3]);
  Lanes<float> d;
  for (unsigned l = 0; l < warpSize; ++l) {
    double x = o.flush ? flushed(a.lane[l]) : a.lane[l];
    double y = o.flush ? flushed(b.lane[l]) : b.lane[l];
    double z = o.flush ? flushed(c.lane[l]) : c.lane[l];
    float result = o.operation == Operation::Add   ? addExact(x, y, o.rounding)
                   : o.operation == Operation::Sub ? addExact(x, -y, o.rounding)
                   : o.operation == Operation::MulLow
                       ? roundExact(x * y, 0, o.rounding, false)
                       : addExact(x * y, z, o.rounding);
    result = canonical(o.flush ? flushed(result) : result);
    d.lane[l] = o.saturate ? saturated(result) : result;
  }
  store(registers, i.operands[0], d, mask);
}

template <typename T, typename M>
LaneHandler selectSigns(const LaneOperation &o) {
  switch (o.operation) {
  case Operation::Negate:
    return unary<Negate<M>, T, T>;
  case Operation::Absolute:
    return unary<Absolute<M>, T, T>;
  case Operation::CopySign:
    return binary<CopySign, T, T, T>;
  default:
    return nullptr;
  }
}

template <typename T, typename M>
LaneHandler selectUnsaturated(const LaneOperation &o) {
  switch (o.operation) {
  case Operation::Div:
    return binary<BinaryOf<Div, M, T>, T, T, T>;
  case Operation::Min:
    return o.variant ? binary<BinaryOf<MinNaN, M, T>, T, T, T>
                     : binary<BinaryOf<Min, M, T>, T, T, T>;
  case Operation::Max:
    return o.variant ? binary<BinaryOf<MaxNaN, M, T>, T, T, T>
                     : binary<BinaryOf<Max, M, T>, T, T, T>;
  case Operation::Reciprocal:
    return unary<UnaryOf<Reciprocal, M, T>, T, T>;
  case Operation::SquareRoot:
    return unary<UnaryOf<SquareRoot, M, T>, T, T>;
  case Operation::ReciprocalSquareRoot:
    return unary<UnaryOf<ReciprocalSquareRoot, M, T>, T, T>;
  default:
    return selectSigns<T, M>(o);
  }
}

template <typename M>
LaneHandler selectApproximation(const LaneOperation &o) {
  if (o.operation == Operation::Div && o.variant)
    return binary<BinaryOf<DivApprox, M, float>, float, float, float>;
  if (o.operation == Operation::Exp2)
    return unary<UnaryOf<Exp2, M, float>, float, float>;
  if (o.operation == Operation::Log2)
    return unary<UnaryOf<Log2, M, float>, float, float>;
  return selectUnsaturated<float, M>(o);
}

/// Null for what has no `.sat`.
template <typename T, typename M>
LaneHandler selectSum(const LaneOperation &o) {
  switch (o.operation) {
  case Operation::Add:
    return binary<BinaryOf<Add, M, T>, T, T, T>;
  case Operation::Sub:
    return binary<BinaryOf<Sub, M, T>, T, T, T>;
  case Operation::MulLow:
    return binary<BinaryOf<Mul, M, T>, T, T, T>;
  case Operation::Fma:
    return ternary<TernaryOf<Fma, M, T>, T, T, T, T>;
  default:
    return nullptr;
  }
}

LaneHandler selectUpperWord(Operation operation) {
  if (operation == Operation::Reciprocal)
    return unary<OfUpperWord<Reciprocal>, double, double>;
  if (operation == Operation::ReciprocalSquareRoot)
    return unary<OfUpperWord<ReciprocalSquareRoot>, double, double>;
  return nullptr;
}

template <bool flush>
LaneHandler selectSingle(const LaneOperation &o) {
  if (o.saturate)
    return selectSum<float, Mode<flush, true>>(o);
  if (LaneHandler handler = selectSum<float, Mode<flush, false>>(o))
    return handler;
  return selectApproximation<Mode<flush, false>>(o);
}

} // namespace

LaneHandler selectFloat(const LaneOperation &o) {
  bool nearest = o.rounding == Rounding::Nearest;
  if (o.type == Type::F64) {
    if (!nearest || o.saturate)
      return nullptr;
    if (o.flush)
      return selectUpperWord(o.operation);
    if (LaneHandler handler = selectSum<double, Mode<false, false>>(o))
      return handler;
    return selectUnsaturated<double, Mode<false, false>>(o);
  }
  if (o.type != Type::F32)
    return nullptr;
  if (!nearest) {
    bool isSum =
        o.operation == Operation::Add || o.operation == Operation::Sub ||
        o.operation == Operation::MulLow || o.operation == Operation::Fma;
    return isSum ? roundDirected : nullptr;
  }
  return o.flush ? selectSingle<true>(o) : selectSingle<false>(o);
}

} // namespace dsa::emulator::DSA_EMULATOR_ISA
