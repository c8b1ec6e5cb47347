//===- FoldingBuilder.cpp - Arithmetic that folds -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Builder/FoldingBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dsa;

Value FoldingBuilder::like(Value model, int64_t value) {
  return arith::ConstantOp::create(*this,
                                   getIntegerAttr(model.getType(), value));
}

Value FoldingBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value FoldingBuilder::i32(int64_t value) {
  return arith::ConstantIntOp::create(*this, getI32Type(), value);
}
Value FoldingBuilder::add(Value lhs, Value rhs) {
  return createOrFold<arith::AddIOp>(lhs, rhs);
}
Value FoldingBuilder::sub(Value lhs, Value rhs) {
  return createOrFold<arith::SubIOp>(lhs, rhs);
}
Value FoldingBuilder::mul(Value lhs, Value rhs) {
  return createOrFold<arith::MulIOp>(lhs, rhs);
}
Value FoldingBuilder::div(Value lhs, Value rhs) {
  return createOrFold<arith::DivUIOp>(lhs, rhs);
}
Value FoldingBuilder::rem(Value lhs, Value rhs) {
  return createOrFold<arith::RemUIOp>(lhs, rhs);
}
Value FoldingBuilder::ceilDiv(Value lhs, Value rhs) {
  return div(add(lhs, sub(rhs, like(rhs, 1))), rhs);
}
Value FoldingBuilder::min(Value lhs, Value rhs) {
  return createOrFold<arith::MinSIOp>(lhs, rhs);
}
Value FoldingBuilder::max(Value lhs, Value rhs) {
  return createOrFold<arith::MaxSIOp>(lhs, rhs);
}
Value FoldingBuilder::compare(arith::CmpIPredicate predicate, Value lhs,
                              Value rhs) {
  return createOrFold<arith::CmpIOp>(predicate, lhs, rhs);
}
Value FoldingBuilder::logicalAnd(Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return createOrFold<arith::AndIOp>(lhs, rhs);
}
Value FoldingBuilder::select(Value condition, Value lhs, Value rhs) {
  return createOrFold<arith::SelectOp>(condition, lhs, rhs);
}

void FoldingBuilder::ifThen(Value condition, function_ref<void()> then,
                            function_ref<void()> otherwise) {
  if (std::optional<int64_t> known = getConstantIntValue(condition)) {
    if (*known)
      then();
    else if (otherwise)
      otherwise();
    return;
  }
  auto build = [&](function_ref<void()> body) {
    return [this, body](OpBuilder &, Location) {
      body();
      scf::YieldOp::create(*this);
    };
  };
  if (otherwise)
    scf::IfOp::create(*this, condition, build(then), build(otherwise));
  else
    scf::IfOp::create(*this, condition, build(then));
}

SmallVector<Value>
FoldingBuilder::ifElse(Value condition, function_ref<SmallVector<Value>()> then,
                       function_ref<SmallVector<Value>()> otherwise) {
  if (std::optional<int64_t> known = getConstantIntValue(condition))
    return *known ? then() : otherwise();
  auto decision = scf::IfOp::create(
      *this, condition,
      [&](OpBuilder &, Location) { scf::YieldOp::create(*this, then()); },
      [&](OpBuilder &, Location) { scf::YieldOp::create(*this, otherwise()); });
  return decision.getResults();
}
