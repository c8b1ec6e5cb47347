//===- DSAGPUDialect.cpp - The dsa_gpu dialect ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/DSAGPU.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa_gpu;

#include "dsa/GPU/DSAGPUDialect.cpp.inc"
#define GET_OP_CLASSES
#include "dsa/GPU/DSAGPUOps.cpp.inc"

void DSAGPUDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dsa/GPU/DSAGPUOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// The threads of a warp, and the most threads of a block.
constexpr int32_t warpThreads = 32;
constexpr int32_t mostThreads = 1024;

LogicalResult LaunchOp::verify() {
  if (getKernel().getNestedReferences().size() != 1)
    return emitOpError("launches ")
           << getKernel()
           << ", expected a kernel of a module, as in @module::@kernel";
  auto threads = static_cast<int32_t>(getThreads());
  if (threads <= 0 || threads > mostThreads || threads % warpThreads != 0)
    return emitOpError("has ")
           << threads << " threads, expected a multiple of " << warpThreads
           << " from " << warpThreads << " to " << mostThreads;
  auto sharedBytes = static_cast<int32_t>(getSharedBytes());
  if (sharedBytes < 0)
    return emitOpError("has ")
           << sharedBytes << " shared bytes, expected 0 or more";
  return success();
}

namespace {
/// What a launch must agree with.
struct Kernel {
  TypeRange parameters;
  std::optional<ArrayRef<int32_t>> threads;
};
} // namespace

/// The extents of a block in an attribute, if it has them.
static std::optional<ArrayRef<int32_t>> getExtents(Attribute attribute) {
  auto extents = dyn_cast_or_null<DenseI32ArrayAttr>(attribute);
  if (!extents)
    return std::nullopt;
  return extents.asArrayRef();
}

/// The kernel that `launch` names, in whichever form it is.
static FailureOr<Kernel> findKernel(LaunchOp launch,
                                    SymbolTableCollection &symbols) {
  SymbolRefAttr name = launch.getKernel();
  StringAttr leaf = name.getLeafReference();
  Operation *module =
      symbols.lookupNearestSymbolFrom(launch, name.getRootReference());
  if (auto binary = dyn_cast_or_null<gpu::BinaryOp>(module)) {
    // Its objects are the same kernels for several chips.
    auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    gpu::KernelTableAttr table = object.getKernels();
    gpu::KernelMetadataAttr kernel = table ? table.lookup(leaf) : nullptr;
    auto type = kernel ? dyn_cast<FunctionType>(kernel.getFunctionType())
                       : FunctionType();
    if (type)
      return Kernel{
          type.getInputs(),
          getExtents(kernel.getAttr(NVVM::NVVMDialect::getReqntidAttrName()))};
  } else if (auto kernels = dyn_cast_or_null<gpu::GPUModuleOp>(module)) {
    Operation *function = symbols.lookupSymbolIn(kernels, leaf);
    if (auto kernel = dyn_cast_or_null<gpu::GPUFuncOp>(function)) {
      if (kernel.isKernel())
        return Kernel{kernel.getArgumentTypes(), kernel.getKnownBlockSize()};
    } else if (auto kernel = dyn_cast_or_null<LLVM::LLVMFuncOp>(function)) {
      if (kernel->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        return Kernel{kernel.getArgumentTypes(),
                      getExtents(kernel->getAttr(
                          NVVM::NVVMDialect::getReqntidAttrName()))};
    }
  }
  return launch.emitOpError("launches ")
         << name << ", which is not a kernel of a gpu.module or a gpu.binary";
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<Kernel> kernel = findKernel(*this, symbols);
  if (failed(kernel))
    return failure();
  // The address of a memref is a pointer.
  SmallVector<Type> types =
      llvm::map_to_vector(getArgs().getTypes(), [](Type type) -> Type {
        return isa<MemRefType>(type)
                   ? LLVM::LLVMPointerType::get(type.getContext(), 1)
                   : type;
      });
  if (kernel->parameters != TypeRange(types))
    return emitOpError("has arguments of types (")
           << getArgs().getTypes() << "), but " << getKernel() << " takes ("
           << kernel->parameters << ")";
  if (!kernel->threads)
    return emitOpError("launches ")
           << getKernel()
           << ", which has no known_block_size; it needs array<i32: "
           << getThreads() << ", 1, 1>";
  auto threads = static_cast<int32_t>(getThreads());
  if (*kernel->threads != ArrayRef<int32_t>{threads, 1, 1}) {
    InFlightDiagnostic error = emitOpError("has ")
                               << getThreads() << " threads, but blocks of "
                               << getKernel() << " are of ";
    llvm::interleave(*kernel->threads, error, " x ");
    return error;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult CheckAlignedOp::verify() {
  auto multiple = static_cast<int64_t>(getMultiple());
  if (multiple <= 0 || !llvm::isPowerOf2_64(multiple))
    return emitOpError("has the multiple ")
           << multiple << ", expected a power of two";
  return success();
}
