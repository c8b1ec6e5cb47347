//===- WorkspaceSlots.h - Where allocations may lie -------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to `dsa-plan-workspace`: the memory of each allocation as a place in
// a stack of slots, and how much memory that is.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_WORKSPACESLOTS_H
#define DSA_LIB_TRANSFORMS_WORKSPACESLOTS_H

#include "ArgumentSlices.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::dsa {

/// The memory of one allocation.
struct WorkspaceSlot {
  memref::AllocOp alloc;
  MemRefType type;
  int64_t elementBytes = 0, alignment = 0;
  /// Bounds of the dynamic extents.
  SmallVector<ArgumentBound> extents;
  /// The ops during which the memory is in use, by the order of their begin.
  unsigned first = 0, last = 0;
  /// The slot behind which this one begins, by its number; none at the bottom.
  std::optional<unsigned> below;
  /// Whether no slot begins behind this one.
  bool isTop = true;
};

/// Whether an op allocates or frees memory that is not on the stack.
bool handlesMemory(Operation *op);

/// The slots of all allocations of `function`, each behind those that it begins
/// behind. They must be inside `body`, on the way to them only ops that run
/// their regions one at a time. Errors for allocations that cannot have a slot,
/// and for deallocations of anything else.
FailureOr<SmallVector<WorkspaceSlot>>
findWorkspaceSlots(func::FuncOp function, Region &body,
                   const ArgumentSlices &slices);

/// Where slots are, for one set of values of the arguments.
struct WorkspaceLayout {
  /// Of slots, in bytes from an address of alignment `alignment`.
  SmallVector<OpFoldResult> offsets;
  int64_t alignment = 0;
  /// Of slots that have strides, how many elements they span.
  SmallVector<OpFoldResult> spans;
  /// In total, at any address.
  OpFoldResult bytes;
};

/// Computes, at the insertion point of `b`, where the slots are whose dynamic
/// extents, of all in order, are at most `extents`. What does not fit 63 bits
/// is INT64_MAX; `bytes` is, if anything in it is.
WorkspaceLayout buildWorkspaceLayout(ImplicitLocOpBuilder &b,
                                     ArrayRef<WorkspaceSlot> slots,
                                     ArrayRef<OpFoldResult> extents);

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_WORKSPACESLOTS_H
