//===- RowDims.cpp - Where ops have their rows ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowDims.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// dsa ops
//===----------------------------------------------------------------------===//

RowDims dsa::getRowDims(DSAOpInterface op) {
  RowDims dims;
  DimTable table = op.getDimTable();
  for (OpOperand &operand : op->getOpOperands()) {
    const DimRow *row = table.find(operand);
    const auto *dim = llvm::find(row->dims, Dim("T"));
    dims.operands.push_back(dim == row->dims.end() ? std::optional<int64_t>()
                                                   : dim - row->dims.begin());
  }
  auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
  for (OpResult result : op->getResults())
    dims.results.push_back(
        *dims.operands[dst.getTiedOpOperand(result)->getOperandNumber()]);
  return dims;
}

//===----------------------------------------------------------------------===//
// linalg ops
//===----------------------------------------------------------------------===//

/// The dimensions along which a linalg op has loop `loop`, if each operand has
/// it in one dimension or not at all.
static std::optional<RowDims> getRowDimsOfLoop(linalg::LinalgOp op,
                                               AffineExpr loop) {
  auto position = dyn_cast<AffineDimExpr>(loop);
  if (!position || !op.hasPureTensorSemantics() ||
      op.getIteratorTypesArray()[position.getPosition()] !=
          utils::IteratorType::parallel)
    return std::nullopt;
  RowDims dims;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<int64_t> &dim = dims.operands.emplace_back();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      if (!expr.isFunctionOfDim(position.getPosition()))
        continue;
      if (expr != loop || dim)
        return std::nullopt;
      dim = i;
    }
  }
  for (OpOperand &init : op.getDpsInitsMutable()) {
    std::optional<int64_t> dim = dims.operands[init.getOperandNumber()];
    if (!dim)
      return std::nullopt;
    dims.results.push_back(*dim);
  }
  return dims;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

bool dsa::isView(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType()) &&
           isa<RankedTensorType>(cast.getType());
  return isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp>(op);
}

/// Whether a slice has all elements along a dimension of its source.
static bool isWhole(tensor::ExtractSliceOp slice, int64_t dim) {
  OpFoldResult size = slice.getMixedSizes()[dim];
  if (!isZeroInteger(slice.getMixedOffsets()[dim]) ||
      !isOneInteger(slice.getMixedStrides()[dim]))
    return false;
  FailureOr<bool> equal =
      ValueBoundsConstraintSet::areEqual(size, {slice.getSource(), dim});
  return succeeded(equal) && *equal;
}

/// Which dimension of the source each dimension of a view's result is; none of
/// those that are made of several or of a part.
static SmallVector<std::optional<int64_t>> getSourceDims(Operation *view) {
  SmallVector<std::optional<int64_t>> dims(
      cast<ShapedType>(view->getResult(0).getType()).getRank());
  if (isa<tensor::CastOp>(view)) {
    for (auto [i, dim] : llvm::enumerate(dims))
      dim = i;
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(view)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    unsigned result = 0;
    for (int64_t i = 0, e = slice.getSourceType().getRank(); i < e; ++i)
      if (!dropped.test(i)) {
        if (isWhole(slice, i))
          dims[result] = i;
        ++result;
      }
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(view)) {
    for (auto [i, group] : llvm::enumerate(expand.getReassociationIndices()))
      if (group.size() == 1)
        dims[group[0]] = i;
  } else {
    auto collapse = cast<tensor::CollapseShapeOp>(view);
    for (auto [i, group] : llvm::enumerate(collapse.getReassociationIndices()))
      if (group.size() == 1)
        dims[i] = group[0];
  }
  return dims;
}

static std::optional<RowDims> getRowDimsOfView(Operation *view,
                                               std::optional<int64_t> source,
                                               std::optional<int64_t> result) {
  for (auto [i, dim] : llvm::enumerate(getSourceDims(view)))
    if (dim &&
        (source ? *source == *dim : *result == static_cast<int64_t>(i))) {
      RowDims dims;
      dims.operands.resize(view->getNumOperands());
      dims.operands[0] = *dim;
      dims.results.push_back(i);
      return dims;
    }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Glue
//===----------------------------------------------------------------------===//

std::optional<RowDims> dsa::getRowDims(Operation *op, OpOperand &operand,
                                       int64_t dim) {
  if (isView(op))
    return operand.getOperandNumber() == 0
               ? getRowDimsOfView(op, dim, std::nullopt)
               : std::nullopt;
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  if (!linalg)
    return std::nullopt;
  return getRowDimsOfLoop(
      linalg, linalg.getMatchingIndexingMap(&operand).getResult(dim));
}

std::optional<RowDims> dsa::getRowDims(Operation *op, OpResult result,
                                       int64_t dim) {
  if (isView(op))
    return getRowDimsOfView(op, std::nullopt, dim);
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  if (!linalg || !linalg.hasPureTensorSemantics())
    return std::nullopt;
  OpOperand *init = linalg.getTiedOpOperand(result);
  return getRowDims(op, *init, dim);
}

static RankedTensorType getTileType(Value value, int64_t dim,
                                    OpFoldResult size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = getConstantIntValue(size).value_or(ShapedType::kDynamic);
  return type.clone(shape);
}

Operation *dsa::createTile(RewriterBase &rewriter, Operation *glue,
                           const RowDims &dims, ArrayRef<Value> operands,
                           OpFoldResult start, OpFoldResult size) {
  Location loc = glue->getLoc();
  SmallVector<Type> types;
  for (auto [result, dim] : llvm::zip_equal(glue->getResults(), dims.results))
    types.push_back(getTileType(result, dim, size));
  if (auto linalg = dyn_cast<linalg::LinalgOp>(glue)) {
    OpOperand *init = linalg.getDpsInitOperand(0);
    auto loop = cast<AffineDimExpr>(
        linalg.getMatchingIndexingMap(init).getResult(dims.results[0]));
    Operation *tile = mlir::clone(rewriter, glue, types, operands);
    SmallVector<OpFoldResult> offsets(linalg.getNumLoops(),
                                      rewriter.getIndexAttr(0));
    offsets[loop.getPosition()] = start;
    linalg::offsetIndices(rewriter, cast<linalg::LinalgOp>(tile), offsets);
    return tile;
  }
  auto type = cast<RankedTensorType>(types[0]);
  Value source = operands[0];
  if (isa<tensor::CastOp>(glue))
    return tensor::CastOp::create(rewriter, loc, type, source);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(glue)) {
    SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
    sizes[*dims.operands[0]] = size;
    return tensor::ExtractSliceOp::create(rewriter, loc, type, source,
                                          slice.getMixedOffsets(), sizes,
                                          slice.getMixedStrides());
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(glue)) {
    SmallVector<OpFoldResult> shape = expand.getMixedOutputShape();
    shape[dims.results[0]] = size;
    return tensor::ExpandShapeOp::create(
        rewriter, loc, type, source, expand.getReassociationIndices(), shape);
  }
  return tensor::CollapseShapeOp::create(
      rewriter, loc, type, source,
      cast<tensor::CollapseShapeOp>(glue).getReassociationIndices());
}
