//===- Tile.cpp - Loops over rows -----------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All dsa ops but `unpack` compute row by row, so a chain of them needs no more
// than one loop: no slice is computed twice, and what stays inside the loop is
// never held whole. Upstream's tile and fuse clones a producer for each result
// that is used, and leaves it to later passes to find that the clones are one.
//
//===----------------------------------------------------------------------===//

#include "RewriteRemarks.h"

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
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
// Which ops share a loop
//===----------------------------------------------------------------------===//

/// The dimension of an operand that counts rows.
static std::optional<int64_t> getRowDim(const DimTable &table,
                                        const OpOperand &operand) {
  const DimRow *row = table.find(operand);
  const auto *dim = llvm::find(row->dims, Dim("T"));
  if (dim == row->dims.end())
    return std::nullopt;
  return dim - row->dims.begin();
}

/// The dimension of a result that counts rows.
static std::optional<int64_t> getRowDim(OpResult result) {
  auto op = cast<DSAOpInterface>(result.getOwner());
  return getRowDim(op.getDimTable(),
                   *cast<DestinationStyleOpInterface>(op.getOperation())
                        .getTiedOpOperand(result));
}

/// The number of rows, if there is a known limit.
static std::optional<int64_t> getMostRows(const DimTable &table) {
  if (std::optional<int64_t> extent = table.getStaticExtent("T"))
    return extent;
  for (const DimRow &row : table.rows)
    if (std::optional<int64_t> dim = getRowDim(table, *row.operand)) {
      FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, {row.operand->get(), *dim},
          /*stopCondition=*/nullptr, /*closedUB=*/true);
      if (succeeded(bound))
        return *bound;
    }
  return std::nullopt;
}

/// Why `op` cannot be computed in parts of its rows; null if it can.
static const char *getObstacle(DSAOpInterface op) {
  if (!cast<DestinationStyleOpInterface>(op.getOperation())
           .hasPureTensorSemantics())
    return "is on memrefs: tile before bufferization";
  if (!llvm::is_contained(op.getIterationDims(), Dim("T")))
    return "has no rows T";
  DimTable table = op.getDimTable();
  for (const DimRow &row : table.rows)
    if (getRowDim(table, *row.operand) &&
        llvm::is_contained(row.getType().getShape(), 0))
      return "has rows without elements, which have no parts";
  return nullptr;
}

/// Why the loop of `group`, at the place of `root`, cannot compute `producer`
/// too; null if it can.
static const char *getObstacle(DSAOpInterface producer, DSAOpInterface root,
                               const SetVector<Operation *> &group) {
  if (const char *obstacle = getObstacle(producer))
    return obstacle;
  for (OpResult result : producer->getResults())
    for (OpOperand &use : result.getUses()) {
      Operation *user = use.getOwner();
      if (group.contains(user)) {
        if (cast<DestinationStyleOpInterface>(user).isDpsInit(&use))
          return "is an init of an op of the loop";
        auto consumer = cast<DSAOpInterface>(user);
        if (getRowDim(consumer.getDimTable(), use) != getRowDim(result))
          return "is used whole by an op of the loop";
        continue;
      }
      Operation *ancestor = root->getBlock()->findAncestorOpInBlock(*user);
      if (ancestor && !root->isBeforeInBlock(ancestor))
        return "is used before the loop ends by an op outside of it";
    }
  return nullptr;
}

/// `root` and the ops that it reads row by row, in the order of the block.
static SmallVector<DSAOpInterface> collectGroup(RewriterBase &rewriter,
                                                DSAOpInterface root) {
  SetVector<Operation *> group;
  group.insert(root);
  for (Operation *op = root->getPrevNode(); op; op = op->getPrevNode()) {
    auto producer = dyn_cast<DSAOpInterface>(op);
    if (!producer || llvm::none_of(op->getUsers(), [&](Operation *user) {
          return group.contains(user);
        }))
      continue;
    if (const char *obstacle = getObstacle(producer, root, group))
      (void)rewriter.notifyMatchFailure(producer, obstacle);
    else
      group.insert(producer);
  }
  SmallVector<DSAOpInterface> ops;
  for (Operation *op : llvm::reverse(group))
    ops.push_back(cast<DSAOpInterface>(op));
  return ops;
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// How many rows the ops of a group have. Asked of the first op: what others
/// read may be what the loop makes.
static OpFoldResult getRowExtent(OpBuilder &b, Location loc,
                                 ArrayRef<DSAOpInterface> group) {
  for (DSAOpInterface op : group)
    if (std::optional<int64_t> extent = op.getDimTable().getStaticExtent("T"))
      return b.getIndexAttr(*extent);
  DSAOpInterface first = group.front();
  return createExtent(b, loc, first.getDimTable(), "T");
}

/// `min(rows, extent - start)`, a constant if all tiles have as many rows.
static OpFoldResult getTileSize(OpBuilder &b, Location loc, int64_t rows,
                                OpFoldResult extent, Value start) {
  std::optional<int64_t> known = getConstantIntValue(extent);
  if (known && *known % rows == 0)
    return b.getIndexAttr(rows);
  AffineExpr d0, s0;
  bindDims(b.getContext(), d0);
  bindSymbols(b.getContext(), s0);
  AffineMap map = AffineMap::get(1, 1, {b.getAffineConstantExpr(rows), s0 - d0},
                                 b.getContext());
  return affine::makeComposedFoldedAffineMin(b, loc, map, {start, extent});
}

/// Offsets and sizes of the tile of `result`. Extents that a `tensor.empty` was
/// made of are not asked of it, lest it stay alive for them.
static std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
getTile(OpBuilder &b, OpResult result, OpFoldResult start, OpFoldResult size) {
  Value init = cast<DestinationStyleOpInterface>(result.getOwner())
                   .getTiedOpOperand(result)
                   ->get();
  int64_t rowDim = *getRowDim(result);
  SmallVector<OpFoldResult> offsets, sizes;
  auto empty = init.getDefiningOp<tensor::EmptyOp>();
  for (int64_t i = 0, e = cast<ShapedType>(init.getType()).getRank(); i < e;
       ++i) {
    offsets.push_back(i == rowDim ? start : b.getIndexAttr(0));
    if (i == rowDim)
      sizes.push_back(size);
    else if (empty)
      sizes.push_back(empty.getMixedSizes()[i]);
    else
      sizes.push_back(tensor::getMixedSize(b, result.getLoc(), init, i));
  }
  return {offsets, sizes};
}

FailureOr<scf::ForOp> dsa::tileRows(RewriterBase &rewriter, DSAOpInterface root,
                                    int64_t rows) {
  if (rows < 1)
    return rewriter.notifyMatchFailure(
        root, "cannot be tiled by " + Twine(rows) + " rows; 1 is the least");
  if (const char *obstacle = getObstacle(root))
    return rewriter.notifyMatchFailure(root, obstacle);
  if (root->use_empty())
    return rewriter.notifyMatchFailure(root, "has no uses");
  DimTable table = root.getDimTable();
  if (std::optional<int64_t> most = getMostRows(table); most && *most <= rows)
    return rewriter.notifyMatchFailure(root, "has at most " + Twine(*most) +
                                                 " rows, no more than a tile");

  SmallVector<DSAOpInterface> group = collectGroup(rewriter, root);
  auto isInside = [&](Operation *user) {
    return llvm::is_contained(group, user);
  };
  SmallVector<OpResult> outputs;
  for (DSAOpInterface op : group)
    for (OpResult result : op->getResults())
      if (!llvm::all_of(result.getUsers(), isInside))
        outputs.push_back(result);

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(root);
  Location loc = root->getLoc();
  OpFoldResult extent = getRowExtent(rewriter, loc, group);
  SmallVector<Value> inits;
  for (OpResult output : outputs)
    inits.push_back(cast<DestinationStyleOpInterface>(output.getOwner())
                        .getTiedOpOperand(output)
                        ->get());

  auto loop = scf::ForOp::create(
      rewriter, loc, arith::ConstantIndexOp::create(rewriter, loc, 0),
      getValueOrCreateConstantIndexOp(rewriter, loc, extent),
      arith::ConstantIndexOp::create(rewriter, loc, rows), inits);
  rewriter.setInsertionPointToStart(loop.getBody());
  Value start = loop.getInductionVar();
  OpFoldResult size = getTileSize(rewriter, loc, rows, extent, start);

  IRMapping tiles;
  for (DSAOpInterface op : group) {
    auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
    std::string reason;
    FailureOr<OperandSlices> slices = sliceOperands(
        rewriter, op, DimSlice{"T", start, size}, reason,
        [&](OpOperand &operand) -> Value {
          if (!dst.isDpsInit(&operand))
            return tiles.lookupOrNull(operand.get());
          OpResult result = dst.getTiedOpResult(&operand);
          auto [offsets, sizes] = getTile(rewriter, result, start, size);
          const auto *output = llvm::find(outputs, result);
          if (output == outputs.end())
            return tensor::EmptyOp::create(
                rewriter, op->getLoc(), sizes,
                getElementTypeOrSelf(result.getType()));
          return tensor::ExtractSliceOp::create(
              rewriter, op->getLoc(),
              loop.getRegionIterArg(output - outputs.begin()), offsets, sizes,
              SmallVector<OpFoldResult>(sizes.size(),
                                        rewriter.getIndexAttr(1)));
        });
    if (failed(slices))
      llvm::report_fatal_error("dsa-tile: an obstacle was overlooked");
    Operation *tiled = cloneOnOperands(rewriter, op, slices->operands);
    tiles.map(op->getResults(), tiled->getResults());
  }

  SmallVector<Value> yielded;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    auto [offsets, sizes] = getTile(rewriter, output, start, size);
    yielded.push_back(tensor::InsertSliceOp::create(
        rewriter, output.getLoc(), tiles.lookup<Value>(output),
        loop.getRegionIterArg(i), offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), rewriter.getIndexAttr(1))));
  }
  scf::YieldOp::create(rewriter, loc, yielded);

  for (auto [output, result] : llvm::zip_equal(outputs, loop.getResults()))
    rewriter.replaceAllUsesWith(output, result);
  for (DSAOpInterface op : llvm::reverse(group))
    rewriter.eraseOp(op);
  return loop;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct Tile : dsa::impl::TilePassBase<Tile> {
  using Base::Base;

  void runOnOperation() override {
    if (rows < 1) {
      emitError(getOperation()->getLoc())
          << "rows is " << rows.getValue() << ", but must be at least 1";
      return signalPassFailure();
    }
    SetVector<Block *> blocks;
    getOperation()->walk(
        [&](DSAOpInterface op) { blocks.insert(op->getBlock()); });
    RewriteRemarks remarks(getArgument());
    IRRewriter rewriter(&getContext(), &remarks);
    for (Block *block : blocks) {
      // Last to first: what an op reads joins its loop.
      for (Operation *op = &block->back(), *next; op; op = next) {
        next = op->getPrevNode();
        auto root = dyn_cast<DSAOpInterface>(op);
        if (!root)
          continue;
        Location loc = op->getLoc();
        FailureOr<scf::ForOp> loop = tileRows(rewriter, root, rows);
        if (failed(loop))
          continue;
        remarks.notifyDone(loc, "computed " + Twine(rows) + " rows at a time");
        next = (*loop)->getPrevNode();
      }
    }
  }
};
} // namespace
