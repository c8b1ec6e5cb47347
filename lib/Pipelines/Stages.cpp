//===- Stages.cpp - What pipelines have in common -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"

#include "dsa/Passes.h"
#include "dsa/Pipelines.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace mlir::dsa;

/// The inliner without the `canonicalize` that it runs by default. As an option
/// in text, so that a printed pipeline says so too.
static std::unique_ptr<Pass> createPlainInliner() {
  std::unique_ptr<Pass> inliner = createInlinerPass();
  LogicalResult known = inliner->initializeOptions(
      "default-pipeline=", [](const Twine &) { return failure(); });
  if (failed(known))
    llvm::report_fatal_error("the inliner has no option 'default-pipeline'");
  return inliner;
}

void dsa::addInlining(OpPassManager &pm) {
  pm.addPass(createPlainInliner());
  pm.addPass(createSymbolDCEPass());
}

void dsa::addEntryPoints(OpPassManager &pm, bool checked) {
  pm.addPass(createCheckInterfacesPass());
  addInlining(pm);
  // Of arithmetic on tensors, extents, rows and buffers are known as linalg.
  pm.addPass(createConvertElementwiseToLinalgPass());
  FunctionABIPassOptions abi;
  abi.checked = checked;
  pm.addPass(createFunctionABIPass(abi));
}

void dsa::addBufferization(OpPassManager &pm) {
  // An init that ends up in a result starts out there.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createOneShotBufferizePass());
  pm.addPass(createBufferCleanupPass());
}

void dsa::addWorkspace(OpPassManager &pm) {
  // Kernels are on threads by now. Other loops, even if their iterations could
  // be, are not, so that one has the memory of all.
  pm.addNestedPass<func::FuncOp>(createForallToForLoopPass());
  pm.addNestedPass<func::FuncOp>(createParallelForToNestedForsPass());
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  pm.addPass(createPlanWorkspacePass());
}

void dsa::addScalarCode(OpPassManager &pm) {
  pm.addPass(createConvertLinalgToLoopsPass());
  // Arithmetic on f8 and bf16, such as users write, becomes f32 with a rounding
  // after each operation.
  pm.addPass(math::createMathExtendToSupportedTypes());
  arith::ArithEmulateUnsupportedFloatsOptions narrow;
  narrow.sourceTypeStrs = {"bf16", "f8E4M3FN"};
  pm.addPass(arith::createArithEmulateUnsupportedFloats(narrow));
  pm.addPass(createExpandFloatsPass());
  pm.addPass(createFloatsToBitsPass());
}

void dsa::addLLVM(OpPassManager &pm, bool openMP) {
  // Subviews and strided metadata become affine arithmetic, and that `arith`.
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  // Rounding divisions of indices, as affine arithmetic has.
  pm.addPass(arith::createArithExpandOpsPass());
  // Intrinsics where LLVM has them, functions of libm for the rest.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  if (openMP)
    pm.addPass(createConvertOpenMPToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createVerifyLoweredPass());
}
