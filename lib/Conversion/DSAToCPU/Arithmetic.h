//===- Arithmetic.h - How elements are multiplied and added -----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_ARITHMETIC_H
#define DSA_LIB_CONVERSION_DSATOCPU_ARITHMETIC_H

#include "KernelBuilder.h"

namespace mlir::dsa {

/// What one step of a dot product multiplies: an f32 element of each side, or
/// two adjacent bf16 elements, held as an i32. A vector of steps has one for
/// each lane.
class Arithmetic {
public:
  enum class Kind { F32, BF16Pairs };

  explicit Arithmetic(Kind kind) : kind(kind) {}

  /// For products of `lhs` and `rhs`: pairs, if the target has them and both
  /// types are exact in bf16.
  static Arithmetic get(Type lhs, Type rhs, const CPUTarget &target);

  bool usesPairs() const { return kind == Kind::BF16Pairs; }
  /// Elements of a row that a step multiplies.
  unsigned getWidth() const { return usesPairs() ? 2 : 1; }
  /// What rows are stored as to be read step by step: f32 or bf16.
  Type getElementType(MLIRContext *context) const;
  /// What a step is held as: f32 or i32.
  Type getStepType(MLIRContext *context) const;
  Value getNumSteps(KernelBuilder &b, Value elements) const {
    return b.ceilDiv(elements, getWidth());
  }
  /// Elements of `type` that are best converted at a time: a multiple of the
  /// elements in a vector of steps.
  unsigned getChunk(Type type, const CPUTarget &target) const;
  /// The largest chunk of all types: rows padded to it take any.
  unsigned getMaxChunk(const CPUTarget &target) const {
    return 4 * target.lanes;
  }

  /// Vectors of steps from a chunk of elements, exact.
  SmallVector<Value> toSteps(KernelBuilder &b, Value elements) const;

  /// The step that begins at `element` of a row of element type.
  Value loadStep(KernelBuilder &b, Value memref, ValueRange row,
                 Value step) const;
  /// The step that begins at `memref[element]`.
  Value loadStepAt(KernelBuilder &b, Value memref, ValueRange element) const;
  /// The vector of steps from there on.
  Value loadSteps(KernelBuilder &b, Value memref, ValueRange at) const;

  /// `sum + x * y` for each lane: one fused multiply-add, or for pairs
  /// `fma(x0, y0, fma(x1, y1, sum))` with denormals taken as zero, which is
  /// what vdpbf16ps computes. `y` is the operand that may come from memory.
  Value multiplyAdd(KernelBuilder &b, Value sum, Value x, Value y) const;

private:
  Kind kind;
};

/// Whether rounding `from` to `to`, a compute type, changes some values.
bool losesBits(Type from, Type to);

/// Columns of a matrix's rows that lie side by side as elements of one type.
/// Packed rows are bytes; `byteOf` tells where an element of a row begins.
struct RowPiece {
  Value memref;
  Type elementType;
  /// Number of elements.
  Value count;
  /// Null for a row that is addressed by its coordinates and a column.
  std::function<Value(KernelBuilder &b, Value rowInPage, Value column)> byteOf =
      nullptr;
  bool rowsInPages = false;
  /// Null, or the type that elements are rounded to before anything else.
  Type roundedTo = nullptr;
  /// Null, or the element at `column` as an f32 that is exact in the
  /// arithmetic: of rows with a scale for some of their elements.
  std::function<Value(KernelBuilder &b, ValueRange row, Value column)>
      readScaled = nullptr;

  /// Where the element at `column` of the row at `row` is.
  SmallVector<Value> at(KernelBuilder &b, ValueRange row, Value column) const;
  /// `numElements` elements from `column` on, zeros beyond the last one if
  /// `partial`.
  Value load(KernelBuilder &b, ValueRange row, Value column,
             unsigned numElements, bool partial) const;
  /// Asks for all cache lines of the row at `row`.
  void prefetch(KernelBuilder &b, ValueRange row, unsigned locality) const;
};

/// Calls `store(column, steps)` for vectors of steps that make up the piece, in
/// order; the last ones may reach beyond it, filled up with zeros.
void forEachStepVector(KernelBuilder &b, const Arithmetic &arithmetic,
                       const RowPiece &piece, ValueRange row,
                       function_ref<void(Value column, Value steps)> store);

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_ARITHMETIC_H
