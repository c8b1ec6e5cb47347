//===- Reference.cpp - dsa to LLVM by way of the definitions --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The target that defines what is right. Nothing in it is fast, and nothing in
// it depends on `canonicalize`.
//
//===----------------------------------------------------------------------===//

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
#include "mlir/Pass/PassRegistry.h"
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

/// One function per entry point, with what it calls inside.
static void addEntryPoints(OpPassManager &pm,
                           const ReferencePipelineOptions &options) {
  pm.addPass(createCheckInterfacesPass());
  pm.addPass(createPlainInliner());
  pm.addPass(createSymbolDCEPass());
  FunctionABIPassOptions abi;
  abi.checked = options.checked;
  pm.addPass(createFunctionABIPass(abi));
}

/// dsa ops to loops over tensors.
static void addDefinitions(OpPassManager &pm,
                           const ReferencePipelineOptions &options) {
  DecomposePassOptions decompose;
  decompose.accumulateType = options.accumulateType;
  pm.addPass(createDecomposePass(decompose));
}

/// Tensors to buffers: results in the caller's memory, temporaries freed.
static void addBufferization(OpPassManager &pm) {
  // An init that ends up in a result starts out there.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createOneShotBufferizePass());
  pm.addPass(createBufferCleanupPass());
  // Where ownership is known statically, which is almost everywhere, the second
  // pass leaves a plain `memref.dealloc`.
  pm.addPass(bufferization::createOwnershipBasedBufferDeallocationPass());
  pm.addPass(bufferization::createBufferDeallocationSimplificationPass());
  pm.addPass(bufferization::createLowerDeallocationsPass());
  pm.addPass(createExpandCopiesPass());
}

/// Structured ops to loops, narrow floats to what LLVM knows.
static void addScalarCode(OpPassManager &pm) {
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

static void addLLVM(OpPassManager &pm) {
  // Subviews and strided metadata become affine arithmetic, and that `arith`.
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  // Rounding divisions of indices, as affine arithmetic has.
  pm.addPass(arith::createArithExpandOpsPass());
  // Intrinsics where LLVM has them, functions of libm for the rest.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createVerifyLoweredPass());
}

void dsa::buildReferencePipeline(OpPassManager &pm,
                                 const ReferencePipelineOptions &options) {
  addEntryPoints(pm, options);
  addDefinitions(pm, options);
  addBufferization(pm);
  addScalarCode(pm);
  addLLVM(pm);
}

/// Adds the pipeline as a textual one names it. Upstream's
/// `PassPipelineRegistration` prints an unknown option instead of returning it,
/// and ends the program where the pipeline is nested in another op.
static LogicalResult
addReferencePipeline(OpPassManager &pm, StringRef optionsText,
                     function_ref<LogicalResult(const Twine &)> emitError) {
  std::optional<StringRef> anchor = pm.getOpName();
  if (pm.getNesting() == OpPassManager::Nesting::Explicit && anchor &&
      *anchor != ModuleOp::getOperationName())
    return emitError("'dsa-reference-pipeline' runs on '" +
                     ModuleOp::getOperationName() + "', not on '" + *anchor +
                     "'");
  ReferencePipelineOptions options;
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (failed(options.parseFromString(optionsText, os)))
    return emitError(StringRef(errors).trim());
  buildReferencePipeline(pm, options);
  return success();
}

void dsa::registerPipelines() {
  registerPassPipeline(
      "dsa-reference-pipeline",
      "Lower functions on tensors to the LLVM dialect by the ops' definitions",
      addReferencePipeline,
      [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(ReferencePipelineOptions());
      });
}
