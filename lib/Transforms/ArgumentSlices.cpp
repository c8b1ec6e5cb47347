//===- ArgumentSlices.cpp - What arguments alone determine ----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArgumentSlices.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::dsa;
using presburger::BoundType;

/// What an op reads: its operands, and what its regions use from outside.
static SmallVector<Value> getInputs(Operation *op) {
  SmallVector<Value> inputs(op->getOperands());
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  llvm::append_range(inputs, captured);
  return inputs;
}

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

ArgumentSlices::ArgumentSlices(Region &body, ValueRange known,
                               ValueRange shapes)
    : body(body), shapes(shapes.begin(), shapes.end()),
      determined(known.begin(), known.end()) {
  // Definitions come before uses, so that no op is visited twice.
  body.getParentOfType<func::FuncOp>().walk<WalkOrder::PreOrder>(
      [&](Operation *op) { visit(op); });
}

/// Whether `value` is a positive constant, or the maximum of one and something.
static bool isKnownPositive(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isStrictlyPositive();
  auto maximum = value.getDefiningOp<arith::MaxSIOp>();
  return maximum && (isKnownPositive(maximum.getLhs()) ||
                     isKnownPositive(maximum.getRhs()));
}

static bool isDivisionByPositive(Operation *op) {
  return isa<arith::DivUIOp, arith::DivSIOp, arith::RemUIOp, arith::RemSIOp>(
             op) &&
         isKnownPositive(op->getOperand(1));
}

void ArgumentSlices::visit(Operation *op) {
  auto isDetermined = [&](Value value) { return determined.contains(value); };
  // What is in a branch may be computed ahead of it only if that does no harm,
  // as a division by zero does; the rest is computed anyway.
  bool isHarmless = isSpeculatable(op) || isDivisionByPositive(op) ||
                    op->getParentRegion()->isAncestor(&body);
  if (op->getNumResults() > 0 && isMemoryEffectFree(op) && isHarmless &&
      llvm::all_of(getInputs(op), isDetermined)) {
    determined.insert_range(op->getResults());
    return;
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    if (std::optional<int64_t> dimension = dim.getConstantIndex())
      visitExtent(dim, dim.getSource(), *dimension);
  } else if (auto metadata = dyn_cast<memref::ExtractStridedMetadataOp>(op)) {
    for (auto [i, size] : llvm::enumerate(metadata.getSizes()))
      visitExtent(size, metadata.getSource(), i);
  }
}

void ArgumentSlices::visitExtent(Value extent, Value memref,
                                 int64_t dimension) {
  ValueBoundsConstraintSet::Variable variable(memref, dimension);
  // Upstream knows no bounds of what this makes: they are its operands.
  if (auto cast = memref.getDefiningOp<memref::ReinterpretCastOp>();
      cast && dimension >= 0 && dimension < cast.getType().getRank())
    variable = cast.getMixedSizes()[dimension];
  ArgumentBound bound;
  if (succeeded(computeBound(bound, BoundType::EQ, variable))) {
    determined.insert(extent);
    extents.try_emplace(extent, std::move(bound));
  }
}

/// Bounds are in terms of what is determined.
ValueBoundsConstraintSet::StopConditionFn
ArgumentSlices::getStopCondition() const {
  return [this](Value value, std::optional<int64_t> dimension,
                ValueBoundsConstraintSet &) {
    return dimension ? shapes.contains(value) : determined.contains(value);
  };
}

LogicalResult ArgumentSlices::computeBound(
    ArgumentBound &bound, BoundType type,
    ValueBoundsConstraintSet::Variable variable) const {
  return ValueBoundsConstraintSet::computeBound(bound.map, bound.operands, type,
                                                variable, getStopCondition(),
                                                /*closedUB=*/true);
}

/// Where the slice of `value` ends: the indices in it that are determined, and
/// those that bound its loops.
SetVector<Value> ArgumentSlices::getDeterminedIndices(Value value) const {
  SetVector<Value> slice, indices;
  slice.insert(value);
  for (unsigned i = 0; i < slice.size(); ++i) {
    Value next = slice[i];
    if (determined.contains(next)) {
      if (next.getType().isIndex())
        indices.insert(next);
      continue;
    }
    if (auto argument = dyn_cast<BlockArgument>(next))
      slice.insert_range(argument.getOwner()->getParentOp()->getOperands());
    else
      slice.insert_range(getInputs(next.getDefiningOp()));
  }
  return indices;
}

FailureOr<ArgumentBound> ArgumentSlices::getUpperBound(Value index) const {
  MLIRContext *context = index.getContext();
  if (determined.contains(index))
    return ArgumentBound{AffineMap::getMultiDimIdentityMap(1, context),
                         {{index, std::nullopt}}};
  // What a constant bounds is a tile, of which there are many in an extent, or
  // less than one.
  ArgumentBound bound;
  SmallVector<AffineExpr> exprs;
  FailureOr<int64_t> constant = ValueBoundsConstraintSet::computeConstantBound(
      BoundType::UB, index, getStopCondition(), /*closedUB=*/true);
  if (succeeded(constant))
    exprs.push_back(getAffineConstantExpr(*constant, context));
  // Upstream can prove more bounds, such as those of loops with steps, than it
  // can find.
  for (Value candidate : getDeterminedIndices(index))
    if (!matchPattern(candidate, m_Constant()) &&
        ValueBoundsConstraintSet::compare(index, ValueBoundsConstraintSet::LE,
                                          candidate)) {
      exprs.push_back(getAffineDimExpr(bound.operands.size(), context));
      bound.operands.emplace_back(candidate, std::nullopt);
    }
  if (!exprs.empty()) {
    bound.map = AffineMap::get(bound.operands.size(), 0, exprs, context);
    return bound;
  }
  if (failed(computeBound(bound, BoundType::UB, index)))
    return failure();
  return bound;
}

Value ArgumentSlices::getObstacle(Value value) const {
  while (Operation *op = value.getDefiningOp()) {
    SmallVector<Value> inputs = getInputs(op);
    auto *next = llvm::find_if(
        inputs, [&](Value input) { return !determined.contains(input); });
    if (next == inputs.end())
      break;
    value = *next;
  }
  return value;
}

//===----------------------------------------------------------------------===//
// Computation elsewhere
//===----------------------------------------------------------------------===//

/// The ops that `bounds` need.
DenseSet<Operation *>
ArgumentSlices::getSlice(ArrayRef<ArgumentBound> bounds) const {
  DenseSet<Operation *> slice;
  SmallVector<Value> worklist;
  auto addOperands = [&](const ArgumentBound &bound) {
    for (auto [value, dimension] : bound.operands)
      if (!dimension)
        worklist.push_back(value);
  };
  llvm::for_each(bounds, addOperands);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || !slice.insert(op).second)
      continue;
    bool isCopied = true;
    for (Value result : op->getResults())
      if (auto extent = extents.find(result); extent != extents.end()) {
        addOperands(extent->second);
        isCopied = false;
      }
    if (isCopied)
      llvm::append_range(worklist, getInputs(op));
  }
  return slice;
}

SmallVector<OpFoldResult> ArgumentSlices::build(
    ImplicitLocOpBuilder &b, ArrayRef<ArgumentBound> bounds, IRMapping mapping,
    function_ref<Value(Value memref, int64_t dimension)> getExtent) {
  auto materialize = [&](const ArgumentBound &bound) -> OpFoldResult {
    SmallVector<OpFoldResult> operands;
    for (auto [value, dimension] : bound.operands)
      operands.push_back(dimension ? getExtent(value, *dimension)
                                   : mapping.lookup(value));
    return bound.map.getNumResults() == 1
               ? affine::makeComposedFoldedAffineApply(b, b.getLoc(), bound.map,
                                                       operands)
               : affine::makeComposedFoldedAffineMin(b, b.getLoc(), bound.map,
                                                     operands);
  };

  DenseSet<Operation *> slice = getSlice(bounds);
  body.getParentOfType<func::FuncOp>().walk<WalkOrder::PreOrder>(
      [&](Operation *op) {
        if (!slice.contains(op))
          return;
        bool isCopied = true;
        for (Value result : op->getResults())
          if (auto extent = extents.find(result); extent != extents.end()) {
            mapping.map(result,
                        getValueOrCreateConstantIndexOp(
                            b, b.getLoc(), materialize(extent->second)));
            isCopied = false;
          }
        if (isCopied)
          b.clone(*op, mapping);
      });
  return llvm::map_to_vector(bounds, materialize);
}
