//===- EntryChecks.cpp - What holds before a function runs ----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Extents are asked for where they matter, beside the op, in a copy of the
// function: `tensor.dim` of its operands, held by a call that stands for the
// question. Upstream's patterns that resolve the shape of a result from those
// of operands then turn the questions into arithmetic on the arguments'
// extents, which is moved to a function of its own. The rest of the copy goes.
//
//===----------------------------------------------------------------------===//

#include "EntryChecks.h"
#include "ExtentChecks.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::dsa;

MemRefType dsa::getArgumentType(RankedTensorType type, bool unitStride) {
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  if (unitStride && !strides.empty())
    strides.back() = 1;
  return MemRefType::get(
      type.getShape(), type.getElementType(),
      StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides));
}

namespace {
/// Two extents of which the first has to equal the second, or to be at least
/// that.
struct Question {
  /// The op it is about, in the function itself.
  Operation *op;
  /// The dimension asked about, in words and as a number, or -1.
  std::string what;
  int64_t dimension = -1;
  /// The argument to blame if the extent is read from none, or -1.
  int64_t argument = -1;
  bool atLeast = false;
  /// An answer that needs more than the arguments is an error; else the
  /// question is dropped.
  bool isRequired = true;
};

class EntryBuilder {
public:
  EntryBuilder(func::FuncOp function)
      : function(function), copy(function.clone(toCopy)) {}
  ~EntryBuilder() { copy.erase(); }

  FailureOr<func::FuncOp> build(const llvm::BitVector &contiguous);

private:
  void ask(Operation *op, const DimTable &table, bool isRequired);
  void ask(Operation *op);
  void ask(OpBuilder &b, Question question, Value found, Value expected);
  int64_t getArgument(OpOperand &operand);
  void resolve();
  LogicalResult answer(StatusChain &chain, func::CallOp call);
  LogicalResult answerShapes(func::CallOp call,
                             SmallVectorImpl<Value> &extents);
  FailureOr<Value> moveToEntry(Value value);
  Value getLeaf(Value value);

  func::FuncOp function;
  IRMapping toCopy;
  func::FuncOp copy;
  SmallVector<Question> questions;

  ImplicitLocOpBuilder *b = nullptr;
  func::FuncOp entry;
  /// Values of the copy, as computed in the entry.
  IRMapping toEntry;
};
} // namespace

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

static constexpr StringLiteral questionAttr = "dsa.question";

void EntryBuilder::ask(OpBuilder &b, Question question, Value found,
                       Value expected) {
  // A call has effects, so it stays and keeps its operands alive. There is no
  // such function; the copy is never verified.
  auto call = func::CallOp::create(b, question.op->getLoc(), "question",
                                   TypeRange(), ValueRange{found, expected});
  call->setAttr(questionAttr, b.getI64IntegerAttr(questions.size()));
  questions.push_back(std::move(question));
}

/// The number of the argument that `operand` of the copy is, or, of an init, of
/// the result that comes from it; or -1.
int64_t EntryBuilder::getArgument(OpOperand &operand) {
  auto dst = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
  if (dst && dst.isDpsInit(&operand)) {
    for (OpOperand &use : dst.getTiedOpResult(&operand).getUses())
      if (use.getOwner() == copy.front().getTerminator())
        return copy.getNumArguments() + use.getOperandNumber();
    return -1;
  }
  auto argument = dyn_cast<BlockArgument>(operand.get());
  if (!argument || argument.getOwner() != &copy.front())
    return -1;
  return argument.getArgNumber();
}

void EntryBuilder::ask(Operation *op, const DimTable &table, bool isRequired) {
  OpBuilder b(toCopy.lookup(op));
  for (ExtentCheck &check : buildExtentChecks(b, op->getLoc(), table)) {
    Question question{op, std::move(check.what)};
    question.atLeast = check.atLeast;
    question.isRequired = isRequired;
    if (check.row) {
      question.dimension = check.dimension;
      question.argument = getArgument(*check.row->operand);
    }
    ask(b, std::move(question), check.found, check.expected);
  }
}

/// The dimensions of an op's operands as its indexing maps relate them: those
/// that are a loop of their own. Others, as of convolutions, are not compared.
static DimTable getDimTable(linalg::LinalgOp op) {
  DimTable table;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    std::string number = std::to_string(operand.getOperandNumber());
    SmallVector<Dim, 4> dims;
    for (auto [i, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      dims.push_back(loop ? "loop " + std::to_string(loop.getPosition())
                          : "operand " + number + " " + std::to_string(i));
    }
    table.rows.push_back(
        {&operand, "operand " + number, dims, /*unitStride=*/false});
  }
  return table;
}

void EntryBuilder::ask(Operation *op) {
  Operation *twin = toCopy.lookup(op);
  if (auto dsaOp = dyn_cast<DSAOpInterface>(twin)) {
    ask(op, dsaOp.getDimTable(), /*isRequired=*/true);
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(twin)) {
    // Glue is the user's own. What can be checked is, as an extent that differs
    // would be read out of bounds.
    ask(op, getDimTable(linalgOp), /*isRequired=*/false);
  } else if (auto cast = dyn_cast<tensor::CastOp>(twin)) {
    auto from = dyn_cast<RankedTensorType>(cast.getSource().getType());
    auto to = dyn_cast<RankedTensorType>(cast.getType());
    OpBuilder b(twin);
    for (int64_t i = 0; from && to && i < from.getRank(); ++i)
      if (from.isDynamicDim(i) && !to.isDynamicDim(i))
        ask(b, {op, "dimension " + std::to_string(i) + " of the source", i},
            tensor::DimOp::create(b, op->getLoc(), cast.getSource(), i),
            arith::ConstantIndexOp::create(b, op->getLoc(), to.getDimSize(i)));
  }
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

void EntryBuilder::resolve() {
  MLIRContext *context = copy.getContext();
  RewritePatternSet patterns(context);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  memref::populateResolveShapedTypeResultDimsPatterns(patterns);
  scf::populateSCFForLoopCanonicalizationPatterns(patterns);
  scf::ForallOp::getCanonicalizationPatterns(patterns, context);
  tensor::DimOp::getCanonicalizationPatterns(patterns, context);
  (void)applyPatternsGreedily(copy, std::move(patterns));
  // Equal arithmetic becomes one value: that answers most questions.
  IRRewriter rewriter(context);
  DominanceInfo dominance(copy);
  eliminateCommonSubExpressions(rewriter, dominance, copy);
}

/// `value` as it is known at the entry, if it is an argument or an extent of
/// one; else null.
Value EntryBuilder::getLeaf(Value value) {
  if (Value known = toEntry.lookupOrNull(value))
    return isa<ShapedType>(known.getType()) ? Value() : known;
  auto dim = value.getDefiningOp<tensor::DimOp>();
  if (!dim || !dim.getConstantIndex())
    return {};
  Value argument = toEntry.lookupOrNull(dim.getSource());
  if (!argument || !isa<MemRefType>(argument.getType()))
    return {};
  Value extent = memref::DimOp::create(*b, argument, *dim.getConstantIndex());
  toEntry.map(value, extent);
  return extent;
}

/// `value`, of the copy, computed in the entry.
FailureOr<Value> EntryBuilder::moveToEntry(Value value) {
  if (Value leaf = getLeaf(value))
    return leaf;
  if (!value.getDefiningOp())
    return failure();
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) {
    return !llvm::all_of(op->getResults(), [&](Value result) {
      return static_cast<bool>(getLeaf(result));
    });
  };
  if (failed(getBackwardSlice(value, &slice, options)))
    return failure();
  for (Operation *op : slice) {
    // Outside its loop or branch an op must be harmless.
    bool runsAnyway = op->getBlock() == &copy.front();
    if (op->getNumRegions() || !isMemoryEffectFree(op) ||
        !(runsAnyway || isSpeculatable(op)))
      return failure();
    for (Value operand : op->getOperands())
      if (!getLeaf(operand))
        return failure();
    b->clone(*op, toEntry);
  }
  return toEntry.lookup(value);
}

/// The argument and dimension that `extent` is read from.
static std::optional<std::pair<int64_t, int64_t>> getOrigin(Value extent) {
  auto dim = extent.getDefiningOp<memref::DimOp>();
  if (!dim)
    return std::nullopt;
  return std::pair<int64_t, int64_t>(
      cast<BlockArgument>(dim.getSource()).getArgNumber(),
      *dim.getConstantIndex());
}

LogicalResult EntryBuilder::answer(StatusChain &chain, func::CallOp call) {
  const Question &question =
      questions[call->getAttrOfType<IntegerAttr>(questionAttr).getInt()];
  Value foundInCopy = call.getOperand(0), expectedInCopy = call.getOperand(1);
  if (foundInCopy == expectedInCopy)
    return success();
  FailureOr<Value> found = moveToEntry(foundInCopy);
  FailureOr<Value> expected = moveToEntry(expectedInCopy);
  if (failed(found) || failed(expected)) {
    if (!question.isRequired)
      return success();
    return question.op->emitOpError()
           << question.what
           << " has to be checked when the function is entered, but cannot be "
              "told from its arguments' extents; make the extent static, or "
              "give its operands one dimension in common";
  }
  auto origin = getOrigin(*found);
  if (!origin && !question.atLeast) {
    // Blame an argument rather than a number computed from several.
    origin = getOrigin(*expected);
    if (origin)
      std::swap(found, expected);
  }
  auto [argument, dimension] =
      origin.value_or(std::pair(question.argument, question.dimension));
  chain.requireExtent(argument, dimension, *found, *expected, question.atLeast);
  return success();
}

LogicalResult EntryBuilder::answerShapes(func::CallOp call,
                                         SmallVectorImpl<Value> &extents) {
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    for (int64_t d = 0; d < cast<RankedTensorType>(type).getRank(); ++d) {
      FailureOr<Value> extent = moveToEntry(call.getOperand(extents.size()));
      if (failed(extent))
        return function.emitOpError()
               << "dimension " << d << " of result " << i
               << " depends on data or on control flow, so a caller cannot "
                  "allocate the result; it has to follow from the extents of "
                  "the arguments";
      extents.push_back(*extent);
    }
  return success();
}

FailureOr<func::FuncOp> EntryBuilder::build(const llvm::BitVector &contiguous) {
  function.getBody().walk([&](Operation *op) { ask(op); });
  Operation *terminator = copy.front().getTerminator();
  Location loc = function.getLoc();
  {
    OpBuilder b(terminator);
    SmallVector<Value> extents;
    for (Value result : terminator->getOperands())
      for (OpFoldResult extent : tensor::getMixedSizes(b, loc, result))
        extents.push_back(getValueOrCreateConstantIndexOp(b, loc, extent));
    func::CallOp::create(b, loc, "shapes", TypeRange(), extents);
    terminator->setOperands(ValueRange());
  }
  resolve();

  OpBuilder outside(function);
  SmallVector<Type> inputs, outputs = {outside.getI32Type()};
  for (Type type : function.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    inputs.push_back(tensor ? getArgumentType(tensor) : type);
  }
  for (Type type : function.getResultTypes())
    outputs.append(cast<RankedTensorType>(type).getRank(),
                   outside.getIndexType());
  entry =
      func::FuncOp::create(outside, loc, (function.getName() + "_entry").str(),
                           outside.getFunctionType(inputs, outputs));
  entry.setPrivate();
  // No other module shall see it.
  entry->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(entry.getContext(), LLVM::Linkage::Internal));
  ImplicitLocOpBuilder body(loc, entry.addEntryBlock(), entry.front().begin());
  b = &body;
  toEntry.map(copy.getArguments(), entry.getArguments());

  StatusChain chain(body);
  SmallVector<Value> extents;
  WalkResult walk = copy.walk([&](func::CallOp call) {
    LogicalResult answered = call->hasAttr(questionAttr)
                                 ? answer(chain, call)
                                 : answerShapes(call, extents);
    return failed(answered) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (walk.wasInterrupted()) {
    entry.erase();
    return failure();
  }
  for (unsigned i : contiguous.set_bits())
    chain.requireUnitStride(i, entry.getArgument(i));
  SmallVector<Value> results = {chain.getStatus()};
  llvm::append_range(results, extents);
  func::ReturnOp::create(body, results);
  return entry;
}

FailureOr<func::FuncOp> dsa::buildEntry(func::FuncOp function,
                                        const llvm::BitVector &contiguous) {
  return EntryBuilder(function).build(contiguous);
}

func::FuncOp dsa::getWorkspaceFunction(func::FuncOp function) {
  Builder b(function.getContext());
  auto sibling = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      function, b.getStringAttr(function.getName() + "_workspace"));
  if (!sibling || sibling.getNumArguments() < 2)
    return nullptr;
  TypeRange types = function.getArgumentTypes();
  unsigned numInputs = sibling.getNumArguments() - 2;
  if (types.size() < numInputs + 2)
    return nullptr;
  SmallVector<Type> inputs(types.take_front(numInputs));
  inputs.append({b.getI32Type(), MemRefType::get({1}, b.getI64Type())});
  auto workspace = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  bool isEntry =
      sibling.getFunctionType() == b.getFunctionType(inputs, b.getI32Type()) &&
      function.getResultTypes() == ArrayRef<Type>(b.getI32Type()) &&
      types.drop_back(1).back() == workspace &&
      types.back() == b.getI32Type() &&
      llvm::all_of(types.drop_front(numInputs).drop_back(2),
                   llvm::IsaPred<MemRefType>);
  return isEntry ? sibling : nullptr;
}
