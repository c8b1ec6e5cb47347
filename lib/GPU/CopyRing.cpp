//===- CopyRing.cpp - Tiles on their way to shared memory -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/CopyRing.h"

using namespace mlir;
using namespace mlir::dsa;

Value CopyRing::getStage(Value number) { return b.rem(number, stages); }

void CopyRing::start(Issue issue) {
  for (int64_t i = 0; i < getAhead(); ++i)
    issue(b.i32(i));
}

Value CopyRing::enter(Value number, Issue issue) {
  Value stage = getStage(number);
  if (getAhead() == 0) {
    issue(b.i32(0));
    b.waitForCopies(0);
    b.barrier();
    return stage;
  }
  b.waitForCopies(getAhead() - 1);
  b.barrier();
  issue(getStage(b.add(number, getAhead())));
  return stage;
}

void CopyRing::leave() {
  // With more stages it is the next tile's barrier that tells.
  if (getAhead() == 0)
    b.barrier();
}

void CopyRing::finish() {
  if (getAhead() > 0)
    b.barrier();
}
