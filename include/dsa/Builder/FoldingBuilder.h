//===- FoldingBuilder.h - Arithmetic that folds -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BUILDER_FOLDINGBUILDER_H
#define DSA_BUILDER_FOLDINGBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::dsa {

/// What the vocabularies of all kernels have in common: arithmetic on integers
/// or indices, of one type, and branches. Constants fold, so that static
/// extents give static code.
class FoldingBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value);
  Value i32(int64_t value);
  Value add(Value lhs, Value rhs);
  Value add(Value lhs, int64_t rhs) { return add(lhs, like(lhs, rhs)); }
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs) { return mul(lhs, like(lhs, rhs)); }
  /// Of values that are not negative.
  Value div(Value lhs, Value rhs);
  Value div(Value lhs, int64_t rhs) { return div(lhs, like(lhs, rhs)); }
  Value rem(Value lhs, Value rhs);
  Value rem(Value lhs, int64_t rhs) { return rem(lhs, like(lhs, rhs)); }
  Value ceilDiv(Value lhs, Value rhs);
  Value ceilDiv(Value lhs, int64_t rhs) { return ceilDiv(lhs, like(lhs, rhs)); }
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs);
  Value compare(arith::CmpIPredicate predicate, Value lhs, int64_t rhs) {
    return compare(predicate, lhs, like(lhs, rhs));
  }
  /// Null is true.
  Value logicalAnd(Value lhs, Value rhs);
  Value select(Value condition, Value lhs, Value rhs);

  /// Of a branch on a constant only what is taken is emitted.
  void ifThen(Value condition, function_ref<void()> then,
              function_ref<void()> otherwise = nullptr);
  /// What the branch that is taken returns.
  SmallVector<Value> ifElse(Value condition,
                            function_ref<SmallVector<Value>()> then,
                            function_ref<SmallVector<Value>()> otherwise);

protected:
  /// A constant of the type of `model`.
  Value like(Value model, int64_t value);
};

} // namespace mlir::dsa

#endif // DSA_BUILDER_FOLDINGBUILDER_H
