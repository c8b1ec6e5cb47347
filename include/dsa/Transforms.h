//===- Transforms.h - Rewrites of dsa ops -----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rewrites behind the passes of the same names, for compilers that choose
// themselves what to rewrite. Each keeps the meaning of the program; where it
// says so, its bits too. One that does not apply fails, changes nothing and
// tells the rewriter's listener why (`notifyMatchFailure`).
//
//===----------------------------------------------------------------------===//

#ifndef DSA_TRANSFORMS_H
#define DSA_TRANSFORMS_H

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::dsa {

/// Replaces `op` by its definition in linalg and scf. An op on memrefs is put
/// on tensors first, between views of its inputs and stores to its inits.
LogicalResult replaceByDefinition(RewriterBase &rewriter, DSAOpInterface op,
                                  const DecomposeOptions &options = {});

/// Makes a `dsa.lightning_indexer` of `op` and the `dsa.indexer_scores` that it
/// selects from, which must have no other use and stand in the same block. Rows
/// that both bound get the intersection of the bounds. Bits are kept. Left
/// alone: ops on memrefs, and `ids` for each row.
FailureOr<LightningIndexerOp> fuseIndexer(RewriterBase &rewriter, TopKOp op);

/// Computes `op` and what it reads row by row in its block, dsa ops and glue,
/// in one loop over T, `rows` (at least 1) rows at a time. Bits are kept.
///
/// Glue is a linalg op, or a cast, slice or reshape, that computes apart the
/// rows of the ops that it reads or that read it. A producer joins if all its
/// uses either are inputs of ops in the loop whose rows are its rows, or come
/// after the loop; glue behind `op` joins up to the first op that reads what
/// the loop makes and cannot. The loop stands where its last op did. Results
/// used after it are put together there, the others exist for `rows` rows only.
/// A `tensor.dim` of a result counts as a use: resolve those first.
///
/// With `toSaveMemory`, ops are left alone that take as much memory without a
/// loop: all results are used outside, and no `dsa.lightning_indexer` keeps
/// candidates.
FailureOr<scf::ForOp> tileRows(RewriterBase &rewriter, DSAOpInterface op,
                               int64_t rows, bool toSaveMemory = false);

/// Selects from `parts` (2 to 1024) parts of the positions, then from what
/// they selected: with `N = ceil(S / parts)`, rounded up to whole pages, part
/// `i` has the positions `[i·N, (i+1)·N)`. Bits are kept. Left alone: ops on
/// memrefs or without elements, ops with `translate_row_ids`, whose ids would
/// take the memory of the scores, pages of dynamic extent, and parts that
/// select all there is.
FailureOr<TopKOp> splitPositions(RewriterBase &rewriter, LightningIndexerOp op,
                                 int64_t parts);
FailureOr<TopKOp> splitPositions(RewriterBase &rewriter, TopKOp op,
                                 int64_t parts);

/// Attends over `parts` (2 to 1024) parts of the slots of each key set apart,
/// in f32, and merges; the sink is left to the merge. Sums round differently.
/// Left alone: ops on memrefs or without elements.
FailureOr<MergeAttentionOp> splitSlots(RewriterBase &rewriter,
                                       SparseAttentionOp op, int64_t parts);

} // namespace mlir::dsa

#endif // DSA_TRANSFORMS_H
