//===- SparseAttention.cpp - dsa.sparse_attention -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"
#include "Oracle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::oracle;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

void SparseAttentionOp::build(OpBuilder &b, OperationState &state, Value query,
                              ArrayRef<KeySet> sets, APFloat scale, int64_t dv,
                              ValueRange inits, Value sink, Value queryTail,
                              Value rowIds, bool paged, Type computeType) {
  SmallVector<Type> results = getTensorTypes(inits);
  SmallVector<Value> keys, tails, values, tables, indices, counts;
  SmallVector<Attribute> layouts;
  bool anyPacked = false;
  auto append = [](SmallVectorImpl<Value> &list, Value value) {
    if (value)
      list.push_back(value);
  };
  for (const KeySet &set : sets) {
    append(keys, set.keys);
    append(tails, set.keyTail);
    append(values, set.values);
    append(tables, set.blockTable);
    append(indices, set.indices);
    append(counts, set.counts);
    anyPacked |= static_cast<bool>(set.layout);
    layouts.push_back(set.layout ? set.layout
                                 : KVLayoutAttr::getDense(b.getContext()));
  }
  build(b, state, results, query, queryTail, keys, tails, values, tables,
        rowIds, indices, counts, sink, inits,
        b.getFloatAttr(b.getF32Type(), scale), b.getI64IntegerAttr(dv),
        paged ? b.getUnitAttr() : UnitAttr(),
        anyPacked ? b.getArrayAttr(layouts) : ArrayAttr(),
        computeType ? TypeAttr::get(computeType) : TypeAttr());
}

SmallVector<KeySet> SparseAttentionOp::getKeySets() {
  auto at = [](OperandRange range, unsigned i) {
    return i < range.size() ? range[i] : Value();
  };
  SmallVector<KeySet> sets;
  for (unsigned i = 0, e = getKeys().size(); i < e; ++i) {
    KeySet set;
    set.keys = getKeys()[i];
    set.indices = at(getIndices(), i);
    set.counts = at(getCounts(), i);
    set.values = at(getValues(), i);
    set.keyTail = at(getKeyTails(), i);
    set.blockTable = at(getBlockTables(), i);
    if (ArrayAttr layouts = getLayoutsAttr(); layouts && i < layouts.size())
      if (auto layout = cast<KVLayoutAttr>(layouts[i]); !layout.isDense())
        set.layout = layout;
    sets.push_back(set);
  }
  return sets;
}

Type SparseAttentionOp::getComputeElementType() {
  if (std::optional<Type> type = getComputeType())
    return *type;
  return getElementType(getQuery());
}

void SparseAttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameResults(*this, {"out", "lse"}, setName);
}

//===----------------------------------------------------------------------===//
// Verification and shapes
//===----------------------------------------------------------------------===//

bool SparseAttentionOp::isBatched() { return getRank(getQuery()) == 4; }

DimTable SparseAttentionOp::getDimTable() {
  DimTable table;
  bool batched = isBatched(), hasTables = !getBlockTables().empty();
  SmallVector<KeySet> sets = getKeySets();
  Dim dv(static_cast<int64_t>(getDv()));

  // Packed sets fix the width of the query, and with it that of dense ones.
  Dim columns = getQueryTail() ? Dim("D1") : Dim("Dk");
  for (const KeySet &set : sets)
    if (auto layout = cast_if_present<KVLayoutAttr>(set.layout))
      columns = Dim(layout.getRowElements());
  table.add(getQueryMutable(), "query", withBatch(batched, {"T", "H", columns}),
            Stride::Unit);
  table.add(getQueryTailMutable(), "query_tail",
            withBatch(batched, {"T", "H", "D2"}), Stride::Unit);
  if (getValues().empty())
    table.minimums.push_back({columns, static_cast<int64_t>(getDv()), 11});

  std::vector<SourceDims> sources;
  for (auto [i, set] : llvm::enumerate(sets))
    sources.push_back(getSourceDims(table, batched, getPaged(), hasTables,
                                    cast_if_present<KVLayoutAttr>(set.layout),
                                    columns, std::to_string(i),
                                    /*pageLabel=*/2));
  auto rowsWith = [&](unsigned i, Dim last) {
    SmallVector<Dim, 4> dims = sources[i].rows;
    dims.push_back(last);
    return dims;
  };
  auto numbered = [](const char *symbol, unsigned i) {
    return Dim(symbol + std::to_string(i));
  };
  table.addPerSet(
      getKeysMutable(), "keys", [&](unsigned i) { return sources[i].keys; },
      Stride::Unit);
  table.addPerSet(
      getKeyTailsMutable(), "key_tails",
      [&](unsigned i) { return rowsWith(i, "D2"); }, Stride::Unit);
  table.addPerSet(
      getValuesMutable(), "values", [&](unsigned i) { return rowsWith(i, dv); },
      Stride::Unit);
  table.addPerSet(
      getBlockTablesMutable(), "block_tables",
      [&](unsigned i) {
        // One list of row ids serves all tables, so they have its R rows.
        SmallVector<Dim, 4> dims = getTableDims(
            batched, static_cast<bool>(getRowIds()), std::to_string(i));
        if (getRowIds())
          dims[0] = "R";
        return dims;
      },
      Stride::Unit);
  table.add(getRowIdsMutable(), "row_ids", {"T"}, Stride::Any);
  table.addPerSet(
      getIndicesMutable(), "indices",
      [&](unsigned i) { return withBatch(batched, {"T", numbered("K", i)}); },
      Stride::Unit);
  table.addPerSet(
      getCountsMutable(), "counts",
      [&](unsigned) { return withBatch(batched, {"T"}); }, Stride::Any);
  for (unsigned i = 0, e = getCounts().size(); i < e; ++i)
    table.setPositions(getCountsMutable().slice(i, 1), numbered("K", i));
  table.add(getSinkMutable(), "sink", {"H"}, Stride::Any);
  table.add(getInitsMutable().slice(0, 1), "out",
            withBatch(batched, {"T", "H", dv}), Stride::Unit);
  table.add(getInitsMutable().slice(1, 1), "lse",
            withBatch(batched, {"T", "H"}), Stride::Any);
  return table;
}

/// C3: groups are empty or have one operand per key set.
static LogicalResult verifyGroups(SparseAttentionOp op) {
  size_t sets = op.getKeys().size();
  if (sets == 0)
    return ConstraintError(op, 3) << "expected at least one key set";
  if (op.getIndices().size() != sets)
    return ConstraintError(op, 3) << "got " << op.getIndices().size()
                                  << " 'indices' for " << sets << " key sets";
  std::pair<StringRef, size_t> groups[] = {
      {"counts", op.getCounts().size()},
      {"values", op.getValues().size()},
      {"block_tables", op.getBlockTables().size()},
      {"key_tails", op.getKeyTails().size()},
      {"layouts", op.getLayouts() ? op.getLayoutsAttr().size() : 0}};
  for (auto [name, size] : groups)
    if (size != 0 && size != sets)
      return ConstraintError(op, 3)
             << "got " << size << " '" << name << "' for " << sets
             << " key sets; give none or one per set";
  if (op.getLayouts() && op.getLayoutsAttr().empty())
    return ConstraintError(op, 3) << "'layouts' are empty: leave them out";
  return success();
}

/// C4, C5, C8, C9: what one key set may be.
static LogicalResult verifyKeySet(SparseAttentionOp op, unsigned i,
                                  const KeySet &set) {
  Type queryType = getElementType(op.getQuery());
  Type keyType = getElementType(set.keys);
  bool narrow = keyType.isInteger(8) || isa<Float8E4M3FNType>(keyType);
  if (narrow ? !queryType.isBF16() : queryType != keyType)
    return ConstraintError(op, 4)
           << "'query' of element type " << queryType << " and 'keys[" << i
           << "]' of element type " << keyType << " do not go together; "
           << (narrow ? "these keys need a bf16 query"
                      : "they must be of one type");
  if (set.keyTail) {
    if (set.layout)
      return ConstraintError(op, 5)
             << "'key_tails[" << i
             << "]' cannot stand beside a packed layout, whose fields are all "
                "columns of the key";
    if (getElementType(set.keyTail) != keyType)
      return ConstraintError(op, 5)
             << "'key_tails[" << i << "]' are of element type "
             << getElementType(set.keyTail) << ", but their keys of "
             << keyType;
  }
  if (failed(verifyLayout(op, keyType,
                          cast_if_present<KVLayoutAttr>(set.layout),
                          op.getPaged(), "keys[" + Twine(i) + "]", 8)))
    return failure();
  if (set.values) {
    if (set.layout)
      return ConstraintError(op, 9)
             << "'values[" << i
             << "]' cannot stand beside a packed layout, whose rows hold the "
                "values";
    if (getElementType(set.values) != keyType)
      return ConstraintError(op, 9)
             << "'values[" << i << "]' are of element type "
             << getElementType(set.values) << ", but their keys of " << keyType;
  }
  return success();
}

SmallVector<Dim, 4> SparseAttentionOp::getIterationDims() {
  return withBatch(isBatched(), {"T", "H"});
}

LogicalResult SparseAttentionOp::verify() {
  if (failed(verifyOneKind(*this)))
    return failure();
  if (getInits().size() != 2)
    return ConstraintError(*this, 2)
           << "expected 2 inits (out, lse), but got " << getInits().size();
  if (getRank(getQuery()) != 3 && getRank(getQuery()) != 4)
    return ConstraintError(*this, 2)
           << "'query' must have shape TxHxDk or BxTxHxDk, but is "
           << getQuery().getType();
  if (failed(verifyGroups(*this)))
    return failure();
  Type queryType = getElementType(getQuery());
  if (!isa<Float32Type, Float16Type, BFloat16Type>(queryType))
    return ConstraintError(*this, 4)
           << "'query' is of element type " << queryType
           << ", but must be f32, f16 or bf16";
  if (static_cast<bool>(getQueryTail()) != !getKeyTails().empty())
    return ConstraintError(*this, 5)
           << "'query_tail' and 'key_tails' must be given together";
  if (getQueryTail() && getElementType(getQueryTail()) != queryType)
    return ConstraintError(*this, 5) << "'query_tail' is of element type "
                                     << getElementType(getQueryTail())
                                     << ", but 'query' of " << queryType;
  SmallVector<KeySet> sets = getKeySets();
  for (auto [i, set] : llvm::enumerate(sets))
    if (failed(verifyKeySet(*this, i, set)))
      return failure();

  if (!getBlockTables().empty() && !getPaged())
    return ConstraintError(*this, 6) << "'block_tables' need 'paged' keys";
  if (getPaged() && getBlockTables().empty() && isBatched())
    return ConstraintError(*this, 6)
           << "'paged' keys without 'block_tables' need an op without batch: "
              "slots belong to one pool";
  if (getBlockTables().empty() &&
      failed(verifyTableRows(*this, Value(), getRowIds(), isBatched(),
                             "block_tables", "row_ids", 7)))
    return failure();
  for (auto [i, blockTable] : llvm::enumerate(getBlockTables()))
    if (failed(verifyTableRows(*this, blockTable, getRowIds(), isBatched(),
                               "block_tables[" + std::to_string(i) + "]",
                               "row_ids", 7)))
      return failure();

  if (!getScale().isFinite() || getScale().isNegative() ||
      getScale().isZero()) {
    ConstraintError error(*this, 10);
    SmallString<16> text;
    getScale().toString(text);
    return error << "scale is " << text << ", but must be finite and positive";
  }
  int64_t dv = getDv();
  if (dv < 0 || dv > INT32_MAX)
    return ConstraintError(*this, 11)
           << "dv is " << dv << ", but must be in [0, 2^31)";
  if (Type type = getComputeElementType();
      !isa<Float32Type, Float16Type, BFloat16Type>(type))
    return ConstraintError(*this, 12)
           << "compute_type is " << type << ", but must be f32, f16 or bf16";
  Type outType = getElementType(getInits()[0]);
  if (!outType.isF32() && outType != queryType)
    return ConstraintError(*this, 13)
           << "'out' is of element type " << outType
           << ", but must be f32 or as 'query' " << queryType;
  if (!getElementType(getInits()[1]).isF32())
    return ConstraintError(*this, 13)
           << "'lse' is of element type " << getElementType(getInits()[1])
           << ", but must be f32";
  // Packed sets of different widths cannot serve one query.
  std::optional<int64_t> width;
  for (auto [i, set] : llvm::enumerate(sets)) {
    auto layout = cast_if_present<KVLayoutAttr>(set.layout);
    if (!layout)
      continue;
    int64_t elements = layout.getRowElements();
    if (width && *width != elements)
      return ConstraintError(*this, 2)
             << "rows of 'keys[" << i << "]' have " << elements
             << " elements, but those of an earlier packed set " << *width;
    if (dv > elements)
      return ConstraintError(*this, 11)
             << "dv is " << dv << ", but rows of 'keys[" << i << "]' have "
             << elements << " elements";
    width = elements;
  }
  return verifyDimTable(*this, getDimTable(), 2);
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult SparseAttentionOp::fold(FoldAdaptor adaptor,
                                      SmallVectorImpl<OpFoldResult> &) {
  bool dropped = dropEmptySink(*this, adaptor);
  // Counts are given for all sets or none, so they go together.
  bool allSlots = true;
  for (auto [counts, indices] : llvm::zip(adaptor.getCounts(), getIndices())) {
    int64_t slots = cast<ShapedType>(indices.getType()).getShape().back();
    allSlots &= !ShapedType::isDynamic(slots) &&
                allElements(counts, [&](const APInt &count) {
                  return count.getSExtValue() >= slots;
                });
  }
  return success(dropIf(allSlots, getCountsMutable()) || dropped);
}

//===----------------------------------------------------------------------===//
// Decomposition
//===----------------------------------------------------------------------===//
//
// A row is attended in three steps: the selected key rows, and value rows if
// they lie elsewhere, are gathered, rounded to the compute type, with a mask of
// the slots that are valid; the softmax of each head; the weighted sum. Rounded
// elements are held as f32, in which they are exact.

namespace {
/// What is gathered for one row; C is the number of slots of all sets.
struct Gathered {
  Value keys;   // C x D f32, 0 where not valid
  Value values; // C x Dv f32, 0 where not valid
  Value valid;  // C i1
};

struct RowAttention {
  ImplicitLocOpBuilder &b;
  SparseAttentionOp op;
  ArrayRef<KeySet> sets;
  ArrayRef<std::unique_ptr<KeyReader>> keyReaders, valueReaders;
  Type computeType, sumType;
  ValueRange row;

  Value rounded(Value value);
  Value queryRow();
  Value gatherSet(const KeyReader &reader, const KeySet &set, Value valid,
                  OpFoldResult slotStart, Value gathered);
  Value validSlots(const KeyReader &reader, const KeySet &set);
  Gathered gather();
  Value reduce(Value init, ValueRange inputs, ArrayRef<AffineMap> maps,
               function_ref<Value(ValueRange)> body);
  SmallVector<Value> attend(ValueRange results);
};
} // namespace

static OpFoldResult add(ImplicitLocOpBuilder &b, OpFoldResult x,
                        OpFoldResult y) {
  std::optional<int64_t> constantX = getConstantIntValue(x);
  std::optional<int64_t> constantY = getConstantIntValue(y);
  if (constantX && constantY)
    return b.getIndexAttr(*constantX + *constantY);
  return b.createOrFold<arith::AddIOp>(
      getValueOrCreateConstantIndexOp(b, b.getLoc(), x),
      getValueOrCreateConstantIndexOp(b, b.getLoc(), y));
}

/// `value` rounded to the compute type, as f32.
Value RowAttention::rounded(Value value) {
  return convertFloat(b, convertFloat(b, value, computeType), b.getF32Type());
}

/// The query of the row, H x D f32, both pieces in one.
Value RowAttention::queryRow() {
  SmallVector<Value> pieces;
  SmallVector<OpFoldResult> starts;
  OpFoldResult width = b.getIndexAttr(0);
  for (Value query : {op.getQuery(), op.getQueryTail()}) {
    if (!query)
      continue;
    Value slice = extractRow(b, query, row);
    pieces.push_back(generate(
        b, tensor::getMixedSizes(b, b.getLoc(), slice), b.getF32Type(),
        [&](ValueRange at) { return rounded(extract(b, slice, at)); }));
    starts.push_back(width);
    width = add(b, width, tensor::getMixedSize(b, b.getLoc(), slice, 1));
  }
  if (pieces.size() == 1)
    return pieces[0];
  Value whole =
      empty(b, {tensor::getMixedSize(b, b.getLoc(), pieces[0], 0), width},
            b.getF32Type());
  for (auto [piece, start] : llvm::zip_equal(pieces, starts))
    whole = insertSlice(b, piece, whole, {b.getIndexAttr(0), start});
  return whole;
}

/// Which slots of a set count and name a valid row.
Value RowAttention::validSlots(const KeyReader &reader, const KeySet &set) {
  Value yes = arith::ConstantIntOp::create(b, b.getI1Type(), 1);
  Value no = arith::ConstantIntOp::create(b, b.getI1Type(), 0);
  Value indices = extractRow(b, set.indices, row);
  TableRow tableRow =
      getTableRow(b, set.blockTable, op.getRowIds(), row, op.isBatched());
  return generate(
      b, tensor::getMixedSize(b, b.getLoc(), indices, 0), b.getI1Type(),
      [&](ValueRange slot) {
        Value counts = yes;
        if (set.counts)
          counts =
              arith::CmpIOp::create(b, arith::CmpIPredicate::slt, slot[0],
                                    toIndex(b, extract(b, set.counts, row)));
        Value position = toIndex(b, extract(b, indices, slot));
        return select(
            b, counts,
            [&] {
              return reader.readRow(
                  tableRow, row, position, [&](ValueRange) { return yes; }, no);
            },
            no);
      });
}

/// `gathered` with the rows that the slots of a set name, from slot `slotStart`
/// on: each element times its scale in f32, rounded once to the compute type.
Value RowAttention::gatherSet(const KeyReader &reader, const KeySet &set,
                              Value valid, OpFoldResult slotStart,
                              Value gathered) {
  Value zero = constantFloat(b, b.getF32Type(), 0.0);
  Value indices = extractRow(b, set.indices, row);
  OpFoldResult slots = tensor::getMixedSize(b, b.getLoc(), indices, 0);
  TableRow tableRow =
      getTableRow(b, set.blockTable, op.getRowIds(), row, op.isBatched());
  for (const Columns &columns : reader.getColumns()) {
    Value block =
        generate(b, {slots, columns.count}, b.getF32Type(), [&](ValueRange at) {
          auto element = [&](ValueRange coordinates) {
            auto [stored, scale] = columns.read(coordinates, at[1]);
            if (!scale)
              return rounded(stored);
            Value product = arith::MulFOp::create(
                b, convertFloat(b, stored, b.getF32Type()), scale);
            return rounded(product);
          };
          return select(
              b, extract(b, valid, at[0]),
              [&] {
                Value position = toIndex(b, extract(b, indices, at[0]));
                return reader.readRow(tableRow, row, position, element, zero);
              },
              zero);
        });
    gathered = insertSlice(b, block, gathered, {slotStart, columns.start});
  }
  return gathered;
}

Gathered RowAttention::gather() {
  OpFoldResult slots = b.getIndexAttr(0);
  for (const KeySet &set : sets)
    slots = add(b, slots,
                tensor::getMixedSize(b, b.getLoc(), set.indices,
                                     static_cast<int64_t>(row.size())));
  const Columns &last = keyReaders[0]->getColumns().back();
  OpFoldResult width = add(b, last.start, last.count);
  OpFoldResult dv = b.getIndexAttr(op.getDv());
  bool separate = !op.getValues().empty();

  Gathered all;
  all.valid = empty(b, slots, b.getI1Type());
  all.keys = empty(b, {slots, width}, b.getF32Type());
  if (separate)
    all.values = empty(b, {slots, dv}, b.getF32Type());
  OpFoldResult start = b.getIndexAttr(0);
  for (auto [i, set] : llvm::enumerate(sets)) {
    Value valid = validSlots(*keyReaders[i], set);
    OpFoldResult count = tensor::getMixedSize(b, b.getLoc(), valid, 0);
    all.keys = gatherSet(*keyReaders[i], set, valid, start, all.keys);
    if (separate)
      all.values = gatherSet(*valueReaders[i], set, valid, start, all.values);
    all.valid = insertSlice(b, valid, all.valid, start);
    start = add(b, start, count);
  }
  if (!separate)
    all.values = extractSlice(b, all.keys, {slots, dv});
  return all;
}

/// `body(inputs..., result)` accumulated over the dimensions that the map of
/// the result, the last of `maps`, leaves out.
Value RowAttention::reduce(Value init, ValueRange inputs,
                           ArrayRef<AffineMap> maps,
                           function_ref<Value(ValueRange)> body) {
  AffineMap resultMap = maps.back();
  SmallVector<utils::IteratorType> iterators;
  for (unsigned i = 0; i < resultMap.getNumDims(); ++i)
    iterators.push_back(resultMap.isFunctionOfDim(i)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  auto op = linalg::GenericOp::create(
      b, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &, Location, ValueRange arguments) {
        linalg::YieldOp::create(b, body(arguments));
      });
  return op.getResult(0);
}

SmallVector<Value> RowAttention::attend(ValueRange results) {
  MLIRContext *context = b.getContext();
  AffineExpr d0, d1, d2;
  bindDims(context, d0, d1, d2);
  auto map = [&](unsigned dims, ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(dims, 0, exprs, context);
  };
  Value query = queryRow();
  Gathered gathered = gather();
  OpFoldResult heads = tensor::getMixedSize(b, b.getLoc(), query, 0);
  OpFoldResult slots = tensor::getMixedSize(b, b.getLoc(), gathered.valid, 0);
  Value zero = constantFloat(b, sumType, 0.0);
  Value minusInfinity = negativeInfinity(b, sumType);
  // The attribute is an f32; in f64 it stands for that very number.
  Value scale = constantFloat(b, sumType, op.getScale().convertToFloat());

  // dots[h,c] = sum_d q[h,d] k[c,d]
  Value dots = reduce(filled(b, {heads, slots}, zero), {query, gathered.keys},
                      {map(3, {d0, d2}), map(3, {d1, d2}), map(3, {d0, d1})},
                      [&](ValueRange v) {
                        Value product = arith::MulFOp::create(
                            b, convertFloat(b, v[0], sumType),
                            convertFloat(b, v[1], sumType));
                        return arith::AddFOp::create(b, v[2], product);
                      });
  // z[h,c] = scale dots[h,c], -inf where not valid
  Value logits = generate(b, {heads, slots}, sumType, [&](ValueRange at) {
    Value z = arith::MulFOp::create(b, scale, extract(b, dots, at));
    return arith::SelectOp::create(b, extract(b, gathered.valid, at[1]), z,
                                   minusInfinity);
  });
  // max[h], NaN if a logit is; 0 in its place where there is nothing to weigh.
  Value maxima = reduce(
      filled(b, heads, minusInfinity), logits, {map(2, {d0, d1}), map(2, {d0})},
      [&](ValueRange v) { return arith::MaximumFOp::create(b, v[1], v[0]); });
  auto isEmpty = [&](Value h) {
    return isNegativeInfinity(b, extract(b, maxima, h));
  };
  auto shift = [&](Value h) -> Value {
    return arith::SelectOp::create(b, isEmpty(h), zero, extract(b, maxima, h));
  };
  // p[h,c] = exp(z[h,c] - max[h])
  Value weights = generate(b, {heads, slots}, sumType, [&](ValueRange at) {
    return math::ExpOp::create(
        b, arith::SubFOp::create(b, extract(b, logits, at), shift(at[0])));
  });
  Value sums = reduce(
      filled(b, heads, zero), weights, {map(2, {d0, d1}), map(2, {d0})},
      [&](ValueRange v) { return arith::AddFOp::create(b, v[1], v[0]); });
  // o[h,v] = sum_c p[h,c] v[c,v], over the slots that are valid
  OpFoldResult dv = b.getIndexAttr(op.getDv());
  Value weighted = reduce(
      filled(b, {heads, dv}, zero), {weights, gathered.values, gathered.valid},
      {map(3, {d0, d2}), map(3, {d2, d1}), map(3, {d2}), map(3, {d0, d1})},
      [&](ValueRange v) {
        Value product =
            arith::MulFOp::create(b, v[0], convertFloat(b, v[1], sumType));
        Value sum = arith::AddFOp::create(b, v[3], product);
        return arith::SelectOp::create(b, v[2], sum, v[3]);
      });

  Type outType = getElementTypeOrSelf(results[0].getType());
  Value out = generate(b, {heads, dv}, outType, [&](ValueRange at) {
    Value denominator = extract(b, sums, at[0]);
    if (op.getSink()) {
      Value sink = convertFloat(b, extract(b, op.getSink(), at[0]), sumType);
      Value weight =
          math::ExpOp::create(b, arith::SubFOp::create(b, sink, shift(at[0])));
      denominator = arith::AddFOp::create(b, denominator, weight);
    }
    Value quotient =
        arith::DivFOp::create(b, extract(b, weighted, at), denominator);
    Value value = arith::SelectOp::create(b, isEmpty(at[0]), zero, quotient);
    return convertFloat(b, convertFloat(b, value, b.getF32Type()), outType);
  });
  Value lse = generate(b, heads, b.getF32Type(), [&](ValueRange at) {
    Value value = arith::AddFOp::create(
        b, shift(at[0]), math::LogOp::create(b, extract(b, sums, at[0])));
    return convertFloat(
        b, arith::SelectOp::create(b, isEmpty(at[0]), minusInfinity, value),
        b.getF32Type());
  });
  return {insertRow(b, out, results[0], row),
          insertRow(b, lse, results[1], row)};
}

SmallVector<Value>
SparseAttentionOp::decomposeOnTensors(ImplicitLocOpBuilder &b,
                                      const DecomposeOptions &options) {
  SmallVector<KeySet> sets = getKeySets();
  SmallVector<std::unique_ptr<KeyReader>> keyReaders, valueReaders;
  for (const KeySet &set : sets) {
    auto layout = cast_if_present<KVLayoutAttr>(set.layout);
    keyReaders.push_back(std::make_unique<KeyReader>(b, set.keys, set.keyTail,
                                                     set.blockTable, layout,
                                                     getPaged(), isBatched()));
    if (set.values)
      valueReaders.push_back(
          std::make_unique<KeyReader>(b, set.values, Value(), set.blockTable,
                                      KVLayoutAttr(), getPaged(), isBatched()));
  }
  return forEachRow(b, getRowExtents(b, getQuery(), isBatched()), getInits(),
                    [&](ValueRange row, ValueRange results) {
                      RowAttention attention{b,
                                             *this,
                                             sets,
                                             keyReaders,
                                             valueReaders,
                                             getComputeElementType(),
                                             getSumType(b, options),
                                             row};
                      return attention.attend(results);
                    });
}
