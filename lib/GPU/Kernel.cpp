//===- Kernel.cpp - A kernel and what it is given -------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/Kernel.h"

#include "dsa/GPU/DSAGPU.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::dsa;

/// The module of all kernels of a program, which is one image.
static constexpr StringLiteral kernelsName = "dsa_kernels";

static gpu::GPUModuleOp getKernels(func::FuncOp function) {
  auto module = function->getParentOfType<ModuleOp>();
  for (auto kernels : module.getOps<gpu::GPUModuleOp>())
    if (kernels.getName() == kernelsName)
      return kernels;
  OpBuilder b(module.getContext());
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  b.getUnitAttr());
  auto kernels = gpu::GPUModuleOp::create(b, module.getLoc(), kernelsName);
  SymbolTable(module).insert(kernels, module.getBody()->begin());
  return kernels;
}

/// `name` as an identifier of PTX, which has letters, digits, _ and $, and does
/// not begin with a digit.
static std::string toIdentifier(StringRef name) {
  std::string identifier = name.str();
  for (char &c : identifier)
    if (!llvm::isAlnum(c) && c != '_' && c != '$')
      c = '_';
  if (identifier.empty() || llvm::isDigit(identifier.front()))
    identifier.insert(identifier.begin(), '_');
  return identifier;
}

static gpu::GPUFuncOp createFunction(func::FuncOp beside, Location loc,
                                     StringRef name, int64_t threads) {
  gpu::GPUModuleOp kernels = getKernels(beside);
  OpBuilder b(beside.getContext());
  auto function = gpu::GPUFuncOp::create(b, loc, toIdentifier(name),
                                         b.getFunctionType({}, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  // Gets another name if that is taken.
  SymbolTable(kernels).insert(function);
  return function;
}

Kernel::Kernel(func::FuncOp beside, Location loc, StringRef name,
               int64_t threads)
    : device(loc, beside.getContext()), threads(threads),
      function(createFunction(beside, loc, name, threads)) {
  device.setInsertionPointToEnd(&function.front());
}

Value Kernel::capture(Value host) {
  Value &parameter = parameters[host];
  if (parameter)
    return parameter;
  Type type = host.getType();
  if (type.isIndex())
    type = device.getI64Type();
  if (isa<MemRefType>(type))
    type = LLVM::LLVMPointerType::get(device.getContext(), 1);
  TypedAttr constant;
  if (matchPattern(host, m_Constant(&constant))) {
    OpBuilder::InsertionGuard guard(device);
    device.setInsertionPointToStart(&function.front());
    if (auto integer = dyn_cast<IntegerAttr>(constant))
      constant = device.getIntegerAttr(type, integer.getInt());
    return parameter = arith::ConstantOp::create(device, constant);
  }
  captured.push_back(host);
  return parameter = function.front().addArgument(type, device.getLoc());
}

void Kernel::launch(OpBuilder &host, Value call, ArrayRef<Value> blocks,
                    int64_t sharedBytes) {
  gpu::ReturnOp::create(device);
  function.setFunctionType(
      device.getFunctionType(function.front().getArgumentTypes(), {}));
  Location loc = device.getLoc();
  auto toI64 = [&](Value value) {
    return value.getType().isIndex() ? host.createOrFold<arith::IndexCastOp>(
                                           loc, host.getI64Type(), value)
                                     : value;
  };
  SmallVector<Value> args = llvm::map_to_vector(captured, toI64);
  SmallVector<Value> grid = llvm::map_to_vector(blocks, toI64);
  auto symbol = SymbolRefAttr::get(
      function->getParentOfType<gpu::GPUModuleOp>().getNameAttr(),
      {FlatSymbolRefAttr::get(function.getNameAttr())});
  dsa_gpu::LaunchOp::create(host, loc, call, symbol, grid[0], grid[1], grid[2],
                            threads, sharedBytes, args);
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

GlobalTensor::GlobalTensor(OpBuilder &host, Location loc, Value memref)
    : elementType(getElementTypeOrSelf(memref)), memref(memref) {
  FoldingBuilder b(loc, host);
  Type i64 = b.getI64Type();
  auto toBytes = [&](OpFoldResult elements) -> Value {
    Value count = getValueOrCreateConstantIndexOp(b, loc, elements);
    return b.createOrFold<arith::IndexCastOp>(i64,
                                              b.mul(count, getElementBytes()));
  };
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  for (OpFoldResult stride : metadata.getConstifiedMixedStrides())
    strides.push_back(toBytes(stride));
  for (OpFoldResult extent : metadata.getConstifiedMixedSizes())
    extents.push_back(getValueOrCreateConstantIndexOp(b, loc, extent));
}

int64_t GlobalTensor::getElementBytes() const {
  return elementType.getIntOrFloatBitWidth() / 8;
}

std::optional<int64_t> GlobalTensor::getStaticExtent(int64_t dim) const {
  return getConstantIntValue(extents[dim]);
}

Value GlobalTensor::at(Kernel &kernel, ArrayRef<Value> indices) const {
  DeviceBuilder &b = kernel.device;
  Value offset = b.i64(0);
  for (auto [dim, index] : llvm::enumerate(indices))
    offset = b.add(offset, b.mul(b.toI64(index), kernel.capture(strides[dim])));
  return b.advance(kernel.capture(memref), offset);
}
