//===- KernelBuilder.h - Loops and vectors of CPU kernels -------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The vocabulary that the kernels of this folder are written in: index
// arithmetic that folds, loops, vectors of the target's width, scratch memory.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_KERNELBUILDER_H
#define DSA_LIB_CONVERSION_DSATOCPU_KERNELBUILDER_H

#include "CPUTarget.h"

#include "dsa/Builder/FoldingBuilder.h"

namespace mlir::dsa {

/// The attribute of an scf.for that tells LLVM about the loop.
constexpr StringLiteral loopAnnotationName = "llvm.loop_annotation";

class KernelBuilder : public FoldingBuilder {
public:
  KernelBuilder(Location loc, OpBuilder &builder, const CPUTarget &target)
      : FoldingBuilder(loc, builder), target(target) {}

  const CPUTarget &target;

  //===--------------------------------------------------------------------===//
  // Indices
  //===--------------------------------------------------------------------===//

  /// Of values that are not negative: the product, but at most 2^59, of which
  /// there is a sum of some before it overflows. For sizes of memory.
  Value mulSize(Value lhs, Value rhs);
  Value alignUp(Value value, int64_t multiple);
  Value alignDown(Value value, int64_t multiple);
  /// What work and memory are planned for: `extent`, or what bounds it outside
  /// of all loops, or a constant that does. In a loop over tiles, whose last
  /// one is smaller, sizes must not vary.
  Value getPlanned(Value extent);
  /// An i32 as an index, and an index below 2^31 as an i32.
  Value toIndex(Value value);
  Value toI32(Value value);
  Value toI64(Value value);

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  void forLoop(Value from, Value to, int64_t step,
               function_ref<void(Value i)> body);
  void forLoop(Value from, Value to, Value step,
               function_ref<void(Value i)> body);
  /// carried = body(i, carried). LLVM is told not to unroll a `rolled` loop.
  SmallVector<Value>
  forLoop(Value from, Value to, int64_t step, ValueRange carried,
          function_ref<SmallVector<Value>(Value i, ValueRange carried)> body,
          bool rolled = false);
  /// carried = body(carried) as long as condition(carried).
  SmallVector<Value>
  whileLoop(ValueRange carried, function_ref<Value(ValueRange)> condition,
            function_ref<SmallVector<Value>(ValueRange)> body);

  //===--------------------------------------------------------------------===//
  // Memory
  //===--------------------------------------------------------------------===//

  Value dim(Value memref, int64_t dimension);
  Value load(Value memref, ValueRange at);
  void store(Value value, Value memref, ValueRange at);
  /// `type`'s elements from `at` on; with a mask only those under it, and
  /// zeros.
  Value loadVector(VectorType type, Value memref, ValueRange at,
                   Value mask = {});
  void storeVector(Value vector, Value memref, ValueRange at, Value mask = {});
  /// Stores the first `left` lanes of a vector, or all.
  void storeFirst(Value vector, Value memref, ValueRange at, Value left);
  /// Asks for the cache line of an element: into L1 (3) or L2 (2).
  void prefetch(Value memref, ValueRange at, unsigned locality);

  //===--------------------------------------------------------------------===//
  // Vectors
  //===--------------------------------------------------------------------===//

  unsigned lanes() const { return target.lanes; }
  VectorType vectorOf(Type element, unsigned factor = 1) {
    return VectorType::get({static_cast<int64_t>(lanes() * factor)}, element);
  }
  VectorType f32s() { return vectorOf(getF32Type()); }
  VectorType i32s() { return vectorOf(getI32Type()); }
  Value splat(VectorType type, double value);
  Value splat(VectorType type, int64_t value);
  Value broadcast(Value scalar, VectorType type);
  /// 0, 1, 2, ... as i32.
  Value iota();
  Value shuffle(Value lhs, Value rhs, ArrayRef<int64_t> mask);
  Value bitcast(Value vector, Type element);
  Value fma(Value lhs, Value rhs, Value addend);
  /// Lanes below `count`, an index that may exceed the number of lanes.
  Value lanesBelow(Value count, unsigned numLanes);
  Value lanesBelow(Value count) { return lanesBelow(count, lanes()); }
  /// How many lanes of a mask are set, as an index.
  Value countLanes(Value mask);
  Value anyLane(Value mask);
  /// Stores the elements under `mask`, packed left, from `memref[at]` on; as
  /// many elements as there are lanes may be overwritten.
  void storeCompressed(Value vector, Value mask, Value memref, Value at);
  /// A call of an intrinsic of LLVM.
  Value intrinsic(StringRef name, Type type, ValueRange operands);
};

/// A piece of scratch memory, planned before the code that uses it is emitted:
/// the sum of what is reserved is the number of bytes that each thread needs.
class ScratchPlan {
public:
  explicit ScratchPlan(KernelBuilder &b) : b(b), bytes(b.index(0)) {}
  /// The offset of an array of these extents.
  Value reserve(ArrayRef<Value> extents, Type type);
  Value getBytes() const { return bytes; }

private:
  KernelBuilder &b;
  Value bytes;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_KERNELBUILDER_H
