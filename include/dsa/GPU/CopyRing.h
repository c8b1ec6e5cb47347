//===- CopyRing.h - Tiles on their way to shared memory ---------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_COPYRING_H
#define DSA_GPU_COPYRING_H

#include "dsa/GPU/DeviceBuilder.h"

namespace mlir::dsa {

/// The order in which all threads of a block copy tiles and work on them. There
/// is room for some tiles, the stages: one is worked on while the others are
/// under way; of one stage, none is.
///
///   ring.start(issue);
///   for each tile:
///     stage = ring.enter(tile, issue);
///     ... what is done with the tile of that stage
///     ring.leave();
///
/// `issue` begins the copies of the next tile to a stage and commits them as
/// one group; it is called for the tiles in order, also behind the last one,
/// where its group is empty.
class CopyRing {
public:
  CopyRing(DeviceBuilder &b, int64_t stages) : b(b), stages(stages) {}

  /// Tiles that are under way while one is worked on.
  int64_t getAhead() const { return stages - 1; }

  using Issue = function_ref<void(Value stage)>;
  void start(Issue issue);
  /// Waits until tile `number`, counted from 0, is there for all threads; its
  /// stage. The barrier tells, too, that all have left the tile before, whose
  /// stage is filled again.
  Value enter(Value number, Issue issue);
  void leave();
  /// Behind the last tile: what it was is left by all threads.
  void finish();

private:
  Value getStage(Value number);

  DeviceBuilder &b;
  int64_t stages;
};

} // namespace mlir::dsa

#endif // DSA_GPU_COPYRING_H
