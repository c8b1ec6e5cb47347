//===- SparseAttention.cpp - The kernel of dsa.sparse_attention -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedule `mma`, for every chip from sm_80 on: cp.async, ldmatrix, mma.sync.
//
// A block has some heads of one query row. It walks the slots of the row in
// tiles of keys: rows of the next tiles are under way to shared memory, by
// asynchronous copies that fill rows without a key with zeros, while one is
// worked on:
//
//   scores   S = Q K^T. Warps divide the columns of the dot products in four
//            (depth groups), then heads, then keys. Partial sums go through
//            shared memory and are added in the order of the columns. Part of
//            the query stays in registers.
//   weights  Eight lanes have a row: maximum, weights e^(s - maximum), their
//            sum; the weights, rounded to the compute type, to shared memory.
//   values   O = f O + P V, f for a new maximum. Each warp has its own columns
//            of all heads, so that a value is read from shared memory once.
//
// Three barriers a tile order them. Of few query rows, blocks have ranges of
// the tiles, and merge_attention's kernel combines their results in order;
// where ranges begin depends on shapes and options only.
//
// Traffic to shared memory of a block, per tile: 2 bytes of each element of the
// keys written, read once per head group in QK and once in PV; 16 bytes of each
// score and 2 of each weight. Limits: rows of f16 or bf16, of up to 576 and 512
// columns in whole 16s; all rows aligned to 16 bytes.
//
//===----------------------------------------------------------------------===//

#include "AttentionBlock.h"
#include "Kernels.h"

#include "dsa/GPU/DSAGPU.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

/// Bytes that kernels copy at a time.
static constexpr int64_t rowAlignment = 16;
/// Tiles that a split has at least: fewer cost more in its merge than they
/// save.
static constexpr int64_t minTilesPerSplit = 4;
/// Those that a batch-invariant split has: whatever rows are beside.
static constexpr int64_t invariantTilesPerSplit = 16;

//===----------------------------------------------------------------------===//
// What is covered
//===----------------------------------------------------------------------===//

static std::string toText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static int64_t getLastExtent(Value value) {
  return cast<ShapedType>(value.getType()).getShape().back();
}

/// Columns of key rows, or of their first piece; dynamic if one is.
static int64_t getKeyColumns(SparseAttentionOp op) {
  int64_t columns = getLastExtent(op.getQuery());
  if (Value tail = op.getQueryTail()) {
    int64_t more = getLastExtent(tail);
    if (ShapedType::isDynamic(columns) || ShapedType::isDynamic(more))
      return ShapedType::kDynamic;
    columns += more;
  }
  return columns;
}

/// Why a width is not one of the kernel's.
static std::optional<std::string> getFault(StringRef what, int64_t columns,
                                           int64_t limit) {
  if (!ShapedType::isDynamic(columns) && columns > 0 && columns % 16 == 0 &&
      columns <= limit)
    return std::nullopt;
  std::string text = "has " + what.str() + " of ";
  text += ShapedType::isDynamic(columns) ? "a number of columns that is not "
                                           "known"
                                         : std::to_string(columns) + " columns";
  return text + "; the GPU kernel has multiples of 16 from 16 to " +
         std::to_string(limit);
}

std::optional<std::string> dsa::getReasonAgainst(SparseAttentionOp op) {
  Type type = getElementTypeOrSelf(op.getQuery());
  if (!type.isBF16() && !type.isF16())
    return "has queries of " + toText(type) +
           "; the GPU kernel has f16 and bf16";
  for (Value keys : op.getKeys())
    if (Type of = getElementTypeOrSelf(keys); of != type)
      return "has keys of " + toText(of) + " with queries of " + toText(type) +
             "; the GPU kernel has keys of the type of queries";
  if (Type compute = op.getComputeElementType(); compute != type)
    return "computes in " + toText(compute) + " on rows of " + toText(type) +
           "; the GPU kernel computes in the type of its rows";
  for (Value piece : {Value(op.getQuery()), Value(op.getQueryTail())})
    if (piece)
      if (auto fault = getFault("queries", getLastExtent(piece), 576))
        return fault;
  if (auto fault = getFault("key rows", getKeyColumns(op), 576))
    return fault;
  return getFault("value rows", op.getDv(), 512);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Kernels copy 16 bytes of a row at a time: its elements are adjacent,
/// addresses and strides allow it. What is known to be otherwise is an error;
/// what is not known is found out by the call. What an extent of 1 has as its
/// stride does not count.
static LogicalResult checkRows(LaunchSite &site, SparseAttentionOp op,
                               const GlobalTensor &tensor, const Twine &name) {
  FoldingBuilder &b = site.b;
  auto getText = [&](int64_t dim) {
    return b.getStringAttr(name + ": the stride in bytes of its dimension " +
                           Twine(dim));
  };
  int64_t last = tensor.getRank() - 1, bytes = tensor.getElementBytes();
  std::optional<int64_t> between = getConstantIntValue(tensor.getStride(last));
  if (between && between != bytes)
    return op.emitOpError("has ")
           << name << " of " << tensor.getMemRef().getType()
           << ", whose columns are " << *between / bytes
           << " elements apart; the GPU kernel has rows of adjacent elements";
  if (!between)
    dsa_gpu::CheckEqualOp::create(b, site.call, tensor.getStride(last),
                                  b.getI64IntegerAttr(bytes), getText(last));
  auto isAligned = [](Value value) {
    std::optional<int64_t> known = getConstantIntValue(value);
    return known && *known % rowAlignment == 0;
  };
  auto check = [&](Value value, StringAttr what) {
    dsa_gpu::CheckAlignedOp::create(b, site.call, value,
                                    b.getI64IntegerAttr(rowAlignment), what);
  };
  check(tensor.getMemRef(), b.getStringAttr(name + ": its address"));
  for (int64_t i = 0; i < last; ++i) {
    if (isAligned(tensor.getStride(i)))
      continue;
    Value isMany =
        b.compare(CmpIPredicate::sgt, tensor.getExtent(i), b.index(1));
    Value zero = arith::ConstantIntOp::create(b, b.getI64Type(), 0);
    check(b.select(isMany, tensor.getStride(i), zero), getText(i));
  }
  return success();
}

/// Tiles of a split: as many as give each multiprocessor one, but at least
/// some; or a fixed number.
static Value getTilesPerSplit(FoldingBuilder &b, Value maxTiles, Value blocks,
                              const GPUOptions &options) {
  if (options.batchInvariant)
    return b.index(invariantTilesPerSplit);
  Value one = b.index(1);
  Value wanted =
      b.max(b.div(b.index(options.smCount), b.max(blocks, one)), one);
  return b.max(b.ceilDiv(maxTiles, wanted), b.index(minTilesPerSplit));
}

/// Memory of `slots` rows, as a tensor of splits x rows x ... of f32.
static GlobalTensor allocateParts(FoldingBuilder &b, Value slots,
                                  ArrayRef<Value> extents) {
  SmallVector<OpFoldResult> allocated = {slots};
  llvm::append_range(allocated, getAsOpFoldResult(extents.drop_front(2)));
  Value memory = memref::AllocOp::create(b, allocated, b.getF32Type());
  SmallVector<OpFoldResult> strides(extents.size());
  Value stride = b.index(1);
  for (int64_t i = extents.size() - 1; i >= 0; --i) {
    strides[i] = getAsOpFoldResult(stride);
    stride = b.mul(stride, extents[i]);
  }
  Value parts =
      memref::ReinterpretCastOp::create(b, memory, /*offset=*/b.getIndexAttr(0),
                                        getAsOpFoldResult(extents), strides);
  return GlobalTensor(b, b.getLoc(), parts);
}

FailureOr<std::string> dsa::emitSparseAttention(LaunchSite &site,
                                                SparseAttentionOp op,
                                                const GPUOptions &options) {
  FoldingBuilder &b = site.b;
  AttentionExtents extents;
  extents.dk = getKeyColumns(op);
  extents.dv = op.getDv();
  extents.hasValues = !op.getValues().empty();
  auto queryType = cast<ShapedType>(op.getQuery().getType());
  int64_t rank = queryType.getRank();
  if (int64_t heads = queryType.getDimSize(rank - 2);
      !ShapedType::isDynamic(heads))
    extents.heads = heads;
  FailureOr<AttentionSchedule> schedule = chooseSchedule(
      extents, options.chip, options.attention,
      [&](const Twine &message) { return op.emitOpError(message); });
  if (failed(schedule))
    return failure();
  AttentionPlan plan(*schedule, extents);

  auto toTensor = [&](Value memref) {
    return memref ? GlobalTensor(b, b.getLoc(), memref) : GlobalTensor();
  };
  AttentionArguments arguments;
  arguments.query = toTensor(op.getQuery());
  arguments.queryTail = toTensor(op.getQueryTail());
  arguments.sink = toTensor(op.getSink());
  arguments.out = toTensor(op.getInits()[0]);
  arguments.lse = toTensor(op.getInits()[1]);
  arguments.scale = op.getScale().convertToFloat();
  arguments.computeType = op.getComputeElementType();
  SelectedKeys keys(b, op, schedule->keys);
  LogicalResult checked = success();
  auto check = [&](const GlobalTensor &tensor, const Twine &name) {
    if (tensor && succeeded(checked))
      checked = checkRows(site, op, tensor, name);
  };
  check(arguments.query, "query");
  check(arguments.queryTail, "query_tail");
  check(arguments.out, "out");
  keys.forEachRows(check);
  if (failed(checked))
    return failure();

  Value one = b.index(1);
  arguments.numRows = arguments.query.getExtent(rank - 3);
  arguments.numHeads = arguments.query.getExtent(rank - 2);
  Value rows = arguments.numRows;
  if (rank == 4)
    rows = b.mul(rows, arguments.query.getExtent(0));
  Value headBlocks = b.ceilDiv(arguments.numHeads, b.index(schedule->heads));
  // Where a set begins in the list depends on the slots before it.
  arguments.numSplits =
      keys.split(b,
                 getTilesPerSplit(b, keys.getMaxTiles(b),
                                  b.mul(rows, headBlocks), options),
                 /*setsApart=*/options.batchInvariant);

  // Results of splits exist for as many rows at a time as keep the chip busy.
  Value isSplit = b.compare(CmpIPredicate::sgt, arguments.numSplits, one);
  Value busy = b.ceilDiv(b.index(options.smCount),
                         b.max(b.mul(headBlocks, arguments.numSplits), one));
  Value rowsAtOnce = b.max(b.select(isSplit, b.min(busy, rows), rows), one);
  Value splitRows = b.select(isSplit, rowsAtOnce, b.index(0));
  // In a loop, whose last iteration may have fewer rows, memory is allocated
  // for the most that there can be.
  Value slots = b.mul(arguments.numSplits, splitRows);
  if (op->getParentOfType<LoopLikeOpInterface>())
    slots = options.batchInvariant
                ? b.mul(arguments.numSplits, busy)
                : b.div(b.index(options.smCount), b.max(headBlocks, one));
  arguments.partialOut =
      allocateParts(b, slots,
                    {arguments.numSplits, splitRows, arguments.numHeads,
                     b.index(extents.dv)});
  for (GlobalTensor *perHead :
       {&arguments.partialMaxima, &arguments.partialSums})
    *perHead = allocateParts(
        b, slots, {arguments.numSplits, splitRows, arguments.numHeads});

  auto loop = scf::ForOp::create(b, b.index(0), rows, rowsAtOnce);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  arguments.firstRow = loop.getInductionVar();
  Value count = b.min(rowsAtOnce, b.sub(rows, arguments.firstRow));
  std::string name = (site.function.getName() + "_sparse_attention").str();
  Kernel kernel(site.function, op.getLoc(), name, plan.getThreads());
  AttentionBlock block(kernel, plan, extents, arguments, keys);
  block.emit();
  kernel.launch(b, site.call,
                {b.mul(count, headBlocks), arguments.numSplits, one},
                block.getSharedBytes());

  auto merging = scf::IfOp::create(b, isSplit);
  b.setInsertionPointToStart(merging.thenBlock());
  MergeArguments merge;
  merge.parts.push_back(
      {arguments.partialOut, arguments.partialMaxima, arguments.partialSums});
  merge.sink = arguments.sink;
  merge.out = arguments.out;
  merge.lse = arguments.lse;
  merge.numRows = arguments.numRows;
  merge.firstRow = arguments.firstRow;
  merge.count = count;
  emitMergeKernel(site, name + "_merge", merge);
  return "attention by mma of " + toText(arguments.computeType) + ": " +
         schedule->str() + ", " + std::to_string(block.getSharedBytes()) +
         " bytes of shared memory";
}
