//===- Kernels.h - The GPU kernels, one per op ------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each kernel says whether it covers an op, on tensors or memrefs, and emits
// itself: the code that launches it before an op on memrefs, its own in a
// module of kernels.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOGPU_KERNELS_H
#define DSA_LIB_CONVERSION_DSATOGPU_KERNELS_H

#include "AttentionSchedule.h"

#include "dsa/GPU/Kernel.h"
#include "dsa/IR/DSA.h"

namespace mlir::dsa {

/// What kernels are made for, and how work is divided.
struct GPUOptions {
  dsa_gpu::Chip chip;
  /// Multiprocessors that few rows are divided among.
  int64_t smCount;
  AttentionSchedule attention;
  /// Whether the bits of a row must not depend on how many rows there are.
  bool batchInvariant = false;
};

/// Why no kernel covers `op`: a clause that follows the name of the op; or
/// nothing if one does.
std::optional<std::string> getReasonAgainst(SparseAttentionOp op);
std::optional<std::string> getReasonAgainst(MergeAttentionOp op);

/// Where kernels are launched.
struct LaunchSite {
  /// Inserts before the op.
  FoldingBuilder b;
  func::FuncOp function;
  /// The call's `!llvm.ptr`.
  Value call;
};

/// What was chosen for an op, for its remark.
FailureOr<std::string> emitSparseAttention(LaunchSite &site,
                                           SparseAttentionOp op,
                                           const GPUOptions &options);
FailureOr<std::string> emitMergeAttention(LaunchSite &site,
                                          MergeAttentionOp op);

/// Partial results: `N x rows... x H x Dv`, and without the last.
struct AttentionPart {
  /// Weighted sums of values: divided by the sums of weights, or as they are if
  /// there is `sum`.
  GlobalTensor out;
  /// The logarithms of the sums of weights; or, if there is `sum`, the maxima
  /// of logits, which those weights are relative to.
  GlobalTensor lse;
  GlobalTensor sum = {};
};
/// Merges parts in order. Rows are those of `out`, from `firstRow` on, all
/// batch entries together; those of the parts are numbered from 0 unless they
/// have a batch.
struct MergeArguments {
  SmallVector<AttentionPart, 2> parts;
  GlobalTensor sink, out, lse;
  /// Index values: rows of a batch entry, the first row, how many rows.
  Value numRows, firstRow, count;
};
void emitMergeKernel(LaunchSite &site, StringRef name,
                     const MergeArguments &arguments);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOGPU_KERNELS_H
