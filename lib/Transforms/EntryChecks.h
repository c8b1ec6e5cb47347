//===- EntryChecks.h - What holds before a function runs --------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to `dsa-function-abi`: the checks that a function begins with, and
// the shapes of its results, as functions of its arguments alone. The functions
// of the runtime serve `dsa-plan-workspace` too, and what is contiguous the
// description of artefacts.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_ENTRYCHECKS_H
#define DSA_LIB_TRANSFORMS_ENTRYCHECKS_H

#include "dsa/IR/DSA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::dsa {

/// The type of a tensor as an argument: any strides, any offset. With
/// `unitStride` the innermost stride is 1.
MemRefType getArgumentType(RankedTensorType type, bool unitStride = false);

/// Declares the functions of `dsa-c/Runtime.h` that record failures. An error
/// if the module uses one of their names for something else.
LogicalResult declareRuntime(ModuleOp module);
/// Erases the declarations that nothing calls.
void dropUnusedRuntime(ModuleOp module);

/// A call of `name`, a function of `dsa-c/Runtime.h` that records a failure, on
/// integers or indices; the status it returns.
Value callFailure(ImplicitLocOpBuilder &b, StringRef name, ValueRange operands);

/// Status 0.
Value getSuccess(ImplicitLocOpBuilder &b);
/// Whether `status` is 0.
Value isSuccess(ImplicitLocOpBuilder &b, Value status);

/// A status that the first failed check decides: a check that fails later does
/// not call its failure.
class StatusChain {
public:
  /// Begins with `status`, or with success.
  StatusChain(ImplicitLocOpBuilder &b, Value status = {})
      : b(b), status(status) {}

  /// `found`, dimension `dimension` of argument `argument`, must be `expected`;
  /// or at least that, if `atLeast`.
  void requireExtent(int64_t argument, int64_t dimension, Value found,
                     Value expected, bool atLeast = false);

  /// Argument `argument`, a memref, must have innermost stride 1, or fewer than
  /// two elements there.
  void requireUnitStride(int64_t argument, Value memref);

  /// Argument `argument`, a memref, must not have a dimension of stride 0 and
  /// more than one element.
  void requireDistinctElements(int64_t argument, Value memref);

  Value getStatus() { return status ? status : getSuccess(b); }

private:
  /// The status becomes that of a failure if `wrong`, and if nothing was wrong
  /// before.
  void refuse(Value wrong, StringRef failure, ValueRange operands);

  ImplicitLocOpBuilder &b;
  /// Null for a success that needs no test.
  Value status;
};

/// Which inputs and results of a function on tensors, of one block and without
/// calls, have to have innermost stride 1.
struct Contiguity {
  explicit Contiguity(func::FuncOp function);
  llvm::BitVector inputs, results;
};

/// The private function that all entry points of `function` call first. It
/// takes the inputs of `function`, tensors as memrefs, and returns a status and
/// the extents of all results, in order, concatenated. `contiguous` says which
/// inputs must have innermost stride 1. An error if a check or an extent cannot
/// be told from the inputs.
FailureOr<func::FuncOp> buildEntry(func::FuncOp function,
                                   const llvm::BitVector &contiguous);

/// The function `<name>_workspace` that comes with an entry point; null if
/// `function` is none: i32 f(ins..., outs..., memref<?xi8>, i32) with a sibling
/// i32 f_workspace(ins..., i32, memref<1xi64>).
func::FuncOp getWorkspaceFunction(func::FuncOp function);

/// Before `op`, looks for an index that is neither valid nor the padding -1,
/// and stores the status of the first one to `cell` (a memref of one i32),
/// unless that holds a failure already.
void insertIndexChecks(SparseAttentionOp op, Value cell);

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_ENTRYCHECKS_H
