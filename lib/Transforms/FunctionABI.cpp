//===- FunctionABI.cpp - Entry points for callers in C --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs on tensors, before bufferization: results become out-parameters by
// `bufferization.materialize_in_destination`, so that whatever computes them
// can write to the caller's memory, of any shape, without a copy.
//
//===----------------------------------------------------------------------===//

#include "EntryChecks.h"

#include "dsa/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_FUNCTIONABIPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// What is accepted
//===----------------------------------------------------------------------===//

static bool isPlainTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.getEncoding();
}

static LogicalResult verifySignature(func::FuncOp function) {
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (!isPlainTensor(type) && !type.isIntOrIndexOrFloat())
      return function.emitOpError("argument ")
             << i << " is " << type
             << ", but arguments of a public function must be ranked tensors "
                "without encoding, or integers, floats or indices";
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (!isPlainTensor(type))
      return function.emitOpError("result ")
             << i << " is " << type
             << ", but results of a public function must be ranked tensors "
                "without encoding";
  if (function.getName().starts_with("llvm.") ||
      function.getName() == "_GLOBAL_OFFSET_TABLE_")
    return function.emitOpError("has a name that LLVM or the linker has a "
                                "meaning for; rename it");
  for (StringRef suffix : {"_shapes", "_workspace"}) {
    std::string name = (function.getName() + suffix).str();
    if (Operation *other = SymbolTable::lookupNearestSymbolFrom(
            function, StringAttr::get(function.getContext(), name)))
      return other->emitOpError("has the name of the entry point that comes "
                                "with '")
             << function.getName() << "'; rename one of them";
  }
  return success();
}

/// Whether the static extents of a tensor give a size that fits 64 bits: sizes
/// are multiplied without a check from here on.
static bool hasAddressableSize(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isIntOrFloat())
    return true;
  int64_t bytes = llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
  for (int64_t extent : tensor.getShape())
    if (!ShapedType::isDynamic(extent) && extent != 0 &&
        llvm::MulOverflow(bytes, extent, bytes))
      return false;
  return true;
}

static LogicalResult verifyBody(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("has ")
           << function.getBody().getBlocks().size()
           << " blocks, but must have one; write its control flow in scf";
  WalkResult walk = function.walk([](Operation *op) {
    if (isa<CallOpInterface>(op)) {
      op->emitOpError("is a call, which an entry point cannot contain: run "
                      "'inline' first; a function that is recursive or has no "
                      "body cannot be inlined");
      return WalkResult::interrupt();
    }
    for (Type type : op->getResultTypes())
      if (!hasAddressableSize(type)) {
        op->emitOpError() << "gives " << type
                          << ", whose size in bytes does not fit 64 bits";
        return WalkResult::interrupt();
      }
    auto dst = dyn_cast<DestinationStyleOpInterface>(op);
    if (isa<DSAOpInterface>(op) && !dst.hasPureTensorSemantics()) {
      op->emitOpError("is on memrefs, but ops of a function on tensors must be "
                      "on tensors");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// What the body says about arguments
//===----------------------------------------------------------------------===//

/// What an init holds is never read: make that visible, so that none of it is
/// allocated, passed or copied.
static void replaceInits(func::FuncOp function) {
  function.walk([](DSAOpInterface op) {
    OpBuilder b(op);
    auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
    for (OpOperand &init : dst.getDpsInitsMutable()) {
      if (init.get().getDefiningOp<tensor::EmptyOp>())
        continue;
      init.set(tensor::EmptyOp::create(
          b, op.getLoc(), tensor::getMixedSizes(b, op.getLoc(), init.get()),
          getElementTypeOrSelf(init.get().getType())));
    }
  });
}

/// The value whose innermost dimension `value` has, where reshapes, casts and
/// slices do not change the stride of it.
static Value getInnermostOrigin(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
            op)) {
      value = op->getOperand(0);
      continue;
    }
    auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
    if (!slice || slice.getSourceType().getRank() == 0)
      break;
    unsigned last = slice.getSourceType().getRank() - 1;
    if (getConstantIntValue(slice.getMixedStrides()[last]) != 1 ||
        slice.getDroppedDims().test(last))
      break;
    value = slice.getSource();
  }
  return value;
}

Contiguity::Contiguity(func::FuncOp function)
    : inputs(function.getNumArguments()), results(function.getNumResults()) {
  DenseSet<Value> writers;
  function.walk([&](DSAOpInterface op) {
    auto dst = cast<DestinationStyleOpInterface>(op.getOperation());
    DimTable table = op.getDimTable();
    for (const DimRow &row : table.rows) {
      if (!row.unitStride)
        continue;
      if (dst.isDpsInit(row.operand)) {
        writers.insert(dst.getTiedOpResult(row.operand));
        continue;
      }
      Value origin = getInnermostOrigin(row.operand->get());
      auto argument = dyn_cast<BlockArgument>(origin);
      if (argument && argument.getOwner() == &function.front())
        inputs.set(argument.getArgNumber());
    }
  });
  Operation *terminator = function.front().getTerminator();
  for (auto [i, result] : llvm::enumerate(terminator->getOperands()))
    if (writers.contains(getInnermostOrigin(result)))
      results.set(i);
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

namespace {
/// Writes the entry points of one function and erases it.
class EntryPoints {
public:
  EntryPoints(func::FuncOp function, func::FuncOp entry)
      : function(function), entry(entry),
        inputs(entry.getFunctionType().getInputs()), builder(function) {}

  void buildFunction(const Contiguity &contiguity, bool checked);
  void buildShapes();
  void buildWorkspace();

private:
  func::FuncOp create(const Twine &name, ArrayRef<Type> types);
  ResultRange callEntry(ImplicitLocOpBuilder &b, func::FuncOp from);
  void finish(ImplicitLocOpBuilder &b, StatusChain &chain,
              function_ref<Value()> body);
  Value moveBody(ImplicitLocOpBuilder &b, func::FuncOp target,
                 const Contiguity &contiguity, Value cell);

  func::FuncOp function, entry;
  TypeRange inputs;
  OpBuilder builder;
};
} // namespace

/// A public function on the inputs and `types`.
func::FuncOp EntryPoints::create(const Twine &name, ArrayRef<Type> types) {
  SmallVector<Type> arguments(inputs);
  llvm::append_range(arguments, types);
  auto created = func::FuncOp::create(
      builder, function.getLoc(), name.str(),
      builder.getFunctionType(arguments, builder.getI32Type()));
  created->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                   builder.getUnitAttr());
  created.addEntryBlock();
  return created;
}

ResultRange EntryPoints::callEntry(ImplicitLocOpBuilder &b, func::FuncOp from) {
  return func::CallOp::create(b, entry,
                              from.getArguments().take_front(inputs.size()))
      .getResults();
}

/// Ends a function: `body` if nothing has failed, and its status.
void EntryPoints::finish(ImplicitLocOpBuilder &b, StatusChain &chain,
                         function_ref<Value()> body) {
  Value status = chain.getStatus();
  auto guarded = scf::IfOp::create(
      b, isSuccess(b, status),
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, body()); },
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, status); });
  func::ReturnOp::create(b, guarded.getResult(0));
}

/// Moves the operations of the function, on tensors, to the insertion point,
/// between views of its inputs and stores to its results. Returns the status.
Value EntryPoints::moveBody(ImplicitLocOpBuilder &b, func::FuncOp target,
                            const Contiguity &contiguity, Value cell) {
  // What the checks have established about the innermost stride, as a type.
  auto view = [&](unsigned argument, RankedTensorType type,
                  bool unitStride) -> Value {
    Value memref = target.getArgument(argument);
    if (!unitStride)
      return memref;
    return memref::CastOp::create(b, getArgumentType(type, true), memref);
  };
  SmallVector<Value> arguments;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) {
      arguments.push_back(target.getArgument(i));
      continue;
    }
    arguments.push_back(bufferization::ToTensorOp::create(
        b, tensor, view(i, tensor, contiguity.inputs[i]), /*restrict=*/true,
        /*writable=*/false));
  }

  IRRewriter rewriter(b);
  Block *block = b.getInsertionBlock();
  rewriter.inlineBlockBefore(&function.front(), block, block->end(), arguments);
  auto terminator = cast<func::ReturnOp>(block->getTerminator());
  b.setInsertionPoint(terminator);
  for (auto [i, result] : llvm::enumerate(terminator.getOperands())) {
    auto tensor = cast<RankedTensorType>(result.getType());
    bufferization::MaterializeInDestinationOp::create(
        b, /*result=*/Type(), result,
        view(inputs.size() + i, tensor, contiguity.results[i]),
        /*restrict=*/true, /*writable=*/true);
  }
  rewriter.eraseOp(terminator);
  b.setInsertionPointToEnd(block);
  if (!cell)
    return getSuccess(b);
  SmallVector<SparseAttentionOp> attentions;
  block->walk([&](SparseAttentionOp op) { attentions.push_back(op); });
  for (SparseAttentionOp op : attentions)
    insertIndexChecks(op, cell);
  return memref::LoadOp::create(b, cell, ValueRange());
}

void EntryPoints::buildFunction(const Contiguity &contiguity, bool checked) {
  SmallVector<Type> types;
  for (Type type : function.getResultTypes())
    types.push_back(getArgumentType(cast<RankedTensorType>(type)));
  types.push_back(MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));
  types.push_back(builder.getI32Type());
  func::FuncOp target = create(function.getName(), types);
  for (NamedAttribute attr : function->getDiscardableAttrs())
    target->setAttr(attr.getName(), attr.getValue());

  ImplicitLocOpBuilder b(function.getLoc(), builder);
  b.setInsertionPointToEnd(&target.front());
  ResultRange entered = callEntry(b, target);
  StatusChain chain(b, entered[0]);
  unsigned extent = 1;
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    unsigned argument = inputs.size() + i;
    Value out = target.getArgument(argument);
    for (int64_t d = 0; d < tensor.getRank(); ++d) {
      Value expected = entered[extent++];
      if (tensor.isDynamicDim(d))
        chain.requireExtent(argument, d, memref::DimOp::create(b, out, d),
                            expected);
    }
    if (contiguity.results[i])
      chain.requireUnitStride(argument, out);
    chain.requireDistinctElements(argument, out);
  }
  Value cell;
  if (checked) {
    cell = memref::AllocaOp::create(b, MemRefType::get({}, b.getI32Type()));
    memref::StoreOp::create(b, getSuccess(b), cell, ValueRange());
  }
  finish(b, chain, [&] { return moveBody(b, target, contiguity, cell); });
}

void EntryPoints::buildShapes() {
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI64Type());
  func::FuncOp target = create(function.getName() + "_shapes", type);
  ImplicitLocOpBuilder b(function.getLoc(), builder);
  b.setInsertionPointToEnd(&target.front());
  ResultRange entered = callEntry(b, target);
  ValueRange extents = entered.drop_front();
  Value shapes = target.getArgument(inputs.size());
  StatusChain chain(b, entered[0]);
  chain.requireExtent(inputs.size(), 0, memref::DimOp::create(b, shapes, 0),
                      arith::ConstantIndexOp::create(b, extents.size()),
                      /*atLeast=*/true);
  finish(b, chain, [&] {
    for (auto [i, extent] : llvm::enumerate(extents)) {
      Value at = arith::ConstantIndexOp::create(b, i);
      memref::StoreOp::create(
          b, arith::IndexCastOp::create(b, b.getI64Type(), extent), shapes, at);
    }
    return getSuccess(b);
  });
}

void EntryPoints::buildWorkspace() {
  auto type = MemRefType::get({1}, builder.getI64Type());
  func::FuncOp target =
      create(function.getName() + "_workspace", {builder.getI32Type(), type});
  ImplicitLocOpBuilder b(function.getLoc(), builder);
  b.setInsertionPointToEnd(&target.front());
  StatusChain chain(b, callEntry(b, target)[0]);
  finish(b, chain, [&] {
    Value bytes = arith::ConstantIntOp::create(b, b.getI64Type(), 0);
    memref::StoreOp::create(b, bytes, target.getArgument(inputs.size() + 1),
                            Value(arith::ConstantIndexOp::create(b, 0)));
    return getSuccess(b);
  });
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct FunctionABI : dsa::impl::FunctionABIPassBase<FunctionABI> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        functions.push_back(function);

    bool accepted = succeeded(declareRuntime(module));
    for (func::FuncOp function : functions)
      accepted &= succeeded(verifySignature(function)) &&
                  succeeded(verifyBody(function));
    if (!accepted)
      return signalPassFailure();

    for (func::FuncOp function : functions) {
      replaceInits(function);
      Contiguity contiguity(function);
      FailureOr<func::FuncOp> entry = buildEntry(function, contiguity.inputs);
      if (failed(entry))
        return signalPassFailure();
      EntryPoints points(function, *entry);
      points.buildFunction(contiguity, checked);
      points.buildShapes();
      points.buildWorkspace();
      function.erase();
    }
    dropUnusedRuntime(module);
  }
};
} // namespace
