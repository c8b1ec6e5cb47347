//===- OpRules.cpp - Rules that several ops share -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Interface methods of every op
//===----------------------------------------------------------------------===//

SmallVector<Type> dsa::getTensorTypes(ValueRange inits) {
  SmallVector<Type> types;
  for (Type type : inits.getTypes())
    if (isa<RankedTensorType>(type))
      types.push_back(type);
  return types;
}

void dsa::nameResults(Operation *op, ArrayRef<StringRef> names,
                      OpAsmSetValueNameFn setName) {
  for (auto [name, result] : llvm::zip(names, op->getResults()))
    setName(result, name);
}

void dsa::getOperandEffects(
    Operation *op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  auto dst = cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    MemoryEffects::Effect *effect =
        dst.isDpsInit(&operand)
            ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get())
            : MemoryEffects::Read::get();
    effects.emplace_back(effect, &operand, /*stage=*/0,
                         /*effectOnFullRegion=*/true,
                         SideEffects::DefaultResource::get());
  }
}

Speculation::Speculatability dsa::getOperandSpeculatability(Operation *op) {
  return cast<DestinationStyleOpInterface>(op).hasPureTensorSemantics()
             ? Speculation::Speculatable
             : Speculation::NotSpeculatable;
}

LogicalResult dsa::reifyFromDimTable(Operation *op, OpBuilder &b,
                                     ReifiedRankedShapedTypeDims &shapes) {
  auto dst = cast<DestinationStyleOpInterface>(op);
  if (!dst.hasPureTensorSemantics())
    return failure();
  DimTable table = cast<DSAOpInterface>(op).getDimTable();
  Location loc = op->getLoc();
  for (OpOperand &init : dst.getDpsInitsMutable()) {
    const DimRow *row = table.find(init);
    SmallVector<OpFoldResult> &shape = shapes.emplace_back();
    for (auto [i, dim] : llvm::enumerate(row->dims)) {
      int64_t extent = row->getType().getDimSize(i);
      if (!ShapedType::isDynamic(extent)) {
        shape.push_back(b.getIndexAttr(extent));
        continue;
      }
      // The type of the result has this extent dynamic, and reified extents
      // must agree with it: a constant is a value here.
      shape.push_back(getValueOrCreateConstantIndexOp(
          b, loc, createExtent(b, loc, table, dim)));
    }
  }
  return success();
}

FailureOr<SmallVector<Value>> dsa::decompose(OpBuilder &builder,
                                             DSAOpInterface op,
                                             const DecomposeOptions &options) {
  if (!cast<DestinationStyleOpInterface>(op.getOperation())
           .hasPureTensorSemantics())
    return op->emitOpError("can only be decomposed on tensors");
  ImplicitLocOpBuilder b(op->getLoc(), builder);
  return op.decomposeOnTensors(b, options);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

bool dsa::allElements(Attribute constant,
                      function_ref<bool(const APInt &)> holds) {
  // A splat can have more elements than anyone could look at.
  if (auto splat = dyn_cast_if_present<SplatElementsAttr>(constant))
    return isa<DenseIntElementsAttr>(splat) &&
           holds(splat.getSplatValue<APInt>());
  auto elements = dyn_cast_if_present<DenseIntElementsAttr>(constant);
  return elements && llvm::all_of(elements.getValues<APInt>(), holds);
}

bool dsa::allElements(Attribute constant,
                      function_ref<bool(const APFloat &)> holds) {
  if (auto splat = dyn_cast_if_present<SplatElementsAttr>(constant))
    return isa<DenseFPElementsAttr>(splat) &&
           holds(splat.getSplatValue<APFloat>());
  auto elements = dyn_cast_if_present<DenseFPElementsAttr>(constant);
  return elements && llvm::all_of(elements.getValues<APFloat>(), holds);
}

bool dsa::dropIf(bool saysNothing, MutableOperandRange operand) {
  if (!saysNothing || operand.empty())
    return false;
  operand.clear();
  return true;
}

//===----------------------------------------------------------------------===//
// Key sources
//===----------------------------------------------------------------------===//

SourceDims dsa::getSourceDims(DimTable &table, bool batched, bool paged,
                              bool hasTable, KVLayoutAttr layout, Dim columns,
                              const std::string &suffix, unsigned pageLabel) {
  if (!paged) {
    SmallVector<Dim, 4> rows = withBatch(batched, {Dim("S" + suffix)});
    SmallVector<Dim, 4> keys = rows;
    keys.push_back(layout ? Dim(layout.getRecordBytes()) : columns);
    return {rows, keys, Dim("S" + suffix)};
  }
  Dim pages("P" + suffix);
  Dim page = layout ? Dim(layout.getPage()) : Dim("page" + suffix);
  Dim positions = (hasTable ? Dim("N" + suffix) : pages) * page;
  if (layout)
    return {{pages, page}, {pages, Dim(layout.getPageBytes())}, positions};
  table.minimums.push_back({page, 1, pageLabel});
  return {{pages, page}, {pages, page, columns}, positions};
}

SmallVector<Dim, 4> dsa::getTableDims(bool batched, bool hasRowIds,
                                      const std::string &suffix) {
  Dim rows = batched ? Dim("B") : hasRowIds ? Dim("R" + suffix) : Dim(1);
  return {rows, Dim("N" + suffix)};
}

LogicalResult dsa::verifyTableRows(Operation *op, Value table, Value rowIds,
                                   bool batched, StringRef tableName,
                                   StringRef rowIdsName, unsigned label) {
  if (rowIds && !table)
    return ConstraintError(op, label)
           << "'" << rowIdsName << "' need '" << tableName << "'";
  if (rowIds && batched)
    return ConstraintError(op, label)
           << "'" << rowIdsName
           << "' need an op without batch: a batched op reads the table row of "
              "its batch entry";
  if (!table || rowIds || batched)
    return success();
  auto type = cast<ShapedType>(table.getType());
  if (type.getRank() == 2 && !type.isDynamicDim(0) && type.getDimSize(0) != 1)
    return ConstraintError(op, label)
           << "'" << tableName << "' has " << type.getDimSize(0)
           << " rows, but must have 1, or '" << rowIdsName
           << "' to choose among them";
  return success();
}

LogicalResult dsa::verifyLayout(Operation *op, Type keyType,
                                KVLayoutAttr layout, bool paged,
                                const Twine &keysName, unsigned label) {
  bool packed = layout && !layout.isDense();
  if (keyType.isInteger(8) != packed)
    return ConstraintError(op, label)
           << "'" << keysName.str() << "' of element type " << keyType
           << (packed ? " must be i8, as its layout describes packed rows"
                      : " need a layout that describes packed rows");
  if (!packed)
    return success();
  if (layout.isPaged() != paged)
    return ConstraintError(op, label)
           << "the layout of '" << keysName.str() << "' has "
           << (paged ? "no page, but the op is paged"
                     : "a page, but the op is not paged");
  return success();
}

LogicalResult dsa::verifyScoreSource(Operation *op, Value query,
                                     const KeySource &source, bool batched) {
  Type queryType = getElementType(query), keyType = getElementType(source.keys);
  Builder b(op->getContext());
  Type f8 = Float8E4M3FNType::get(op->getContext());
  bool packed = keyType.isInteger(8);
  bool typesAgree = packed          ? queryType.isBF16() || queryType == f8
                    : keyType == f8 ? queryType == f8 || queryType.isBF16()
                                    : queryType == keyType;
  if (!typesAgree)
    return ConstraintError(op, 3)
           << "'query' of element type " << queryType
           << " cannot score 'keys' of element type " << keyType
           << (packed          ? "; bf16 and f8E4M3FN can"
               : keyType == f8 ? "; f8E4M3FN and bf16 can"
                               : "; they must be of one type");

  if (static_cast<bool>(source.queryTail) != static_cast<bool>(source.keyTail))
    return ConstraintError(op, 4)
           << "'query_tail' and 'key_tail' must be given together";
  if (source.keyTail) {
    if (source.layout)
      return ConstraintError(op, 4)
             << "'key_tail' cannot stand beside a packed layout, whose fields "
                "are all columns of the key";
    if (getElementType(source.queryTail) != queryType ||
        getElementType(source.keyTail) != keyType)
      return ConstraintError(op, 4)
             << "'query_tail' and 'key_tail' are "
             << getElementType(source.queryTail) << " and "
             << getElementType(source.keyTail) << ", but must be " << queryType
             << " and " << keyType << " as 'query' and 'keys'";
  }

  if (source.paged != static_cast<bool>(source.blockTable))
    return ConstraintError(op, 5)
           << (source.paged ? "'paged' keys need a 'block_table'"
                            : "'block_table' needs 'paged' keys");

  if (failed(verifyTableRows(op, source.blockTable, source.rowIds, batched,
                             "block_table", "row_ids", 6)))
    return failure();

  auto layout = cast_if_present<KVLayoutAttr>(source.layout);
  if (layout && layout.isDense())
    return ConstraintError(op, 7) << "'layout' cannot be dense: leave it out";
  if (failed(verifyLayout(op, keyType, layout, source.paged, "keys", 7)))
    return failure();

  if (source.keyScale && source.layout)
    return ConstraintError(op, 8)
           << "'key_scale' cannot stand beside a packed layout, which has "
              "scales of its own";
  return success();
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

LogicalResult dsa::verifySelection(Operation *op, int64_t k,
                                   const Translation &translation,
                                   std::optional<int64_t> page, bool batched,
                                   OperandRange inits, unsigned kLabel,
                                   unsigned pageLabel, unsigned rowIdsLabel,
                                   unsigned initsLabel) {
  if (k <= 0 || k > INT32_MAX)
    return ConstraintError(op, kLabel)
           << "k is " << k << ", but must be positive and below 2^31";
  if (static_cast<bool>(translation.table) != page.has_value())
    return ConstraintError(op, pageLabel)
           << "'translate' needs both a table and a page";
  if (page && (*page <= 0 || *page > INT32_MAX))
    return ConstraintError(op, pageLabel)
           << "the page of 'translate' is " << *page
           << ", but must be positive and below 2^31";
  if (failed(verifyTableRows(op, translation.table, translation.rowIds, batched,
                             "translate", "translate_row_ids", rowIdsLabel)))
    return failure();
  const char *names[] = {"indices", "count", "values"};
  for (auto [i, init] : llvm::enumerate(inits)) {
    Type type = getElementType(init);
    if (i == 2 ? !type.isF32() : !type.isInteger(32))
      return ConstraintError(op, initsLabel)
             << "'" << names[i] << "' are of element type " << type
             << ", but must be " << (i == 2 ? "f32" : "i32");
  }
  return success();
}
