//===- Parallel.cpp - Work for several threads ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits the `omp` dialect itself: scf's conversion to it knows no dynamic
// schedule, with which threads that find less to do (causal rows, a busy core)
// take more.
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"

#include "../../Transforms/EntryChecks.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dsa;

Value dsa::getNumThreads(KernelBuilder &b, func::FuncOp function) {
  if (!getWorkspaceFunction(function))
    return b.i32(1);
  Value threads = function.getArguments().back();
  return arith::MaxSIOp::create(b, threads, b.i32(1));
}

Value Scratch::view(KernelBuilder &b, Value offset, ArrayRef<Value> extents,
                    Type elementType) const {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  for (Value extent : extents) {
    std::optional<int64_t> known = getConstantIntValue(extent);
    shape.push_back(known.value_or(ShapedType::kDynamic));
    if (!known)
      dynamic.push_back(extent);
  }
  return memref::ViewOp::create(b, MemRefType::get(shape, elementType), buffer,
                                b.add(base, offset), dynamic);
}

/// A counter that begins at 0, on the stack of the caller. Asking OpenMP for
/// the number of a thread would not do: GCC's runtime answers under the same
/// name, with 0, in a program that has loaded it first.
static Value createCounter(KernelBuilder &b) {
  Value counter;
  {
    // In the entry block: in a loop the stack would grow.
    OpBuilder::InsertionGuard guard(b);
    Operation *parent = b.getInsertionBlock()->getParentOp();
    auto function = dyn_cast<func::FuncOp>(parent);
    if (!function)
      function = parent->getParentOfType<func::FuncOp>();
    b.setInsertionPointToStart(&function.front());
    counter = memref::AllocaOp::create(b, MemRefType::get({}, b.getI64Type()));
  }
  Value zero = arith::ConstantIntOp::create(b, b.getI64Type(), 0);
  memref::StoreOp::create(b, zero, counter, ValueRange());
  return counter;
}

/// What `counter` was before it counted this.
static Value countUp(KernelBuilder &b, Value counter) {
  Value one = arith::ConstantIntOp::create(b, b.getI64Type(), 1);
  Value before = memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::addi, one,
                                             counter, ValueRange());
  return b.toIndex(before);
}

void dsa::parallelFor(KernelBuilder &b, WorkCount work, Value threads,
                      const ScratchPlan &plan,
                      function_ref<void(Value, const Scratch &)> body) {
  // A thread without work would be woken, and its scratch asked for, in vain.
  auto getTeam = [&](Value count) {
    return b.min(b.toIndex(threads), b.max(count, b.index(1)));
  };
  auto bufferType = MemRefType::get(
      {ShapedType::kDynamic, ShapedType::kDynamic}, b.getI8Type());
  // In two extents, so that their product is not computed here: it may be
  // more than there is.
  Value perThread = memref::AllocOp::create(
      b, bufferType, ValueRange{getTeam(work.planned), plan.getBytes()},
      b.getI64IntegerAttr(64));
  auto flatType = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  SmallVector<ReassociationIndices> all = {{0, 1}};
  Value buffer = memref::CollapseShapeOp::create(b, flatType, perThread, all);

  Value counter = createCounter(b);

  OpBuilder::InsertionGuard guard(b);
  omp::ParallelOperands clauses;
  clauses.numThreads = b.toI32(getTeam(work.count));
  auto parallel = omp::ParallelOp::create(b, clauses);
  b.createBlock(&parallel.getRegion());
  Value thread = countUp(b, counter);
  Scratch scratch = {buffer, b.mul(thread, plan.getBytes()), thread};

  omp::WsloopOperands schedule;
  schedule.scheduleKind = omp::ClauseScheduleKindAttr::get(
      b.getContext(), omp::ClauseScheduleKind::Dynamic);
  auto worksharing = omp::WsloopOp::create(b, schedule);
  omp::TerminatorOp::create(b);
  b.createBlock(&worksharing.getRegion());
  omp::LoopNestOperands bounds;
  bounds.loopLowerBounds = {b.index(0)};
  bounds.loopUpperBounds = {work.count};
  bounds.loopSteps = {b.index(1)};
  // Bounds are to be computed outside of the loop's wrapper.
  for (Value bound : {bounds.loopLowerBounds[0], bounds.loopSteps[0]})
    bound.getDefiningOp()->moveBefore(parallel);
  auto nest = omp::LoopNestOp::create(b, bounds);
  Block *block =
      b.createBlock(&nest.getRegion(), {}, {b.getIndexType()}, {b.getLoc()});
  body(block->getArgument(0), scratch);
  omp::YieldOp::create(b);
}
