//===- WorkspaceLayout.cpp - How large slots are, and where ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkspaceSlots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

namespace {
/// Arithmetic on sizes, indices from 0 to INT64_MAX, where what is larger is
/// INT64_MAX.
class SizeBuilder {
public:
  SizeBuilder(ImplicitLocOpBuilder &b) : b(b) {}

  OpFoldResult constant(uint64_t value) {
    return b.getIndexAttr(std::min<uint64_t>(value, limit));
  }
  Value materialize(OpFoldResult size) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
  }

  /// An extent; a memref with a negative one has no element.
  OpFoldResult fromExtent(OpFoldResult extent) {
    if (std::optional<int64_t> value = getConstantIntValue(extent))
      return constant(std::max<int64_t>(*value, 0));
    return arith::MaxSIOp::create(b, materialize(extent),
                                  materialize(constant(0)))
        .getResult();
  }

  OpFoldResult add(OpFoldResult lhs, OpFoldResult rhs) {
    std::optional<int64_t> left = getConstantIntValue(lhs),
                           right = getConstantIntValue(rhs);
    if (left && right)
      return constant(static_cast<uint64_t>(*left) + *right);
    if (left == 0 || right == 0)
      return left == 0 ? rhs : lhs;
    // The sum of two numbers of 63 bits has 64 bits.
    return limited(
        arith::AddIOp::create(b, materialize(lhs), materialize(rhs)));
  }

  OpFoldResult multiply(OpFoldResult lhs, OpFoldResult rhs) {
    std::optional<int64_t> left = getConstantIntValue(lhs),
                           right = getConstantIntValue(rhs);
    if (left && right)
      return constant(llvm::SaturatingMultiply<uint64_t>(*left, *right));
    if (left == 1 || right == 1)
      return left == 1 ? rhs : lhs;
    auto product =
        arith::MulUIExtendedOp::create(b, materialize(lhs), materialize(rhs));
    Value fits =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, product.getHigh(),
                              materialize(constant(0)));
    return arith::SelectOp::create(b, fits, limited(product.getLow()),
                                   materialize(constant(limit)))
        .getResult();
  }

  OpFoldResult max(OpFoldResult lhs, OpFoldResult rhs) {
    std::optional<int64_t> left = getConstantIntValue(lhs),
                           right = getConstantIntValue(rhs);
    if (left && right)
      return constant(std::max(*left, *right));
    if (left == 0 || right == 0)
      return left == 0 ? rhs : lhs;
    return arith::MaxUIOp::create(b, materialize(lhs), materialize(rhs))
        .getResult();
  }

  /// The next multiple of `alignment`, or so much that another `alignment - 1`
  /// makes it INT64_MAX.
  OpFoldResult alignTo(OpFoldResult size, int64_t alignment) {
    OpFoldResult sum = add(size, constant(alignment - 1));
    if (std::optional<int64_t> value = getConstantIntValue(sum))
      return constant(*value & -alignment);
    return arith::AndIOp::create(b, materialize(sum),
                                 arith::ConstantIndexOp::create(b, -alignment))
        .getResult();
  }

private:
  static constexpr int64_t limit = std::numeric_limits<int64_t>::max();

  Value limited(Value size) {
    return arith::MinUIOp::create(b, size, materialize(constant(limit)));
  }

  ImplicitLocOpBuilder &b;
};
} // namespace

/// The bytes of elements without space between them.
static OpFoldResult buildBytes(SizeBuilder &sizes, const WorkspaceSlot &slot,
                               ArrayRef<OpFoldResult> extents) {
  OpFoldResult bytes = sizes.constant(slot.elementBytes);
  for (int64_t extent : slot.type.getShape())
    if (!ShapedType::isDynamic(extent))
      bytes = sizes.multiply(bytes, sizes.constant(extent));
  for (OpFoldResult extent : extents)
    bytes = sizes.multiply(sizes.fromExtent(extent), bytes);
  return bytes;
}

/// How many elements strides span, at most: one step too many in each dimension
/// keeps the arithmetic positive.
static OpFoldResult buildSpan(SizeBuilder &sizes, const WorkspaceSlot &slot,
                              ArrayRef<OpFoldResult> extents) {
  auto layout = cast<StridedLayoutAttr>(slot.type.getLayout());
  OpFoldResult span =
      sizes.add(sizes.constant(layout.getOffset()), sizes.constant(1));
  for (auto [extent, stride] :
       llvm::zip_equal(slot.type.getShape(), layout.getStrides())) {
    OpFoldResult steps;
    if (ShapedType::isDynamic(extent)) {
      steps = sizes.fromExtent(extents.front());
      extents = extents.drop_front();
    } else {
      steps = sizes.constant(extent);
    }
    span = sizes.add(span, sizes.multiply(steps, sizes.constant(stride)));
  }
  return span;
}

WorkspaceLayout dsa::buildWorkspaceLayout(ImplicitLocOpBuilder &b,
                                          ArrayRef<WorkspaceSlot> slots,
                                          ArrayRef<OpFoldResult> extents) {
  SizeBuilder sizes(b);
  WorkspaceLayout layout;
  SmallVector<OpFoldResult> ends;
  for (const WorkspaceSlot &slot : slots)
    layout.alignment = std::max(layout.alignment, slot.alignment);
  layout.bytes = sizes.constant(0);
  for (const WorkspaceSlot &slot : slots) {
    ArrayRef<OpFoldResult> own = extents.take_front(slot.extents.size());
    extents = extents.drop_front(slot.extents.size());
    OpFoldResult span, bytes;
    if (slot.type.getLayout().isIdentity()) {
      bytes = buildBytes(sizes, slot, own);
    } else {
      span = buildSpan(sizes, slot, own);
      bytes = sizes.multiply(span, sizes.constant(slot.elementBytes));
    }
    layout.spans.push_back(span);
    layout.offsets.push_back(slot.below ? ends[*slot.below]
                                        : sizes.constant(0));
    ends.push_back(sizes.add(layout.offsets.back(),
                             sizes.alignTo(bytes, layout.alignment)));
    if (slot.isTop)
      layout.bytes = sizes.max(layout.bytes, ends.back());
  }
  layout.bytes = sizes.add(layout.bytes, sizes.constant(layout.alignment - 1));
  return layout;
}
