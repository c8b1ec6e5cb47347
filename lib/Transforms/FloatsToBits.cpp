//===- FloatsToBits.cpp - Narrow floats as integers -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinDialect.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_FLOATSTOBITSPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;

static bool isNarrow(Type type) {
  return isa<BFloat16Type, Float8E4M3FNType, Float8E8M0FNUType>(type);
}

/// The integer of the same width.
static Type getBits(Type type) {
  return IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth());
}

/// Whether `op` does nothing with its values that depends on their type.
static bool movesValues(Operation *op) {
  if (isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp>(op))
    return true;
  if (isa<vector::LoadOp, vector::StoreOp, vector::MaskedLoadOp,
          vector::MaskedStoreOp, vector::BitCastOp, vector::BroadcastOp,
          vector::ExtractOp, vector::ShuffleOp>(op))
    return true;
  return isa_and_nonnull<affine::AffineDialect, BuiltinDialect,
                         cf::ControlFlowDialect, func::FuncDialect,
                         memref::MemRefDialect, scf::SCFDialect>(
      op->getDialect());
}

namespace {
struct FloatsToBits : dsa::impl::FloatsToBitsPassBase<FloatsToBits> {
  /// An error for each op that would compute something else on integers.
  LogicalResult verifyOnlyMoved() {
    bool onlyMoved = true;
    getOperation()->walk([&](Operation *op) {
      auto isConcerned = [](Type type) {
        return isNarrow(getElementTypeOrSelf(type));
      };
      if (movesValues(op) || isa<LLVM::CallIntrinsicOp>(op) ||
          (llvm::none_of(op->getOperandTypes(), isConcerned) &&
           llvm::none_of(op->getResultTypes(), isConcerned)))
        return;
      op->emitOpError("computes on (")
          << op->getOperandTypes() << ") -> (" << op->getResultTypes()
          << "), but bf16 and f8 can only be converted; widen to f32 first";
      onlyMoved = false;
    });
    return success(onlyMoved);
  }

  void runOnOperation() override {
    // What kernels call of the CPU knows its types.
    SmallVector<std::pair<OpOperand *, Type>> kept;
    SmallVector<std::pair<OpResult, Type>> keptResults;
    getOperation()->walk([&](LLVM::CallIntrinsicOp op) {
      for (OpOperand &operand : op->getOpOperands())
        if (isNarrow(getElementTypeOrSelf(operand.get().getType())))
          kept.push_back({&operand, operand.get().getType()});
      for (OpResult result : op->getOpResults())
        if (isNarrow(getElementTypeOrSelf(result.getType())))
          keptResults.push_back({result, result.getType()});
    });
    if (failed(verifyOnlyMoved()))
      return signalPassFailure();
    AttrTypeReplacer replacer;
    replacer.addReplacement([](FloatType type) -> std::optional<Type> {
      return isNarrow(type) ? getBits(type) : Type(type);
    });
    replacer.addReplacement([](FloatAttr attr) -> std::optional<Attribute> {
      if (!isNarrow(attr.getType()))
        return attr;
      return IntegerAttr::get(getBits(attr.getType()),
                              attr.getValue().bitcastToAPInt());
    });
    replacer.addReplacement(
        [](DenseElementsAttr attr) -> std::optional<Attribute> {
          if (!isNarrow(attr.getElementType()))
            return attr;
          return attr.bitcast(getBits(attr.getElementType()));
        });
    replacer.recursivelyReplaceElementsIn(getOperation(),
                                          /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
    for (auto [operand, type] : kept) {
      Operation *op = operand->getOwner();
      OpBuilder b(op);
      operand->set(
          LLVM::BitcastOp::create(b, op->getLoc(), type, operand->get()));
    }
    for (auto [result, type] : keptResults) {
      OpBuilder b(&getContext());
      b.setInsertionPointAfter(result.getOwner());
      auto bits =
          LLVM::BitcastOp::create(b, result.getLoc(), result.getType(), result);
      result.setType(type);
      result.replaceAllUsesExcept(bits, bits);
    }
  }
};
} // namespace
