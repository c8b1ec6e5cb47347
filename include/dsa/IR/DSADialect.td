//===- DSADialect.td - The dsa dialect --------------------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DSADIALECT_TD
#define DSA_IR_DSADIALECT_TD

include "mlir/IR/OpBase.td"

def DSA_Dialect : Dialect {
  let name = "dsa";
  let cppNamespace = "::mlir::dsa";
  let summary = "DeepSeek Sparse Attention and its family";
  let description = [{
    Three kinds of op, in the order a model uses them. SCORE: a cheap indexer
    scores every key. SELECT: the `K` best keys of each row. ATTEND: softmax
    attention over the selected rows only. `dsa.merge_attention` combines
    partial results of ATTEND, `dsa.unpack` reads packed cache rows.

    **Dimensions.** `B` batch, `T` query rows, `S` key rows or cache slots, `H`
    query heads, `Hi` index heads, `D` index dimension, `Dk`/`Dv` key and value
    width, `K` selected keys, `P` pages, `N` columns of a block table, `R` rows
    of a block table. `B` is optional and leads everything that belongs to a
    row (query, weights, bounds, counts, indices, results) and dense keys with
    their scales; page pools and sinks never have it. Whether an op is batched
    is read from the rank of its query (of `scores` for `dsa.top_k`, of the
    parts for `dsa.merge_attention`) and from nothing else. Every dimension may
    be 0 except `K`, a page and a record. `S < 2^31`.

    **Form.** Destination style, on ranked tensors or on strided memrefs, never
    both in one op. Initial contents are never read. On memrefs the inits
    overlap no input.

    **Key source.** SCORE and ATTEND read keys in one of these forms.

    | form | type of `keys` | marked by |
    |---|---|---|
    | dense rows | `S×D` (batched: `B×S×D`) | nothing |
    | page pool | `P×page×D` | `paged` |
    | packed pages | `P×page_bytes×i8` | `paged` and a layout with a page |
    | packed flat rows | `S×bytes×i8` (batched: `B×S×bytes×i8`) | a layout without a page |

    A pool with a block table is addressed by logical positions, `S = N·page`:
    position `s` of row `t` lies at offset `s mod page` of the page that column
    `s / page` of the row's table row names. The table row is the batch entry,
    row 0 of a `1×N` table, or `row_ids[t]`; a row id outside `[0,R)` makes the
    row empty. A table entry outside `[0,P)` makes its positions invalid: never
    read, score -inf, never selected, no part of a softmax. A pool without a
    table (ATTEND, unbatched) is addressed by slots, `S = P·page`.

    A dense or pooled source may come in two column pieces, a latent part and a
    rotary part as caches hold them: `keys` with `key_tail`, `query` with
    `query_tail`. Every rule reads the pieces as their concatenation, to the
    bit; values are a prefix of the first piece.

    **Numbers.** -0 equals +0. Masking selects, it never multiplies by zero: a
    NaN in a row that is not selected reaches no output, a NaN in a selected
    row reaches its output as NaN. Sums are f32. `docs/Rationale.md` says why.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::bufferization::BufferizationDialect"
  ];
  let useDefaultAttributePrinterParser = 1;
}

#endif // DSA_IR_DSADIALECT_TD
