//===- DeviceBuilder.cpp - What GPU kernels are written in ----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/DeviceBuilder.h"

#include "dsa/GPU/DSAGPU.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Value DeviceBuilder::i64(int64_t value) {
  return arith::ConstantIntOp::create(*this, getI64Type(), value);
}
Value DeviceBuilder::bitXor(Value lhs, Value rhs) {
  return createOrFold<arith::XOrIOp>(lhs, rhs);
}
Value DeviceBuilder::toI64(Value value) {
  return value.getType().isInteger(64)
             ? value
             : createOrFold<arith::ExtUIOp>(getI64Type(), value);
}
Value DeviceBuilder::toI32(Value value) {
  return value.getType().isInteger(32)
             ? value
             : createOrFold<arith::TruncIOp>(getI32Type(), value);
}

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

Value DeviceBuilder::f32(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}
Value DeviceBuilder::addf(Value lhs, Value rhs) {
  return arith::AddFOp::create(*this, lhs, rhs);
}
Value DeviceBuilder::subf(Value lhs, Value rhs) {
  return arith::SubFOp::create(*this, lhs, rhs);
}
Value DeviceBuilder::mulf(Value lhs, Value rhs) {
  return arith::MulFOp::create(*this, lhs, rhs);
}
Value DeviceBuilder::divf(Value lhs, Value rhs) {
  return arith::DivFOp::create(*this, lhs, rhs);
}
Value DeviceBuilder::maxf(Value lhs, Value rhs) {
  return LLVM::MaxNumOp::create(*this, lhs, rhs);
}
Value DeviceBuilder::comparef(arith::CmpFPredicate predicate, Value lhs,
                              Value rhs) {
  return arith::CmpFOp::create(*this, predicate, lhs, rhs);
}
Value DeviceBuilder::exp2(Value x) { return dsa_gpu::Exp2Op::create(*this, x); }
Value DeviceBuilder::log2(Value x) { return dsa_gpu::Log2Op::create(*this, x); }
Value DeviceBuilder::exp(Value x) {
  return exp2(mulf(x, f32(1.4426950408889634)));
}
Value DeviceBuilder::pack(Type element, Value low, Value high) {
  Value rounded = arith::TruncFOp::create(*this, VectorType::get({2}, element),
                                          vector({low, high}));
  return LLVM::BitcastOp::create(*this, getI32Type(), rounded);
}
Value DeviceBuilder::extract(Value vector, int64_t at) {
  return vector::ExtractOp::create(*this, vector, at);
}
Value DeviceBuilder::vector(ArrayRef<Value> elements) {
  auto type = VectorType::get({static_cast<int64_t>(elements.size())},
                              elements[0].getType());
  return vector::FromElementsOp::create(*this, type, elements);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Value DeviceBuilder::threadId() {
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}
Value DeviceBuilder::blockIdX() {
  return NVVM::BlockIdXOp::create(*this, getI32Type());
}
Value DeviceBuilder::blockIdY() {
  return NVVM::BlockIdYOp::create(*this, getI32Type());
}
void DeviceBuilder::barrier() { NVVM::Barrier0Op::create(*this); }

Value DeviceBuilder::shuffleXor(Value value, int64_t mask) {
  return NVVM::ShflOp::create(*this, value.getType(), i32(-1), value, i32(mask),
                              i32(31), NVVM::ShflKind::bfly, UnitAttr());
}

Value DeviceBuilder::reduce(Value value, int64_t lanes,
                            function_ref<Value(Value, Value)> combine) {
  for (int64_t mask = 1; mask < lanes; mask *= 2)
    value = combine(value, shuffleXor(value, mask));
  return value;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value DeviceBuilder::sharedMemory() {
  return dsa_gpu::SharedMemoryOp::create(*this);
}

Value DeviceBuilder::advance(Value address, Value bytes) {
  if (std::optional<int64_t> constant = getConstantIntValue(bytes))
    return advance(address, *constant);
  return LLVM::GEPOp::create(*this, address.getType(), getI8Type(), address,
                             ValueRange(bytes));
}

Value DeviceBuilder::advance(Value address, int64_t bytes) {
  if (bytes == 0)
    return address;
  return LLVM::GEPOp::create(
      *this, address.getType(), getI8Type(), address,
      ArrayRef<LLVM::GEPArg>(LLVM::GEPArg(static_cast<int32_t>(bytes))));
}

Value DeviceBuilder::load(Type type, Value address, unsigned alignment) {
  return LLVM::LoadOp::create(*this, type, address, alignment);
}

void DeviceBuilder::store(Value value, Value address, unsigned alignment) {
  LLVM::StoreOp::create(*this, value, address, alignment);
}

void DeviceBuilder::copyAsync(Value shared, Value global, Value bytes) {
  NVVM::CpAsyncOp::create(*this, shared, global, /*size=*/16,
                          NVVM::LoadCacheModifierKind::CG, bytes);
}
void DeviceBuilder::commitCopies() {
  NVVM::CpAsyncCommitGroupOp::create(*this);
}
void DeviceBuilder::waitForCopies(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(*this, pending);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

static Type getStruct(Type element) {
  return LLVM::LLVMStructType::getLiteral(element.getContext(),
                                          SmallVector<Type>(4, element));
}

/// The four members of a struct.
static Fragment unpack(DeviceBuilder &b, Value registers) {
  Fragment fragment;
  for (int64_t i = 0; i < 4; ++i)
    fragment.push_back(LLVM::ExtractValueOp::create(b, registers, i));
  return fragment;
}

Fragment DeviceBuilder::loadMatrices(Value address, bool transposed) {
  return unpack(*this,
                NVVM::LdMatrixOp::create(
                    *this, getStruct(getI32Type()), address, /*num=*/4,
                    transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
                    NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8),
                    NVVM::LdStMatrixEltType::B16));
}

Fragment DeviceBuilder::multiply(Type element, ArrayRef<Value> a,
                                 ArrayRef<Value> b,
                                 ArrayRef<Value> accumulator) {
  // f16 operands are pairs in vectors, bf16 operands in integers.
  auto toOperands = [&](ArrayRef<Value> registers) {
    SmallVector<Value> operands(registers);
    if (element.isF16())
      for (Value &operand : operands)
        operand = LLVM::BitcastOp::create(*this, VectorType::get({2}, element),
                                          operand);
    return operands;
  };
  NVVM::MMATypes type =
      element.isF16() ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  return unpack(*this,
                NVVM::MmaOp::create(
                    *this, getStruct(getF32Type()), toOperands(a),
                    toOperands(b), accumulator, {16, 8, 16}, std::nullopt,
                    std::nullopt, std::array{type, type},
                    std::array{NVVM::MMALayout::row, NVVM::MMALayout::col}));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> DeviceBuilder::forLoop(
    Value from, Value to, ValueRange carried,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      *this, from, to, like(from, 1), carried,
      [&](OpBuilder &, Location, Value i, ValueRange values) {
        scf::YieldOp::create(*this, body(i, values));
      });
  return loop.getResults();
}
