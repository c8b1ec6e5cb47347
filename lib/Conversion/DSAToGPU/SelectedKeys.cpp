//===- SelectedKeys.cpp - The key rows of a query, tile by tile -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectedKeys.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

SmallVector<Value, 3> SelectedKeys::Row::pack() const {
  SmallVector<Value, 3> packed;
  for (Value address : {keys, tail, values})
    if (address)
      packed.push_back(address);
  return packed;
}

SelectedKeys::Row SelectedKeys::Row::unpack(ValueRange packed) const {
  Row row;
  unsigned next = 0;
  for (auto [from, to] : {std::pair(&keys, &row.keys),
                          {&tail, &row.tail},
                          {&values, &row.values}})
    if (*from)
      *to = packed[next++];
  return row;
}

//===----------------------------------------------------------------------===//
// On the host
//===----------------------------------------------------------------------===//

SelectedKeys::SelectedKeys(OpBuilder &host, SparseAttentionOp op,
                           int64_t keysPerTile)
    : keysPerTile(keysPerTile), paged(op.getPaged()) {
  FoldingBuilder b(op.getLoc(), host);
  auto capture = [&](Value memref) {
    return memref ? GlobalTensor(b, b.getLoc(), memref) : GlobalTensor();
  };
  batched = cast<ShapedType>(op.getQuery().getType()).getRank() == 4;
  rowIds = capture(op.getRowIds());
  for (const KeySet &keySet : op.getKeySets()) {
    Set set;
    set.keys = capture(keySet.keys);
    set.tail = capture(keySet.keyTail);
    set.values = capture(keySet.values);
    set.indices = capture(keySet.indices);
    set.counts = capture(keySet.counts);
    set.table = capture(keySet.blockTable);
    set.numSlots = set.indices.getExtent(set.indices.getRank() - 1);
    Value positions = set.keys.getExtent(set.keys.getRank() - 2);
    // Indices are i32: no position above is selected.
    auto limit = [&](Value extent) {
      return b.createOrFold<arith::MinUIOp>(extent, b.index(int64_t(1) << 31));
    };
    if (paged) {
      set.pages = set.keys.getExtent(0);
      Value perRow = set.table ? set.table.getExtent(1) : set.pages;
      positions = b.mul(perRow, set.keys.getExtent(1));
      set.page = limit(set.keys.getExtent(1));
    }
    set.positions = limit(positions);
    sets.push_back(set);
  }
}

void SelectedKeys::forEachRows(
    function_ref<void(const GlobalTensor &, const Twine &)> body) const {
  for (auto [i, set] : llvm::enumerate(sets)) {
    body(set.keys, "keys[" + Twine(i) + "]");
    if (set.tail)
      body(set.tail, "key_tails[" + Twine(i) + "]");
    if (set.values)
      body(set.values, "values[" + Twine(i) + "]");
  }
}

Value SelectedKeys::getMaxTiles(FoldingBuilder &host) const {
  Value tiles = host.index(0);
  for (const Set &set : sets)
    tiles = host.add(tiles, host.ceilDiv(set.numSlots, keysPerTile));
  return tiles;
}

Value SelectedKeys::split(FoldingBuilder &host, Value tiles, bool setsApart) {
  Value one = host.index(1);
  tilesPerSplit = tiles;
  if (!setsApart)
    return host.max(host.ceilDiv(getMaxTiles(host), tiles), one);
  Value count = host.index(0);
  for (Set &set : sets) {
    set.firstSplit = count;
    Value tilesOfSet = host.ceilDiv(set.numSlots, keysPerTile);
    count = host.add(count, host.max(host.ceilDiv(tilesOfSet, tiles), one));
  }
  return count;
}

//===----------------------------------------------------------------------===//
// In the kernel
//===----------------------------------------------------------------------===//

void SelectedKeys::enterRow(Kernel &kernel, Value batch, Value t) {
  DeviceBuilder &b = kernel.device;
  this->batch = batch;
  SmallVector<Value> row = {t};
  if (batched)
    row.insert(row.begin(), batch);
  Value id = batched ? batch : b.i32(0), exists;
  ends.clear();
  for (Set &set : sets) {
    set.limit = b.toI32(kernel.capture(set.numSlots));
    if (set.counts) {
      Value count = b.load(b.getI32Type(), set.counts.at(kernel, row), 4);
      set.limit = b.max(b.min(set.limit, count), b.i32(0));
    }
    if (rowIds && !exists) {
      id = b.load(b.getI32Type(), rowIds.at(kernel, t), 4);
      // Negative ids are large as unsigned numbers.
      exists = b.compare(CmpIPredicate::ult, b.toI64(id),
                         kernel.capture(set.table.getExtent(0)));
      id = b.select(exists, id, b.i32(0));
    }
    if (exists)
      set.limit = b.select(exists, set.limit, b.i32(0));
    set.list = set.indices.at(kernel, row);
    if (set.table)
      set.tableRow = set.table.at(kernel, id);
    Value tiles = b.ceilDiv(set.limit, keysPerTile);
    ends.push_back(ends.empty() ? tiles : b.add(ends.back(), tiles));
  }
}

std::pair<Value, Value> SelectedKeys::getTiles(Kernel &kernel, Value split) {
  DeviceBuilder &b = kernel.device;
  Value perSplit = b.toI32(kernel.capture(tilesPerSplit));
  Value begin = b.i32(0), end = ends.back(), number = split;
  if (sets.front().firstSplit) {
    end = ends.front();
    for (size_t i = 1; i < sets.size(); ++i) {
      Value before = b.toI32(kernel.capture(sets[i].firstSplit));
      Value isHere = b.compare(CmpIPredicate::sge, split, before);
      begin = b.select(isHere, ends[i - 1], begin);
      end = b.select(isHere, ends[i], end);
      number = b.select(isHere, b.sub(split, before), number);
    }
  }
  Value first = b.min(b.add(begin, b.mul(number, perSplit)), end);
  return {first, b.min(b.add(first, perSplit), end)};
}

SelectedKeys::Row SelectedKeys::resolve(Kernel &kernel, Value tile,
                                        Value lastTile, Value slot) {
  DeviceBuilder &b = kernel.device;
  Value exists = b.compare(CmpIPredicate::slt, tile, lastTile);
  // Of a tile behind the last one, the last set has no slot.
  Row model;
  std::function<SmallVector<Value>(unsigned)> resolveFrom =
      [&](unsigned i) -> SmallVector<Value> {
    const Set &set = sets[i];
    auto here = [&] {
      Value inSet = i == 0 ? tile : b.sub(tile, ends[i - 1]);
      Value inRow = b.add(b.mul(inSet, keysPerTile), slot);
      Value inList =
          b.logicalAnd(exists, b.compare(CmpIPredicate::slt, inRow, set.limit));
      model = resolveIn(kernel, set, inRow, inList);
      return SmallVector<Value>(model.pack());
    };
    if (i + 1 == sets.size())
      return here();
    return b.ifElse(b.compare(CmpIPredicate::slt, tile, ends[i]), here,
                    [&] { return resolveFrom(i + 1); });
  };
  SmallVector<Value> packed = resolveFrom(0);
  return model.unpack(packed);
}

SelectedKeys::Row SelectedKeys::resolveIn(Kernel &kernel, const Set &set,
                                          Value slot, Value inList) {
  DeviceBuilder &b = kernel.device;
  Value none =
      LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), 1));
  Row model;
  auto locate = [&]() -> SmallVector<Value> {
    unsigned lastDim = set.indices.getRank() - 1;
    Value place =
        b.mul(b.toI64(slot), kernel.capture(set.indices.getStride(lastDim)));
    Value position = b.load(b.getI32Type(), b.advance(set.list, place), 4);
    Value valid = b.compare(CmpIPredicate::ult, position,
                            b.toI32(kernel.capture(set.positions)));
    SmallVector<Value> at = {position};
    if (paged) {
      Value page = b.toI32(kernel.capture(set.page));
      at = {b.div(position, page), b.rem(position, page)};
      if (set.table) {
        // An entry is read only where there is one.
        Value entry = b.ifElse(
            valid,
            [&] {
              Value offset =
                  b.mul(b.toI64(at[0]), kernel.capture(set.table.getStride(1)));
              return SmallVector<Value>{
                  b.load(b.getI32Type(), b.advance(set.tableRow, offset), 4)};
            },
            [&] { return SmallVector<Value>{b.i32(-1)}; })[0];
        valid = b.compare(CmpIPredicate::ult, b.toI64(entry),
                          kernel.capture(set.pages));
        at[0] = entry;
      }
    } else if (batched) {
      at.insert(at.begin(), batch);
    }
    auto address = [&](const GlobalTensor &tensor) -> Value {
      if (!tensor)
        return Value();
      return b.select(valid, tensor.at(kernel, at), none);
    };
    model = {address(set.keys), address(set.tail), address(set.values)};
    return SmallVector<Value>(model.pack());
  };
  SmallVector<Value> packed = b.ifElse(inList, locate, [&] {
    unsigned count = 1 + bool(set.tail) + bool(set.values);
    return SmallVector<Value>(count, none);
  });
  return model.unpack(packed);
}
