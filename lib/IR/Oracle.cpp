//===- Oracle.cpp - What the decompositions are made of -------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value oracle::constantIndex(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}
Value oracle::constantFloat(ImplicitLocOpBuilder &b, Type type, double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}
Value oracle::negativeInfinity(ImplicitLocOpBuilder &b, Type type) {
  return constantFloat(b, type, -std::numeric_limits<double>::infinity());
}
Value oracle::constantI32(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIntOp::create(b, b.getI32Type(), value);
}

Value oracle::convertFloat(ImplicitLocOpBuilder &b, Value value, Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  Type f32 = b.getF32Type();
  if (from == f32) {
    if (type.getIntOrFloatBitWidth() > 32)
      return arith::ExtFOp::create(b, type, value);
    return arith::TruncFOp::create(b, type, value);
  }
  Value single = from.getIntOrFloatBitWidth() > 32
                     ? Value(arith::TruncFOp::create(b, f32, value))
                     : Value(arith::ExtFOp::create(b, f32, value));
  return convertFloat(b, single, type);
}

Value oracle::toIndex(ImplicitLocOpBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

Value oracle::inRange(ImplicitLocOpBuilder &b, Value value, Value bound) {
  // A negative index is a huge unsigned one.
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, value, bound);
}

Value oracle::logicalAnd(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::AndIOp::create(b, lhs, rhs);
}

Value oracle::isNegativeInfinity(ImplicitLocOpBuilder &b, Value value) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, value,
                               negativeInfinity(b, value.getType()));
}

// A position lies in [0,S), so comparing with it clamps the bounds.
Value oracle::inBounds(ImplicitLocOpBuilder &b, Value lo, Value hi,
                       ValueRange row, Value s) {
  Value inside = arith::ConstantIntOp::create(b, b.getI1Type(), 1);
  if (lo)
    inside = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                   toIndex(b, extract(b, lo, row)), s);
  if (hi)
    inside = logicalAnd(b, inside,
                        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, s,
                                              toIndex(b, extract(b, hi, row))));
  return inside;
}

Type oracle::getSumType(ImplicitLocOpBuilder &b,
                        const DecomposeOptions &options) {
  return options.accumulateInF64 ? Type(b.getF64Type()) : b.getF32Type();
}

//===----------------------------------------------------------------------===//
// Tensors and control flow
//===----------------------------------------------------------------------===//

Value oracle::getExtent(ImplicitLocOpBuilder &b, Value tensor, int64_t dim) {
  return getValueOrCreateConstantIndexOp(
      b, b.getLoc(), tensor::getMixedSize(b, b.getLoc(), tensor, dim));
}

Value oracle::extract(ImplicitLocOpBuilder &b, Value tensor, ValueRange at) {
  return tensor::ExtractOp::create(b, tensor, at);
}

Value oracle::empty(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape,
                    Type type) {
  return tensor::EmptyOp::create(b, shape, type);
}

Value oracle::filled(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape,
                     Value value) {
  return linalg::FillOp::create(b, value, empty(b, shape, value.getType()))
      .getResult(0);
}

SmallVector<Value>
oracle::forLoop(ImplicitLocOpBuilder &b, Value bound, ValueRange carried,
                function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      b, constantIndex(b, 0), bound, constantIndex(b, 1), carried,
      [&](OpBuilder &, Location, Value i, ValueRange carried) {
        scf::YieldOp::create(b, body(i, carried));
      });
  return loop.getResults();
}

Value oracle::select(ImplicitLocOpBuilder &b, Value condition,
                     function_ref<Value()> then, Value otherwise) {
  auto conditional = scf::IfOp::create(
      b, condition,
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, then()); },
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, otherwise); });
  return conditional.getResult(0);
}

Value oracle::generate(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> shape,
                       Type elementType,
                       function_ref<Value(ValueRange)> element) {
  int64_t rank = shape.size();
  Value init = empty(b, shape, elementType);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, init.getType(), ValueRange(), init,
      ArrayRef<AffineMap>(b.getMultiDimIdentityMap(rank)), iterators,
      [&](OpBuilder &, Location, ValueRange) {
        SmallVector<Value> indices;
        for (int64_t i = 0; i < rank; ++i)
          indices.push_back(linalg::IndexOp::create(b, i));
        linalg::YieldOp::create(b, element(indices));
      });
  return op.getResult(0);
}

SmallVector<Value> oracle::getRowExtents(ImplicitLocOpBuilder &b, Value tensor,
                                         bool batched) {
  SmallVector<Value> extents;
  for (int64_t i = 0; i < (batched ? 2 : 1); ++i)
    extents.push_back(getExtent(b, tensor, i));
  return extents;
}

SmallVector<Value> oracle::forEachRow(
    ImplicitLocOpBuilder &b, ValueRange rowExtents, ValueRange inits,
    function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<Value> row;
  std::function<SmallVector<Value>(ValueRange)> nest =
      [&](ValueRange results) -> SmallVector<Value> {
    if (row.size() == rowExtents.size())
      return body(row, results);
    return forLoop(b, rowExtents[row.size()], results,
                   [&](Value i, ValueRange carried) {
                     row.push_back(i);
                     SmallVector<Value> next = nest(carried);
                     row.pop_back();
                     return next;
                   });
  };
  return nest(inits);
}

/// Upstream's verifier takes no slice of a dimension that is statically empty,
/// not even an empty one; there is nothing to move then.
static bool isStaticallyEmpty(ArrayRef<OpFoldResult> sizes) {
  return llvm::any_of(
      sizes, [](OpFoldResult size) { return isConstantIntValue(size, 0); });
}

Value oracle::insertSlice(ImplicitLocOpBuilder &b, Value slice, Value tensor,
                          ArrayRef<OpFoldResult> offsets) {
  // The extents of the slice, whose type may know more than the tensor's.
  SmallVector<OpFoldResult> extents =
      tensor::getMixedSizes(b, b.getLoc(), slice);
  if (isStaticallyEmpty(extents) ||
      isStaticallyEmpty(tensor::getMixedSizes(b, b.getLoc(), tensor)))
    return tensor;
  SmallVector<OpFoldResult> sizes(offsets.size() - extents.size(),
                                  b.getIndexAttr(1));
  llvm::append_range(sizes, extents);
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, slice, tensor, offsets, sizes,
                                       strides);
}

Value oracle::extractSlice(ImplicitLocOpBuilder &b, Value tensor,
                           ArrayRef<OpFoldResult> sizes) {
  Type elementType = getElementTypeOrSelf(tensor.getType());
  if (isStaticallyEmpty(sizes))
    return empty(b, sizes, elementType);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, tensor, offsets, sizes, strides);
}

Value oracle::extractRow(ImplicitLocOpBuilder &b, Value tensor,
                         ValueRange row) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> extents =
      tensor::getMixedSizes(b, b.getLoc(), tensor);
  ArrayRef<OpFoldResult> rowExtents = ArrayRef(extents).drop_front(row.size());
  if (isStaticallyEmpty(extents))
    return empty(b, rowExtents, type.getElementType());
  SmallVector<OpFoldResult> offsets = getAsOpFoldResult(row);
  offsets.append(rowExtents.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes(row.size(), b.getIndexAttr(1));
  llvm::append_range(sizes, rowExtents);
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  auto rowType = RankedTensorType::get(type.getShape().drop_front(row.size()),
                                       type.getElementType());
  return tensor::ExtractSliceOp::create(b, rowType, tensor, offsets, sizes,
                                        strides);
}

Value oracle::insertRow(ImplicitLocOpBuilder &b, Value slice, Value tensor,
                        ValueRange row) {
  SmallVector<OpFoldResult> offsets = getAsOpFoldResult(row);
  offsets.append(cast<RankedTensorType>(slice.getType()).getRank(),
                 b.getIndexAttr(0));
  return insertSlice(b, slice, tensor, offsets);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

TableRow oracle::getTableRow(ImplicitLocOpBuilder &b, Value table, Value rowIds,
                             ValueRange row, bool batched) {
  Value isValid = arith::ConstantIntOp::create(b, b.getI1Type(), 1);
  if (!table)
    return {constantIndex(b, 0), isValid};
  if (batched)
    return {row[0], isValid};
  if (!rowIds)
    return {constantIndex(b, 0), isValid};
  Value id = toIndex(b, extract(b, rowIds, row));
  return {id, inRange(b, id, getExtent(b, table, 0))};
}

//===----------------------------------------------------------------------===//
// Key rows
//===----------------------------------------------------------------------===//

Value oracle::readBytes(ImplicitLocOpBuilder &b, Value packed,
                        ValueRange coordinates, Value byte, Type type) {
  int64_t bytes = type.getIntOrFloatBitWidth() / 8;
  Type integer = b.getIntegerType(bytes * 8);
  Value bits;
  for (int64_t i = 0; i < bytes; ++i) {
    SmallVector<Value> at(coordinates);
    at.push_back(arith::AddIOp::create(b, byte, constantIndex(b, i)));
    Value code = extract(b, packed, at);
    if (bytes == 1)
      return arith::BitcastOp::create(b, type, code);
    Value wide = arith::ExtUIOp::create(b, integer, code);
    if (i)
      wide = arith::ShLIOp::create(
          b, wide, arith::ConstantIntOp::create(b, integer, 8 * i));
    bits = bits ? Value(arith::OrIOp::create(b, bits, wide)) : wide;
  }
  return arith::BitcastOp::create(b, type, bits);
}

KeyReader::KeyReader(ImplicitLocOpBuilder &b, Value keys, Value tail,
                     Value table, KVLayoutAttr layout, bool paged, bool batched)
    : b(b), keys(keys), table(table), layout(layout), paged(paged),
      batched(batched) {
  if (paged) {
    page = layout ? constantIndex(b, layout.getPage()) : getExtent(b, keys, 1);
    numPages = getExtent(b, keys, 0);
    Value blocks = table ? getExtent(b, table, 1) : numPages;
    numPositions = b.createOrFold<arith::MulIOp>(blocks, page);
  } else {
    numPositions = getExtent(b, keys, batched ? 1 : 0);
  }
  if (layout) {
    int64_t start = 0;
    for (auto [i, field] : llvm::enumerate(layout.getFields())) {
      addField(i, start);
      start += field.count;
    }
    return;
  }
  addPiece(keys, b.getIndexAttr(0));
  if (tail)
    addPiece(tail, columns[0].count);
}

void KeyReader::addPiece(Value piece, OpFoldResult start) {
  int64_t last = cast<RankedTensorType>(piece.getType()).getRank() - 1;
  OpFoldResult count = tensor::getMixedSize(b, b.getLoc(), piece, last);
  columns.push_back(
      {start, count, [this, piece](ValueRange coordinates, Value column) {
         SmallVector<Value> at(coordinates);
         at.push_back(column);
         return std::pair(extract(b, piece, at), Value());
       }});
}

void KeyReader::addField(unsigned field, int64_t start) {
  const KVField &f = layout.getFields()[field];
  auto read = [this, field, f](ValueRange coordinates, Value column) {
    // Pages are addressed by [page, row in page], flat rows by [.., row].
    Value rowInPage = paged ? coordinates.back() : constantIndex(b, 0);
    SmallVector<Value> at(paged ? coordinates.drop_back() : coordinates);
    KVLocation location =
        layout.locate(field, b.getAffineDimExpr(0), b.getAffineDimExpr(1));
    auto expand = [&](AffineExpr expr) {
      return affine::expandAffineExpr(b, b.getLoc(), expr, {rowInPage, column},
                                      ValueRange());
    };
    Value element =
        readBytes(b, keys, at, expand(location.element), f.elementType);
    Value scale;
    if (f.scaleType)
      scale = convertFloat(
          b, readBytes(b, keys, at, expand(location.scale), f.scaleType),
          b.getF32Type());
    return std::pair(element, scale);
  };
  columns.push_back({b.getIndexAttr(start), b.getIndexAttr(f.count), read});
}

Value KeyReader::readRow(const TableRow &tableRow, ValueRange row,
                         Value position, function_ref<Value(ValueRange)> then,
                         Value otherwise) const {
  Value exists =
      logicalAnd(b, tableRow.valid, inRange(b, position, numPositions));
  return select(
      b, exists,
      [&]() -> Value {
        if (!paged) {
          SmallVector<Value> coordinates;
          if (batched)
            coordinates.push_back(row[0]);
          coordinates.push_back(position);
          return then(coordinates);
        }
        Value block = arith::DivUIOp::create(b, position, page);
        Value offset = arith::RemUIOp::create(b, position, page);
        if (!table)
          return then(ValueRange{block, offset});
        Value entry = toIndex(b, extract(b, table, {tableRow.index, block}));
        return select(
            b, inRange(b, entry, numPages),
            [&] { return then(ValueRange{entry, offset}); }, otherwise);
      },
      otherwise);
}
