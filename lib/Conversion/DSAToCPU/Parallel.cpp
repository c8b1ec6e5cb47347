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

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dsa;

static constexpr StringLiteral threadNumber = "omp_get_thread_num";

Value dsa::getNumThreads(KernelBuilder &b, func::FuncOp function) {
  auto module = function->getParentOfType<ModuleOp>();
  std::string sibling = (function.getName() + "_workspace").str();
  if (!module.lookupSymbol<func::FuncOp>(sibling))
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

/// The number of the thread that runs, as an index.
static Value getThreadNumber(KernelBuilder &b) {
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto module = parent->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(threadNumber)) {
    OpBuilder atEnd = OpBuilder::atBlockEnd(module.getBody());
    func::FuncOp::create(atEnd, b.getLoc(), threadNumber,
                         b.getFunctionType({}, b.getI32Type()))
        .setPrivate();
  }
  return b.toIndex(
      func::CallOp::create(b, threadNumber, b.getI32Type()).getResult(0));
}

void dsa::parallelFor(KernelBuilder &b, Value count, Value threads,
                      const ScratchPlan &plan,
                      function_ref<void(Value, const Scratch &)> body) {
  Value bytes = plan.getBytes();
  Value total = b.mul(bytes, b.toIndex(threads));
  auto bufferType = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  Value buffer = memref::AllocOp::create(b, bufferType, ValueRange(total),
                                         b.getI64IntegerAttr(64));

  OpBuilder::InsertionGuard guard(b);
  omp::ParallelOperands clauses;
  // A thread without work would be woken for nothing.
  clauses.numThreads = b.min(threads, b.toI32(b.max(count, b.index(1))));
  auto parallel = omp::ParallelOp::create(b, clauses);
  b.createBlock(&parallel.getRegion());
  Scratch scratch = {buffer, b.mul(getThreadNumber(b), bytes)};

  omp::WsloopOperands schedule;
  schedule.scheduleKind = omp::ClauseScheduleKindAttr::get(
      b.getContext(), omp::ClauseScheduleKind::Dynamic);
  auto worksharing = omp::WsloopOp::create(b, schedule);
  omp::TerminatorOp::create(b);
  b.createBlock(&worksharing.getRegion());
  omp::LoopNestOperands bounds;
  bounds.loopLowerBounds = {b.index(0)};
  bounds.loopUpperBounds = {count};
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
