//===- RowGroup.cpp - Ops that share a loop over rows ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowGroup.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::dsa;

/// Why an op with rows cannot be computed in parts of them; null if it can.
static const char *getObstacle(Operation *op, const RowDims &dims) {
  for (OpOperand &operand : op->getOpOperands())
    if (dims.operands[operand.getOperandNumber()] &&
        llvm::is_contained(cast<ShapedType>(operand.get().getType()).getShape(),
                           0))
      return "has rows without elements, which have no parts";
  return nullptr;
}

const char *dsa::getTilingObstacle(DSAOpInterface op) {
  if (!cast<DestinationStyleOpInterface>(op.getOperation())
           .hasPureTensorSemantics())
    return "is on memrefs: tile before bufferization";
  if (!llvm::is_contained(op.getIterationDims(), Dim("T")))
    return "has no rows T";
  return getObstacle(op, getRowDims(op));
}

RowGroup::RowGroup(DSAOpInterface root) : last(root) {
  members.insert({root, getRowDims(root)});
  while (addProducers() || addConsumers())
    ;
  dropViewsOfOthers();
}

SmallVector<Operation *> RowGroup::getOps() const {
  SmallVector<Operation *> ops = llvm::to_vector(members.keys());
  llvm::sort(ops, [](Operation *lhs, Operation *rhs) {
    return lhs->isBeforeInBlock(rhs);
  });
  return ops;
}

const char *RowGroup::examineProducer(Operation *producer,
                                      RowDims &dims) const {
  if (auto op = dyn_cast<DSAOpInterface>(producer)) {
    if (const char *obstacle = getTilingObstacle(op))
      return obstacle;
    dims = getRowDims(op);
  } else {
    std::optional<RowDims> found;
    for (OpOperand &use : producer->getUses())
      if (!found && contains(use.getOwner()))
        if (std::optional<int64_t> dim =
                getDims(use.getOwner()).operands[use.getOperandNumber()])
          found = getRowDims(producer, cast<OpResult>(use.get()), *dim);
    if (!found)
      return "does not compute apart the rows of an op of the loop";
    dims = std::move(*found);
    if (const char *obstacle = getObstacle(producer, dims))
      return obstacle;
  }
  for (auto [result, dim] :
       llvm::zip_equal(producer->getResults(), dims.results))
    for (OpOperand &use : result.getUses()) {
      Operation *user = use.getOwner();
      if (contains(user)) {
        if (isa<DSAOpInterface>(user) &&
            cast<DestinationStyleOpInterface>(user).isDpsInit(&use))
          return "is an init of an op of the loop";
        if (getDims(user).operands[use.getOperandNumber()] != dim)
          return "is used whole by an op of the loop";
        continue;
      }
      Operation *ancestor = last->getBlock()->findAncestorOpInBlock(*user);
      if (ancestor && contains(ancestor))
        return "is used whole by an op of the loop";
      if (ancestor && !last->isBeforeInBlock(ancestor))
        return "is used before the loop ends by an op outside of it";
    }
  return nullptr;
}

bool RowGroup::addProducers() {
  bool added = false;
  for (Operation *op = last->getPrevNode(); op; op = op->getPrevNode()) {
    if (contains(op) || !isReadByMember(op))
      continue;
    RowDims dims;
    if (!examineProducer(op, dims))
      added |= members.insert({op, std::move(dims)}).second;
  }
  return added;
}

std::optional<RowDims> RowGroup::examineConsumer(Operation *consumer) const {
  if (isa<DSAOpInterface>(consumer))
    return std::nullopt; // Its own root, which refused what the group makes.
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(consumer->getRegions(), captured);
  if (llvm::any_of(captured, [&](Value value) { return getMaker(value); }))
    return std::nullopt;
  std::optional<RowDims> dims;
  for (OpOperand &operand : consumer->getOpOperands()) {
    Operation *maker = getMaker(operand.get());
    if (!maker)
      continue;
    int64_t dim =
        getDims(maker).results[cast<OpResult>(operand.get()).getResultNumber()];
    if (!dims)
      dims = getRowDims(consumer, operand, dim);
    if (!dims || dims->operands[operand.getOperandNumber()] != dim)
      return std::nullopt;
  }
  if (dims && getObstacle(consumer, *dims))
    return std::nullopt;
  return dims;
}

bool RowGroup::addConsumers() {
  bool added = false;
  for (Operation *op = last->getNextNode(); op; op = op->getNextNode()) {
    if (!readsMember(op))
      continue;
    std::optional<RowDims> dims = examineConsumer(op);
    if (!dims)
      break; // The loop has to end before it.
    members.insert({op, *dims});
    last = op;
    added = true;
  }
  return added;
}

/// A view of what the loop does not make need not be taken in parts.
void RowGroup::dropViewsOfOthers() {
  for (Operation *op : getOps())
    if (isView(op) && !getMaker(op->getOperand(0)))
      members.erase(op);
}

SmallVector<OpResult> RowGroup::getOutputs() const {
  SmallVector<OpResult> outputs;
  for (Operation *op : getOps())
    for (OpResult result : op->getResults())
      if (!llvm::all_of(result.getUsers(),
                        [&](Operation *user) { return contains(user); }))
        outputs.push_back(result);
  return outputs;
}

void RowGroup::explain(RewriterBase &rewriter) const {
  for (Operation *op = last->getPrevNode(); op; op = op->getPrevNode())
    if (isa<DSAOpInterface, linalg::LinalgOp>(op) && !contains(op) &&
        isReadByMember(op)) {
      RowDims dims;
      if (const char *obstacle = examineProducer(op, dims))
        (void)rewriter.notifyMatchFailure(op, obstacle);
    }
}

bool RowGroup::savesMemory() const {
  SmallVector<OpResult> outputs = getOutputs();
  return llvm::any_of(members.keys(), [&](Operation *op) {
    return isa<LightningIndexerOp>(op) ||
           (!isView(op) && llvm::any_of(op->getResults(), [&](OpResult result) {
             return !llvm::is_contained(outputs, result);
           }));
  });
}
