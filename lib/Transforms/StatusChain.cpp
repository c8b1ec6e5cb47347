//===- StatusChain.cpp - Statuses and the checks that decide them ---------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// The runtime
//===----------------------------------------------------------------------===//

namespace {
struct RuntimeFunction {
  StringLiteral name;
  unsigned arity;
};
} // namespace

static constexpr RuntimeFunction runtimeFunctions[] = {
    {"dsa_fail_extent", 4},
    {"dsa_fail_stride", 3},
    {"dsa_fail_workspace", 2},
    {"dsa_fail_index", 4}};

static FunctionType getFailureType(MLIRContext *context, unsigned arity) {
  Builder b(context);
  return b.getFunctionType(SmallVector<Type>(arity, b.getI64Type()),
                           b.getI32Type());
}

LogicalResult dsa::declareRuntime(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  for (const RuntimeFunction &runtime : runtimeFunctions) {
    FunctionType type = getFailureType(module.getContext(), runtime.arity);
    Operation *symbol = SymbolTable::lookupSymbolIn(module, runtime.name);
    if (!symbol) {
      func::FuncOp::create(b, module.getLoc(), runtime.name, type).setPrivate();
      continue;
    }
    auto function = dyn_cast<func::FuncOp>(symbol);
    if (!function || !function.isExternal() ||
        function.getFunctionType() != type)
      return symbol->emitOpError("has the name of a function of the runtime, ")
             << "which compiled functions call; rename it";
  }
  return success();
}

void dsa::dropUnusedRuntime(ModuleOp module) {
  for (const RuntimeFunction &runtime : runtimeFunctions) {
    Operation *symbol = SymbolTable::lookupSymbolIn(module, runtime.name);
    if (SymbolTable::symbolKnownUseEmpty(symbol, module))
      symbol->erase();
  }
}

Value dsa::callFailure(ImplicitLocOpBuilder &b, StringRef name,
                       ValueRange operands) {
  SmallVector<Value> arguments;
  for (Value operand : operands) {
    Type i64 = b.getI64Type();
    if (operand.getType().isIndex())
      operand = arith::IndexCastOp::create(b, i64, operand);
    else if (operand.getType() != i64)
      operand = arith::ExtSIOp::create(b, i64, operand);
    arguments.push_back(operand);
  }
  return func::CallOp::create(b, name, b.getI32Type(), arguments).getResult(0);
}

Value dsa::getSuccess(ImplicitLocOpBuilder &b) {
  return arith::ConstantIntOp::create(b, b.getI32Type(), 0);
}

Value dsa::isSuccess(ImplicitLocOpBuilder &b, Value status) {
  return arith::CmpIOp::create(b, CmpIPredicate::eq, status, getSuccess(b));
}

//===----------------------------------------------------------------------===//
// StatusChain
//===----------------------------------------------------------------------===//

void StatusChain::refuse(Value wrong, StringRef failure, ValueRange operands) {
  if (status)
    wrong = arith::AndIOp::create(b, isSuccess(b, status), wrong);
  Value before = getStatus();
  auto decision = scf::IfOp::create(
      b, wrong,
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(b, callFailure(b, failure, operands));
      },
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, before); });
  status = decision.getResult(0);
}

void StatusChain::requireExtent(int64_t argument, int64_t dimension,
                                Value found, Value expected, bool atLeast) {
  Value wrong = arith::CmpIOp::create(
      b, atLeast ? CmpIPredicate::slt : CmpIPredicate::ne, found, expected);
  refuse(wrong, "dsa_fail_extent",
         {arith::ConstantIndexOp::create(b, argument),
          arith::ConstantIndexOp::create(b, dimension), found, expected});
}

void StatusChain::requireUnitStride(int64_t argument, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t last = type.getRank() - 1;
  if (last < 0 || (!type.isDynamicDim(last) && type.getDimSize(last) <= 1))
    return;
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value stride = metadata.getStrides()[last];
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value differs = arith::CmpIOp::create(b, CmpIPredicate::ne, stride, one);
  Value counts = arith::CmpIOp::create(b, CmpIPredicate::sgt,
                                       metadata.getSizes()[last], one);
  refuse(arith::AndIOp::create(b, differs, counts), "dsa_fail_stride",
         {arith::ConstantIndexOp::create(b, argument),
          arith::ConstantIndexOp::create(b, last), stride});
}

void StatusChain::requireDistinctElements(int64_t argument, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i) && type.getDimSize(i) <= 1)
      continue;
    Value stride = metadata.getStrides()[i];
    Value repeats = arith::CmpIOp::create(b, CmpIPredicate::eq, stride, zero);
    Value counts = arith::CmpIOp::create(b, CmpIPredicate::sgt,
                                         metadata.getSizes()[i], one);
    refuse(arith::AndIOp::create(b, repeats, counts), "dsa_fail_stride",
           {arith::ConstantIndexOp::create(b, argument),
            arith::ConstantIndexOp::create(b, i), stride});
  }
}
