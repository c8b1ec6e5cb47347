//===- Kernels.h - The CPU kernels, one per op ------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each kernel says whether it covers an op, on tensors or memrefs, and emits
// itself before an op on memrefs.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_KERNELS_H
#define DSA_LIB_CONVERSION_DSATOCPU_KERNELS_H

#include "KernelBuilder.h"

#include "dsa/IR/DSA.h"

namespace mlir::dsa {

/// Why no kernel covers `op`: a clause that follows the name of the op; or
/// nothing if one does. Depends on types and attributes only, and for SCORE not
/// on which extents are static: the bits of a score must not (design of ops,
/// "score purity").
std::optional<std::string> getReasonAgainst(DSAOpInterface op,
                                            const CPUTarget &target);

/// What was chosen for an op, for its remark: `keys broadcast, 4x4 tiles`.
using KernelChoice = std::string;

KernelChoice emitIndexerScores(KernelBuilder &b, IndexerScoresOp op,
                               Value threads);
KernelChoice emitLightningIndexer(KernelBuilder &b, LightningIndexerOp op,
                                  Value threads);
KernelChoice emitMergeAttention(KernelBuilder &b, MergeAttentionOp op,
                                Value threads);
KernelChoice emitSparseAttention(KernelBuilder &b, SparseAttentionOp op,
                                 Value threads);
KernelChoice emitTopK(KernelBuilder &b, TopKOp op, Value threads);
KernelChoice emitUnpack(KernelBuilder &b, UnpackOp op, Value threads);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_KERNELS_H
