//===- Tiling.h - Parts of ops ----------------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dimension table of an op says what a part of a dimension means for each
// operand. `TilingInterface` is implemented on it for all ops at once, and
// rewrites that split an op use it too.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_TILING_H
#define DSA_IR_TILING_H

#include "dsa/IR/DimTable.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/TilingInterface.h"

namespace mlir::dsa {

class DSAOpInterface;

/// The `size` elements from `offset` on of a dimension.
struct DimSlice {
  Dim dim;
  OpFoldResult offset;
  OpFoldResult size;
};

/// Operands for a part of an op, and the ops that cut them out.
struct OperandSlices {
  SmallVector<Value> operands;
  SmallVector<Operation *> slices;
};

/// The operands of `op` for a part of some of its dimensions: slices of those
/// that have such a dimension, others as they are. Operands that hold positions
/// along a sliced dimension (bounds, counts) are made to count from `offset`.
///
/// A slice of `N*page` positions takes whole columns of the block table, so its
/// offset and size must be multiples of a page of static extent, and known to
/// be. Where that, or anything else, forbids the part, fails with the reason in
/// `reason`, a clause that follows the name of the op.
///
/// `atHand` may give the part of an operand; what it gives null is cut out.
FailureOr<OperandSlices>
sliceOperands(OpBuilder &b, DSAOpInterface op, ArrayRef<DimSlice> slices,
              std::string &reason,
              function_ref<Value(OpOperand &)> atHand = {});

/// A copy of `op` on other operands, tensors or memrefs, with the results that
/// their inits ask for.
Operation *cloneOnOperands(OpBuilder &b, Operation *op, ValueRange operands);

// The methods of TilingInterface, for any op with a dimension table. Errors are
// emitted on the op.
namespace tiling {

SmallVector<utils::IteratorType> getLoopIteratorTypes(DSAOpInterface op);
SmallVector<Range> getIterationDomain(DSAOpInterface op, OpBuilder &b);
FailureOr<TilingResult> getTiledImplementation(DSAOpInterface op, OpBuilder &b,
                                               ArrayRef<OpFoldResult> offsets,
                                               ArrayRef<OpFoldResult> sizes);
LogicalResult getResultTilePosition(DSAOpInterface op, OpBuilder &b,
                                    unsigned resultNumber,
                                    ArrayRef<OpFoldResult> offsets,
                                    ArrayRef<OpFoldResult> sizes,
                                    SmallVector<OpFoldResult> &resultOffsets,
                                    SmallVector<OpFoldResult> &resultSizes);
FailureOr<TilingResult> generateResultTileValue(DSAOpInterface op, OpBuilder &b,
                                                unsigned resultNumber,
                                                ArrayRef<OpFoldResult> offsets,
                                                ArrayRef<OpFoldResult> sizes);
LogicalResult
getDomainTileFromResult(DSAOpInterface op, OpBuilder &b, unsigned resultNumber,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVectorImpl<OpFoldResult> &domainOffsets,
                        SmallVectorImpl<OpFoldResult> &domainSizes);
FailureOr<TilingResult>
getTiledImplementationFromOperands(DSAOpInterface op, OpBuilder &b,
                                   ArrayRef<unsigned> operandNumbers,
                                   ArrayRef<SmallVector<OpFoldResult>> offsets,
                                   ArrayRef<SmallVector<OpFoldResult>> sizes);
LogicalResult
getDomainTileFromOperands(DSAOpInterface op, OpBuilder &b,
                          ArrayRef<unsigned> operandNumbers,
                          ArrayRef<SmallVector<OpFoldResult>> offsets,
                          ArrayRef<SmallVector<OpFoldResult>> sizes,
                          SmallVectorImpl<OpFoldResult> &domainOffsets,
                          SmallVectorImpl<OpFoldResult> &domainSizes);

} // namespace tiling
} // namespace mlir::dsa

#endif // DSA_IR_TILING_H
