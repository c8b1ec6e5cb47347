//===- SelectedRows.cpp - The key rows that a query attends to ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectedRows.h"
#include "RowStaging.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

SelectedRows::SelectedRows(KernelBuilder &b, const KeySet &set, Value rowIds,
                           bool paged, int64_t dv, const Arithmetic &arithmetic,
                           const Options &options)
    : b(b), set(set), rowIds(rowIds), arithmetic(arithmetic), options(options),
      rows(b,
           {set.keys, set.keyTail, /*queryTail=*/{}, /*keyScale=*/{},
            set.blockTable, rowIds, paged, set.layout},
           options.batched),
      paged(paged) {
  int64_t rank = cast<ShapedType>(set.indices.getType()).getRank();
  numSlots = b.dim(set.indices, rank - 1);
  plannedSlots =
      getConstantIntValue(numSlots) ? numSlots : b.getPlanned(numSlots);
  // Lists are filled up to whole vectors.
  listExtent = b.add(plannedSlots, options.padding + b.lanes());
  keys = makeSource(SmallVector<RowPiece, 2>(rows.getPieces()));
  if (set.layout) {
    keys.packed = {set.keys, cast<KVLayoutAttr>(set.layout), paged};
    keys.inPlace = false;
  }
  if (set.values)
    values = makeSource(
        {{set.values, getElementTypeOrSelf(set.values), b.index(dv)}});
}

SelectedRows::Source SelectedRows::makeSource(SmallVector<RowPiece, 2> pieces) {
  Source source;
  Type elementType = arithmetic.getElementType(b.getContext());
  int64_t multiple = arithmetic.getWidth();
  if (options.wholeVectors)
    multiple *= b.lanes();
  source.inPlace = true;
  for (RowPiece &piece : pieces) {
    std::optional<int64_t> count = getConstantIntValue(piece.count);
    if (losesBits(piece.elementType, options.computeType))
      piece.roundedTo = options.computeType;
    source.inPlace &= piece.elementType == elementType && !piece.roundedTo &&
                      !piece.byteOf && count && *count % multiple == 0;
  }
  source.elements = getNumElements(b, pieces);
  int64_t chunk = arithmetic.getMaxChunk(b.target);
  // Pieces begin anywhere and are filled up behind their end.
  source.paddedElements = b.add(b.alignUp(source.elements, chunk), chunk);
  source.pieces = std::move(pieces);
  return source;
}

void SelectedRows::reserve(ScratchPlan &plan) {
  Type i32 = b.getI32Type();
  rowsAt = plan.reserve(listExtent, i32);
  if (paged)
    pagesAt = plan.reserve(listExtent, i32);
  for (Source *source : {&keys, &values}) {
    if (source->pieces.empty())
      continue;
    for (unsigned i = 0; i < source->getNumStored(); ++i)
      source->offsetsAt.push_back(plan.reserve(listExtent, b.getI64Type()));
    if (!source->inPlace)
      source->stagedAt =
          plan.reserve({b.index(options.blockRows), source->paddedElements},
                       arithmetic.getElementType(b.getContext()));
  }
}

Value SelectedRows::viewList(const Scratch &scratch, Value offset,
                             Type type) const {
  return scratch.view(b, offset, listExtent, type);
}

Value SelectedRows::viewStaged(const Scratch &scratch,
                               const Source &source) const {
  return scratch.view(b, source.stagedAt,
                      {b.index(options.blockRows), source.paddedElements},
                      arithmetic.getElementType(b.getContext()));
}

SmallVector<Value> SelectedRows::atRow(Value batch,
                                       ArrayRef<Value> indices) const {
  SmallVector<Value> at(indices);
  if (options.batched)
    at.insert(at.begin(), batch);
  return at;
}

//===----------------------------------------------------------------------===//
// The list
//===----------------------------------------------------------------------===//

Value SelectedRows::select(const Scratch &scratch, Value batch, Value t) {
  Value limit = numSlots;
  if (set.counts)
    limit = b.min(limit, b.toIndex(b.load(set.counts, atRow(batch, t))));
  Value tableRow = options.batched ? batch : b.index(0);
  Value exists =
      b.compare(CmpIPredicate::sgt, rows.getNumPositions(), b.index(0));
  if (rowIds) {
    Value id = b.toIndex(b.load(rowIds, t));
    exists = b.logicalAnd(
        exists, b.compare(CmpIPredicate::ult, id, b.dim(set.blockTable, 0)));
    tableRow = b.select(exists, id, b.index(0));
  }
  limit = b.select(exists, b.max(limit, b.index(0)), b.index(0));

  Value length = paged ? appendOneByOne(scratch, batch, tableRow, t, limit)
                       : appendBlockwise(scratch, batch, t, limit);
  b.ifThen(b.compare(CmpIPredicate::sgt, length, b.index(0)), [&] {
    Value last = b.sub(length, b.index(1));
    for (Value list : {rowsAt, pagesAt}) {
      if (!list)
        continue;
      Value memref = viewList(scratch, list, b.getI32Type());
      Value entry = b.broadcast(b.load(memref, last), b.i32s());
      for (int64_t i = 0; i < options.padding; i += b.lanes())
        b.storeVector(entry, memref, b.add(length, i));
    }
  });
  for (const Source *source : {&keys, &values})
    if (!source->pieces.empty())
      storeOffsets(scratch, batch, *source, length);
  return length;
}

/// Positions are rows: a vector of slots at a time.
Value SelectedRows::appendBlockwise(const Scratch &scratch, Value batch,
                                    Value t, Value limit) {
  Value list = viewList(scratch, rowsAt, b.getI32Type());
  // Negative positions are large as unsigned numbers, and S is below 2^31.
  Value bound = b.broadcast(b.toI32(rows.getNumPositions()), b.i32s());
  auto append = [&](Value slot, Value mask, Value length) {
    Value positions =
        b.loadVector(b.i32s(), set.indices, atRow(batch, {t, slot}), mask);
    Value valid =
        b.logicalAnd(mask, b.compare(CmpIPredicate::ult, positions, bound));
    b.storeCompressed(positions, valid, list, length);
    return b.add(length, b.countLanes(valid));
  };
  Value full = b.alignDown(limit, b.lanes());
  Value length =
      b.forLoop(b.index(0), full, b.lanes(), b.index(0),
                [&](Value slot, ValueRange length) {
                  return SmallVector<Value>{append(slot, Value(), length[0])};
                })[0];
  return b.ifElse(
      b.compare(CmpIPredicate::slt, full, limit),
      [&] {
        Value mask = b.lanesBelow(b.sub(limit, full));
        return SmallVector<Value>{append(full, mask, length)};
      },
      [&] { return SmallVector<Value>{length}; })[0];
}

/// Each entry is stored, and the next one over it if it does not count.
Value SelectedRows::appendOneByOne(const Scratch &scratch, Value batch,
                                   Value tableRow, Value t, Value limit) {
  Value pages = viewList(scratch, pagesAt, b.getI32Type());
  Value list = viewList(scratch, rowsAt, b.getI32Type());
  return b.forLoop(
      b.index(0), limit, 1, b.index(0), [&](Value slot, ValueRange length) {
        Value position =
            b.toIndex(b.load(set.indices, atRow(batch, {t, slot})));
        Value valid =
            b.compare(CmpIPredicate::ult, position, rows.getNumPositions());
        KeyPlace place = rows.locate(b, batch, tableRow,
                                     b.select(valid, position, b.index(0)));
        valid = b.logicalAnd(valid, place.valid);
        b.store(b.toI32(place.row[0]), pages, length[0]);
        b.store(b.toI32(place.row[1]), list, length[0]);
        return SmallVector<Value>{
            b.select(valid, b.add(length[0], 1), length[0])};
      })[0];
}

/// The coordinates of an entry.
SmallVector<Value> SelectedRows::getRow(const Scratch &scratch, Value batch,
                                        Value position) {
  auto load = [&](Value list) {
    return b.toIndex(b.load(viewList(scratch, list, b.getI32Type()), position));
  };
  if (paged)
    return {load(pagesAt), load(rowsAt)};
  return atRow(batch, load(rowsAt));
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// For each entry, and the padding, where its row begins in memory.
void SelectedRows::storeOffsets(const Scratch &scratch, Value batch,
                                const Source &source, Value length) {
  Value end = b.select(b.compare(CmpIPredicate::sgt, length, b.index(0)),
                       b.add(length, options.padding), length);
  for (auto [i, offsetsAt] : llvm::enumerate(source.offsetsAt)) {
    Value offsets = viewList(scratch, offsetsAt, b.getI64Type());
    auto metadata =
        memref::ExtractStridedMetadataOp::create(b, source.getMemRef(i));
    auto strides = metadata.getStrides();
    const RowPiece &first = source.pieces[i];
    b.forLoop(b.index(0), end, 1, [&](Value position) {
      // Rows of packed pages are bytes of their page.
      SmallVector<Value> at = getRow(scratch, batch, position);
      if (source.packed)
        at = first.at(b, at, b.index(0));
      Value offset = b.index(0);
      for (unsigned d = 0; d < at.size(); ++d)
        offset = b.add(offset, b.mul(at[d], strides[d]));
      b.store(b.toI64(offset), offsets, position);
    });
  }
}

void SelectedRows::stage(const Scratch &scratch, Value batch,
                         const RowBlock &block) {
  for (const Source *source : {&keys, &values}) {
    if (source->pieces.empty() || source->inPlace)
      continue;
    Value staged = viewStaged(scratch, *source);
    b.forLoop(b.index(0), block.count, 1, [&](Value r) {
      SmallVector<Value> row = getRow(scratch, batch, b.add(block.begin, r));
      if (source->packed)
        stagePacked(*source->packed, source->elements, row, staged, r);
      else
        stageRow(b, arithmetic, source->pieces, source->elements, row, staged,
                 r);
    });
  }
}

/// Elements times their scales, in f32, rounded once to the compute type.
void SelectedRows::stagePacked(const PackedRows &packed, Value elements,
                               ValueRange row, Value staged, Value slot) {
  Type elementType = getElementTypeOrSelf(staged);
  dequantizeRow(b, packed, row, staged, {slot, b.index(0)});
  // Zeros up to the end of the last vector of steps.
  auto stepVector = b.vectorOf(elementType, arithmetic.getWidth());
  b.storeVector(
      arith::ConstantOp::create(b, stepVector, b.getZeroAttr(stepVector)),
      staged, {slot, elements});
  if (options.computeType == elementType)
    return;
  b.forLoop(b.index(0), elements, b.lanes(), [&](Value column) {
    Value wide = b.loadVector(b.f32s(), staged, {slot, column});
    Value rounded =
        arith::TruncFOp::create(b, b.vectorOf(options.computeType), wide);
    b.storeVector(arith::ExtFOp::create(b, b.f32s(), rounded), staged,
                  {slot, column});
  });
}

/// All elements of a memref as one row, from its first one on.
static Value flatten(KernelBuilder &b, Value memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  auto type = MemRefType::get(
      {ShapedType::kDynamic}, getElementTypeOrSelf(memref),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1}));
  // How far rows reach depends on strides; nothing asks for the extent.
  OpFoldResult extent = b.index(std::numeric_limits<int64_t>::max());
  return memref::ReinterpretCastOp::create(
      b, type, metadata.getBaseBuffer(), metadata.getOffset(),
      ArrayRef<OpFoldResult>(extent),
      ArrayRef<OpFoldResult>(b.getIndexAttr(1)));
}

StoredRows SelectedRows::getStored(const Scratch &scratch, const Source &source,
                                   unsigned i) {
  StoredRows stored;
  Value offsets = viewList(scratch, source.offsetsAt[i], b.getI64Type());
  stored.memref = flatten(b, source.getMemRef(i));
  stored.count = source.pieces[i].count;
  if (source.packed)
    stored.count = b.index(source.packed->layout.getRecordBytes());
  stored.start = [offsets](KernelBuilder &b, Value position) {
    return b.toIndex(b.load(offsets, position));
  };
  return stored;
}

SmallVector<StoredRows, 2> SelectedRows::getStoredKeys(const Scratch &scratch,
                                                       unsigned piece) {
  SmallVector<StoredRows, 2> stored;
  for (unsigned i = 0; i < keys.getNumStored(); ++i)
    if (!keys.inPlace || i == piece)
      stored.push_back(getStored(scratch, keys, i));
  return stored;
}

SmallVector<StoredRows, 2>
SelectedRows::getStoredValues(const Scratch &scratch) {
  SmallVector<StoredRows, 2> stored;
  if (!values.pieces.empty())
    stored.push_back(getStored(scratch, values, 0));
  return stored;
}

void SelectedRows::prefetch(const Scratch &scratch, const RowBlock &block) {
  b.forLoop(b.index(0), block.count, 1, [&](Value r) {
    for (const Source *source : {&keys, &values}) {
      if (source->pieces.empty())
        continue;
      for (unsigned i = 0; i < source->getNumStored(); ++i) {
        StoredRows stored = getStored(scratch, *source, i);
        Value start = stored.start(b, b.add(block.begin, r));
        Type type = getElementTypeOrSelf(stored.memref);
        int64_t perLine = 64 / (type.getIntOrFloatBitWidth() / 8);
        b.forLoop(b.index(0), stored.count, perLine, [&](Value element) {
          b.prefetch(stored.memref, b.add(start, element), /*locality=*/2);
        });
      }
    }
  });
}

BlockColumns SelectedRows::getColumns(const Scratch &scratch,
                                      const Source &source, unsigned piece,
                                      const RowBlock &block) {
  BlockColumns columns;
  if (source.inPlace) {
    StoredRows stored = getStored(scratch, source, piece);
    columns.memref = stored.memref;
    columns.count = stored.count;
    columns.start = [start = stored.start,
                     begin = block.begin](KernelBuilder &b, Value r) {
      return start(b, b.add(begin, r));
    };
    return columns;
  }
  Value length = source.paddedElements;
  columns.memref =
      scratch.view(b, source.stagedAt, b.mul(length, options.blockRows),
                   arithmetic.getElementType(b.getContext()));
  columns.count = source.elements;
  columns.start = [length](KernelBuilder &b, Value r) {
    return b.mul(r, length);
  };
  return columns;
}

SmallVector<BlockColumns, 2> SelectedRows::getKeys(const Scratch &scratch,
                                                   const RowBlock &block) {
  SmallVector<BlockColumns, 2> columns;
  unsigned pieces = keys.inPlace ? keys.pieces.size() : 1;
  for (unsigned piece = 0; piece < pieces; ++piece)
    columns.push_back(getColumns(scratch, keys, piece, block));
  return columns;
}

BlockColumns SelectedRows::getValues(const Scratch &scratch,
                                     const RowBlock &block) {
  return getColumns(scratch, set.values ? values : keys, /*piece=*/0, block);
}
