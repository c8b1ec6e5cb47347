//===- ScoreKernel.h - The scores of the lightning indexer ------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One kernel for `dsa.indexer_scores` and `dsa.lightning_indexer`: it computes
// scores a vector of positions at a time, and a sink stores them or selects
// from them.
//
// The order of the sums, for every shape, tile and position of one target:
//
//   s[j] = sum over d, in order, from +0: fma(q[j,d], k[d], s), or for pairs
//          what vdpbf16ps computes (Arithmetic.h)
//   a[j] = relu(s[j]), NaN kept
//   16 lanes: o[l] = fma chain over j of a[l + 16j] * w[l + 16j] from +0, then
//             the 16 sums by `addTree` (Shuffles.h)
//   others:   o = fma chain over all j of a[j] * w[j], from +0
//   I    = o * key_scale
//
// Two loop nests compute it:
//
// * Heads in lanes (16 lanes, more than 16 heads): q is transposed once, keys
//   are broadcast from where they are, nothing of them is copied. For 16
//   positions: tiles of 4 keys x 4 vectors of heads, q in L1, keys from L2 or
//   memory, prefetched.
// * Keys in lanes (all others): keys are packed to panels, transposed, and q is
//   broadcast. Tiles of 6 heads x as many vectors of keys as registers allow.
//
// Rows are taken a few at a time, so that a block of keys in L2 serves them
// all. Keys that are not stored as the arithmetic needs them are converted
// block by block. Work for threads is (rows, chunk of positions).
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNEL_H
#define DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNEL_H

#include "../../IR/Oracle.h"
#include "KeyRows.h"
#include "Parallel.h"

namespace mlir::dsa {

/// A row that scores are computed for.
struct ScoreRow {
  Value batch;
  Value t;
  /// `batch * T + t`.
  Value number;
  /// The chunk of positions that is computed, of `ScoreWork::chunks`.
  Value chunk;
  /// What the sink has reserved is in it.
  Scratch scratch;
};

/// How the work is divided.
struct ScoreWork {
  Value rows;
  Value chunks;
  /// Positions of a row.
  Value positions;
  /// What memory is to be planned for: at least as many rows and chunks, the
  /// same ones in each iteration of a loop around the op.
  Value plannedRows;
  Value plannedChunks;
};

/// What is done with scores. The positions of a chunk of a row come in order.
class ScoreSink {
public:
  virtual ~ScoreSink() = default;
  /// Reserves what the sink needs of each thread's scratch memory.
  virtual void reserve(KernelBuilder &b, ScratchPlan &plan) {}
  /// Before the loops.
  virtual void begin(KernelBuilder &b, const ScoreWork &work) {}
  /// Before the positions of a chunk.
  virtual void beginRow(KernelBuilder &b, const ScoreRow &row) {}
  /// Scores of consecutive positions from `position` on. Those not under `mask`
  /// do not exist.
  virtual void take(KernelBuilder &b, const ScoreRow &row, Value position,
                    Value scores, Value mask) = 0;
  /// There are no scores in [from, to).
  virtual void skip(KernelBuilder &b, const ScoreRow &row, Value from,
                    Value to) {}
};

/// Emits the kernel; returns what was chosen, for a remark.
std::string emitScores(KernelBuilder &b, const oracle::ScoreOperands &operands,
                       Value threads, ScoreSink &sink);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_SCOREKERNEL_H
