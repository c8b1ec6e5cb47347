//===- RowGroup.h - Ops that share a loop over rows -------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to `dsa-tile`: a dsa op with what makes and what reads its rows.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_ROWGROUP_H
#define DSA_LIB_TRANSFORMS_ROWGROUP_H

#include "RowDims.h"

namespace mlir::dsa {

/// Why `op` cannot be computed in parts of its rows; null if it can.
const char *getTilingObstacle(DSAOpInterface op);

/// The ops of one loop, which stands where the last of them did.
class RowGroup {
public:
  /// Around an op that has no obstacle.
  explicit RowGroup(DSAOpInterface root);

  /// In the order of the block.
  SmallVector<Operation *> getOps() const;
  Operation *getLast() const { return last; }
  bool contains(Operation *op) const { return members.contains(op); }
  const RowDims &getDims(Operation *op) const {
    return members.find(op)->second;
  }
  /// The op of the group that makes `value`; null if none does.
  Operation *getMaker(Value value) const {
    Operation *op = value.getDefiningOp();
    return op && contains(op) ? op : nullptr;
  }
  /// Results that are used outside.
  SmallVector<OpResult> getOutputs() const;
  /// Tells what the group reads but does not compute, and why.
  void explain(RewriterBase &rewriter) const;
  /// Whether a loop holds less at once: results for some rows only, or what a
  /// fused selection keeps of each row until it knows the best.
  bool savesMemory() const;

private:
  bool addProducers();
  bool addConsumers();
  void dropViewsOfOthers();
  /// Why the loop cannot compute `producer`, which an op of it reads; null, and
  /// in `dims` where the rows are, if it can.
  const char *examineProducer(Operation *producer, RowDims &dims) const;
  std::optional<RowDims> examineConsumer(Operation *consumer) const;
  bool isReadByMember(Operation *op) const {
    return llvm::any_of(op->getUsers(),
                        [&](Operation *user) { return contains(user); });
  }
  /// Whether `op`, or an op in it, uses what the group makes.
  bool readsMember(Operation *op) const {
    return op
        ->walk([&](Operation *nested) {
          return llvm::any_of(nested->getOperands(),
                              [&](Value v) { return getMaker(v); })
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  DenseMap<Operation *, RowDims> members;
  Operation *last;
};

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_ROWGROUP_H
