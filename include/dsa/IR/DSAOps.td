//===- DSAOps.td - Ops of the dsa dialect -----------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DSAOPS_TD
#define DSA_IR_DSAOPS_TD

include "dsa/IR/DSAAttrs.td"
include "dsa/IR/DSAInterfaces.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

//===----------------------------------------------------------------------===//
// Types and the base class
//===----------------------------------------------------------------------===//

class DSA_Shaped<string what, list<Type> elements>
    : AnyTypeOf<[RankedTensorOf<elements>, StridedMemRefOf<elements>],
                "ranked tensor or strided memref of " # what>;

def DSA_Float
    : DSA_Shaped<"f32, f16, bf16 or f8E4M3FN", [F32, F16, BF16, F8E4M3FN]>;
def DSA_Keys : DSA_Shaped<"f32, f16, bf16, f8E4M3FN or packed i8",
                          [F32, F16, BF16, F8E4M3FN, I8]>;
def DSA_F32 : DSA_Shaped<"f32", [F32]>;
def DSA_I32 : DSA_Shaped<"i32", [I32]>;
def DSA_I8 : DSA_Shaped<"i8", [I8]>;
def DSA_Init : DSA_Shaped<"f32, f16, bf16, f8E4M3FN or i32",
                          [F32, F16, BF16, F8E4M3FN, I32]>;

class DSA_Op<string mnemonic, list<Trait> traits = [AttrSizedOperandSegments]>
    : Op<DSA_Dialect, mnemonic, traits # [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<DSA_OpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<TilingInterface, [
      "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "generateResultTileValue",
      "getIterationDomainTileFromResultTile",
      "getTiledImplementationFromOperandTiles",
      "getIterationDomainTileFromOperandTiles"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
    DeclareOpInterfaceMethods<AggregatedOpInterface, ["decomposeOperation"]>]> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  let hasFolder = 1;
  code baseDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
  }];
  let extraClassDeclaration = baseDeclaration;
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<
            ::mlir::MemoryEffects::Effect>> &effects) {
      getOperandEffects(*this, effects);
    }
    ::mlir::Speculation::Speculatability $cppClass::getSpeculatability() {
      return getOperandSpeculatability(*this);
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &b,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return reifyFromDimTable(*this, b, shapes);
    }
    ::llvm::SmallVector<::mlir::utils::IteratorType>
    $cppClass::getLoopIteratorTypes() {
      return tiling::getLoopIteratorTypes(*this);
    }
    ::llvm::SmallVector<::mlir::Range>
    $cppClass::getIterationDomain(::mlir::OpBuilder &b) {
      return tiling::getIterationDomain(*this, b);
    }
    ::llvm::FailureOr<::mlir::TilingResult> $cppClass::getTiledImplementation(
        ::mlir::OpBuilder &b, ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      return tiling::getTiledImplementation(*this, b, offsets, sizes);
    }
    ::llvm::LogicalResult $cppClass::getResultTilePosition(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultOffsets,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultSizes) {
      return tiling::getResultTilePosition(*this, b, resultNumber, offsets,
                                           sizes, resultOffsets, resultSizes);
    }
    ::llvm::FailureOr<::mlir::TilingResult> $cppClass::generateResultTileValue(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      return tiling::generateResultTileValue(*this, b, resultNumber, offsets,
                                             sizes);
    }
    ::llvm::LogicalResult $cppClass::getIterationDomainTileFromResultTile(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainOffsets,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainSizes) {
      return tiling::getDomainTileFromResult(*this, b, resultNumber, offsets,
                                             sizes, domainOffsets,
                                             domainSizes);
    }
    ::llvm::FailureOr<::mlir::TilingResult>
    $cppClass::getTiledImplementationFromOperandTiles(
        ::mlir::OpBuilder &b, ::llvm::ArrayRef<unsigned> operandNumbers,
        ::llvm::ArrayRef<::llvm::SmallVector<::mlir::OpFoldResult>> offsets,
        ::llvm::ArrayRef<::llvm::SmallVector<::mlir::OpFoldResult>> sizes) {
      return tiling::getTiledImplementationFromOperands(
          *this, b, operandNumbers, offsets, sizes);
    }
    ::llvm::LogicalResult $cppClass::getIterationDomainTileFromOperandTiles(
        ::mlir::OpBuilder &b, ::llvm::ArrayRef<unsigned> operandNumbers,
        ::llvm::ArrayRef<::llvm::SmallVector<::mlir::OpFoldResult>> offsets,
        ::llvm::ArrayRef<::llvm::SmallVector<::mlir::OpFoldResult>> sizes,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainOffsets,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainSizes) {
      return tiling::getDomainTileFromOperands(*this, b, operandNumbers,
                                               offsets, sizes, domainOffsets,
                                               domainSizes);
    }
    ::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>
    $cppClass::decomposeOperation(::mlir::OpBuilder &b) {
      return decompose(b, *this);
    }
  }];
}

//===----------------------------------------------------------------------===//
// SCORE
//===----------------------------------------------------------------------===//

def DSA_IndexerScoresOp : DSA_Op<"indexer_scores"> {
  let summary = "Score every key of each row's range with the lightning indexer";
  let description = [{
    For every row `t` and position `s`:

    ```
    I[t,s] = key_scale[s] · sum_j w[t,j] · act(<q[t,j,:], k[s,:]>)
                                    if lo[t] <= s < hi[t] and s is valid
           = -inf                   otherwise
    ```

    `act` is `relu` (`x > 0` or NaN keeps `x`, else 0) or `none`. A missing
    `lo` is 0, a missing `hi` is `S`; bounds are clamped to `[0,S]`, and `lo >=
    hi` is an empty row. A missing `key_scale` is 1. A position is invalid if
    its block table entry lies outside `[0,P)`; it is never read.

    The bits of `I[t,s]` depend on `q[t]`, `k[s]`, `w[t]`, `key_scale[s]`, `D`,
    `Hi` and the target only: never on `T`, `S`, the position, tiles, paging or
    fusion. The sign of a zero score is unspecified. Packed rows with one scale
    per row use it as `key_scale`; other packed rows are read as
    `dsa.unpack` to bf16 reads them. The formula is equation 1 of the
    DeepSeek-V3.2 report, on queries and keys that are already rotated, and
    with the model's factors folded into the weights.

    Folds: constant bounds that exclude nothing and a constant `key_scale` of 1
    are dropped.

    | operand | shape and meaning |
    |---|---|
    | `query` | `T×Hi×D`, the index queries (`T×Hi×D1` beside a tail) |
    | `query_tail` (optional) | `T×Hi×D2`, the second column piece of the queries |
    | `keys` | the key source, one row per position |
    | `key_tail` (optional) | rows as `keys`, `D2` columns: the second column piece |
    | `block_table` (optional) | `B×N`, `1×N` or `R×N`: page of each block of positions |
    | `row_ids` (optional) | `T`: block table row of each row |
    | `key_scale` (optional) | rows as `keys`: factor of each key's score |
    | `weights` | `T×Hi`, the weight of each index head |
    | `lo` (optional) | `T`: first position of each row's range |
    | `hi` (optional) | `T`: end of each row's range |
    | `outs` | `T×S` f32: where the scores go |

    Constraints:
    * (C1) Operands are all ranked tensors without encoding, or all memrefs.
    * (C2) There is one init. Operands have the shapes listed above (each with
      `B` in front where the op is batched), `query` has rank 3 or 4, and a
      dimension has one extent wherever it appears.
    * (C3) `query` and `keys` have one type of f32, f16, bf16, f8E4M3FN; or
      `keys` are f8E4M3FN and `query` is bf16; or `keys` are packed i8 and
      `query` is bf16 or f8E4M3FN.
    * (C4) `query_tail` and `key_tail` come together, have the types of `query`
      and `keys`, and no packed layout beside them.
    * (C5) `paged` and `block_table` come together.
    * (C6) `row_ids` need a block table and an op without batch; without them
      an unbatched table has one row.
    * (C7) `layout` and i8 keys come together; the layout is not `dense`, and
      has a page exactly if the op is `paged`.
    * (C8) `key_scale` is not given beside a layout.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %scores = dsa.indexer_scores query(%q : tensor<?x64x128xbf16>)
        keys(%k : tensor<?x128xbf16>) weights(%w : tensor<?x64xf32>)
        lo(%lo : tensor<?xi32>) hi(%hi : tensor<?xi32>)
        outs(%init : tensor<?x?xf32>)
    ```
  }];
  let arguments = (ins
    DSA_Float:$query,
    Optional<DSA_Float>:$query_tail,
    DSA_Keys:$keys,
    Optional<DSA_Float>:$key_tail,
    Optional<DSA_I32>:$block_table,
    Optional<DSA_I32>:$row_ids,
    Optional<DSA_F32>:$key_scale,
    DSA_F32:$weights,
    Optional<DSA_I32>:$lo,
    Optional<DSA_I32>:$hi,
    Variadic<DSA_Init>:$inits,
    DefaultValuedAttr<DSA_ActivationAttr, "::mlir::dsa::Activation::Relu">:$activation,
    UnitAttr:$paged,
    OptionalAttr<DSA_KVLayoutAttr>:$layout);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)`
    (`query_tail` `(` $query_tail^ `:` type($query_tail) `)`)?
    `keys` `(` $keys `:` type($keys) `)`
    (`key_tail` `(` $key_tail^ `:` type($key_tail) `)`)?
    (`paged` $paged^)?
    (`layout` `=` $layout^)?
    (`block_table` `(` $block_table^ `:` type($block_table) `)`)?
    (`row_ids` `(` $row_ids^ `:` type($row_ids) `)`)?
    (`key_scale` `(` $key_scale^ `:` type($key_scale) `)`)?
    `weights` `(` $weights `:` type($weights) `)`
    (`lo` `(` $lo^ `:` type($lo) `)`)?
    (`hi` `(` $hi^ `:` type($hi) `)`)?
    (`activation` `=` `` $activation^)?
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::Value":$query, "const ::mlir::dsa::KeySource &":$source,
    "::mlir::Value":$weights, "::mlir::Value":$lo, "::mlir::Value":$hi,
    "::mlir::Value":$init,
    CArg<"::mlir::dsa::Activation", "::mlir::dsa::Activation::Relu">:$activation)>];
  let extraClassDeclaration = baseDeclaration # [{
    /// The keys of the op, as ATTEND and SELECT name theirs.
    KeySource getKeySource();
  }];
}

//===----------------------------------------------------------------------===//
// SELECT
//===----------------------------------------------------------------------===//

def DSA_TopKOp : DSA_Op<"top_k"> {
  let summary = "Select the K best scores of each row's range";
  let description = [{
    The selectable positions of row `t` are those with `lo[t] <= s < hi[t]`, a
    score that is neither NaN nor -inf, and, where given, an id that is not
    negative and a slot in the translation table. They are ordered by score
    descending (-0 equals +0), then by position ascending; the first `k` are
    selected. So the set is unique.

    `order = index_ascending` (the default) lists them by position,
    `score_descending` by the order above. Entries are packed left:
    `count[t] = min(k, selectable)`; the rest of `indices` is -1, of `values`
    -inf. Bounds are clamped as in `dsa.indexer_scores`.

    With `ids`, results hold `ids[s]` in place of `s`. Valid ids ascend
    strictly within a row (a precondition), so ties go by id. `lo` and `hi`
    are columns, never ids.

    `translate(table, page = n)` is applied last: entry `p` becomes
    `table[r, p / n]·n + p mod n`, where `r` is the batch entry, 0, or
    `translate_row_ids[t]`. A `p` with `p / n >= N`, whose entry is negative, or
    whose slot exceeds 2^31-1 is not selectable. A row id outside `[0,R)` makes
    the row empty.

    Folds: constant bounds that exclude nothing are dropped. `k >= S` is no
    fold: scores may be NaN or -inf.

    | operand | shape and meaning |
    |---|---|
    | `scores` | `T×S` |
    | `lo` (optional) | `T`: first column of each row's range |
    | `hi` (optional) | `T`: end of each row's range |
    | `ids` (optional) | `S` or `T×S`: what the results hold in place of positions |
    | `translate_table` (optional) | `B×N`, `1×N` or `R×N`: page of each block of positions |
    | `translate_row_ids` (optional) | `T`: translation table row of each row |
    | `outs` | `T×K` i32 indices, `T` i32 count, optional `T×K` f32 values |

    Constraints:
    * (C1) Operands are all ranked tensors without encoding, or all memrefs.
    * (C2) There are two or three inits. Operands have the shapes listed above
      (each with `B` in front where the op is batched), `scores` has rank 2 or
      3, and a dimension has one extent wherever it appears.
    * (C3) `0 < k < 2^31`.
    * (C4) `ids` have shape `S` or `T×S`; batched `S`, `B×S` or `B×T×S`.
    * (C5) `translate` has a positive page, below 2^31.
    * (C6) `translate_row_ids` need `translate` and an op without batch;
      without them an unbatched table has one row.
    * (C7) `indices` and `count` are i32, `values` are f32.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %slots, %count = dsa.top_k scores(%scores : tensor<?x2x?xf32>) k = 2048
        hi(%len : tensor<?x2xi32>) translate(%table : tensor<?x?xi32>, page = 64)
        outs(%i, %c : tensor<?x2x2048xi32>, tensor<?x2xi32>)
    ```
  }];
  let arguments = (ins
    DSA_F32:$scores,
    Optional<DSA_I32>:$lo,
    Optional<DSA_I32>:$hi,
    Optional<DSA_I32>:$ids,
    Optional<DSA_I32>:$translate_table,
    Optional<DSA_I32>:$translate_row_ids,
    Variadic<DSA_Init>:$inits,
    I64Attr:$k,
    DefaultValuedAttr<DSA_SlotOrderAttr, "::mlir::dsa::SlotOrder::IndexAscending">:$order,
    OptionalAttr<I64Attr>:$translate_page);
  let assemblyFormat = [{
    `scores` `(` $scores `:` type($scores) `)` `k` `=` $k
    (`lo` `(` $lo^ `:` type($lo) `)`)?
    (`hi` `(` $hi^ `:` type($hi) `)`)?
    (`ids` `(` $ids^ `:` type($ids) `)`)?
    (`translate` `(` $translate_table^ `:` type($translate_table) `,`
      `page` `=` $translate_page `)`)?
    (`translate_row_ids` `(` $translate_row_ids^ `:` type($translate_row_ids) `)`)?
    (`order` `=` `` $order^)?
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::Value":$scores, "int64_t":$k, "::mlir::Value":$lo,
    "::mlir::Value":$hi, "::mlir::ValueRange":$inits,
    CArg<"const ::mlir::dsa::Translation &", "{}">:$translation,
    CArg<"::mlir::Value", "{}">:$ids,
    CArg<"::mlir::dsa::SlotOrder", "::mlir::dsa::SlotOrder::IndexAscending">:$order)>];
  let extraClassDeclaration = baseDeclaration # [{
    Translation getTranslation();
    /// The dimension of the positions that are selected from.
    Dim getPositionsDim();
  }];
}

def DSA_LightningIndexerOp : DSA_Op<"lightning_indexer"> {
  let summary = "Score and select without holding the score matrix";
  let description = [{
    `dsa.top_k` of `dsa.indexer_scores`, bit for bit on one target, in memory
    that does not grow with `T·S`. Operands and attributes mean what they mean
    in those two ops; `values` are the scores of the selected keys.

    | operand | shape and meaning |
    |---|---|
    | `query` | `T×Hi×D`, the index queries (`T×Hi×D1` beside a tail) |
    | `query_tail` (optional) | `T×Hi×D2`, the second column piece of the queries |
    | `keys` | the key source, one row per position |
    | `key_tail` (optional) | rows as `keys`, `D2` columns: the second column piece |
    | `block_table` (optional) | `B×N`, `1×N` or `R×N`: page of each block of positions |
    | `row_ids` (optional) | `T`: block table row of each row |
    | `key_scale` (optional) | rows as `keys`: factor of each key's score |
    | `weights` | `T×Hi`, the weight of each index head |
    | `lo` (optional) | `T`: first position of each row's range |
    | `hi` (optional) | `T`: end of each row's range |
    | `ids` (optional) | `S`: what the results hold in place of positions |
    | `translate_table` (optional) | `B×N`, `1×N` or `R×N`: page of each block of positions |
    | `translate_row_ids` (optional) | `T`: translation table row of each row |
    | `outs` | `T×K` i32 indices, `T` i32 count, optional `T×K` f32 values |

    Constraints: (C1) to (C8) are those of `dsa.indexer_scores`, with two or
    three inits in (C2), and
    * (C9) `0 < k < 2^31`.
    * (C10) `ids` have shape `S`; batched `S` or `B×S`.
    * (C11) `translate` has a positive page, below 2^31.
    * (C12) `translate_row_ids` need `translate` and an op without batch;
      without them an unbatched table has one row.
    * (C13) `indices` and `count` are i32, `values` are f32.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %indices, %count = dsa.lightning_indexer
        query(%iq : tensor<?x32x128xbf16>) keys(%ik : tensor<?x128xbf16>)
        weights(%w : tensor<?x32xf32>) hi(%hi : tensor<?xi32>) k = 2048
        outs(%i, %c : tensor<?x2048xi32>, tensor<?xi32>)
    ```
  }];
  let arguments = (ins
    DSA_Float:$query,
    Optional<DSA_Float>:$query_tail,
    DSA_Keys:$keys,
    Optional<DSA_Float>:$key_tail,
    Optional<DSA_I32>:$block_table,
    Optional<DSA_I32>:$row_ids,
    Optional<DSA_F32>:$key_scale,
    DSA_F32:$weights,
    Optional<DSA_I32>:$lo,
    Optional<DSA_I32>:$hi,
    Optional<DSA_I32>:$ids,
    Optional<DSA_I32>:$translate_table,
    Optional<DSA_I32>:$translate_row_ids,
    Variadic<DSA_Init>:$inits,
    I64Attr:$k,
    DefaultValuedAttr<DSA_ActivationAttr, "::mlir::dsa::Activation::Relu">:$activation,
    DefaultValuedAttr<DSA_SlotOrderAttr, "::mlir::dsa::SlotOrder::IndexAscending">:$order,
    UnitAttr:$paged,
    OptionalAttr<DSA_KVLayoutAttr>:$layout,
    OptionalAttr<I64Attr>:$translate_page);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)`
    (`query_tail` `(` $query_tail^ `:` type($query_tail) `)`)?
    `keys` `(` $keys `:` type($keys) `)`
    (`key_tail` `(` $key_tail^ `:` type($key_tail) `)`)?
    (`paged` $paged^)?
    (`layout` `=` $layout^)?
    (`block_table` `(` $block_table^ `:` type($block_table) `)`)?
    (`row_ids` `(` $row_ids^ `:` type($row_ids) `)`)?
    (`key_scale` `(` $key_scale^ `:` type($key_scale) `)`)?
    `weights` `(` $weights `:` type($weights) `)`
    (`lo` `(` $lo^ `:` type($lo) `)`)?
    (`hi` `(` $hi^ `:` type($hi) `)`)?
    (`activation` `=` `` $activation^)?
    `k` `=` $k
    (`ids` `(` $ids^ `:` type($ids) `)`)?
    (`translate` `(` $translate_table^ `:` type($translate_table) `,`
      `page` `=` $translate_page `)`)?
    (`translate_row_ids` `(` $translate_row_ids^ `:` type($translate_row_ids) `)`)?
    (`order` `=` `` $order^)?
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::Value":$query, "const ::mlir::dsa::KeySource &":$source,
    "::mlir::Value":$weights, "::mlir::Value":$lo, "::mlir::Value":$hi,
    "int64_t":$k, "::mlir::ValueRange":$inits,
    CArg<"const ::mlir::dsa::Translation &", "{}">:$translation,
    CArg<"::mlir::Value", "{}">:$ids,
    CArg<"::mlir::dsa::Activation", "::mlir::dsa::Activation::Relu">:$activation,
    CArg<"::mlir::dsa::SlotOrder", "::mlir::dsa::SlotOrder::IndexAscending">:$order)>];
  let extraClassDeclaration = baseDeclaration # [{
    KeySource getKeySource();
    Translation getTranslation();
    /// The dimension of the positions that are selected from.
    Dim getPositionsDim();
  }];
}

//===----------------------------------------------------------------------===//
// ATTEND
//===----------------------------------------------------------------------===//

def DSA_SparseAttentionOp : DSA_Op<"sparse_attention"> {
  let summary = "Softmax attention over the selected rows of one or more key sets";
  let description = [{
    Slot `c < counts_i[t]` of key set `i` names row `indices_i[t,c]` of that
    set. Over the slots of all sets whose index is valid:

    ```
    z[t,h,c]   = scale · <q[t,h,:], k[idx[t,c],:]>
    lse[t,h]   = ln sum_c exp(z[t,h,c])
    out[t,h,:] = sum_c exp(z[t,h,c]) · v[idx[t,c],:]
                 / (exp(lse[t,h]) + exp(sink[h]))
    ```

    `v` is the first `dv` columns of the key row unless `values` are given.
    `lse` is a natural logarithm and leaves the sink out; the sink is a
    natural-log logit, not scaled, in the denominator only; a missing sink is
    -inf. Counts are clamped to `[0,K_i]`; without counts all `K_i` slots
    count. An index that is negative, at least `S_i` or on an invalid page
    contributes nothing and is never dereferenced. Duplicates count as often as
    they appear.

    A row without a valid key, or whose logits are all -inf, gives out 0 and
    lse -inf, whatever the sink. A NaN or +inf logit makes out and lse of its
    `(t,h)` NaN. A sink of +inf gives weight 0 to every key; a NaN sink makes
    out NaN, unless the row is empty.

    `query` and keys are rounded to `compute_type` first; packed and f8
    elements are multiplied by their scale in f32 and rounded once. Sums are
    f32; weights may be rounded to the compute type, their sum is not.

    Folds: a constant sink of -inf, and constant counts of at least `K_i` in
    every set, are dropped.

    | operand | shape and meaning |
    |---|---|
    | `query` | `T×H×Dk`, the queries (`T×H×D1` beside a tail) |
    | `query_tail` (optional) | `T×H×D2`, the second column piece of the queries |
    | `keys` | one key source per set |
    | `key_tails` | per set: rows as its keys, `D2` columns |
    | `values` | per set: rows as its keys, `Dv` columns |
    | `block_tables` | per set: `B×N`, `1×N` or `R×N` |
    | `row_ids` (optional) | `T`: row of all block tables |
    | `indices` | per set: `T×K`, the selected rows |
    | `counts` | per set: `T`, how many slots count |
    | `sink` (optional) | `H`: a logit in each head's denominator |
    | `outs` | `T×H×Dv` out, `T×H` lse |

    Constraints:
    * (C1) Operands are all ranked tensors without encoding, or all memrefs.
    * (C2) There are two inits. Operands have the shapes listed above (each
      with `B` in front where the op is batched; pools and `sink` never have
      it), `query` has rank 3 or 4, and a dimension has one extent wherever it
      appears.
    * (C3) There is at least one key set, and one `indices` per set; `counts`,
      `values`, `block_tables`, `key_tails` and `layouts` are empty or one per
      set. So all sets or none have counts, a table, two pieces.
    * (C4) `query` is f32, f16 or bf16. Keys have its type; or `query` is bf16
      and keys are f8E4M3FN or packed i8.
    * (C5) `query_tail` and `key_tails` come together, have the types of
      `query` and of their keys, and no packed layout beside them.
    * (C6) `block_tables` need `paged`; without tables, `paged` needs an op
      without batch.
    * (C7) `row_ids` need block tables and an op without batch; without them
      an unbatched table has one row.
    * (C8) Set `i` is i8 exactly if `layouts` give it a layout other than
      `dense`; that layout has a page exactly if the op is `paged`.
    * (C9) `values` have the type of their keys and no packed layout beside
      them.
    * (C10) `scale` is finite and positive.
    * (C11) `0 <= dv < 2^31`; without `values`, `dv` is at most the columns of
      each key row (of its first piece).
    * (C12) `compute_type` is f32, f16 or bf16; it defaults to the type of
      `query`.
    * (C13) `out` is f32 or of the type of `query`, `lse` is f32.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %out, %lse = dsa.sparse_attention query(%q : tensor<?x128x576xbf16>)
        keys(%kv : tensor<?x576xbf16>) indices(%idx : tensor<?x2048xi32>)
        counts(%n : tensor<?xi32>) sink(%sink : tensor<128xf32>)
        scale = 0.1352337 dv = 512
        outs(%o, %l : tensor<?x128x512xbf16>, tensor<?x128xf32>)
    ```
  }];
  let arguments = (ins
    DSA_Float:$query,
    Optional<DSA_Float>:$query_tail,
    Variadic<DSA_Keys>:$keys,
    Variadic<DSA_Float>:$key_tails,
    Variadic<DSA_Float>:$values,
    Variadic<DSA_I32>:$block_tables,
    Optional<DSA_I32>:$row_ids,
    Variadic<DSA_I32>:$indices,
    Variadic<DSA_I32>:$counts,
    Optional<DSA_F32>:$sink,
    Variadic<DSA_Init>:$inits,
    F32Attr:$scale,
    I64Attr:$dv,
    UnitAttr:$paged,
    OptionalAttr<DSA_KVLayoutArrayAttr>:$layouts,
    OptionalAttr<TypeAttr>:$compute_type);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)`
    (`query_tail` `(` $query_tail^ `:` type($query_tail) `)`)?
    `keys` `(` $keys `:` type($keys) `)`
    (`key_tails` `(` $key_tails^ `:` type($key_tails) `)`)?
    (`values` `(` $values^ `:` type($values) `)`)?
    (`paged` $paged^)?
    (`layouts` `=` $layouts^)?
    (`block_tables` `(` $block_tables^ `:` type($block_tables) `)`)?
    (`row_ids` `(` $row_ids^ `:` type($row_ids) `)`)?
    `indices` `(` $indices `:` type($indices) `)`
    (`counts` `(` $counts^ `:` type($counts) `)`)?
    (`sink` `(` $sink^ `:` type($sink) `)`)?
    `scale` `=` $scale `dv` `=` $dv
    (`compute_type` `=` $compute_type^)?
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::Value":$query, "::llvm::ArrayRef<::mlir::dsa::KeySet>":$sets,
    "::llvm::APFloat":$scale, "int64_t":$dv, "::mlir::ValueRange":$inits,
    CArg<"::mlir::Value", "{}">:$sink, CArg<"::mlir::Value", "{}">:$queryTail,
    CArg<"::mlir::Value", "{}">:$rowIds, CArg<"bool", "false">:$paged,
    CArg<"::mlir::Type", "{}">:$computeType)>];
  let extraClassDeclaration = baseDeclaration # [{
    /// The key sets in order, each as a value of the struct that builds it.
    ::llvm::SmallVector<KeySet> getKeySets();
    /// The type that query and keys are rounded to.
    ::mlir::Type getComputeElementType();
  }];
}

def DSA_MergeAttentionOp : DSA_Op<"merge_attention"> {
  let summary = "Combine partial results of sparse attention";
  let description = [{
    A partial result is an (out, lse) pair of `dsa.sparse_attention` over a
    part of the keys, without a sink. Part `i` holds `N_i` of them. Over all
    partials `p`, in operand order, then in index order:

    ```
    lse[t,h]   = ln sum_p exp(lse_p[t,h])
    out[t,h,:] = sum_p exp(lse_p[t,h]) · out_p[t,h,:]
                 / (exp(lse[t,h]) + exp(sink[h]))
    ```

    A partial whose lse is -inf contributes nothing, whatever its out. If all
    are -inf, out is 0 and lse -inf, whatever the sink. An lse of NaN or +inf
    makes both NaN. After a split the sink stands here and nowhere else; it
    means what it means in `dsa.sparse_attention`.

    Folds: a constant sink of -inf is dropped.

    | operand | shape and meaning |
    |---|---|
    | `parts` | `N_i×T×H×Dv` each |
    | `lses` | `N_i×T×H` each |
    | `sink` (optional) | `H`: a logit in each head's denominator |
    | `outs` | `T×H×Dv` out, `T×H` lse |

    Constraints:
    * (C1) Operands are all ranked tensors without encoding, or all memrefs.
    * (C2) There are two inits. Operands have the shapes listed above (batched
      `N_i×B×T×H×Dv` and `N_i×B×T×H`, results with `B` in front), parts have
      rank 4 or 5, and a dimension has one extent wherever it appears.
    * (C3) There is at least one part, and one `lses` per part.
    * (C4) All parts have one type of f32, f16, bf16.
    * (C5) `out` is f32 or of the type of the parts, `lse` is f32.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %out, %lse = dsa.merge_attention parts(%outs : tensor<3x?x128x512xf32>)
        lses(%lses : tensor<3x?x128xf32>) sink(%sink : tensor<128xf32>)
        outs(%o, %l : tensor<?x128x512xf32>, tensor<?x128xf32>)
    ```
  }];
  let arguments = (ins
    Variadic<DSA_Float>:$parts,
    Variadic<DSA_F32>:$lses,
    Optional<DSA_F32>:$sink,
    Variadic<DSA_Init>:$inits);
  let assemblyFormat = [{
    `parts` `(` $parts `:` type($parts) `)`
    `lses` `(` $lses `:` type($lses) `)`
    (`sink` `(` $sink^ `:` type($sink) `)`)?
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::ValueRange":$parts, "::mlir::ValueRange":$lses,
    "::mlir::Value":$sink, "::mlir::ValueRange":$inits)>];
}

//===----------------------------------------------------------------------===//
// Packed rows
//===----------------------------------------------------------------------===//

def DSA_UnpackOp : DSA_Op<"unpack", []> {
  let summary = "Read packed rows as numbers";
  let description = [{
    Element `e` of row `s` is its code times its scale, the product in f32,
    rounded once to the type of `rows` (bf16 or f32). A field without scales is
    read as it is.

    A layout of one f8E4M3FN field can also be read raw: `rows` are then the
    f8E4M3FN codes, and a second result holds the scales as f32, one per group
    (`S×G`, and `S` where a row has one), so that they fit `key_scale`.

    The op is never batched and takes no block table.

    | operand | shape and meaning |
    |---|---|
    | `packed` | `P×page_bytes` if `paged`, else `S×bytes` |
    | `outs` | `P×page×D` or `S×D` rows; `P×page×G` or `S×G` scales (without `G` where it is 1) |

    Constraints:
    * (C1) Operands are all ranked tensors without encoding, or all memrefs.
    * (C2) There are one or two inits. Operands have the shapes listed above,
      and a dimension has one extent wherever it appears.
    * (C3) The layout is not `dense`, and has a page exactly if the op is
      `paged`.
    * (C4) `rows` are bf16 or f32 without scales; or f8E4M3FN with f32 scales,
      from a layout of one f8E4M3FN field with scales.

    Example (`test/IR/calls.mlir`):

    ```mlir
    %rows = dsa.unpack packed(%pages : tensor<?x41984xi8>) paged
        layout = <mla_656, page = 64> outs(%init : tensor<?x64x576xbf16>)
    ```
  }];
  let hasFolder = 0;
  let arguments = (ins
    DSA_I8:$packed,
    Variadic<DSA_Init>:$inits,
    UnitAttr:$paged,
    DSA_KVLayoutAttr:$layout);
  let assemblyFormat = [{
    `packed` `(` $packed `:` type($packed) `)`
    (`paged` $paged^)?
    `layout` `=` $layout
    `outs` `(` custom<Outs>($inits, type($inits), type($results)) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::mlir::Value":$packed, "::mlir::dsa::KVLayoutAttr":$layout,
    "::mlir::ValueRange":$inits)>];
}

#endif // DSA_IR_DSAOPS_TD
