//===- Tiling.cpp - Parts of ops ------------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/Tiling.h"

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// What is known of offsets and sizes
//===----------------------------------------------------------------------===//

/// `dim` with the extents that are static multiplied out.
static Dim simplify(const DimTable &table, const Dim &dim) {
  Dim result(dim.factor);
  for (const std::string &symbol : dim.symbols) {
    std::optional<int64_t> extent = table.getStaticExtent(symbol);
    result = result * (extent ? Dim(*extent) : Dim(symbol));
  }
  return result;
}

/// The product of dimensions of `op` that `value` is, as `createExtent`
/// computes it, simplified.
static std::optional<Dim> getDim(DSAOpInterface op, const DimTable &table,
                                 Value value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return Dim(*constant);
  if (auto product = value.getDefiningOp<arith::MulIOp>()) {
    std::optional<Dim> lhs = getDim(op, table, product.getLhs());
    std::optional<Dim> rhs = getDim(op, table, product.getRhs());
    if (lhs && rhs)
      return *lhs * *rhs;
    return std::nullopt;
  }
  auto dim = value.getDefiningOp<ShapedDimOpInterface>();
  std::optional<int64_t> index =
      dim ? getConstantIntValue(dim.getDimension()) : std::nullopt;
  if (!index)
    return std::nullopt;
  Value source = dim.getShapedValue();
  if (source.getDefiningOp() == op)
    source = cast<DestinationStyleOpInterface>(op.getOperation())
                 .getTiedOpOperand(cast<OpResult>(source))
                 ->get();
  for (const DimRow &row : table.rows)
    if (row.operand->get() == source && *index >= 0 &&
        *index < static_cast<int64_t>(row.dims.size()))
      return simplify(table, row.dims[*index]);
  return std::nullopt;
}

/// Whether `[offset, offset + size)` is known to be all of `dim` of `op`.
static bool isWhole(DSAOpInterface op, const DimTable &table, const Dim &dim,
                    OpFoldResult offset, OpFoldResult size) {
  if (!isConstantIntValue(offset, 0))
    return false;
  std::optional<Dim> known;
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    known = Dim(*constant);
  else
    known = getDim(op, table, cast<Value>(size));
  return known && *known == simplify(table, dim);
}

static bool isMultiple(DSAOpInterface op, const DimTable &table,
                       OpFoldResult value, int64_t factor);

/// Whether `expr` on `operands` (dimensions, then symbols) is a multiple.
static bool isMultiple(DSAOpInterface op, const DimTable &table,
                       AffineExpr expr, ValueRange operands, unsigned numDims,
                       int64_t factor) {
  if (expr.isMultipleOf(factor))
    return true;
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return isMultiple(op, table, operands[dim.getPosition()], factor);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return isMultiple(op, table, operands[numDims + symbol.getPosition()],
                      factor);
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  bool lhs = isMultiple(op, table, binary.getLHS(), operands, numDims, factor);
  bool rhs = isMultiple(op, table, binary.getRHS(), operands, numDims, factor);
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return lhs && rhs;
  case AffineExprKind::Mul:
    return lhs || rhs;
  default:
    return false;
  }
}

/// Whether `value` is known to be a multiple of `factor`: the offsets and sizes
/// that tiling makes of multiples are.
static bool isMultiple(DSAOpInterface op, const DimTable &table,
                       OpFoldResult value, int64_t factor) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % factor == 0;
  auto known = cast<Value>(value);
  if (std::optional<Dim> dim = getDim(op, table, known))
    return dim->factor % factor == 0;
  if (auto argument = dyn_cast<BlockArgument>(known)) {
    auto loop =
        dyn_cast<LoopLikeOpInterface>(argument.getOwner()->getParentOp());
    std::optional<SmallVector<Value>> ivs =
        loop ? loop.getLoopInductionVars() : std::nullopt;
    auto bounds = loop ? loop.getLoopLowerBounds() : std::nullopt;
    auto steps = loop ? loop.getLoopSteps() : std::nullopt;
    if (!ivs || !bounds || !steps)
      return false;
    for (auto [iv, bound, step] : llvm::zip(*ivs, *bounds, *steps))
      if (iv == known)
        return isMultiple(op, table, bound, factor) &&
               isMultiple(op, table, step, factor);
    return false;
  }
  if (auto product = known.getDefiningOp<arith::MulIOp>())
    return isMultiple(op, table, product.getLhs(), factor) ||
           isMultiple(op, table, product.getRhs(), factor);
  AffineMap map;
  if (auto apply = known.getDefiningOp<affine::AffineApplyOp>())
    map = apply.getAffineMap();
  else if (auto min = known.getDefiningOp<affine::AffineMinOp>())
    map = min.getAffineMap();
  else if (auto max = known.getDefiningOp<affine::AffineMaxOp>())
    map = max.getAffineMap();
  return map && llvm::all_of(map.getResults(), [&](AffineExpr expr) {
           return isMultiple(op, table, expr,
                             known.getDefiningOp()->getOperands(),
                             map.getNumDims(), factor);
         });
}

//===----------------------------------------------------------------------===//
// Slices of operands
//===----------------------------------------------------------------------===//

/// `max(position, 0) - offset`. Positions are clamped to their range anyway;
/// doing it on one side first keeps the difference from wrapping around.
static Value countFrom(OpBuilder &b, Location loc, Value positions,
                       OpFoldResult offset) {
  auto type = cast<RankedTensorType>(positions.getType());
  Value start = arith::IndexCastOp::create(
      b, loc, b.getI32Type(), getValueOrCreateConstantIndexOp(b, loc, offset));
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
  Value init = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, positions), type.getElementType());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  return linalg::GenericOp::create(
             b, loc, init.getType(), positions, init,
             ArrayRef<AffineMap>{identity, identity},
             SmallVector<utils::IteratorType>(type.getRank(),
                                              utils::IteratorType::parallel),
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               Value clamped =
                   arith::MaxSIOp::create(b, loc, arguments[0], zero);
               Value shifted = arith::SubIOp::create(b, loc, clamped, start);
               linalg::YieldOp::create(b, loc, shifted);
             })
      .getResult(0);
}

static OpFoldResult divide(OpBuilder &b, Location loc, OpFoldResult value,
                           int64_t divisor) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, b.getAffineDimExpr(0).floorDiv(divisor), value);
}

static OpFoldResult multiply(OpBuilder &b, Location loc, OpFoldResult value,
                             int64_t factor) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return b.getIndexAttr(*constant * factor);
  return arith::MulIOp::create(b, loc, cast<Value>(value),
                               arith::ConstantIndexOp::create(b, loc, factor))
      .getResult();
}

namespace {
/// Offsets and sizes of one operand.
struct OperandSlice {
  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

/// The page of positions `N*page`, if its extent is static.
static std::optional<int64_t> getStaticPage(const DimTable &table,
                                            Dim positions) {
  positions.symbols.erase(positions.symbols.begin());
  return table.getStaticExtent(positions);
}

static bool isProduct(const Dim &dim) {
  return !dim.isSymbol() && !dim.isLiteral();
}

/// The part that cuts a dimension of an operand: `N` is cut by `N*page` too.
static const DimSlice *findPart(ArrayRef<DimSlice> parts, const Dim &dim) {
  const auto *part = llvm::find_if(parts, [&](const DimSlice &part) {
    return part.dim == dim ||
           (isProduct(part.dim) && dim == Dim(part.dim.symbols[0]));
  });
  return part == parts.end() ? nullptr : part;
}

static bool isCut(const DimRow &row, ArrayRef<DimSlice> parts) {
  return llvm::any_of(row.dims,
                      [&](const Dim &dim) { return findPart(parts, dim); });
}

/// Those of `slices` that are not known to be the whole dimension.
static SmallVector<DimSlice> getParts(DSAOpInterface op, const DimTable &table,
                                      ArrayRef<DimSlice> slices) {
  return llvm::to_vector(llvm::make_filter_range(slices, [&](DimSlice slice) {
    return !isWhole(op, table, slice.dim, slice.offset, slice.size);
  }));
}

/// Whether operands can be cut into these parts.
static LogicalResult checkParts(DSAOpInterface op, const DimTable &table,
                                ArrayRef<DimSlice> parts, std::string &reason) {
  for (const DimSlice &part : parts) {
    if (!isProduct(part.dim))
      continue;
    std::optional<int64_t> page = getStaticPage(table, part.dim);
    if (!page || !isMultiple(op, table, part.offset, *page) ||
        !isMultiple(op, table, part.size, *page)) {
      reason = "a part of the positions of paged keys must begin and end at a "
               "multiple of the page, " +
               (page ? std::to_string(*page)
                     : std::string("whose extent is not static"));
      return failure();
    }
  }
  for (const DimRow &row : table.rows) {
    if (isCut(row, parts) && llvm::is_contained(row.getType().getShape(), 0)) {
      reason = "'" + row.name + "' has no elements, so it has no parts";
      return failure();
    }
    const DimSlice *part =
        row.positionsAlong ? findPart(parts, *row.positionsAlong) : nullptr;
    if (part && !isConstantIntValue(part->offset, 0) &&
        isa<MemRefType>(row.getType())) {
      reason = "'" + row.name +
               "' has to count from the start of the part, which is done on "
               "tensors only";
      return failure();
    }
  }
  return success();
}

/// The part of an operand that `parts` of the op's dimensions leave.
static OperandSlice getOperandSlice(OpBuilder &b, Location loc,
                                    const DimTable &table, const DimRow &row,
                                    ArrayRef<DimSlice> parts) {
  OperandSlice result;
  Value operand = row.operand->get();
  for (auto [i, dim] : llvm::enumerate(row.dims)) {
    const DimSlice *part = findPart(parts, dim);
    if (!part) {
      result.offsets.push_back(b.getIndexAttr(0));
      result.sizes.push_back(isa<MemRefType>(operand.getType())
                                 ? memref::getMixedSize(b, loc, operand, i)
                                 : tensor::getMixedSize(b, loc, operand, i));
      continue;
    }
    if (!isProduct(part->dim)) {
      result.offsets.push_back(part->offset);
      result.sizes.push_back(part->size);
      continue;
    }
    // Positions are counted in pages, so that they are seen to be as many as
    // the pages hold.
    int64_t page = *getStaticPage(table, part->dim);
    OpFoldResult pages = divide(b, loc, part->size, page);
    if (part->dim == dim) {
      result.offsets.push_back(part->offset);
      result.sizes.push_back(multiply(b, loc, pages, page));
    } else {
      result.offsets.push_back(divide(b, loc, part->offset, page));
      result.sizes.push_back(pages);
    }
  }
  return result;
}

FailureOr<OperandSlices>
dsa::sliceOperands(OpBuilder &b, DSAOpInterface op, ArrayRef<DimSlice> slices,
                   std::string &reason,
                   function_ref<Value(OpOperand &)> atHand) {
  DimTable table = op.getDimTable();
  Location loc = op->getLoc();
  SmallVector<DimSlice> parts = getParts(op, table, slices);
  if (failed(checkParts(op, table, parts, reason)))
    return failure();

  OperandSlices result;
  for (OpOperand &operand : op->getOpOperands()) {
    if (Value part = atHand ? atHand(operand) : Value()) {
      result.operands.push_back(part);
      continue;
    }
    const DimRow *row = table.find(operand);
    Value value = operand.get();
    if (isCut(*row, parts)) {
      OperandSlice slice = getOperandSlice(b, loc, table, *row, parts);
      SmallVector<OpFoldResult> strides(slice.sizes.size(), b.getIndexAttr(1));
      Operation *cut;
      if (isa<MemRefType>(value.getType()))
        cut = memref::SubViewOp::create(b, loc, value, slice.offsets,
                                        slice.sizes, strides);
      else
        cut = tensor::ExtractSliceOp::create(b, loc, value, slice.offsets,
                                             slice.sizes, strides);
      result.slices.push_back(cut);
      value = cut->getResult(0);
    }
    const DimSlice *part =
        row->positionsAlong ? findPart(parts, *row->positionsAlong) : nullptr;
    if (part && !isConstantIntValue(part->offset, 0))
      value = countFrom(b, loc, value, part->offset);
    result.operands.push_back(value);
  }
  return result;
}

Operation *dsa::cloneOnOperands(OpBuilder &b, Operation *op,
                                ValueRange operands) {
  auto dst = cast<DestinationStyleOpInterface>(op);
  SmallVector<Type> results;
  for (OpOperand &init : dst.getDpsInitsMutable()) {
    Type type = operands[init.getOperandNumber()].getType();
    if (isa<RankedTensorType>(type))
      results.push_back(type);
  }
  return mlir::clone(b, op, results, operands);
}

//===----------------------------------------------------------------------===//
// TilingInterface
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType>
tiling::getLoopIteratorTypes(DSAOpInterface op) {
  return SmallVector<utils::IteratorType>(op.getIterationDims().size(),
                                          utils::IteratorType::parallel);
}

SmallVector<Range> tiling::getIterationDomain(DSAOpInterface op, OpBuilder &b) {
  SmallVector<Range> domain;
  DimTable table = op.getDimTable();
  for (const Dim &dim : op.getIterationDims())
    domain.push_back({b.getIndexAttr(0),
                      createExtent(b, op->getLoc(), table, dim),
                      b.getIndexAttr(1)});
  return domain;
}

static SmallVector<DimSlice> getSlices(DSAOpInterface op,
                                       ArrayRef<OpFoldResult> offsets,
                                       ArrayRef<OpFoldResult> sizes) {
  SmallVector<DimSlice> slices;
  for (auto [dim, offset, size] :
       llvm::zip_equal(op.getIterationDims(), offsets, sizes))
    slices.push_back({dim, offset, size});
  return slices;
}

FailureOr<TilingResult>
tiling::getTiledImplementation(DSAOpInterface op, OpBuilder &b,
                               ArrayRef<OpFoldResult> offsets,
                               ArrayRef<OpFoldResult> sizes) {
  std::string reason;
  FailureOr<OperandSlices> slices =
      sliceOperands(b, op, getSlices(op, offsets, sizes), reason);
  if (failed(slices))
    return op->emitOpError("cannot be tiled: ") << reason;
  Operation *tiled = cloneOnOperands(b, op, slices->operands);
  return TilingResult{
      {tiled}, SmallVector<Value>(tiled->getResults()), slices->slices};
}

LogicalResult tiling::getResultTilePosition(
    DSAOpInterface op, OpBuilder &b, unsigned resultNumber,
    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  DimTable table = op.getDimTable();
  const DimRow *row =
      table.find(*cast<DestinationStyleOpInterface>(op.getOperation())
                      .getDpsInitOperand(resultNumber));
  SmallVector<DimSlice> parts =
      getParts(op, table, getSlices(op, offsets, sizes));
  std::string reason;
  if (failed(checkParts(op, table, parts, reason)))
    return op->emitOpError("cannot be tiled: ") << reason;
  OperandSlice slice = getOperandSlice(b, op->getLoc(), table, *row, parts);
  resultOffsets = std::move(slice.offsets);
  resultSizes = std::move(slice.sizes);
  return success();
}

/// Sets what a part of an operand says about the domain; other dimensions stay
/// null. Fails unless it has all of the operand's dimensions that are not in
/// the domain, and agrees with what is set.
static LogicalResult addDomainTile(DSAOpInterface op, const DimTable &table,
                                   OpOperand &operand,
                                   ArrayRef<OpFoldResult> offsets,
                                   ArrayRef<OpFoldResult> sizes,
                                   MutableArrayRef<OpFoldResult> domainOffsets,
                                   MutableArrayRef<OpFoldResult> domainSizes) {
  SmallVector<Dim, 4> domain = op.getIterationDims();
  for (auto [i, dim] : llvm::enumerate(table.find(operand)->dims)) {
    const auto *it = llvm::find(domain, dim);
    if (it == domain.end()) {
      if (!isWhole(op, table, dim, offsets[i], sizes[i]))
        return failure();
      continue;
    }
    OpFoldResult &offset = domainOffsets[it - domain.begin()];
    OpFoldResult &size = domainSizes[it - domain.begin()];
    if (offset && (!isEqualConstantIntOrValue(offset, offsets[i]) ||
                   !isEqualConstantIntOrValue(size, sizes[i])))
      return failure();
    offset = offsets[i];
    size = sizes[i];
  }
  return success();
}

/// Dimensions that no part said anything about are taken whole.
static void completeDomainTile(DSAOpInterface op, OpBuilder &b,
                               const DimTable &table,
                               MutableArrayRef<OpFoldResult> offsets,
                               MutableArrayRef<OpFoldResult> sizes) {
  for (auto [dim, offset, size] :
       llvm::zip_equal(op.getIterationDims(), offsets, sizes))
    if (!offset) {
      offset = b.getIndexAttr(0);
      size = createExtent(b, op->getLoc(), table, dim);
    }
}

LogicalResult tiling::getDomainTileFromResult(
    DSAOpInterface op, OpBuilder &b, unsigned resultNumber,
    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVectorImpl<OpFoldResult> &domainOffsets,
    SmallVectorImpl<OpFoldResult> &domainSizes) {
  unsigned init = cast<DestinationStyleOpInterface>(op.getOperation())
                      .getDpsInitOperand(resultNumber)
                      ->getOperandNumber();
  return getDomainTileFromOperands(
      op, b, init, {SmallVector<OpFoldResult>(offsets)},
      {SmallVector<OpFoldResult>(sizes)}, domainOffsets, domainSizes);
}

LogicalResult
tiling::getDomainTileFromOperands(DSAOpInterface op, OpBuilder &b,
                                  ArrayRef<unsigned> operandNumbers,
                                  ArrayRef<SmallVector<OpFoldResult>> offsets,
                                  ArrayRef<SmallVector<OpFoldResult>> sizes,
                                  SmallVectorImpl<OpFoldResult> &domainOffsets,
                                  SmallVectorImpl<OpFoldResult> &domainSizes) {
  DimTable table = op.getDimTable();
  domainOffsets.assign(op.getIterationDims().size(), OpFoldResult());
  domainSizes = domainOffsets;
  for (auto [number, operandOffsets, operandSizes] :
       llvm::zip_equal(operandNumbers, offsets, sizes))
    if (failed(addDomainTile(op, table, op->getOpOperand(number),
                             operandOffsets, operandSizes, domainOffsets,
                             domainSizes)))
      return failure();
  completeDomainTile(op, b, table, domainOffsets, domainSizes);
  return success();
}

FailureOr<TilingResult> tiling::generateResultTileValue(
    DSAOpInterface op, OpBuilder &b, unsigned resultNumber,
    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> domainOffsets, domainSizes;
  if (failed(getDomainTileFromResult(op, b, resultNumber, offsets, sizes,
                                     domainOffsets, domainSizes)))
    return failure();
  FailureOr<TilingResult> tile =
      getTiledImplementation(op, b, domainOffsets, domainSizes);
  // The caller asked for one result and takes what it gets as that.
  if (succeeded(tile))
    tile->tiledValues = {tile->tiledValues[resultNumber]};
  return tile;
}

FailureOr<TilingResult> tiling::getTiledImplementationFromOperands(
    DSAOpInterface op, OpBuilder &b, ArrayRef<unsigned> operandNumbers,
    ArrayRef<SmallVector<OpFoldResult>> offsets,
    ArrayRef<SmallVector<OpFoldResult>> sizes) {
  SmallVector<OpFoldResult> domainOffsets, domainSizes;
  if (failed(getDomainTileFromOperands(op, b, operandNumbers, offsets, sizes,
                                       domainOffsets, domainSizes)))
    return failure();
  return getTiledImplementation(op, b, domainOffsets, domainSizes);
}
