//===- MergeAttention.cpp - The kernel of dsa.merge_attention -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block has a head of a row, a thread every 128th column of it. Each reads
// all lses of the head: for their maximum, for their sum, and again with each
// of its columns of the parts. So all threads agree without a word between
// them, and the order of sums is that of the parts.
//
// Splits of attention come with the maxima and the sums of weights that its own
// kernel ends with: one split, and others without a key, have the bits of none.
//
// Traffic: each part read once; each lse by every thread twice, and once more
// per column, sums of weights by every thread once (from the first-level
// cache); results written once.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static constexpr int64_t mergeThreads = 128;
static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {
/// The code of one block.
class MergeKernel {
public:
  MergeKernel(Kernel &kernel, const MergeArguments &arguments)
      : kernel(kernel), b(kernel.device), arguments(arguments) {}
  void emit();

private:
  /// carried = body(part's out, lse, carried) over all partials in order.
  using Body = function_ref<SmallVector<Value>(
      const AttentionPart &part, Value number, Value lse, ValueRange carried)>;
  SmallVector<Value> forEachPartial(ValueRange carried, Body body);
  SmallVector<Value> atPartial(const AttentionPart &part, Value number) const;
  Value loadElement(const GlobalTensor &tensor, ArrayRef<Value> at);

  Kernel &kernel;
  DeviceBuilder &b;
  const MergeArguments &arguments;
  Value rowInLaunch, batch, t, head;
};
} // namespace

/// Where a partial of this block's row and head stands.
SmallVector<Value> MergeKernel::atPartial(const AttentionPart &part,
                                          Value number) const {
  if (part.lse.getRank() == 4)
    return {number, batch, t, head};
  return {number, rowInLaunch, head};
}

Value MergeKernel::loadElement(const GlobalTensor &tensor, ArrayRef<Value> at) {
  Type type = tensor.getElementType();
  Value element = b.load(type, tensor.at(kernel, at), tensor.getElementBytes());
  return type.isF32()
             ? element
             : arith::ExtFOp::create(b, b.getF32Type(), element).getResult();
}

SmallVector<Value> MergeKernel::forEachPartial(ValueRange carried, Body body) {
  SmallVector<Value> values(carried);
  for (const AttentionPart &part : arguments.parts) {
    Value count = b.toI32(kernel.capture(part.lse.getExtent(0)));
    values = b.forLoop(
        b.i32(0), count, values, [&](Value number, ValueRange inLoop) {
          Value lse = loadElement(part.lse, atPartial(part, number));
          return body(part, number, lse, inLoop);
        });
  }
  return values;
}

void MergeKernel::emit() {
  Value numHeads = b.toI32(
      kernel.capture(arguments.lse.getExtent(arguments.lse.getRank() - 1)));
  Value block = b.blockIdX();
  head = b.rem(block, numHeads);
  rowInLaunch = b.div(block, numHeads);
  Value row = b.add(rowInLaunch, b.toI32(kernel.capture(arguments.firstRow)));
  t = row;
  SmallVector<Value> at = {t, head};
  if (arguments.lse.getRank() == 3) {
    Value numRows = b.toI32(kernel.capture(arguments.numRows));
    batch = b.div(row, numRows);
    t = b.rem(row, numRows);
    at = {batch, t, head};
  }

  Value minusInfinity = b.f32(-infinity), zero = b.f32(0);
  Value maximum =
      forEachPartial(minusInfinity, [&](const AttentionPart &, Value, Value lse,
                                        ValueRange carried) {
        return SmallVector<Value>{b.maxf(carried[0], lse)};
      })[0];
  Value shift = b.select(b.comparef(CmpFPredicate::OEQ, maximum, minusInfinity),
                         zero, maximum);
  auto weight = [&](Value lse) { return b.exp(b.subf(lse, shift)); };
  // An lse of NaN or +inf makes it NaN, and that all results.
  Value sum = forEachPartial(zero, [&](const AttentionPart &part, Value number,
                                       Value lse, ValueRange carried) {
    Value counted = weight(lse);
    if (part.sum)
      counted = b.mulf(counted, loadElement(part.sum, atPartial(part, number)));
    return SmallVector<Value>{b.addf(carried[0], counted)};
  })[0];
  Value isEmpty = b.comparef(CmpFPredicate::OEQ, sum, zero);
  Value lse = b.addf(shift, b.mulf(b.log2(sum), b.f32(0.6931471805599453)));
  lse = b.select(isEmpty, minusInfinity, lse);
  Value denominator = sum;
  if (arguments.sink) {
    Value sink = b.load(b.getF32Type(), arguments.sink.at(kernel, head), 4);
    denominator = b.addf(sum, weight(sink));
  }
  Value factor = b.divf(b.f32(1), denominator);
  Value thread = b.threadId();
  b.ifThen(b.compare(CmpIPredicate::eq, thread, 0),
           [&] { b.store(lse, arguments.lse.at(kernel, at), 4); });

  const GlobalTensor &out = arguments.out;
  Value columns = b.toI32(kernel.capture(out.getExtent(out.getRank() - 1)));
  b.forLoop(
      b.i32(0), b.ceilDiv(columns, mergeThreads), {},
      [&](Value number, ValueRange) {
        Value column = b.add(b.mul(number, mergeThreads), thread);
        b.ifThen(b.compare(CmpIPredicate::slt, column, columns), [&] {
          Value total = forEachPartial(zero, [&](const AttentionPart &part,
                                                 Value number, Value lse,
                                                 ValueRange carried) {
            SmallVector<Value> from = atPartial(part, number);
            from.push_back(column);
            Value counted = b.mulf(weight(lse), loadElement(part.out, from));
            // As if there was no split: a NaN among the values of a row is in
            // its result, also where the logits of its split are -inf.
            if (part.sum)
              return SmallVector<Value>{b.addf(carried[0], counted)};
            // A partial of no keys counts for nothing, whatever it holds.
            Value isNone = b.comparef(CmpFPredicate::OEQ, lse, minusInfinity);
            return SmallVector<Value>{
                b.addf(carried[0], b.select(isNone, zero, counted))};
          })[0];
          // Zeros get the sign +, as without splits.
          Value result = b.addf(b.mulf(total, factor), zero);
          result = b.select(isEmpty, zero, result);
          if (!out.getElementType().isF32())
            result = arith::TruncFOp::create(b, out.getElementType(), result);
          SmallVector<Value> to(at);
          to.push_back(column);
          b.store(result, out.at(kernel, to), out.getElementBytes());
        });
        return SmallVector<Value>();
      });
}

void dsa::emitMergeKernel(LaunchSite &site, StringRef name,
                          const MergeArguments &arguments) {
  FoldingBuilder &b = site.b;
  Kernel kernel(site.function, b.getLoc(), name, mergeThreads);
  MergeKernel(kernel, arguments).emit();
  Value numHeads = arguments.lse.getExtent(arguments.lse.getRank() - 1);
  Value one = b.index(1);
  kernel.launch(b, site.call, {b.mul(arguments.count, numHeads), one, one},
                /*sharedBytes=*/0);
}

std::optional<std::string> dsa::getReasonAgainst(MergeAttentionOp) {
  return std::nullopt;
}

FailureOr<std::string> dsa::emitMergeAttention(LaunchSite &site,
                                               MergeAttentionOp op) {
  FoldingBuilder &b = site.b;
  auto toTensor = [&](Value memref) {
    return memref ? GlobalTensor(b, b.getLoc(), memref) : GlobalTensor();
  };
  MergeArguments arguments;
  for (auto [out, lse] : llvm::zip(op.getParts(), op.getLses()))
    arguments.parts.push_back({toTensor(out), toTensor(lse)});
  arguments.sink = toTensor(op.getSink());
  arguments.out = toTensor(op.getInits()[0]);
  arguments.lse = toTensor(op.getInits()[1]);
  int64_t rank = arguments.lse.getRank();
  arguments.numRows = arguments.lse.getExtent(rank - 2);
  arguments.firstRow = b.index(0);
  arguments.count = arguments.numRows;
  if (rank == 3)
    arguments.count = b.mul(arguments.count, arguments.lse.getExtent(0));
  emitMergeKernel(site, (site.function.getName() + "_merge_attention").str(),
                  arguments);
  return std::string("merged by a block per row and head");
}
