//===- AttentionSchedule.cpp - How attention is tiled on a GPU ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionSchedule.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

/// Of a block; more heads and stages fit no chip.
static constexpr int64_t maxWarps = 32, maxHeads = 256, maxStages = 16;

std::string AttentionSchedule::str() const {
  return (Twine(heads) + " heads x " + Twine(keys) + " keys x " +
          Twine(stages) + " stages, " + Twine(warps) + " warps, " +
          Twine(querySteps) + " query steps in registers, " +
          Twine(scorePasses) + " passes for scores")
      .str();
}

AttentionPlan::AttentionPlan(const AttentionSchedule &schedule,
                             const AttentionExtents &extents)
    : schedule(schedule) {
  keyColumns = llvm::alignTo(extents.dk, 64);
  valueColumns = extents.hasValues ? llvm::alignTo(extents.dv, 64) : 0;
  depthSteps = keyColumns / 16 / depthGroups;
  if (this->schedule.querySteps == 0)
    this->schedule.querySteps =
        schedule.heads > 32 ? std::min<int64_t>(5, depthSteps) : depthSteps;
  sharedSteps = depthSteps - this->schedule.querySteps;
  // Heads are divided first: a warp with fewer of them holds less of the query.
  int64_t tiles = schedule.heads / 16,
          groups = std::max<int64_t>(schedule.warps / depthGroups, 1);
  headGroups = tiles >= 4 ? std::min(groups, tiles / 2) : 1;
  keyGroups = std::max<int64_t>(groups / headGroups, 1);
  headTiles = tiles / headGroups;
  keyPairs = schedule.keys / 16 / keyGroups;
  if (this->schedule.scorePasses == 0)
    this->schedule.scorePasses = std::clamp<int64_t>(keyPairs, 1, 2);
  columnTiles = extents.dv / 16;
  columnTilesOfWarp = llvm::divideCeil(columnTiles, schedule.warps);
  softmaxPasses = schedule.heads / schedule.warps / 4;
  // Two rows of 8 lanes that store 8 bytes each are 32 bytes apart in banks.
  scoreRowBytes = 4 * schedule.keys + 32;
}

std::optional<std::string> AttentionPlan::getFault() const {
  const AttentionSchedule &s = schedule;
  if (s.warps % depthGroups != 0)
    return ("warps is " + Twine(s.warps) + ", but must be a multiple of " +
            Twine(depthGroups))
        .str();
  if (s.warps > maxWarps)
    return ("warps is " + Twine(s.warps) + ", but must be at most " +
            Twine(maxWarps))
        .str();
  if (s.heads > maxHeads)
    return ("heads is " + Twine(s.heads) + ", but must be at most " +
            Twine(maxHeads))
        .str();
  auto isMultiple = [&](StringRef name, int64_t value,
                        int64_t of) -> std::optional<std::string> {
    if (value % of == 0)
      return std::nullopt;
    return (name + " is " + Twine(value) + ", but must be a multiple of " +
            Twine(of) + " with " + Twine(s.warps) + " warps")
        .str();
  };
  if (auto fault =
          isMultiple("heads", s.heads, std::max<int64_t>(16, 4 * s.warps)))
    return fault;
  // The rows of a tile that all threads ask for at once.
  int64_t rows = std::max<int64_t>(32, getThreads() / 8);
  if (auto fault = isMultiple("keys", s.keys, rows))
    return fault;
  if (s.keys > 64)
    return ("keys is " + Twine(s.keys) + ", but must be at most 64").str();
  if (headTiles * headGroups * 16 != s.heads || keyPairs == 0 ||
      keyPairs * keyGroups * 16 != s.keys)
    return (Twine(s.warps) + " warps do not divide " + Twine(s.heads) +
            " heads and " + Twine(s.keys) + " keys evenly")
        .str();
  if (s.stages > maxStages)
    return ("stages is " + Twine(s.stages) + ", but must be at most " +
            Twine(maxStages))
        .str();
  if (s.querySteps > depthSteps)
    return ("query-steps is " + Twine(s.querySteps) + ", but must be at most " +
            Twine(depthSteps))
        .str();
  if (keyPairs % s.scorePasses != 0)
    return ("score-passes is " + Twine(s.scorePasses) +
            ", but must divide the " + Twine(keyPairs) +
            " pairs of key tiles of a warp")
        .str();
  return std::nullopt;
}

int64_t AttentionPlan::getSharedBytes() const {
  const AttentionSchedule &s = schedule;
  int64_t query = s.heads * depthGroups * sharedSteps * 32;
  int64_t rows = s.stages * s.keys * 2 * (keyColumns + valueColumns);
  int64_t scores = depthGroups * s.heads * scoreRowBytes;
  int64_t weights = s.heads * s.keys * 2;
  int64_t factors = llvm::alignTo(s.heads * 4, 128);
  int64_t valid = llvm::alignTo(s.stages * s.keys * 4, 128);
  return query + rows + scores + weights + factors + valid;
}

/// In the order of preference where they fit.
static SmallVector<AttentionSchedule>
getCandidates(const AttentionExtents &extents) {
  auto make = [](int64_t heads, int64_t stages, int64_t warps) {
    AttentionSchedule schedule;
    schedule.heads = heads;
    schedule.keys = 32;
    schedule.stages = stages;
    schedule.warps = warps;
    return schedule;
  };
  SmallVector<AttentionSchedule> candidates;
  int64_t heads = extents.heads.value_or(64);
  if (heads > 32)
    candidates.push_back(make(64, 2, 8));
  if (heads > 16)
    candidates.push_back(make(32, 2, 8));
  candidates.push_back(make(16, 2, 4));
  if (heads > 16)
    candidates.push_back(make(32, 1, 8));
  candidates.push_back(make(16, 1, 4));
  return candidates;
}

FailureOr<AttentionSchedule>
dsa::chooseSchedule(const AttentionExtents &extents, const dsa_gpu::Chip &chip,
                    const AttentionSchedule &options,
                    function_ref<InFlightDiagnostic(const Twine &)> emitError) {
  std::pair<StringRef, int64_t> chosen[] = {
      {"heads", options.heads},
      {"keys", options.keys},
      {"stages", options.stages},
      {"query-steps", options.querySteps},
      {"score-passes", options.scorePasses},
      {"warps", options.warps}};
  bool isChosen = false;
  for (auto [name, value] : chosen) {
    if (value < 0)
      return emitError("has no such schedule: " + name + " is " + Twine(value) +
                       ", but must be positive, or 0 for the default");
    isChosen |= value != 0;
  }
  int64_t limit = isChosen ? chip.maxSharedBytes : chip.sharedBytes;
  // Of the last candidate, which asks for the least.
  std::string lastFault;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (AttentionSchedule schedule : getCandidates(extents)) {
    auto override = [](int64_t &value, int64_t option) {
      if (option != 0)
        value = option;
    };
    override(schedule.heads, options.heads);
    override(schedule.keys, options.keys);
    override(schedule.stages, options.stages);
    override(schedule.querySteps, options.querySteps);
    override(schedule.scorePasses, options.scorePasses);
    override(schedule.warps, options.warps);
    AttentionPlan plan(schedule, extents);
    if (std::optional<std::string> fault = plan.getFault()) {
      lastFault = *fault;
      continue;
    }
    if (plan.getSharedBytes() <= limit)
      return plan.schedule;
    least = std::min(least, plan.getSharedBytes());
  }
  if (least == std::numeric_limits<int64_t>::max())
    return emitError("has no such schedule: " + lastFault);
  return emitError("needs " + Twine(least) +
                   " bytes of shared memory, but a block on " + chip.name +
                   " has at most " + Twine(limit));
}
