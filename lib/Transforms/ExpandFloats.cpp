//===- ExpandFloats.cpp - Conversions of narrow floats --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// f32 is the hub: narrow types widen to it exactly and narrow from it once.
// f64 gets there by rounding to odd, after which a second rounding, to a type
// with at least two bits fewer, gives what one rounding would have given.
//
//===----------------------------------------------------------------------===//

#include "dsa/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_EXPANDFLOATSPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Elementwise arithmetic
//===----------------------------------------------------------------------===//

namespace {
/// Emits arithmetic on values of one shape: scalars, or vectors elementwise.
class Elementwise {
public:
  Elementwise(Operation *op, PatternRewriter &rewriter)
      : b(op->getLoc(), rewriter), shape(op->getResult(0).getType()) {}

  /// `element`, or the shape of the op with that element type.
  Type type(Type element) {
    if (auto shaped = dyn_cast<ShapedType>(shape))
      return shaped.clone(element);
    return element;
  }
  Type integer(unsigned width) { return type(b.getIntegerType(width)); }

  Value constant(unsigned width, uint64_t bits) {
    return splat(b.getIntegerAttr(b.getIntegerType(width), APInt(width, bits)));
  }
  Value constant(Type element, double value) {
    return splat(b.getFloatAttr(element, value));
  }

  Value bitcast(Value value, Type element) {
    return arith::BitcastOp::create(b, type(element), value);
  }
  Value bits(Value value, unsigned width) {
    return bitcast(value, b.getIntegerType(width));
  }
  Value widen(Value value, unsigned width) {
    return arith::ExtUIOp::create(b, integer(width), value);
  }
  Value narrow(Value value, unsigned width) {
    return arith::TruncIOp::create(b, integer(width), value);
  }
  Value extend(Value value, Type element) {
    if (getElementTypeOrSelf(value) == element)
      return value;
    return arith::ExtFOp::create(b, type(element), value);
  }
  Value truncate(Value value, Type element) {
    return arith::TruncFOp::create(b, type(element), value);
  }

  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value sub(Value lhs, Value rhs) { return arith::SubIOp::create(b, lhs, rhs); }
  Value bitAnd(Value lhs, Value rhs) {
    return arith::AndIOp::create(b, lhs, rhs);
  }
  Value bitOr(Value lhs, Value rhs) {
    return arith::OrIOp::create(b, lhs, rhs);
  }
  Value shl(Value value, Value by) {
    return arith::ShLIOp::create(b, value, by);
  }
  Value shr(Value value, Value by) {
    return arith::ShRUIOp::create(b, value, by);
  }
  Value min(Value lhs, Value rhs) {
    return arith::MinUIOp::create(b, lhs, rhs);
  }
  Value compare(CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, predicate, lhs, rhs);
  }
  Value compare(CmpFPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpFOp::create(b, predicate, lhs, rhs);
  }
  Value select(Value condition, Value then, Value otherwise) {
    return arith::SelectOp::create(b, condition, then, otherwise);
  }

  ImplicitLocOpBuilder b;

private:
  Value splat(TypedAttr attr) {
    if (auto shaped = dyn_cast<ShapedType>(shape))
      attr =
          DenseElementsAttr::get(shaped.clone(attr.getType()), Attribute(attr));
    return arith::ConstantOp::create(b, attr);
  }

  Type shape;
};
} // namespace

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// f8E4M3FN: a sign, four bits of exponent with bias 7, three of mantissa.
static Value widenF8E4M3FN(Elementwise &e, Value value) {
  Type f32 = e.b.getF32Type();
  Value code = e.widen(e.bits(value, 8), 32);
  Value sign = e.shl(e.bitAnd(code, e.constant(32, 0x80)), e.constant(32, 24));
  Value magnitude = e.bitAnd(code, e.constant(32, 0x7F));

  // Move the fields to their place in f32 and exchange the bias.
  Value normal = e.add(e.shl(magnitude, e.constant(32, 20)),
                       e.constant(32, (127 - 7) << 23));
  // Without an exponent the code counts multiples of 2^-9.
  Value count = arith::UIToFPOp::create(e.b, e.type(f32), magnitude);
  Value subnormal =
      e.bits(arith::MulFOp::create(e.b, count, e.constant(f32, 0x1p-9)), 32);
  Value isSubnormal =
      e.compare(CmpIPredicate::ult, magnitude, e.constant(32, 8));
  Value bits = e.select(isSubnormal, subnormal, normal);
  Value isNaN = e.compare(CmpIPredicate::eq, magnitude, e.constant(32, 0x7F));
  bits = e.select(isNaN, e.constant(32, 0x7FC00000), bits);
  return e.bitcast(e.bitOr(bits, sign), f32);
}

/// f8E8M0FNU: eight bits of exponent with bias 127 and nothing else.
static Value widenF8E8M0FNU(Elementwise &e, Value value) {
  Value code = e.widen(e.bits(value, 8), 32);
  Value bits = e.shl(code, e.constant(32, 23));
  // 2^-127 is the upper half of the subnormals of f32.
  Value isLeast = e.compare(CmpIPredicate::eq, code, e.constant(32, 0));
  bits = e.select(isLeast, e.constant(32, 0x00400000), bits);
  Value isNaN = e.compare(CmpIPredicate::eq, code, e.constant(32, 0xFF));
  bits = e.select(isNaN, e.constant(32, 0x7FC00000), bits);
  return e.bitcast(bits, e.b.getF32Type());
}

static Value widenBF16(Elementwise &e, Value value) {
  Value bits = e.shl(e.widen(e.bits(value, 16), 32), e.constant(32, 16));
  return e.bitcast(bits, e.b.getF32Type());
}

/// `value` in f32, exactly.
static Value widenToHub(Elementwise &e, Value value) {
  Type type = getElementTypeOrSelf(value);
  if (isa<Float8E4M3FNType>(type))
    return widenF8E4M3FN(e, value);
  if (isa<Float8E8M0FNUType>(type))
    return widenF8E8M0FNU(e, value);
  if (type.isBF16())
    return widenBF16(e, value);
  return e.extend(value, e.b.getF32Type());
}

/// `value` without its lowest `count` bits, rounded to nearest even.
static Value roundOff(Elementwise &e, Value value, unsigned count) {
  Value shift = e.constant(32, count);
  Value isOdd = e.bitAnd(e.shr(value, shift), e.constant(32, 1));
  Value almostHalf = e.constant(32, (1u << (count - 1)) - 1);
  return e.shr(e.add(value, e.add(almostHalf, isOdd)), shift);
}

static Value narrowToBF16(Elementwise &e, Value value) {
  Value bits = e.bits(value, 32);
  Value rounded = roundOff(e, bits, 16);
  // Rounding could carry a NaN into infinity or the sign.
  Value quiet = e.bitOr(e.shr(bits, e.constant(32, 16)), e.constant(32, 0x40));
  Value isNaN = e.compare(CmpFPredicate::UNO, value, value);
  return e.bitcast(e.narrow(e.select(isNaN, quiet, rounded), 16),
                   e.b.getBF16Type());
}

static Value narrowToF8E4M3FN(Elementwise &e, Value value, Type target) {
  Type f32 = e.b.getF32Type();
  Value bits = e.bits(value, 32);
  Value sign = e.bitAnd(e.shr(bits, e.constant(32, 24)), e.constant(32, 0x80));
  Value magnitude = e.bitAnd(bits, e.constant(32, 0x7FFFFFFF));

  // Infinities, NaNs and what rounds beyond 448 exceed the code of NaN.
  Value normal =
      e.min(e.sub(roundOff(e, magnitude, 20), e.constant(32, (127 - 7) << 3)),
            e.constant(32, 0x7F));
  // Below 2^-6 codes are multiples of 2^-9, which is the last place of 2^14:
  // adding that rounds, and leaves the code in the lowest bits.
  Value anchor = e.constant(f32, 0x1p14);
  Value sum = arith::AddFOp::create(e.b, e.bitcast(magnitude, f32), anchor);
  Value subnormal = e.sub(e.bits(sum, 32), e.bits(anchor, 32));
  Value isSubnormal =
      e.compare(CmpIPredicate::ult, magnitude, e.constant(32, (127 - 6) << 23));
  Value code = e.bitOr(e.select(isSubnormal, subnormal, normal), sign);
  return e.bitcast(e.narrow(code, 8), target);
}

/// f64 to f32: exact values as they are, others to the neighbour whose last bit
/// is set.
static Value roundToOdd(Elementwise &e, Value value) {
  Type f32 = e.b.getF32Type(), f64 = e.b.getF64Type();
  Value nearest = e.truncate(value, f32);
  Value bits = e.bits(nearest, 32);
  auto magnitude = [&](Value wide) {
    return e.bitAnd(e.bits(wide, 64), e.constant(64, ~0ull >> 1));
  };
  Value found = magnitude(e.extend(nearest, f64)), wanted = magnitude(value);
  Value isAbove = e.compare(CmpIPredicate::ugt, found, wanted);
  Value below = e.select(isAbove, e.sub(bits, e.constant(32, 1)), bits);
  // A NaN differs from itself, ordered, in nothing.
  Value isInexact =
      e.compare(CmpFPredicate::ONE, e.extend(nearest, f64), value);
  Value odd = e.bitOr(below, e.constant(32, 1));
  return e.bitcast(e.select(isInexact, odd, bits), f32);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

static bool isF8(Type type) {
  return isa<Float8E4M3FNType, Float8E8M0FNUType>(type);
}

/// Whether LLVM narrows by calling a library.
static bool isNarrowing(Type from, Type to) {
  return isa<Float8E4M3FNType, BFloat16Type>(to) ||
         (from.isF64() && to.isF16());
}

namespace {
struct ExpandExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn());
    Type to = getElementTypeOrSelf(op.getType());
    if (!isF8(from) && !from.isBF16())
      return rewriter.notifyMatchFailure(op, "LLVM lowers it");
    if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(to) ||
        (to.isF16() && !isa<Float8E4M3FNType>(from)))
      return rewriter.notifyMatchFailure(op, "is not in the table");

    Elementwise e(op, rewriter);
    Value wide = widenToHub(e, op.getIn());
    if (to.isBF16()) // Both types fit: the lower half is zero.
      wide = e.bitcast(
          e.narrow(e.shr(e.bits(wide, 32), e.constant(32, 16)), 16), to);
    else if (to.isF16())
      wide = e.truncate(wide, to);
    else
      wide = e.extend(wide, to);
    rewriter.replaceOp(op, wide);
    return success();
  }
};

struct ExpandTruncF : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn());
    Type to = getElementTypeOrSelf(op.getType());
    if (!isNarrowing(from, to))
      return rewriter.notifyMatchFailure(op, "LLVM lowers it");
    if (op.getRoundingmode().value_or(arith::RoundingMode::to_nearest_even) !=
        arith::RoundingMode::to_nearest_even)
      return rewriter.notifyMatchFailure(op, "rounds another way");
    if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(from))
      return rewriter.notifyMatchFailure(op, "is not in the table");

    Elementwise e(op, rewriter);
    Value hub =
        from.isF64() ? roundToOdd(e, op.getIn()) : widenToHub(e, op.getIn());
    Value result = to.isBF16()  ? narrowToBF16(e, hub)
                   : to.isF16() ? e.truncate(hub, to)
                                : narrowToF8E4M3FN(e, hub, to);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpandCmpF : OpRewritePattern<arith::CmpFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpFOp op,
                                PatternRewriter &rewriter) const override {
    Type type = getElementTypeOrSelf(op.getLhs());
    if (!isa<Float8E4M3FNType>(type) && !type.isBF16())
      return rewriter.notifyMatchFailure(op, "LLVM lowers it");
    Elementwise e(op, rewriter);
    Value lhs = widenToHub(e, op.getLhs()), rhs = widenToHub(e, op.getRhs());
    rewriter.replaceOp(op, e.compare(op.getPredicate(), lhs, rhs));
    return success();
  }
};

struct ExpandFloats : dsa::impl::ExpandFloatsPassBase<ExpandFloats> {
  /// Refuses what is neither in the table nor lowered by LLVM.
  LogicalResult refuse(Operation *op) {
    if (!isa<arith::ExtFOp, arith::TruncFOp, arith::CmpFOp>(op))
      return success();
    Type from = getElementTypeOrSelf(op->getOperand(0));
    Type to = getElementTypeOrSelf(op->getResult(0));
    if (auto truncf = dyn_cast<arith::TruncFOp>(op))
      if (isNarrowing(from, to) && truncf.getRoundingmode())
        return op->emitOpError("from ")
               << from << " to " << to << " rounds "
               << arith::stringifyRoundingMode(*truncf.getRoundingmode())
               << ", but can only round to_nearest_even";
    if (isF8(from) || isF8(to) || from.isBF16() || isNarrowing(from, to))
      return op->emitOpError("from ")
             << from << " to " << to
             << " has no expansion; f8E4M3FN converts from and to f16, bf16, "
                "f32 and f64, f8E8M0FNU to bf16, f32 and f64, and bf16 from "
                "and to f32 and f64";
    return success();
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExtF, ExpandTruncF, ExpandCmpF>(&getContext());
    // One walk is enough: an expansion only contains what LLVM lowers.
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    bool refused = false;
    getOperation()->walk([&](Operation *op) { refused |= failed(refuse(op)); });
    if (refused)
      signalPassFailure();
  }
};
} // namespace
