//===- RadixSelect.h - The K best of many candidates ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A candidate is a position and its key: an unsigned i32 that orders as the
// score does, 0 if it cannot be selected. Candidates stand in scratch memory in
// the order of positions, and keep it.
//
// The K-th greatest key is found digit by digit (11, 11 and 10 bits): counters
// of a digit's values are added up from the greatest value on until K keys are
// reached; the next digit is counted among the keys that agree in this one.
// Then one pass moves what is greater, and the first ones that are equal, to
// the front. So selecting from n candidates reads their keys four times and
// writes K of them, however they are ordered; ties make it cheaper.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_RADIXSELECT_H
#define DSA_LIB_CONVERSION_DSATOCPU_RADIXSELECT_H

#include "Parallel.h"

namespace mlir::dsa {

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The keys of a vector of f32 scores: both zeros get the same one; NaN, -inf
/// and lanes outside of `mask` (null for all lanes) get 0.
Value getKeys(KernelBuilder &b, Value scores, Value mask);
/// The f32 that a key other than 0 was made of; +0 for both zeros.
Value getScore(KernelBuilder &b, Value key);

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

/// Two arrays of i32, with as many elements of slack behind them as a vector
/// has lanes.
struct Candidates {
  Value keys;
  Value positions;
};

class CandidatePlan {
public:
  CandidatePlan(KernelBuilder &b, ScratchPlan &plan, Value capacity);
  Candidates view(KernelBuilder &b, const Scratch &scratch) const;

private:
  Value extent, keys, positions;
};

/// The counters of all values of a digit: memory that the functions below need,
/// and leave behind with any contents.
Value reserveCounters(KernelBuilder &b, ScratchPlan &plan);
Value viewCounters(KernelBuilder &b, const Scratch &scratch, Value offset);

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

/// The first digit of the K-th greatest key.
struct FirstDigit {
  /// An i32.
  Value digit;
  /// How many of the keys with that digit are among the K greatest, an i32.
  Value rank;
};

/// Calls `visit` for every vector of keys of a source.
using VisitKeys = function_ref<void(function_ref<void(Value keys)> visit)>;

/// The first digit of the `k`-th greatest of the keys of a source that has at
/// least `k`, those that are 0 included.
FirstDigit findFirstDigit(KernelBuilder &b, VisitKeys visitKeys, int64_t k,
                          Value counters);
/// The least key, an i32, that has the digit and can be selected.
Value getLeastKey(KernelBuilder &b, const FirstDigit &first);

struct Kept {
  /// How many candidates were kept, an index.
  Value count;
  /// What the key of a candidate that comes later has to exceed: the least key
  /// that was kept if there are K, else 0; an i32.
  Value bound;
};

/// Moves the `k` best of the first `count` candidates to the front, in order.
/// Those with the key 0 are dropped; of equal ones the first are kept. `first`,
/// if given, is the first digit of the `k`-th greatest; it is not used if there
/// are at most `k`.
Kept compactBest(KernelBuilder &b, const Candidates &candidates, Value count,
                 int64_t k, Value counters,
                 std::optional<FirstDigit> first = std::nullopt);

/// Sorts the first `count` candidates by key, descending; equal ones keep their
/// order.
void sortDescending(KernelBuilder &b, const Candidates &candidates, Value count,
                    const Candidates &spare, Value counters);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_RADIXSELECT_H
