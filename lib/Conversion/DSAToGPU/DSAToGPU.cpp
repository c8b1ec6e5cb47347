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
  for (Type type : op->getOperandTypes())
    if (auto memref = dyn_cast<MemRefType>(type);
        !reason && memref && memref.getMemorySpace()) {
      std::string text;
      llvm::raw_string_ostream(text) << memref;
      return "has an operand of " + text +
             "; GPU kernels have memory without a memory space, as the "
             "device's global memory";
    }
  return reason;
}

/// Whether `function` is one of the queries beside an entry point, which write
/// their answers to the caller's memory.
static bool isQuery(func::FuncOp function) {
  for (StringRef suffix : {"_shapes", "_workspace"}) {
    StringRef name = function.getName();
    if (!name.consume_back(suffix))
      continue;
    auto entry = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        function, StringAttr::get(function.getContext(), name));
    if (entry && getWorkspaceFunction(entry))
      return true;
  }
  return false;
}

/// Why `op` cannot be in a function of the host, whose arguments and workspace
/// are in the device's memory.
static std::optional<StringRef> getHostFault(Operation *op) {
  if (isa<memref::GetGlobalOp>(op))
    return "is a constant in the host's memory, which kernels cannot read; "
           "make it an argument of the function";
  if (isa<memref::AllocaOp>(op))
    return "is on the host's stack, which kernels cannot read; memref.alloc is "
           "in the workspace";
  auto isMemory = [](Type type) {
    return isa<BaseMemRefType, LLVM::LLVMPointerType>(type);
  };
  if (isa<CallOpInterface>(op) && llvm::any_of(op->getResultTypes(), isMemory))
    return "returns memory that may be the host's, which kernels cannot read; "
           "inline what it calls";
  if (isa<memref::CopyOp>(op))
    return "copies memory of the device, for which there is no kernel; results "
           "of a function that a branch, a loop or a reshape gives become "
           "such copies";
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  if (effects && llvm::any_of(op->getOperandTypes(), isMemory) &&
      !isa_and_nonnull<dsa_gpu::DSAGPUDialect>(op->getDialect()) &&
      (effects.hasEffect<MemoryEffects::Read>() ||
       effects.hasEffect<MemoryEffects::Write>()))
    return "reads or writes memory, which is the device's; on a GPU target "
           "only dsa.sparse_attention and dsa.merge_attention do, by their "
           "kernels";
  return std::nullopt;
}

/// Names of what this and later passes add to a program.
static LogicalResult verifyNames(ModuleOp module) {
  for (StringRef name : {"dsa_kernels", "dsa_gpu_program", "dsa_gpu_launch",
                         "dsa_gpu_check_aligned", "dsa_gpu_check_equal"})
    if (Operation *op = SymbolTable::lookupSymbolIn(module, name);
        op && !isa<gpu::GPUModuleOp>(op))
      return op->emitOpError("has the name of what a program with GPU kernels "
                             "gets; rename it");
  return success();
}

static LogicalResult verifyHost(func::FuncOp function) {
  if (isQuery(function))
    return success();
  WalkResult walk = function.walk([](Operation *op) {
    std::optional<StringRef> fault = getHostFault(op);
    if (!fault)
      return WalkResult::advance();
    InFlightDiagnostic error = op->emitOpError();
    if (op->getNumResults() == 1)
      error << "of " << op->getResult(0).getType() << " ";
    error << *fault;
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
    if (failed(options) || failed(verifyNames(module)))
      return signalPassFailure();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      SmallVector<DSAOpInterface> ops;
      function.walk([&](DSAOpInterface op) { ops.push_back(op); });
      for (DSAOpInterface op : ops)
        if (failed(convert(function, op, *options)))
          return signalPassFailure();
      if (failed(verifyHost(function)))
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
    LaunchSite site = {FoldingBuilder(loc, op), function, Value()};
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
