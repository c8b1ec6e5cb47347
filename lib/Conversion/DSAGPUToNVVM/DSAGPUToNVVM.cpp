//===- DSAGPUToNVVM.cpp - Kernels to the LLVM and NVVM dialects -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of dsa_gpu that stand in kernels, and upstream's patterns for the
// rest.
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/DSAGPU.h"
#include "dsa/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_CONVERTKERNELSTONVVMPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;

/// What a block's shared memory is called in LLVM and PTX.
constexpr StringLiteral sharedMemoryName = "dsa_shared_memory";
constexpr unsigned sharedMemorySpace = 3;
/// In bytes. Swizzled tiles and descriptors of matrices count from there.
constexpr uint64_t sharedMemoryAlignment = 1024;

//===----------------------------------------------------------------------===//
// Ops of dsa_gpu
//===----------------------------------------------------------------------===//

/// The array that stands for a block's dynamic shared memory. External, and not
/// internal as upstream's: PTX places an internal one like any other variable.
static LLVM::GlobalOp getSharedMemory(OpBuilder &b, gpu::GPUModuleOp module) {
  if (auto found = module.lookupSymbol<LLVM::GlobalOp>(sharedMemoryName))
    return found;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  return LLVM::GlobalOp::create(
      b, module.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0),
      /*isConstant=*/false, LLVM::Linkage::External, sharedMemoryName,
      /*value=*/Attribute(), sharedMemoryAlignment, sharedMemorySpace);
}

namespace {
struct SharedMemoryLowering : OpConversionPattern<dsa_gpu::SharedMemoryOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(dsa_gpu::SharedMemoryOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto module = op->getParentOfType<gpu::GPUModuleOp>();
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(
        op, getSharedMemory(rewriter, module));
    return success();
  }
};

/// An op on f32 that one instruction computes.
template <typename Op>
struct IntrinsicLowering : OpConversionPattern<Op> {
  IntrinsicLowering(const TypeConverter &converter, MLIRContext *context,
                    StringRef intrinsic)
      : OpConversionPattern<Op>(converter, context), intrinsic(intrinsic) {}

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(intrinsic),
        ValueRange(adaptor.getX()));
    return success();
  }

  StringRef intrinsic;
};
} // namespace

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Ops of NVVM that are a line of PTX become that; the others have intrinsics.
static bool isIntrinsic(Operation *op) {
  auto line = dyn_cast<NVVM::BasicPtxBuilderInterface>(op);
  return !line || line.hasIntrinsic();
}

/// Upstream's patterns call CUDA's library where there is no instruction.
static LogicalResult checkCalls(gpu::GPUModuleOp module) {
  SymbolTable symbols(module);
  WalkResult result = module.walk([&](LLVM::CallOp call) {
    std::optional<StringRef> callee = call.getCallee();
    auto function =
        callee ? symbols.lookup<LLVM::LLVMFuncOp>(*callee) : LLVM::LLVMFuncOp();
    if (!function || !function.isExternal())
      return WalkResult::advance();
    call.emitOpError("is of '")
        << *callee
        << "', which the module does not define; kernels are linked with no "
           "library: use an instruction, as dsa_gpu.exp2 is one";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ConvertKernelsToNVVM
    : dsa::impl::ConvertKernelsToNVVMPassBase<ConvertKernelsToNVVM> {
  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    LLVMTypeConverter converter(context);
    configureGpuToNVVMTypeConverter(converter);

    RewritePatternSet patterns(context);
    patterns.add<SharedMemoryLowering>(converter, context);
    patterns.add<IntrinsicLowering<dsa_gpu::Exp2Op>>(
        converter, context, "llvm.nvvm.ex2.approx.ftz.f32");
    patterns.add<IntrinsicLowering<dsa_gpu::Log2Op>>(converter, context,
                                                     "llvm.nvvm.lg2.approx.f");
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    populateNVVMToLLVMConversionPatterns(patterns);

    ConversionTarget target(*context);
    target.addLegalDialect<LLVM::LLVMDialect>();
    target.addDynamicallyLegalDialect<NVVM::NVVMDialect>(isIntrinsic);
    target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();

    // Upstream says the most threads of a block where we know how many.
    for (auto kernel : module.getOps<LLVM::LLVMFuncOp>())
      if (Attribute threads =
              kernel->removeAttr(NVVM::NVVMDialect::getMaxntidAttrName()))
        kernel->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), threads);

    SmallVector<UnrealizedConversionCastOp> casts;
    module.walk(
        [&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    SmallVector<UnrealizedConversionCastOp> left;
    reconcileUnrealizedCasts(casts, &left);
    for (UnrealizedConversionCastOp cast : left)
      cast.emitOpError("has no lowering to LLVM for (")
          << cast.getOperandTypes() << ") -> (" << cast.getResultTypes() << ")";
    if (!left.empty() || failed(checkCalls(module)))
      signalPassFailure();
  }
};
} // namespace
