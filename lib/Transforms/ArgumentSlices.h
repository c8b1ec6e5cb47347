//===- ArgumentSlices.h - What arguments alone determine --------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to `dsa-plan-workspace`: which values of an entry point depend on
// nothing but its arguments, so that they can be computed ahead of the function
// and in another one.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_ARGUMENTSLICES_H
#define DSA_LIB_TRANSFORMS_ARGUMENTSLICES_H

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace mlir::dsa {

/// The least of affine functions of values that arguments determine, and of
/// extents of arguments.
struct ArgumentBound {
  AffineMap map;
  ValueDimList operands;
};

class ArgumentSlices {
public:
  /// Of the function that has `body`, the values that `known`, its arguments in
  /// full, and the extents of `shapes`, memrefs among its arguments, determine.
  /// They are needed only where `body` runs.
  ArgumentSlices(Region &body, ValueRange known, ValueRange shapes);

  /// `index` itself if the arguments determine it, or else what it is at most.
  FailureOr<ArgumentBound> getUpperBound(Value index) const;

  /// Why the arguments do not determine `value`: a value that it depends on.
  Value getObstacle(Value value) const;

  /// Computes `bounds` at the insertion point of `b`, where the known arguments
  /// are as in `mapping`, and `getExtent` makes an extent of one of `shapes`.
  SmallVector<OpFoldResult>
  build(ImplicitLocOpBuilder &b, ArrayRef<ArgumentBound> bounds,
        IRMapping mapping,
        function_ref<Value(Value memref, int64_t dimension)> getExtent);

private:
  void visit(Operation *op);
  SetVector<Value> getDeterminedIndices(Value value) const;
  void visitExtent(Value extent, Value memref, int64_t dimension);
  ValueBoundsConstraintSet::StopConditionFn getStopCondition() const;
  LogicalResult computeBound(ArgumentBound &bound, presburger::BoundType type,
                             ValueBoundsConstraintSet::Variable variable) const;
  DenseSet<Operation *> getSlice(ArrayRef<ArgumentBound> bounds) const;

  Region &body;
  DenseSet<Value> shapes;
  /// Values that can be computed by a copy of the op that defines them, or as
  /// `extents` says.
  DenseSet<Value> determined;
  /// Extents of memrefs that are not at hand elsewhere, as functions of values
  /// that are.
  DenseMap<Value, ArgumentBound> extents;
};

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_ARGUMENTSLICES_H
