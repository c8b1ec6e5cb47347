//===- Split.cpp - Parts of positions and of slots ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A few rows over many keys leave most of a machine idle; parts of the keys can
// be worked on at once. What is selected from all keys is selected from what
// each part selects, and what is attended to is merged.
//
//===----------------------------------------------------------------------===//

#include "RewriteRemarks.h"

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_SPLITPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// The code grows with the parts.
static constexpr int64_t maxParts = 1024;

/// Why `op` cannot be split into `parts`; empty if nothing is known to forbid
/// it.
static std::string getObstacle(DSAOpInterface op, int64_t parts) {
  if (parts < 2 || parts > maxParts)
    return "cannot be split into " + std::to_string(parts) +
           " parts; there can be 2 to " + std::to_string(maxParts);
  if (!cast<DestinationStyleOpInterface>(op.getOperation())
           .hasPureTensorSemantics())
    return "is on memrefs: split before bufferization";
  for (const DimRow &row : op.getDimTable().rows)
    if (llvm::is_contained(row.getType().getShape(), 0))
      return "has no parts: '" + row.name + "' has no elements";
  return "";
}

/// `parts` slices of `dim` of `op` that follow each other, all but the last
/// ones of one size, a multiple of `unit`, as the extent is. Slices beyond a
/// static end have a size of 0; those beyond a dynamic one begin within the
/// extent too, for those who learn it later.
static SmallVector<DimSlice> getParts(OpBuilder &b, DSAOpInterface op,
                                      const Dim &dim, int64_t parts,
                                      int64_t unit) {
  Location loc = op->getLoc();
  OpFoldResult extent = createExtent(b, loc, op.getDimTable(), dim);
  AffineExpr s0 = b.getAffineSymbolExpr(0), zero = b.getAffineConstantExpr(0);
  AffineExpr size = s0.ceilDiv(parts * unit) * unit;
  auto min = [&](AffineExpr lhs, AffineExpr rhs) {
    return affine::makeComposedFoldedAffineMin(
        b, loc, AffineMap::get(0, 1, {lhs, rhs}, b.getContext()), {extent});
  };
  auto notNegative = [&](OpFoldResult value) {
    return affine::makeComposedFoldedAffineMax(
        b, loc, AffineMap::get(0, 1, {s0, zero}, b.getContext()), {value});
  };
  SmallVector<DimSlice> slices = {{dim, b.getIndexAttr(0), min(size, s0)}};
  for (int64_t i = 1; i < parts; ++i)
    slices.push_back({dim, notNegative(min(size * i, s0 - unit)),
                      notNegative(min(size, s0 - size * i))});
  return slices;
}

static bool isStaticallyEmpty(const DimSlice &slice) {
  return isConstantIntValue(slice.size, 0);
}

static SmallVector<OpFoldResult> getUnitStrides(OpBuilder &b, size_t rank) {
  return SmallVector<OpFoldResult>(rank, b.getIndexAttr(1));
}

/// [B,] T.
static SmallVector<OpFoldResult> getRowExtents(OpBuilder &b,
                                               DSAOpInterface op) {
  SmallVector<OpFoldResult> extents;
  for (const Dim &dim : withBatch(op.isBatched(), {"T"}))
    extents.push_back(createExtent(b, op->getLoc(), op.getDimTable(), dim));
  return extents;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// The selection from a part: ids ascending, with their values.
static LightningIndexerOp createPart(OpBuilder &b, LightningIndexerOp op,
                                     ValueRange operands, Value ids, int64_t k,
                                     ValueRange inits) {
  LightningIndexerOp::Adaptor part(operands, op);
  KeySource source = op.getKeySource();
  source.keys = part.getKeys();
  source.keyTail = part.getKeyTail();
  source.keyScale = part.getKeyScale();
  source.blockTable = part.getBlockTable();
  return LightningIndexerOp::create(
      b, op.getLoc(), part.getQuery(), source, part.getWeights(), part.getLo(),
      part.getHi(), k, inits, Translation(), ids, op.getActivation());
}

static TopKOp createPart(OpBuilder &b, TopKOp op, ValueRange operands,
                         Value ids, int64_t k, ValueRange inits) {
  TopKOp::Adaptor part(operands, op);
  return TopKOp::create(b, op.getLoc(), part.getScores(), k, part.getLo(),
                        part.getHi(), inits, Translation(), ids);
}

/// The extent of a page, 1 without pages, none if it is dynamic.
static std::optional<int64_t> getPage(DSAOpInterface op, Dim positions) {
  if (positions.isSymbol())
    return 1;
  positions.symbols.erase(positions.symbols.begin());
  return op.getDimTable().getStaticExtent(positions);
}

/// How many positions a part selects.
static int64_t getNumCandidates(const DimSlice &part, int64_t k) {
  return std::min(k, getConstantIntValue(part.size).value_or(k));
}

static int64_t getNumCandidates(ArrayRef<DimSlice> parts, int64_t k) {
  int64_t sum = 0;
  for (const DimSlice &part : parts)
    sum += getNumCandidates(part, k);
  return sum;
}

template <typename OpTy>
static FailureOr<TopKOp> splitSelection(RewriterBase &rewriter, OpTy op,
                                        int64_t parts) {
  if (std::string obstacle = getObstacle(op, parts); !obstacle.empty())
    return rewriter.notifyMatchFailure(op, obstacle);
  if (op.getTranslateRowIds())
    return rewriter.notifyMatchFailure(
        op, "has 'translate_row_ids': the ids of its parts would take as much "
            "memory as its scores");
  std::optional<int64_t> page = getPage(op, op.getPositionsDim());
  if (!page)
    return rewriter.notifyMatchFailure(
        op, "has pages of dynamic extent, at which parts cannot begin");
  std::optional<int64_t> positions =
      op.getDimTable().getStaticExtent(op.getPositionsDim());
  if (positions)
    parts = std::min<int64_t>(parts, llvm::divideCeil(*positions, *page));
  if (parts < 2)
    return rewriter.notifyMatchFailure(op, "has " + Twine(*positions) +
                                               " positions, too few for parts");
  int64_t perPart = op.getK();
  if (positions)
    perPart = std::min<int64_t>(perPart, llvm::divideCeil(*positions, parts));
  int64_t candidates = parts * perPart;
  if (candidates >= positions.value_or(INT32_MAX))
    return rewriter.notifyMatchFailure(
        op, "has parts that select " + Twine(candidates) +
                " candidates, from which to select takes as long");

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  SmallVector<DimSlice> slices =
      getParts(rewriter, op, op.getPositionsDim(), parts, *page);
  llvm::erase_if(slices, isStaticallyEmpty);

  // The parts' candidates lie side by side.
  SmallVector<OpFoldResult> rowExtents = getRowExtents(rewriter, op);
  SmallVector<OpFoldResult> shape = rowExtents;
  shape.push_back(rewriter.getIndexAttr(getNumCandidates(slices, op.getK())));
  Value ids =
      tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getI32Type());
  Value values =
      tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getF32Type());
  SmallVector<OpFoldResult> offsets(shape.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides = getUnitStrides(rewriter, shape.size());
  int64_t first = 0;
  for (const DimSlice &slice : slices) {
    std::string reason;
    FailureOr<OperandSlices> part = sliceOperands(rewriter, op, slice, reason);
    if (failed(part))
      llvm::report_fatal_error("dsa-split: an obstacle was overlooked");
    typename OpTy::Adaptor adaptor(part->operands, op);
    Value partIds = createIds(rewriter, loc, adaptor.getIds(), slice.offset,
                              slice.size, op.getTranslation(), op.isBatched());
    int64_t k = getNumCandidates(slice, op.getK());
    offsets.back() = rewriter.getIndexAttr(first);
    shape.back() = rewriter.getIndexAttr(k);
    first += k;
    Value inits[] = {tensor::ExtractSliceOp::create(rewriter, loc, ids, offsets,
                                                    shape, strides),
                     tensor::EmptyOp::create(rewriter, loc, rowExtents,
                                             rewriter.getI32Type()),
                     tensor::ExtractSliceOp::create(rewriter, loc, values,
                                                    offsets, shape, strides)};
    OpTy selected = createPart(rewriter, op, part->operands, partIds, k, inits);
    ids = tensor::InsertSliceOp::create(rewriter, loc, selected->getResult(0),
                                        ids, offsets, shape, strides);
    values = tensor::InsertSliceOp::create(
        rewriter, loc, selected->getResult(2), values, offsets, shape, strides);
  }
  auto best = TopKOp::create(rewriter, loc, values, op.getK(), /*lo=*/Value(),
                             /*hi=*/Value(), op.getInits(), op.getTranslation(),
                             ids, op.getOrder());
  rewriter.replaceOp(op, best);
  return best;
}

FailureOr<TopKOp> dsa::splitPositions(RewriterBase &rewriter,
                                      LightningIndexerOp op, int64_t parts) {
  return splitSelection(rewriter, op, parts);
}

FailureOr<TopKOp> dsa::splitPositions(RewriterBase &rewriter, TopKOp op,
                                      int64_t parts) {
  return splitSelection(rewriter, op, parts);
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// Element `i` of the leading dimension of `all`.
static Value extractPart(OpBuilder &b, Location loc, Value all,
                         ArrayRef<OpFoldResult> sizes, int64_t i) {
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  offsets[0] = b.getIndexAttr(i);
  auto type = cast<RankedTensorType>(all.getType());
  auto partType = RankedTensorType::get(type.getShape().drop_front(),
                                        type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, partType, all, offsets, sizes,
                                        getUnitStrides(b, sizes.size()));
}

static Value insertPart(OpBuilder &b, Location loc, Value part, Value all,
                        ArrayRef<OpFoldResult> sizes, int64_t i) {
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  offsets[0] = b.getIndexAttr(i);
  return tensor::InsertSliceOp::create(b, loc, part, all, offsets, sizes,
                                       getUnitStrides(b, sizes.size()));
}

/// `values` rounded to the element type of `init`, into it.
static Value roundInto(OpBuilder &b, Location loc, Value values, Value init) {
  auto type = cast<RankedTensorType>(init.getType());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  return linalg::GenericOp::create(
             b, loc, type, values, init,
             ArrayRef<AffineMap>{identity, identity},
             SmallVector<utils::IteratorType>(type.getRank(),
                                              utils::IteratorType::parallel),
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               Value rounded = arith::TruncFOp::create(
                   b, loc, type.getElementType(), arguments[0]);
               linalg::YieldOp::create(b, loc, rounded);
             })
      .getResult(0);
}

FailureOr<MergeAttentionOp>
dsa::splitSlots(RewriterBase &rewriter, SparseAttentionOp op, int64_t parts) {
  if (std::string obstacle = getObstacle(op, parts); !obstacle.empty())
    return rewriter.notifyMatchFailure(op, obstacle);
  SmallVector<KeySet> sets = op.getKeySets();
  DimTable table = op.getDimTable();
  bool several = llvm::any_of(op.getIndices(), [](Value indices) {
    auto type = cast<ShapedType>(indices.getType());
    return type.isDynamicDim(type.getRank() - 1) || type.getShape().back() > 1;
  });
  if (!several)
    return rewriter.notifyMatchFailure(op, "has at most one slot per key set");

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  // slices[i][p]: the slots of key set i in part p.
  SmallVector<SmallVector<DimSlice>> slices;
  for (size_t i = 0; i < sets.size(); ++i)
    slices.push_back(getParts(
        rewriter, op, table.find(op.getIndicesMutable()[i])->dims.back(), parts,
        /*unit=*/1));
  while (llvm::all_of(slices, [](ArrayRef<DimSlice> ofSet) {
    return isStaticallyEmpty(ofSet.back());
  }))
    for (SmallVector<DimSlice> &ofSet : slices)
      ofSet.pop_back();
  int64_t numParts = slices[0].size();

  SmallVector<OpFoldResult> lseShape = {rewriter.getIndexAttr(numParts)};
  llvm::append_range(lseShape, getRowExtents(rewriter, op));
  lseShape.push_back(createExtent(rewriter, loc, table, "H"));
  SmallVector<OpFoldResult> outShape = lseShape;
  outShape.push_back(rewriter.getIndexAttr(op.getDv()));
  Type f32 = rewriter.getF32Type();
  Value outs = tensor::EmptyOp::create(rewriter, loc, outShape, f32);
  Value lses = tensor::EmptyOp::create(rewriter, loc, lseShape, f32);
  outShape[0] = lseShape[0] = rewriter.getIndexAttr(1);
  for (int64_t p = 0; p < numParts; ++p) {
    SmallVector<DimSlice> cut;
    for (ArrayRef<DimSlice> ofSet : slices)
      if (!isStaticallyEmpty(ofSet[p]))
        cut.push_back(ofSet[p]);
    std::string reason;
    FailureOr<OperandSlices> part = sliceOperands(rewriter, op, cut, reason);
    if (failed(part))
      llvm::report_fatal_error("dsa-split: an obstacle was overlooked");
    SparseAttentionOp::Adaptor adaptor(part->operands, op);
    SmallVector<KeySet> partSets;
    for (auto [i, set] : llvm::enumerate(sets)) {
      // A set with no slots left in this part is left out of it.
      if (isStaticallyEmpty(slices[i][p]))
        continue;
      set.indices = adaptor.getIndices()[i];
      if (set.counts)
        set.counts = adaptor.getCounts()[i];
      partSets.push_back(set);
    }
    Value inits[] = {extractPart(rewriter, loc, outs, outShape, p),
                     extractPart(rewriter, loc, lses, lseShape, p)};
    auto attended = SparseAttentionOp::create(
        rewriter, loc, op.getQuery(), partSets, op.getScale(), op.getDv(),
        inits, /*sink=*/Value(), op.getQueryTail(), op.getRowIds(),
        op.getPaged(), op.getComputeType().value_or(Type()));
    outs = insertPart(rewriter, loc, attended->getResult(0), outs, outShape, p);
    lses = insertPart(rewriter, loc, attended->getResult(1), lses, lseShape, p);
  }

  Value out = op.getInits()[0], lse = op.getInits()[1];
  bool rounded = !getElementTypeOrSelf(out).isF32();
  Value init =
      rounded ? tensor::EmptyOp::create(rewriter, loc,
                                        ArrayRef(outShape).drop_front(), f32)
                    .getResult()
              : out;
  auto merged = MergeAttentionOp::create(rewriter, loc, outs, lses,
                                         op.getSink(), ValueRange{init, lse});
  SmallVector<Value> results = merged->getResults();
  if (rounded)
    results[0] = roundInto(rewriter, loc, results[0], out);
  rewriter.replaceOp(op, results);
  return merged;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct Split : dsa::impl::SplitPassBase<Split> {
  using Base::Base;

  /// Whether an option is a number of parts.
  LogicalResult check(StringRef option, int64_t parts) {
    if (parts >= 1 && parts <= maxParts)
      return success();
    return emitError(getOperation()->getLoc())
           << option << " is " << parts << ", but must be 1 to " << maxParts;
  }

  void runOnOperation() override {
    if (failed(check("position-parts", positionParts)) ||
        failed(check("slot-parts", slotParts)))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation()->walk([&](DSAOpInterface op) { ops.push_back(op); });
    RewriteRemarks remarks(getArgument());
    IRRewriter rewriter(&getContext(), &remarks);
    auto report = [&](Location loc, bool done, int64_t parts) {
      if (done)
        remarks.notifyDone(loc, "split into " + Twine(parts) + " parts");
    };
    for (Operation *op : ops) {
      Location loc = op->getLoc();
      llvm::TypeSwitch<Operation *>(op)
          .Case<LightningIndexerOp, TopKOp>([&](auto op) {
            if (positionParts > 1)
              report(loc,
                     succeeded(splitPositions(rewriter, op, positionParts)),
                     positionParts);
          })
          .Case([&](SparseAttentionOp op) {
            if (slotParts > 1)
              report(loc, succeeded(splitSlots(rewriter, op, slotParts)),
                     slotParts);
          });
    }
  }
};
} // namespace
