//===- KernelBuilder.cpp - Loops and vectors of CPU kernels ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

Value KernelBuilder::mulSize(Value lhs, Value rhs) {
  Value limit = index(int64_t(1) << 59);
  std::optional<int64_t> x = getConstantIntValue(lhs),
                         y = getConstantIntValue(rhs);
  int64_t product;
  if (x && y && !llvm::MulOverflow(*x, *y, product))
    return min(index(product), limit);
  auto exact = arith::MulUIExtendedOp::create(*this, lhs, rhs);
  Value fits = logicalAnd(compare(CmpIPredicate::eq, exact.getHigh(), index(0)),
                          compare(CmpIPredicate::ule, exact.getLow(), limit));
  return select(fits, exact.getLow(), limit);
}
Value KernelBuilder::alignUp(Value value, int64_t multiple) {
  return mul(ceilDiv(value, multiple), multiple);
}
Value KernelBuilder::alignDown(Value value, int64_t multiple) {
  return mul(div(value, multiple), multiple);
}
/// What `extent`, computed inside of `loop`, is computed from: the indices that
/// come from outside.
static SmallVector<Value> getIndicesFromOutside(Value extent, Operation *loop) {
  SetVector<Value> slice;
  slice.insert(extent);
  SmallVector<Value> indices;
  for (unsigned i = 0; i < slice.size(); ++i) {
    Value value = slice[i];
    if (!loop->isAncestor(value.getParentBlock()->getParentOp())) {
      if (value.getType().isIndex() && !matchPattern(value, m_Constant()))
        indices.push_back(value);
    } else if (Operation *op = value.getDefiningOp()) {
      slice.insert_range(op->getOperands());
    }
  }
  return indices;
}

Value KernelBuilder::getPlanned(Value extent) {
  Operation *outermost = nullptr;
  for (Operation *op = getInsertionBlock()->getParentOp(); op;
       op = op->getParentOp())
    if (isa<LoopLikeOpInterface>(op))
      outermost = op;
  // A tile is at most as large as its constant, and as all that there is.
  Value planned;
  auto add = [&](Value bound) {
    planned = planned ? min(planned, bound) : bound;
  };
  FailureOr<int64_t> constant = ValueBoundsConstraintSet::computeConstantBound(
      presburger::BoundType::UB, extent, /*stopCondition=*/nullptr,
      /*closedUB=*/true);
  if (succeeded(constant))
    add(index(*constant));
  if (outermost)
    for (Value bound : getIndicesFromOutside(extent, outermost))
      if (ValueBoundsConstraintSet::compare(
              extent, ValueBoundsConstraintSet::LE, bound))
        add(bound);
  return planned ? max(planned, index(0)) : extent;
}
Value KernelBuilder::toIndex(Value value) {
  return createOrFold<arith::IndexCastOp>(getIndexType(), value);
}
Value KernelBuilder::toI32(Value value) {
  return createOrFold<arith::IndexCastOp>(getI32Type(), value);
}
Value KernelBuilder::toI64(Value value) {
  return createOrFold<arith::IndexCastOp>(getI64Type(), value);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value>
KernelBuilder::forLoop(Value from, Value to, int64_t step, ValueRange carried,
                       function_ref<SmallVector<Value>(Value, ValueRange)> body,
                       bool rolled) {
  auto loop = scf::ForOp::create(
      *this, from, to, index(step), carried,
      [&](OpBuilder &, Location, Value i, ValueRange values) {
        scf::YieldOp::create(*this, body(i, values));
      });
  if (rolled) {
    auto unroll = LLVM::LoopUnrollAttr::get(
        getContext(), /*disable=*/getBoolAttr(true), {}, {}, {}, {}, {}, {});
    loop->setAttr(loopAnnotationName,
                  LLVM::LoopAnnotationAttr::get(getContext(), {}, {}, {},
                                                unroll, {}, {}, {}, {}, {}, {},
                                                {}, {}, {}, {}, {}));
  }
  return loop.getResults();
}

void KernelBuilder::forLoop(Value from, Value to, Value step,
                            function_ref<void(Value)> body) {
  scf::ForOp::create(*this, from, to, step, ValueRange(),
                     [&](OpBuilder &, Location, Value i, ValueRange) {
                       body(i);
                       scf::YieldOp::create(*this);
                     });
}

void KernelBuilder::forLoop(Value from, Value to, int64_t step,
                            function_ref<void(Value)> body) {
  forLoop(from, to, index(step), body);
}

SmallVector<Value>
KernelBuilder::whileLoop(ValueRange carried,
                         function_ref<Value(ValueRange)> condition,
                         function_ref<SmallVector<Value>(ValueRange)> body) {
  auto loop = scf::WhileOp::create(
      *this, carried.getTypes(), carried,
      [&](OpBuilder &, Location, ValueRange values) {
        scf::ConditionOp::create(*this, condition(values), values);
      },
      [&](OpBuilder &, Location, ValueRange values) {
        scf::YieldOp::create(*this, body(values));
      });
  return loop.getResults();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::dim(Value memref, int64_t dimension) {
  return createOrFold<memref::DimOp>(memref, dimension);
}
Value KernelBuilder::load(Value memref, ValueRange at) {
  return memref::LoadOp::create(*this, memref, at);
}
void KernelBuilder::store(Value value, Value memref, ValueRange at) {
  memref::StoreOp::create(*this, value, memref, at);
}
Value KernelBuilder::loadVector(VectorType type, Value memref, ValueRange at,
                                Value mask) {
  if (!mask)
    return vector::LoadOp::create(*this, type, memref, at);
  Value zeros = arith::ConstantOp::create(*this, type, getZeroAttr(type));
  return vector::MaskedLoadOp::create(*this, type, memref, at, mask, zeros);
}
void KernelBuilder::storeVector(Value vector, Value memref, ValueRange at,
                                Value mask) {
  if (!mask) {
    vector::StoreOp::create(*this, vector, memref, at);
    return;
  }
  // LLVM 22 makes a store of 4 bytes of a narrower lane that it knows to be the
  // only one, if it was rounded from f32.
  auto lanes = mask.getDefiningOp<vector::CreateMaskOp>();
  if (lanes && isConstantIntValue(lanes.getOperands()[0], 1)) {
    store(vector::ExtractOp::create(*this, vector, 0), memref, at);
    return;
  }
  vector::MaskedStoreOp::create(*this, memref, at, mask, vector);
}
void KernelBuilder::storeFirst(Value vector, Value memref, ValueRange at,
                               Value left) {
  // A masked store costs as much as many full ones on some CPUs.
  ifThen(
      compare(CmpIPredicate::sge, left, index(lanes())),
      [&] { storeVector(vector, memref, at); },
      [&] { storeVector(vector, memref, at, lanesBelow(left)); });
}
void KernelBuilder::prefetch(Value memref, ValueRange at, unsigned locality) {
  memref::PrefetchOp::create(*this, memref, at, /*isWrite=*/false, locality,
                             /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::splat(VectorType type, double value) {
  return arith::ConstantOp::create(
      *this, type,
      DenseElementsAttr::get(type, getFloatAttr(type.getElementType(), value)));
}
Value KernelBuilder::splat(VectorType type, int64_t value) {
  unsigned bits = type.getElementTypeBitWidth();
  APInt element(bits, static_cast<uint64_t>(value), /*isSigned=*/true,
                /*implicitTrunc=*/true);
  return arith::ConstantOp::create(*this, type,
                                   DenseElementsAttr::get(type, element));
}
Value KernelBuilder::broadcast(Value scalar, VectorType type) {
  return vector::BroadcastOp::create(*this, type, scalar);
}
Value KernelBuilder::iota() {
  SmallVector<int32_t> values(lanes());
  for (auto [i, value] : llvm::enumerate(values))
    value = static_cast<int32_t>(i);
  return arith::ConstantOp::create(
      *this, i32s(), DenseElementsAttr::get(i32s(), ArrayRef<int32_t>(values)));
}
Value KernelBuilder::shuffle(Value lhs, Value rhs, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(*this, lhs, rhs, mask);
}
Value KernelBuilder::bitcast(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  auto result =
      VectorType::get({bits / element.getIntOrFloatBitWidth()}, element);
  return createOrFold<vector::BitCastOp>(result, vector);
}
Value KernelBuilder::fma(Value lhs, Value rhs, Value addend) {
  return vector::FMAOp::create(*this, lhs, rhs, addend);
}
Value KernelBuilder::lanesBelow(Value count, unsigned numLanes) {
  auto type = VectorType::get({numLanes}, getI1Type());
  return vector::CreateMaskOp::create(*this, type, count);
}

/// A mask as an integer.
static Value getMaskBits(KernelBuilder &b, Value mask) {
  auto type = cast<VectorType>(mask.getType());
  auto bits = static_cast<unsigned>(type.getNumElements());
  Value packed = vector::BitCastOp::create(
      b, VectorType::get({1}, b.getIntegerType(bits)), mask);
  return vector::ExtractOp::create(b, packed, 0);
}

Value KernelBuilder::countLanes(Value mask) {
  Value bits = math::CtPopOp::create(*this, getMaskBits(*this, mask));
  return arith::IndexCastUIOp::create(*this, getIndexType(), bits);
}
Value KernelBuilder::anyLane(Value mask) {
  Value bits = getMaskBits(*this, mask);
  Value zero = arith::ConstantIntOp::create(*this, bits.getType(), 0);
  return arith::CmpIOp::create(*this, CmpIPredicate::ne, bits, zero);
}

void KernelBuilder::storeCompressed(Value vector, Value mask, Value memref,
                                    Value at) {
  if (target.compress) {
    // A full store: the memory form of vpcompressd is several times slower.
    Value packed = intrinsic("llvm.x86.avx512.mask.compress", vector.getType(),
                             {vector, vector, mask});
    storeVector(packed, memref, at);
    return;
  }
  // Every lane is stored, the next one over it if it does not count.
  auto type = cast<VectorType>(vector.getType());
  for (int64_t lane = 0; lane < type.getNumElements(); ++lane) {
    store(vector::ExtractOp::create(*this, vector, lane), memref, at);
    Value counts = vector::ExtractOp::create(*this, mask, lane);
    at = add(at, arith::IndexCastUIOp::create(*this, getIndexType(), counts));
  }
}

Value KernelBuilder::intrinsic(StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(*this, type, getStringAttr(name),
                                       operands)
      .getResults();
}

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

Value ScratchPlan::reserve(ArrayRef<Value> extents, Type type) {
  Value offset = bytes;
  Value size = b.index(llvm::divideCeil(type.getIntOrFloatBitWidth(), 8));
  for (Value extent : extents)
    size = b.mulSize(size, extent);
  // Arrays begin at cache lines.
  bytes = b.min(b.add(bytes, b.alignUp(size, 64)), b.index(int64_t(1) << 59));
  return offset;
}
