//===- Unpack.cpp - dsa.unpack ------------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void UnpackOp::build(OpBuilder &b, OperationState &state, Value packed,
                     KVLayoutAttr layout, ValueRange inits) {
  SmallVector<Type> results = getTensorTypes(inits);
  build(b, state, results, packed, inits,
        layout.isPaged() ? b.getUnitAttr() : UnitAttr(), layout);
}

void UnpackOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"rows", "scales"}, setName);
}

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool UnpackOp::isBatched() { return false; }

DimTable UnpackOp::getDimTable() {
  DimTable table;
  SourceDims source =
      getSourceDims(table, /*batched=*/false, getPaged(), /*hasTable=*/false,
                    getLayout(), /*columns=*/int64_t(0), /*suffix=*/"",
                    /*pageLabel=*/2);
  table.add(getPackedMutable(), "packed", source.keys, Stride::Unit);
  SmallVector<Dim, 4> rows = source.rows;
  rows.push_back(getLayout().getRowElements());
  table.add(getInitsMutable().slice(0, 1), "rows", rows, Stride::Unit);
  if (getInits().size() == 2) {
    SmallVector<Dim, 4> scales = source.rows;
    if (getLayout().getRowScales() != 1)
      scales.push_back(getLayout().getRowScales());
    table.add(getInitsMutable().slice(1, 1), "scales", scales, Stride::Any);
  }
  return table;
}

SmallVector<Dim, 4> UnpackOp::getIterationDims() {
  return {getPaged() ? Dim("P") : Dim("S")};
}

LogicalResult UnpackOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 1 && getInits().size() != 2)
    return ConstraintError(*this, 2)
           << "expected 1 or 2 inits (rows, optional scales), but got "
           << getInits().size();
  if (failed(verifyLayout(*this, getElementType(getPacked()), getLayout(),
                          getPaged(), "packed", 3)))
    return failure();
  Type rowType = getElementType(getInits()[0]);
  bool raw = isa<Float8E4M3FNType>(rowType);
  if (!raw && !rowType.isF32() && !rowType.isBF16())
    return ConstraintError(*this, 4) << "'rows' are of element type " << rowType
                                     << ", but must be f32, bf16 or f8E4M3FN";
  if (raw != (getInits().size() == 2))
    return ConstraintError(*this, 4)
           << (raw ? "f8E4M3FN 'rows' need 'scales' as a second init"
                   : "'scales' go with f8E4M3FN 'rows' only");
  if (raw) {
    ArrayRef<KVField> fields = getLayout().getFields();
    if (fields.size() != 1 || !fields[0].scaleType ||
        !isa<Float8E4M3FNType>(fields[0].elementType))
      return ConstraintError(*this, 4)
             << "raw rows need a layout of one f8E4M3FN field with scales, but "
                "it is "
             << getLayout();
    if (!getElementType(getInits()[1]).isF32())
      return ConstraintError(*this, 4)
             << "'scales' are of element type " << getElementType(getInits()[1])
             << ", but must be f32";
  }
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//

SmallVector<Value> UnpackOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                                const DecomposeOptions &) {
  KVLayoutAttr layout = getLayout();
  KeyReader reader(b, getPacked(), Value(), Value(), layout, getPaged(),
                   /*batched=*/false);

  // The rows, [page, row in page] or [row], and then a column of one field.
  Value rows = getInits()[0];
  Type rowType = getElementType(rows);
  bool raw = getInits().size() == 2;
  int64_t rank = getRank(rows);
  SmallVector<OpFoldResult> shape = {
      tensor::getMixedSize(b, b.getLoc(), getPacked(), 0)};
  if (getPaged())
    shape.push_back(b.getIndexAttr(layout.getPage()));
  shape.push_back(OpFoldResult());
  for (const Columns &columns : reader.getColumns()) {
    shape.back() = columns.count;
    Value block = generate(b, shape, rowType, [&](ValueRange at) {
      auto [element, scale] = columns.read(at.drop_back(), at.back());
      if (!scale || raw)
        return convertFloat(b, element, rowType);
      Value product = arith::MulFOp::create(
          b, convertFloat(b, element, b.getF32Type()), scale);
      return convertFloat(b, product, rowType);
    });
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
    offsets.back() = columns.start;
    rows = insertSlice(b, block, rows, offsets);
  }
  if (getInits().size() == 1)
    return SmallVector<Value>{rows};

  // Scales of the one field: element g·group of a row has scale g.
  shape.pop_back();
  bool one = layout.hasOneScalePerRow();
  if (!one)
    shape.push_back(b.getIndexAttr(layout.getRowScales()));
  Value group = constantIndex(b, layout.getFields()[0].group);
  Value scales = generate(b, shape, b.getF32Type(), [&](ValueRange at) {
    Value first = one ? constantIndex(b, 0)
                      : Value(arith::MulIOp::create(b, at.back(), group));
    return reader.getColumns()[0].read(one ? at : at.drop_back(), first).second;
  });
  SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0));
  scales = insertSlice(b, scales, getInits()[1], offsets);
  return SmallVector<Value>{rows, scales};
}
