//===- WorkspaceSlots.cpp - Where allocations may lie ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slots are a stack: a slot begins where the youngest slot ends whose memory is
// still in use. Any two slots in use at once are then apart, whatever their
// sizes: by induction, the youngest ends behind all others that are in use.
//
//===----------------------------------------------------------------------===//

#include "WorkspaceSlots.h"

#include "mlir/Dialect/Bufferization/IR/BufferViewFlowOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

static InFlightDiagnostic emitAllocError(memref::AllocOp alloc) {
  return alloc.emitOpError("of ") << alloc.getType() << " ";
}

//===----------------------------------------------------------------------===//
// Place
//===----------------------------------------------------------------------===//

/// Whether the regions of an op run one at a time, each to its end.
static bool isSequential(Operation *op) {
  return isa<scf::ForOp, scf::IfOp, scf::IndexSwitchOp, scf::WhileOp,
             scf::ExecuteRegionOp, memref::AllocaScopeOp>(op);
}

static LogicalResult verifyPlace(memref::AllocOp alloc, Region &body) {
  for (Region *region = alloc->getParentRegion(); region != &body;
       region = region->getParentRegion()) {
    Operation *parent = region->getParentOp();
    if (isa<func::FuncOp>(parent))
      return emitAllocError(alloc)
             << "would be used before the size of the workspace is checked; "
                "allocate inside the 'scf.if' whose status the function "
                "returns";
    if (!isSequential(parent))
      return emitAllocError(alloc)
             << "has one slot, but is inside '" << parent->getName()
             << "', which may run it several times at once; allocate outside "
                "of that, 'threads' times as much if each thread needs its own";
    if (!region->hasOneBlock())
      return emitAllocError(alloc)
             << "is in a region of " << region->getBlocks().size()
             << " blocks, but must be in one of 1 block; plan before "
                "structured control flow is lowered";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Size
//===----------------------------------------------------------------------===//

/// The bytes from one element in memory to the next, or 0 if they are unknown.
static int64_t getElementBytes(memref::AllocOp alloc) {
  Type type = alloc.getType().getElementType(), scalar = type;
  if (auto vector = dyn_cast<VectorType>(type)) {
    if (vector.isScalable())
      return 0;
    scalar = vector.getElementType();
  }
  if (!scalar.isIntOrIndexOrFloat() && !isa<ComplexType>(scalar))
    return 0;
  // LLVM pads elements, to no more than the next power of two.
  return llvm::PowerOf2Ceil(DataLayout::closest(alloc).getTypeSize(type));
}

/// Whether the layout says where the memory ends.
static bool hasStaticLayout(MemRefType type) {
  if (type.getLayout().isIdentity())
    return true;
  auto layout = dyn_cast<StridedLayoutAttr>(type.getLayout());
  return layout && layout.getOffset() >= 0 &&
         llvm::all_of(layout.getStrides(), [](int64_t s) { return s >= 0; });
}

static LogicalResult findSize(WorkspaceSlot &slot,
                              const ArgumentSlices &slices) {
  MemRefType type = slot.type;
  slot.elementBytes = getElementBytes(slot.alloc);
  if (slot.elementBytes == 0)
    return emitAllocError(slot.alloc)
           << "has elements of no known size; they must be integers, indices, "
              "floats, complex numbers or vectors of these with fixed extents";
  if (!hasStaticLayout(type))
    return emitAllocError(slot.alloc)
           << "has a layout that does not say where its memory ends; it must "
              "be the identity, or have an offset and strides that are static "
              "and at least 0";
  if (type.getMemorySpace())
    return emitAllocError(slot.alloc)
           << "is in memory space " << type.getMemorySpace()
           << ", but the workspace is in the default one";

  // A cache line, or what an allocation asks for, or what a wide vector as an
  // element has.
  int64_t asked = slot.alloc.getAlignment().value_or(1);
  slot.alignment = std::max<int64_t>({64, asked, slot.elementBytes});

  OperandRange sizes = slot.alloc.getDynamicSizes();
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i))
      continue;
    Value extent = sizes[type.getDynamicDimIndex(i)];
    FailureOr<ArgumentBound> bound = slices.getUpperBound(extent);
    if (succeeded(bound)) {
      slot.extents.push_back(std::move(*bound));
      continue;
    }
    InFlightDiagnostic error =
        emitAllocError(slot.alloc)
        << "has an extent, of dimension " << i
        << ", that the arguments' extents and the scalar arguments neither "
           "determine nor bound";
    Value obstacle = slices.getObstacle(extent);
    if (auto argument = dyn_cast<BlockArgument>(obstacle))
      error.attachNote(obstacle.getLoc())
          << "it depends on argument " << argument.getArgNumber() << " of '"
          << argument.getOwner()->getParentOp()->getName() << "'";
    else
      error.attachNote(obstacle.getLoc())
          << "it depends on a result of '"
          << obstacle.getDefiningOp()->getName() << "'";
    return error;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Lifetime
//===----------------------------------------------------------------------===//

/// Whether an op may keep, in a value or in memory, an address that it is
/// given, so that the analysis of views does not see the address used.
static bool hidesAddress(OpOperand &use) {
  Operation *op = use.getOwner();
  if (isa<memref::ExtractAlignedPointerAsIndexOp>(op))
    return true;
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return use.get() == store.getValue();
  if (isa<ViewLikeOpInterface, RegionBranchOpInterface, CallOpInterface,
          bufferization::BufferViewFlowOpInterface>(op))
    return false;
  return llvm::any_of(op->getResultTypes(), [](Type type) {
    if (auto vector = dyn_cast<VectorType>(type))
      type = vector.getElementType();
    return !type.isIntOrIndexOrFloat() && !isa<ComplexType>(type);
  });
}

namespace {
class Lifetimes {
public:
  explicit Lifetimes(func::FuncOp function) : views(function) {
    function.walk<WalkOrder::PreOrder>(
        [&](Operation *op) { numbers.try_emplace(op, numbers.size()); });
  }

  LogicalResult find(WorkspaceSlot &slot);
  LogicalResult verify(memref::DeallocOp dealloc) const;

private:
  BufferViewFlowAnalysis views;
  DenseMap<Operation *, unsigned> numbers;
  DenseSet<Value> memory;
};
} // namespace

LogicalResult Lifetimes::find(WorkspaceSlot &slot) {
  memref::AllocOp alloc = slot.alloc;
  BufferViewFlowAnalysis::ValueSetT aliases = views.resolve(alloc);
  memory.insert_range(aliases);

  // The block in which all uses are, themselves or in regions of its ops. What
  // a loop hands on to its next iteration is an argument of one of its blocks.
  Block *block = alloc->getBlock();
  SmallVector<Operation *> users;
  Operation *loop = nullptr, *hider = nullptr;
  auto choose = [&](Operation *&chosen, Operation *op) {
    // The first, as sets have no order.
    if (!chosen || numbers.lookup(op) < numbers.lookup(chosen))
      chosen = op;
  };
  for (Value alias : aliases) {
    if (auto argument = dyn_cast<BlockArgument>(alias))
      if (Operation *parent = argument.getOwner()->getParentOp();
          parent->isProperAncestor(alloc))
        choose(loop, parent);
    for (OpOperand &use : alias.getUses()) {
      Operation *user = use.getOwner();
      if (isa<memref::DeallocOp>(user))
        continue;
      if (hidesAddress(use))
        choose(hider, user);
      while (!block->findAncestorOpInBlock(*user))
        block = block->getParentOp()->getBlock();
      users.push_back(user);
    }
  }
  if (loop) {
    InFlightDiagnostic error =
        emitAllocError(alloc)
        << "has one slot for all iterations of '" << loop->getName()
        << "', which hands its memory on; allocate outside";
    error.attachNote(loop->getLoc()) << "the loop is here";
    return error;
  }
  if (hider) {
    InFlightDiagnostic error =
        emitAllocError(alloc)
        << "gives its address to '" << hider->getName()
        << "', behind which it cannot be told how long the memory is in use";
    error.attachNote(hider->getLoc()) << "the use is here";
    return error;
  }

  Operation *end = block->findAncestorOpInBlock(*alloc);
  for (Operation *user : users) {
    Operation *ancestor = block->findAncestorOpInBlock(*user);
    if (end->isBeforeInBlock(ancestor))
      end = ancestor;
  }
  slot.first = numbers.lookup(alloc);
  end->walk([&](Operation *op) {
    slot.last = std::max(slot.last, numbers.lookup(op));
  });
  return success();
}

LogicalResult Lifetimes::verify(memref::DeallocOp dealloc) const {
  if (memory.contains(dealloc.getMemref()))
    return success();
  return dealloc.emitOpError(
      "frees memory that no 'memref.alloc' of the function has allocated");
}

//===----------------------------------------------------------------------===//
// All slots
//===----------------------------------------------------------------------===//

bool dsa::handlesMemory(Operation *op) {
  return isa<memref::AllocOp, memref::DeallocOp, memref::ReallocOp,
             bufferization::CloneOp, bufferization::DeallocOp>(op);
}

FailureOr<SmallVector<WorkspaceSlot>>
dsa::findWorkspaceSlots(func::FuncOp function, Region &body,
                        const ArgumentSlices &slices) {
  bool found = true;
  function.walk([&](Operation *op) {
    if (!handlesMemory(op) || isa<memref::AllocOp, memref::DeallocOp>(op))
      return;
    op->emitOpError("allocates or frees memory, but only what 'memref.alloc' "
                    "and 'memref.dealloc' do is planned");
    found = false;
  });
  if (!found)
    return failure();

  Lifetimes lifetimes(function);
  SmallVector<WorkspaceSlot> slots;
  function.walk<WalkOrder::PreOrder>([&](memref::AllocOp alloc) {
    WorkspaceSlot &slot = slots.emplace_back();
    slot.alloc = alloc;
    slot.type = alloc.getType();
    found &= succeeded(verifyPlace(alloc, body)) &&
             succeeded(findSize(slot, slices)) &&
             succeeded(lifetimes.find(slot));
  });
  if (!found)
    return failure();
  function.walk([&](memref::DeallocOp dealloc) {
    found &= succeeded(lifetimes.verify(dealloc));
  });
  if (!found)
    return failure();

  for (unsigned i = 0; i < slots.size(); ++i)
    for (unsigned j = i; j-- > 0;)
      if (slots[j].last > slots[i].first) {
        slots[i].below = j;
        slots[j].isTop = false;
        break;
      }
  return slots;
}
