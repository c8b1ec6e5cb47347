//===- Tile.cpp - Loops over rows -----------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All dsa ops but `unpack` compute row by row, and most of what stands between
// them does too, so a chain of them needs no more than one loop: no slice is
// computed twice, and what stays inside the loop is never held whole.
// Upstream's tile and fuse clones a producer for each result that is used, and
// leaves it to later passes to find that the clones are one.
//
//===----------------------------------------------------------------------===//

#include "RewriteRemarks.h"
#include "RowGroup.h"

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_TILEPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

namespace {
/// Writes the loop of a group.
class LoopBuilder {
public:
  LoopBuilder(RewriterBase &rewriter, const RowGroup &group)
      : rewriter(rewriter), group(group), ops(group.getOps()),
        outputs(group.getOutputs()), loc(ops.front()->getLoc()) {}

  scf::ForOp build(int64_t rows);

private:
  OpFoldResult createRowExtent();
  OpFoldResult getExtent(Value value, int64_t dim);
  SmallVector<OpFoldResult> getShape(OpResult result);
  std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  getTile(OpResult result);
  Value createLoopInit(OpResult output);
  Value createTileInit(OpOperand &init);
  Value getTileAtHand(OpOperand &operand);
  Operation *createDSATile(DSAOpInterface op);
  Operation *createGlueTile(Operation *op);
  Value slice(Value value, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes) {
    return tensor::ExtractSliceOp::create(
        rewriter, loc, value, offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), rewriter.getIndexAttr(1)));
  }

  RewriterBase &rewriter;
  const RowGroup &group;
  SmallVector<Operation *> ops;
  SmallVector<OpResult> outputs;
  Location loc;
  /// How many rows there are.
  OpFoldResult extent;
  scf::ForOp loop;
  /// The first row of the tile, and how many it has.
  OpFoldResult start, size;
  /// What an iteration has computed.
  IRMapping tiles;
};
} // namespace

/// Asked of the first op: what others read may be what the loop makes.
OpFoldResult LoopBuilder::createRowExtent() {
  for (Operation *op : ops)
    for (OpResult result : op->getResults()) {
      auto type = cast<ShapedType>(result.getType());
      int64_t dim = group.getDims(op).results[result.getResultNumber()];
      if (!type.isDynamicDim(dim))
        return rewriter.getIndexAttr(type.getDimSize(dim));
    }
  for (Operation *op : ops)
    if (auto dsaOp = dyn_cast<DSAOpInterface>(op))
      if (std::optional<int64_t> known =
              dsaOp.getDimTable().getStaticExtent("T"))
        return rewriter.getIndexAttr(*known);
  Operation *first = ops.front();
  if (auto dsaOp = dyn_cast<DSAOpInterface>(first))
    return createExtent(rewriter, loc, dsaOp.getDimTable(), "T");
  for (auto [operand, dim] :
       llvm::zip_equal(first->getOperands(), group.getDims(first).operands))
    if (dim)
      return getExtent(operand, *dim);
  llvm_unreachable("the results of glue have rows, and so have its inits");
}

/// An extent of what the loop makes in all, or of another tensor. Those that a
/// `tensor.empty` was made of are not asked of it, lest it stay alive for them.
OpFoldResult LoopBuilder::getExtent(Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(dim))
    return rewriter.getIndexAttr(type.getDimSize(dim));
  if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
    return empty.getMixedSizes()[dim];
  Operation *maker = group.getMaker(value);
  if (!maker)
    return tensor::getMixedSize(rewriter, loc, value, dim);
  auto result = cast<OpResult>(value);
  if (group.getDims(maker).results[result.getResultNumber()] == dim)
    return extent;
  if (auto dst = dyn_cast<DestinationStyleOpInterface>(maker))
    return getExtent(dst.getTiedOpOperand(result)->get(), dim);
  if (auto cast = dyn_cast<tensor::CastOp>(maker))
    return getExtent(cast.getSource(), dim);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(maker))
    return expand.getMixedOutputShape()[dim];
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(maker)) {
    SmallVector<OpFoldResult> sizes;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(i))
        sizes.push_back(size);
    return sizes[dim];
  }
  auto collapse = cast<tensor::CollapseShapeOp>(maker);
  OpFoldResult product = rewriter.getIndexAttr(1);
  AffineExpr s0, s1;
  bindSymbols(rewriter.getContext(), s0, s1);
  for (int64_t i : collapse.getReassociationIndices()[dim])
    product = affine::makeComposedFoldedAffineApply(
        rewriter, loc, s0 * s1, {product, getExtent(collapse.getSrc(), i)});
  return product;
}

SmallVector<OpFoldResult> LoopBuilder::getShape(OpResult result) {
  SmallVector<OpFoldResult> shape;
  for (int64_t i = 0, e = cast<ShapedType>(result.getType()).getRank(); i < e;
       ++i)
    shape.push_back(getExtent(result, i));
  return shape;
}

/// Offsets and sizes of the tile of `result`.
std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
LoopBuilder::getTile(OpResult result) {
  SmallVector<OpFoldResult> sizes = getShape(result);
  SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
  int64_t dim =
      group.getDims(result.getOwner()).results[result.getResultNumber()];
  offsets[dim] = start;
  sizes[dim] = size;
  return {offsets, sizes};
}

/// Whether an op reads what `init` holds.
static bool isRead(OpOperand &init) {
  auto linalg = dyn_cast<linalg::LinalgOp>(init.getOwner());
  return linalg && linalg.payloadUsesValueFromOperand(&init);
}

/// What `output` is put together in.
Value LoopBuilder::createLoopInit(OpResult output) {
  if (auto dst = dyn_cast<DestinationStyleOpInterface>(output.getOwner())) {
    OpOperand *init = dst.getTiedOpOperand(output);
    // What glue is given without being read is any tensor of the type.
    if (!group.getMaker(init->get()) &&
        (isa<DSAOpInterface>(output.getOwner()) || isRead(*init) ||
         init->get().getDefiningOp<tensor::EmptyOp>()))
      return init->get();
  }
  return tensor::EmptyOp::create(rewriter, loc, getShape(output),
                                 getElementTypeOrSelf(output.getType()));
}

/// What a tile of the result that is tied to `init` is computed into.
Value LoopBuilder::createTileInit(OpOperand &init) {
  OpResult result =
      cast<DestinationStyleOpInterface>(init.getOwner()).getTiedOpResult(&init);
  const auto *output = llvm::find(outputs, result);
  auto [offsets, sizes] = getTile(result);
  if (output != outputs.end())
    return slice(loop.getRegionIterArg(output - outputs.begin()), offsets,
                 sizes);
  if (isRead(init))
    return slice(init.get(), offsets, sizes);
  return tensor::EmptyOp::create(rewriter, loc, sizes,
                                 getElementTypeOrSelf(result.getType()));
}

/// The tile of an operand, if it is not to be cut out of the operand.
Value LoopBuilder::getTileAtHand(OpOperand &operand) {
  if (Value tile = tiles.lookupOrNull(operand.get()))
    return tile;
  auto dst = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
  return dst && dst.isDpsInit(&operand) ? createTileInit(operand) : Value();
}

Operation *LoopBuilder::createDSATile(DSAOpInterface op) {
  std::string reason;
  FailureOr<OperandSlices> slices =
      sliceOperands(rewriter, op, DimSlice{"T", start, size}, reason,
                    [&](OpOperand &operand) { return getTileAtHand(operand); });
  if (failed(slices))
    llvm::report_fatal_error("dsa-tile: an obstacle was overlooked");
  return cloneOnOperands(rewriter, op, slices->operands);
}

Operation *LoopBuilder::createGlueTile(Operation *op) {
  const RowDims &dims = group.getDims(op);
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<int64_t> dim = dims.operands[operand.getOperandNumber()];
    Value tile = getTileAtHand(operand);
    if (!tile && dim) {
      auto type = cast<ShapedType>(operand.get().getType());
      SmallVector<OpFoldResult> sizes,
          offsets(type.getRank(), rewriter.getIndexAttr(0));
      for (int64_t i = 0; i < type.getRank(); ++i)
        sizes.push_back(i == *dim ? size : getExtent(operand.get(), i));
      offsets[*dim] = start;
      tile = slice(operand.get(), offsets, sizes);
    }
    operands.push_back(tile ? tile : operand.get());
  }
  return createTile(rewriter, op, dims, operands, start, size);
}

scf::ForOp LoopBuilder::build(int64_t rows) {
  rewriter.setInsertionPoint(group.getLast());
  extent = createRowExtent();
  SmallVector<Value> inits;
  for (OpResult output : outputs)
    inits.push_back(createLoopInit(output));

  // A tile has no more rows than there are, and the memory for one is known
  // outside of the loop.
  std::optional<int64_t> known = getConstantIntValue(extent);
  OpFoldResult most = rewriter.getIndexAttr(rows);
  AffineExpr d0, s0, s1;
  bindDims(rewriter.getContext(), d0);
  bindSymbols(rewriter.getContext(), s0, s1);
  auto createMin = [&](AffineMap map, ArrayRef<Value> operands) {
    return OpFoldResult(
        affine::AffineMinOp::create(rewriter, loc, map, operands).getResult());
  };
  Value end = getValueOrCreateConstantIndexOp(rewriter, loc, extent);
  if (!known)
    most = createMin(AffineMap::get(0, 1,
                                    {rewriter.getAffineConstantExpr(rows), s0},
                                    rewriter.getContext()),
                     end);
  loop = scf::ForOp::create(
      rewriter, loc, arith::ConstantIndexOp::create(rewriter, loc, 0), end,
      arith::ConstantIndexOp::create(rewriter, loc, rows), inits);
  rewriter.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar();
  start = row;
  size = most;
  if (!known)
    size = createMin(AffineMap::get(1, 2, {s1, s0 - d0}, rewriter.getContext()),
                     {row, end, cast<Value>(most)});
  else if (*known % rows != 0)
    size =
        createMin(AffineMap::get(1, 0,
                                 {rewriter.getAffineConstantExpr(rows),
                                  rewriter.getAffineConstantExpr(*known) - d0},
                                 rewriter.getContext()),
                  row);

  for (Operation *op : ops) {
    auto dsaOp = dyn_cast<DSAOpInterface>(op);
    Operation *tile = dsaOp ? createDSATile(dsaOp) : createGlueTile(op);
    tiles.map(op->getResults(), tile->getResults());
  }
  SmallVector<Value> yielded;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    auto [offsets, sizes] = getTile(output);
    yielded.push_back(tensor::InsertSliceOp::create(
        rewriter, output.getLoc(), tiles.lookup<Value>(output),
        loop.getRegionIterArg(i), offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), rewriter.getIndexAttr(1))));
  }
  scf::YieldOp::create(rewriter, loc, yielded);

  for (auto [output, result] : llvm::zip_equal(outputs, loop.getResults()))
    rewriter.replaceAllUsesWith(output, result);
  for (Operation *op : llvm::reverse(ops))
    rewriter.eraseOp(op);
  return loop;
}

/// The number of rows, if there is a known limit.
static std::optional<int64_t> getMostRows(DSAOpInterface op) {
  if (std::optional<int64_t> extent = op.getDimTable().getStaticExtent("T"))
    return extent;
  RowDims dims = getRowDims(op);
  for (OpOperand &operand : op->getOpOperands())
    if (std::optional<int64_t> dim =
            dims.operands[operand.getOperandNumber()]) {
      FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, {operand.get(), *dim},
          /*stopCondition=*/nullptr, /*closedUB=*/true);
      if (succeeded(bound))
        return *bound;
    }
  return std::nullopt;
}

FailureOr<scf::ForOp> dsa::tileRows(RewriterBase &rewriter, DSAOpInterface root,
                                    int64_t rows, bool toSaveMemory) {
  if (rows < 1)
    return rewriter.notifyMatchFailure(
        root, "cannot be tiled by " + Twine(rows) + " rows; 1 is the least");
  if (const char *obstacle = getTilingObstacle(root))
    return rewriter.notifyMatchFailure(root, obstacle);
  if (root->use_empty())
    return rewriter.notifyMatchFailure(root, "has no uses");
  if (std::optional<int64_t> most = getMostRows(root); most && *most <= rows)
    return rewriter.notifyMatchFailure(root, "has at most " + Twine(*most) +
                                                 " rows, no more than a tile");
  RowGroup group(root);
  if (toSaveMemory && !group.savesMemory())
    return rewriter.notifyMatchFailure(root, "holds as much memory in a loop");
  group.explain(rewriter);
  OpBuilder::InsertionGuard guard(rewriter);
  return LoopBuilder(rewriter, group).build(rows);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
/// Remarks, and which ops are in loops by now.
struct TileListener : RewriteRemarks {
  using RewriteRemarks::RewriteRemarks;
  void notifyOperationErased(Operation *op) override { erased.insert(op); }
  DenseSet<Operation *> erased;
};

struct Tile : dsa::impl::TilePassBase<Tile> {
  using Base::Base;

  void runOnOperation() override {
    if (rows < 1) {
      emitError(getOperation()->getLoc())
          << "rows is " << rows.getValue() << ", but must be at least 1";
      return signalPassFailure();
    }
    SmallVector<Operation *> roots;
    getOperation()->walk([&](DSAOpInterface op) { roots.push_back(op); });
    TileListener listener(getArgument());
    IRRewriter rewriter(&getContext(), &listener);
    // Last to first: what an op reads joins its loop.
    for (Operation *root : llvm::reverse(roots)) {
      if (listener.erased.contains(root))
        continue;
      Location loc = root->getLoc();
      if (succeeded(tileRows(rewriter, cast<DSAOpInterface>(root), rows,
                             toSaveMemory)))
        listener.notifyDone(loc, "computed " + Twine(rows) + " rows at a time");
    }
  }
};
} // namespace
