//===- DSAToCPU.cpp - dsa ops to CPU kernels ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes of this folder: which ops have a kernel, their lowering, and what
// LLVM is told of the CPU.
//
//===----------------------------------------------------------------------===//

#include "../../Transforms/RewriteRemarks.h"
#include "Kernels.h"
#include "Parallel.h"

#include "dsa/Passes.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_ATTACHCPUTARGETPASS
#define GEN_PASS_DEF_CONVERTTOCPUPASS
#define GEN_PASS_DEF_DECOMPOSEFORCPUPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

std::optional<std::string> dsa::getReasonAgainst(DSAOpInterface op,
                                                 const CPUTarget &target) {
  // Selection needs no arithmetic.
  if (isa<TopKOp>(op))
    return std::nullopt;
  if (target.fma)
    return std::nullopt;
  return "needs multiply-add of f32 vectors and conversion of f16, FMA with "
         "F16C or NEON, which are not among the features of " +
         target.str();
}

//===----------------------------------------------------------------------===//
// Strides
//===----------------------------------------------------------------------===//

/// `memref` in a form whose innermost stride of 1 stays in its type: the folds
/// of vector.load look through a memref.cast, to types that it then refuses.
static Value keepUnitStride(OpBuilder &b, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  return memref::ReinterpretCastOp::create(
      b, loc, type, metadata.getBaseBuffer(),
      metadata.getConstifiedMixedOffset(), metadata.getConstifiedMixedSizes(),
      metadata.getConstifiedMixedStrides());
}

/// `op` on operands that are contiguous where its table says kernels read them
/// so. What is not, such as a strided slice in the function, is copied before,
/// or after `op`; the names of those are added to `copied`.
static DSAOpInterface makeContiguous(IRRewriter &rewriter, DSAOpInterface op,
                                     SmallVectorImpl<std::string> &copied) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
  SmallVector<Value> operands(op->getOperands());
  SmallVector<std::pair<Value, Value>> results;
  DimTable table = op.getDimTable();
  for (const DimRow &row : table.rows) {
    Value &operand = operands[row.operand->getOperandNumber()];
    auto type = cast<MemRefType>(operand.getType());
    if (!row.unitStride || type.getRank() == 0)
      continue;
    if (type.getStridesAndOffset().first.back() == 1) {
      if (operand.getDefiningOp<memref::CastOp>())
        operand = keepUnitStride(rewriter, loc, operand);
      continue;
    }
    copied.push_back("'" + row.name + "'");
    Value strided = operand;
    operand = memref::AllocOp::create(
        rewriter, loc, memref::getMixedSizes(rewriter, loc, strided),
        type.getElementType());
    if (dst.isDpsInit(row.operand))
      results.push_back({operand, strided});
    else
      memref::CopyOp::create(rewriter, loc, strided, operand);
  }
  auto contiguous =
      cast<DSAOpInterface>(cloneOnOperands(rewriter, op, operands));
  for (auto [from, to] : results)
    memref::CopyOp::create(rewriter, loc, from, to);
  rewriter.eraseOp(op);
  return contiguous;
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

namespace {
/// A pass with options that name a CPU.
template <typename BaseTy>
struct OnCPU : BaseTy {
  using BaseTy::BaseTy;

  FailureOr<CPUTarget> getTarget() {
    CPUTargetOptions options;
    options.triple = this->triple;
    options.cpu = this->cpu;
    options.features = llvm::join(this->features, ",");
    options.l1Bytes = this->l1Bytes;
    options.l2Bytes = this->l2Bytes;
    return CPUTarget::get(options, [&](const Twine &message) {
      return emitError(this->getOperation()->getLoc(), message);
    });
  }
};

struct DecomposeForCPU
    : OnCPU<dsa::impl::DecomposeForCPUPassBase<DecomposeForCPU>> {
  using OnCPU::OnCPU;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = getTarget();
    if (failed(target))
      return signalPassFailure();
    SmallVector<DSAOpInterface> ops;
    getOperation()->walk([&](DSAOpInterface op) { ops.push_back(op); });
    RewriteRemarks remarks(getArgument());
    IRRewriter rewriter(&getContext(), &remarks);
    for (DSAOpInterface op : ops) {
      std::optional<std::string> reason = getReasonAgainst(op, *target);
      if (!reason)
        continue;
      (void)rewriter.notifyMatchFailure(op, "is computed by its definition: " +
                                                *reason);
      if (failed(replaceByDefinition(rewriter, op)))
        return signalPassFailure();
    }
  }
};

struct ConvertToCPU : OnCPU<dsa::impl::ConvertToCPUPassBase<ConvertToCPU>> {
  using OnCPU::OnCPU;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = getTarget();
    if (failed(target))
      return signalPassFailure();
    RewriteRemarks remarks(getArgument());
    IRRewriter rewriter(&getContext(), &remarks);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      SmallVector<DSAOpInterface> ops;
      function.walk([&](DSAOpInterface op) { ops.push_back(op); });
      for (DSAOpInterface op : ops)
        convert(rewriter, remarks, function, op, *target);
    }
  }

  void convert(IRRewriter &rewriter, RewriteRemarks &remarks,
               func::FuncOp function, DSAOpInterface op,
               const CPUTarget &target) {
    auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
    std::optional<std::string> reason = getReasonAgainst(op, target);
    if (!reason && !dst.hasPureBufferSemantics())
      reason = "is on tensors; bufferize first";
    if (reason) {
      (void)rewriter.notifyMatchFailure(op, *reason);
      return;
    }
    Location loc = op.getLoc();
    SmallVector<std::string> copied;
    op = makeContiguous(rewriter, op, copied);
    if (!copied.empty())
      remarks.notifyMatchFailure(loc, [&](Diagnostic &reason) {
        reason << llvm::join(copied, " and ")
               << " copied, as the innermost stride is not known to be 1";
      });
    rewriter.setInsertionPoint(op);
    KernelBuilder b(loc, rewriter, target);
    Value threads = getNumThreads(b, function);
    KernelChoice choice =
        TypeSwitch<Operation *, KernelChoice>(op)
            .Case<IndexerScoresOp>([&](auto scores) {
              return emitIndexerScores(b, scores, threads);
            })
            .Case<LightningIndexerOp>([&](auto indexer) {
              return emitLightningIndexer(b, indexer, threads);
            })
            .Case<SparseAttentionOp>([&](auto attention) {
              return emitSparseAttention(b, attention, threads);
            })
            .Case<MergeAttentionOp>([&](auto merge) {
              return emitMergeAttention(b, merge, threads);
            })
            .Case<TopKOp>([&](auto topK) { return emitTopK(b, topK, threads); })
            .Case<UnpackOp>(
                [&](auto unpack) { return emitUnpack(b, unpack, threads); });
    remarks.notifyDone(loc, choice + " on " + target.str());
    rewriter.eraseOp(op);
  }
};

struct AttachCPUTarget
    : OnCPU<dsa::impl::AttachCPUTargetPassBase<AttachCPUTarget>> {
  using OnCPU::OnCPU;

  void runOnOperation() override {
    FailureOr<CPUTarget> target = getTarget();
    if (failed(target))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    auto text = [&](StringRef value) {
      return StringAttr::get(context, value);
    };
    getOperation()->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                            text(target->triple));
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (function.isExternal())
        continue;
      // Lowering to branches keeps what is said of loops, under a name that the
      // translation does not read.
      function.walk([](LLVM::BrOp branch) {
        Attribute loop = branch->removeDiscardableAttr(loopAnnotationName);
        if (auto annotation =
                dyn_cast_if_present<LLVM::LoopAnnotationAttr>(loop))
          branch.setLoopAnnotationAttr(annotation);
      });
      function.setTargetCpu(target->cpu);
      if (!target->features.empty())
        function.setTargetFeaturesAttr(
            LLVM::TargetFeaturesAttr::get(context, target->features));
      SmallVector<Attribute> passed;
      if (ArrayAttr before = function.getPassthroughAttr())
        passed.assign(before.begin(), before.end());
      passed.push_back(text("no-builtin-memset"));
      function.setPassthroughAttr(ArrayAttr::get(context, passed));
    }
  }
};
} // namespace
