//===- DSAToGPU.cpp - dsa ops to GPU kernels ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes of this folder: ops to kernels and launches, and the argument that
// launches are given.
//
//===----------------------------------------------------------------------===//

#include "../../Transforms/EntryChecks.h"
#include "../../Transforms/RewriteRemarks.h"
#include "Kernels.h"

#include "dsa/GPU/DSAGPU.h"
#include "dsa/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_CALLARGUMENTPASS
#define GEN_PASS_DEF_CONVERTTOGPUPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

/// Why no kernel covers `op`, or nothing.
static std::optional<std::string> getReason(DSAOpInterface op) {
  auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
  std::optional<std::string> reason =
      TypeSwitch<Operation *, std::optional<std::string>>(op)
          .Case<SparseAttentionOp, MergeAttentionOp>(
              [](auto known) { return getReasonAgainst(known); })
          .Default([](Operation *) { return "has no GPU kernel"; });
  if (!reason && !dst.hasPureBufferSemantics())
    return "is on tensors; bufferize first";
  return reason;
}

/// What reads or writes memory in a function of the host: its arguments are in
/// the device's memory.
static LogicalResult verifyHost(func::FuncOp function) {
  WalkResult walk = function.walk([](Operation *op) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (!effects || isa<dsa_gpu::LaunchOp, dsa_gpu::CheckAlignedOp>(op))
      return WalkResult::advance();
    if (!effects.hasEffect<MemoryEffects::Read>() &&
        !effects.hasEffect<MemoryEffects::Write>())
      return WalkResult::advance();
    op->emitOpError("reads or writes memory, but on a GPU target only dsa ops "
                    "can: there is no kernel for it");
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct ConvertToGPU : dsa::impl::ConvertToGPUPassBase<ConvertToGPU> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<GPUOptions> options = getOptions();
    if (failed(options))
      return signalPassFailure();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      SmallVector<DSAOpInterface> ops;
      function.walk([&](DSAOpInterface op) { ops.push_back(op); });
      for (DSAOpInterface op : ops)
        if (failed(convert(function, op, *options)))
          return signalPassFailure();
      if (!ops.empty() && failed(verifyHost(function)))
        return signalPassFailure();
    }
  }

  FailureOr<GPUOptions> getOptions() {
    Location loc = getOperation().getLoc();
    auto known = dsa_gpu::getChip(chip);
    if (!known)
      return emitError(loc, llvm::toString(known.takeError()));
    if (smCount < 0)
      return emitError(loc, "sm-count is ")
             << smCount.getValue()
             << ", but must be at least 1, or 0 for that of the chip";
    GPUOptions options;
    options.chip = *known;
    options.smCount = smCount ? smCount : known->smCount;
    options.attention = {heads, keys, stages, querySteps, scorePasses, warps};
    options.batchInvariant = batchInvariant;
    return options;
  }

  LogicalResult convert(func::FuncOp function, DSAOpInterface op,
                        const GPUOptions &options) {
    if (std::optional<std::string> reason = getReason(op))
      return op->emitOpError(*reason);
    Location loc = op->getLoc();
    LaunchSite site = {ImplicitLocOpBuilder(loc, op), function, Value()};
    site.call = dsa_gpu::CallOp::create(
        site.b, LLVM::LLVMPointerType::get(&getContext()));
    FailureOr<std::string> choice =
        TypeSwitch<Operation *, FailureOr<std::string>>(op)
            .Case<SparseAttentionOp>([&](auto attention) {
              return emitSparseAttention(site, attention, options);
            })
            .Case<MergeAttentionOp>(
                [&](auto merge) { return emitMergeAttention(site, merge); });
    if (failed(choice))
      return failure();
    RewriteRemarks(getArgument())
        .notifyDone(loc, *choice + " on " + options.chip.name);
    op->erase();
    return success();
  }
};

struct CallArgument : dsa::impl::CallArgumentPassBase<CallArgument> {
  using Base::Base;

  void runOnOperation() override {
    auto type = LLVM::LLVMPointerType::get(&getContext());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !getWorkspaceFunction(function))
        continue;
      unsigned last = function.getNumArguments();
      if (failed(function.insertArgument(last, type, {}, function.getLoc())))
        return signalPassFailure();
      function.walk([&](dsa_gpu::CallOp call) {
        call.replaceAllUsesWith(function.getArgument(last));
        call.erase();
      });
    }
  }
};
} // namespace
