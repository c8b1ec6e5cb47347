//===- PlanWorkspace.cpp - Temporaries in the caller's workspace ----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArgumentSlices.h"
#include "EntryChecks.h"
#include "WorkspaceSlots.h"

#include "dsa/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_PLANWORKSPACEPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

namespace {
/// What `dsa-function-abi` has made of a function, as far as it matters here.
struct EntryPoint {
  func::FuncOp function, sibling;
  unsigned numInputs;
  /// Runs, in its first region, what the function does once all checks passed.
  scf::IfOp guard;
  /// Stores the bytes of workspace, in the sibling.
  memref::StoreOp bytes;
  /// Gives the extents of the results, behind a status, in the sibling.
  func::CallOp extents;

  Value getWorkspace() {
    return function.getArgument(function.getNumArguments() - 2);
  }
  auto getInputs() { return function.getArguments().take_front(numInputs); }
  auto getOutputs() {
    return function.getArguments().drop_front(numInputs).drop_back(2);
  }
};
} // namespace

/// Finds what gives the extents of the results in the sibling, and what stores
/// that the workspace has 0 bytes, as long as nothing is planned.
static bool findEndsOfSibling(EntryPoint &point) {
  Block &block = point.sibling.front();
  for (Operation *user : point.sibling.getArguments().back().getUsers()) {
    auto store = dyn_cast<memref::StoreOp>(user);
    if (!store || point.bytes || !matchPattern(store.getValue(), m_Zero()))
      return false;
    point.bytes = store;
  }
  auto calls = block.getOps<func::CallOp>();
  if (!point.bytes || calls.empty())
    return false;
  point.extents = *calls.begin();

  size_t numExtents = 0;
  for (BlockArgument output : point.getOutputs())
    numExtents += cast<MemRefType>(output.getType()).getRank();
  auto isIndex = [](Type type) { return type.isIndex(); };
  return point.extents.getNumResults() == 1 + numExtents &&
         llvm::all_of(llvm::drop_begin(point.extents.getResultTypes()),
                      isIndex) &&
         point.extents->isBeforeInBlock(
             block.findAncestorOpInBlock(*point.bytes));
}

static FailureOr<EntryPoint> findEntryPoint(func::FuncOp function) {
  EntryPoint point;
  point.function = function;
  point.sibling = getWorkspaceFunction(function);
  if (!point.sibling || !point.sibling.getBody().hasOneBlock() ||
      !function.getBody().hasOneBlock())
    return failure();
  point.numInputs = point.sibling.getNumArguments() - 2;
  if (!findEndsOfSibling(point))
    return failure();
  auto end = dyn_cast<func::ReturnOp>(function.front().getTerminator());
  point.guard = end ? end.getOperand(0).getDefiningOp<scf::IfOp>() : nullptr;
  if (!point.guard || point.guard.getNumResults() != 1)
    return failure();
  return point;
}

/// Upstream's bounds of values look up any dimension that an op asks for.
static LogicalResult verifyDims(func::FuncOp function) {
  WalkResult walk = function.walk([](memref::DimOp dim) {
    auto type = dyn_cast<MemRefType>(dim.getSource().getType());
    std::optional<int64_t> dimension = dim.getConstantIndex();
    if (!type || !dimension || (*dimension >= 0 && *dimension < type.getRank()))
      return WalkResult::advance();
    dim.emitOpError("asks for dimension ")
        << *dimension << " of " << type << ", which has " << type.getRank();
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

static Value toValue(ImplicitLocOpBuilder &b, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
}

namespace {
/// Gives the allocations of one entry point their slots.
class Planner {
public:
  explicit Planner(EntryPoint point)
      : point(point),
        slices(point.guard.getThenRegion(), getKnown(point), getShapes(point)) {
  }

  LogicalResult plan() {
    FailureOr<SmallVector<WorkspaceSlot>> found =
        findWorkspaceSlots(point.function, point.guard.getThenRegion(), slices);
    if (failed(found))
      return failure();
    slots = std::move(*found);
    for (WorkspaceSlot &slot : slots)
      llvm::append_range(extents, slot.extents);
    return success();
  }

  void rewrite() {
    tellBytes();
    useWorkspace();
    // Slots have extents in common, and all of the arithmetic has constants.
    for (func::FuncOp function : {point.function, point.sibling}) {
      IRRewriter rewriter(function.getContext());
      DominanceInfo dominance(function);
      eliminateCommonSubExpressions(rewriter, dominance, function);
    }
  }

private:
  static SmallVector<Value> getKnown(EntryPoint point) {
    SmallVector<Value> known(point.getInputs());
    known.push_back(point.function.getArguments().back());
    return known;
  }
  static SmallVector<Value> getShapes(EntryPoint point) {
    SmallVector<Value> shapes(point.getOutputs());
    for (BlockArgument input : point.getInputs())
      if (isa<MemRefType>(input.getType()))
        shapes.push_back(input);
    return shapes;
  }

  void tellBytes();
  void useWorkspace();
  void checkWorkspace(ImplicitLocOpBuilder &b, Value bytes);
  void replaceAlloc(memref::AllocOp alloc, Value begin, OpFoldResult span);

  EntryPoint point;
  ArgumentSlices slices;
  SmallVector<WorkspaceSlot> slots;
  /// Of all slots.
  SmallVector<ArgumentBound> extents;
};
} // namespace

/// Has the sibling store the bytes, computed from its own arguments.
void Planner::tellBytes() {
  ImplicitLocOpBuilder b(point.bytes.getLoc(), point.bytes);
  IRMapping mapping;
  mapping.map(ValueRange(getKnown(point)),
              point.sibling.getArguments().drop_back(1));
  // Results are not among them, but the shapes of results are what they were
  // checked to be.
  auto getExtent = [&](Value memref, int64_t dimension) -> Value {
    if (Value input = mapping.lookupOrNull(memref))
      return memref::DimOp::create(b, input, dimension);
    unsigned position = 1 + dimension;
    for (BlockArgument output : point.getOutputs().take_front(
             cast<BlockArgument>(memref).getArgNumber() - point.numInputs))
      position += cast<MemRefType>(output.getType()).getRank();
    return point.extents.getResult(position);
  };
  WorkspaceLayout layout = buildWorkspaceLayout(
      b, slots, slices.build(b, extents, mapping, getExtent));
  Value bytes = toValue(b, layout.bytes);
  point.bytes.getValueMutable().set(
      arith::IndexCastOp::create(b, b.getI64Type(), bytes));
}

/// Runs what the guard runs only if the workspace has `bytes`, and otherwise
/// records that it has not.
void Planner::checkWorkspace(ImplicitLocOpBuilder &b, Value bytes) {
  Block *body = point.guard.thenBlock();
  Value found = memref::DimOp::create(b, point.getWorkspace(), 0);
  // No memory has INT64_MAX bytes, whatever the caller says.
  Value most = arith::ConstantIndexOp::create(
      b, std::numeric_limits<int64_t>::max() - 1);
  Value fits =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                            arith::MinSIOp::create(b, found, most), bytes);
  auto checked = scf::IfOp::create(b, b.getI32Type(), fits,
                                   /*addThenBlock=*/true,
                                   /*addElseBlock=*/true);
  checked.thenBlock()->getOperations().splice(
      checked.thenBlock()->end(), body->getOperations(),
      std::next(checked->getIterator()), body->end());
  b.setInsertionPointToEnd(body);
  scf::YieldOp::create(b, checked.getResults());
  b.setInsertionPointToEnd(checked.elseBlock());
  scf::YieldOp::create(b, callFailure(b, "dsa_fail_workspace", {found, bytes}));
  b.setInsertionPointToStart(checked.thenBlock());
}

void Planner::useWorkspace() {
  Block *body = point.guard.thenBlock();
  ImplicitLocOpBuilder b(point.function.getLoc(), body, body->begin());
  IRMapping mapping;
  for (BlockArgument argument : point.function.getArguments())
    mapping.map(argument, argument);
  auto getExtent = [&](Value memref, int64_t dimension) -> Value {
    return memref::DimOp::create(b, memref, dimension);
  };
  WorkspaceLayout layout = buildWorkspaceLayout(
      b, slots, slices.build(b, extents, mapping, getExtent));
  checkWorkspace(b, toValue(b, layout.bytes));

  // C callers align memory to its elements, here bytes.
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(b, point.getWorkspace());
  Value missing =
      arith::SubIOp::create(b, arith::ConstantIndexOp::create(b, 0), address);
  Value start = arith::AndIOp::create(
      b, missing, arith::ConstantIndexOp::create(b, layout.alignment - 1));
  SmallVector<Value> begins;
  for (OpFoldResult offset : layout.offsets)
    begins.push_back(getConstantIntValue(offset) == 0
                         ? start
                         : arith::AddIOp::create(b, start, toValue(b, offset)));

  SmallVector<memref::DeallocOp> deallocs;
  point.function.walk(
      [&](memref::DeallocOp dealloc) { deallocs.push_back(dealloc); });
  for (memref::DeallocOp dealloc : deallocs)
    dealloc->erase();
  for (auto [slot, begin, span] : llvm::zip_equal(slots, begins, layout.spans))
    replaceAlloc(slot.alloc, begin, span);
}

void Planner::replaceAlloc(memref::AllocOp alloc, Value begin,
                           OpFoldResult span) {
  ImplicitLocOpBuilder b(alloc.getLoc(), alloc);
  MemRefType type = alloc.getType();
  Value view;
  if (type.getLayout().isIdentity()) {
    view = memref::ViewOp::create(b, type, point.getWorkspace(), begin,
                                  alloc.getDynamicSizes());
  } else {
    auto layout = cast<StridedLayoutAttr>(type.getLayout());
    auto flat = MemRefType::get({ShapedType::kDynamic}, type.getElementType());
    view = memref::ViewOp::create(b, flat, point.getWorkspace(), begin,
                                  toValue(b, span));
    view = memref::ReinterpretCastOp::create(
        b, type, view, b.getIndexAttr(layout.getOffset()),
        alloc.getMixedSizes(),
        getAsIndexOpFoldResult(b.getContext(), layout.getStrides()));
  }
  alloc.replaceAllUsesWith(view);
  alloc.erase();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct PlanWorkspace : dsa::impl::PlanWorkspacePassBase<PlanWorkspace> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Of each function, the first op that allocates or frees.
    llvm::MapVector<Operation *, Operation *> functions;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (handlesMemory(op))
        functions.try_emplace(op->getParentOfType<FunctionOpInterface>(), op);
    });
    if (functions.empty())
      return;

    std::vector<Planner> planners;
    bool planned = succeeded(declareRuntime(module));
    for (auto [parent, op] : functions) {
      auto function = dyn_cast_or_null<func::FuncOp>(parent);
      FailureOr<EntryPoint> point = failure();
      if (function && function->getParentOp() == module)
        point = findEntryPoint(function);
      if (failed(point)) {
        op->emitOpError("is in no function that 'dsa-function-abi' has given a "
                        "workspace, and cannot be planned; inline it into one");
        planned = false;
        continue;
      }
      if (failed(verifyDims(function))) {
        planned = false;
        continue;
      }
      planners.emplace_back(*point);
      planned &= succeeded(planners.back().plan());
    }
    if (!planned)
      return signalPassFailure();
    for (Planner &planner : planners)
      planner.rewrite();
    dropUnusedRuntime(module);
  }
};
} // namespace
