//===- DSAAttrs.td - Attributes of the dsa dialect --------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DSAATTRS_TD
#define DSA_IR_DSAATTRS_TD

include "dsa/IR/DSADialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def DSA_Activation : I32EnumAttr<"Activation",
    "what is applied to each head's dot product", [
      I32EnumAttrCase<"Relu", 0, "relu">,
      I32EnumAttrCase<"None", 1, "none">]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::dsa";
}
def DSA_ActivationAttr
    : EnumAttr<DSA_Dialect, DSA_Activation, "activation">;

def DSA_SlotOrder : I32EnumAttr<"SlotOrder",
    "the order of the selected keys in their row", [
      I32EnumAttrCase<"IndexAscending", 0, "index_ascending">,
      I32EnumAttrCase<"ScoreDescending", 1, "score_descending">]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::dsa";
}
def DSA_SlotOrderAttr : EnumAttr<DSA_Dialect, DSA_SlotOrder, "slot_order">;

def DSA_KVLayoutAttr : AttrDef<DSA_Dialect, "KVLayout"> {
  let mnemonic = "kv_layout";
  let summary = "where the elements and scales of a packed row lie";
  let description = [{
    A packed row is a record of `record_bytes` bytes. Its elements are the
    concatenation of its fields: `count x type at offset`, with an optional
    `scale type per group at offset`. Scales stand in the record, or, where
    `scale_record_bytes` is given, behind the records of their page: row `r` of
    a page has its scale record at byte `page·record_bytes +
    r·scale_record_bytes`. `page` counts rows; a layout without it describes
    flat rows. `page_bytes`, at least what the records and scale records take,
    includes padding.

    Three layouts have names:

    | name | row | record | scales |
    |---|---|---|---|
    | `mla_656` | 512 f8E4M3FN, 64 bf16 | 656 | 4 f32 in the record, one per 128 |
    | `mla_584` | 448 f8E4M3FN, 64 bf16 | 576 | 7 f8E8M0FNU and one byte of padding at the page's end, one per 64; pages padded to a multiple of 576 |
    | `index_132` | 128 f8E4M3FN | 128 | 1 f32 at the page's end |

    `dense` is the layout of a key set that is not packed, for lists that mix
    both kinds.

    ```mlir
    #dsa.kv_layout<mla_656>
    #dsa.kv_layout<index_132, page = 64>
    #dsa.kv_layout<[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72>
    ```

    A scale of type f8E8M0FNU is `2^(byte-127)`; byte 0xFF is NaN.
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::dsa::KVField", "fields of a record">:$fields,
    "int64_t":$recordBytes,
    "int64_t":$page,
    "int64_t":$scaleRecordBytes,
    "int64_t":$pageBytes);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The named layout `name`, paged if `page` is not 0. Null, with an error
    /// through `emitError`, if there is none or it needs a page.
    static KVLayoutAttr
    getPreset(::mlir::MLIRContext *context, ::llvm::StringRef name,
              int64_t page,
              ::llvm::function_ref<::mlir::InFlightDiagnostic()> emitError);
    /// The layout of key sets that are not packed.
    static KVLayoutAttr getDense(::mlir::MLIRContext *context);

    bool isDense() const { return getFields().empty(); }
    bool isPaged() const { return getPage() != 0; }
    bool hasScalesInRecord() const { return getScaleRecordBytes() == 0; }
    /// Elements of a row: the sum over the fields.
    int64_t getRowElements() const;
    /// Scales of a row: the sum over the fields.
    int64_t getRowScales() const;
    /// One field whose single scale belongs to the whole row. SCORE applies
    /// such a scale after the head sum, as it does `key_scale`.
    bool hasOneScalePerRow() const;

    /// Where element `element` of field `field` of row `row` lies, in bytes
    /// from the start of its page (of row 0, for flat rows), and where its
    /// scale does, if it has one. The only place that knows.
    KVLocation locate(unsigned field, ::mlir::AffineExpr row,
                      ::mlir::AffineExpr element) const;
  }];
}
def DSA_KVLayoutArrayAttr
    : TypedArrayAttrBase<DSA_KVLayoutAttr, "array of #dsa.kv_layout">;

#endif // DSA_IR_DSAATTRS_TD
