//===- AttentionSchedule.h - How attention is tiled on a GPU ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONSCHEDULE_H
#define DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONSCHEDULE_H

#include "dsa/GPU/Chip.h"

#include "mlir/IR/Diagnostics.h"

namespace mlir::dsa {

/// The parameters of the schedule `mma`. In options, 0 is the default.
struct AttentionSchedule {
  /// Heads of a block.
  int64_t heads = 0;
  /// Keys of a tile.
  int64_t keys = 0;
  /// Tiles in shared memory, one of which is worked on.
  int64_t stages = 0;
  /// Of the steps of 16 columns that a warp has of the query, those that stay
  /// in registers; the others are in shared memory.
  int64_t querySteps = 0;
  /// How often the query is walked for the scores of a tile: more passes, and
  /// fewer of their sums at once.
  int64_t scorePasses = 0;
  int64_t warps = 0;

  std::string str() const;
};

/// What a schedule is chosen for.
struct AttentionExtents {
  /// Columns of key rows and of value rows.
  int64_t dk, dv;
  /// Whether value rows are not the first columns of key rows.
  bool hasValues;
  /// Query heads, if they are known.
  std::optional<int64_t> heads;
};

/// Where a schedule has what in shared memory and how warps divide the work.
struct AttentionPlan {
  AttentionPlan(const AttentionSchedule &schedule,
                const AttentionExtents &extents);

  AttentionSchedule schedule;
  /// Columns of key and value tiles: up to whole 128 bytes.
  int64_t keyColumns, valueColumns;
  /// Groups of warps that divide the columns of the dot products; their sums
  /// are added in order.
  static constexpr int64_t depthGroups = 4;
  /// Steps of 16 columns of a depth group, of which the last are in shared
  /// memory: step `group + depthGroups * i` is its i-th.
  int64_t depthSteps, sharedSteps;
  /// In a depth group, warps divide heads, then keys.
  int64_t headGroups, keyGroups;
  /// Of a warp, in QK: tiles of 16 heads and of 16 keys.
  int64_t headTiles, keyPairs;
  /// Tiles of 16 columns of the values, and how many a warp has at most: tile
  /// `warp + warps * i` is its i-th.
  int64_t columnTiles, columnTilesOfWarp;
  /// Rows of the softmax that a warp has, four at a time.
  int64_t softmaxPasses;
  /// Bytes between rows of partial scores.
  int64_t scoreRowBytes;

  int64_t getThreads() const { return 32 * schedule.warps; }
  /// Why there is no such schedule, or nothing.
  std::optional<std::string> getFault() const;
  int64_t getSharedBytes() const;
};

/// The schedule for `extents` on `chip`: what `options` say, and defaults.
/// `emitError` gets why there is none.
FailureOr<AttentionSchedule>
chooseSchedule(const AttentionExtents &extents, const dsa_gpu::Chip &chip,
               const AttentionSchedule &options,
               function_ref<InFlightDiagnostic(const Twine &)> emitError);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOGPU_ATTENTIONSCHEDULE_H
