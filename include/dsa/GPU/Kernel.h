//===- Kernel.h - A kernel and what it is given -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_GPU_KERNEL_H
#define DSA_GPU_KERNEL_H

#include "dsa/GPU/DeviceBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::dsa {

/// A kernel that is being written, beside the host function that launches it.
/// Its code uses values of the host by `capture`: they become its parameters.
class Kernel {
public:
  /// In the module of all kernels, named `name`, or like it if that is taken or
  /// no identifier of PTX.
  Kernel(func::FuncOp function, Location loc, StringRef name, int64_t threads);

  /// Inserts where the kernel's code goes on.
  DeviceBuilder device;

  /// What `host`, an index, i32, i64, f32 or memref, is in the kernel; an index
  /// is an i64, a memref the address of its first element. A constant is one in
  /// the kernel too.
  Value capture(Value host);

  /// Ends the kernel, and launches it where `host` inserts.
  void launch(OpBuilder &host, Value call, ArrayRef<Value> blocks,
              int64_t sharedBytes);

private:
  int64_t threads;
  gpu::GPUFuncOp function;
  SmallVector<Value> captured;
  DenseMap<Value, Value> parameters;
};

/// A memref of the host as kernels see it: an address, and strides in bytes.
class GlobalTensor {
public:
  GlobalTensor() = default;
  /// `memref` is one of the host, on which the arithmetic is done where `host`
  /// inserts.
  GlobalTensor(OpBuilder &host, Location loc, Value memref);

  explicit operator bool() const { return static_cast<bool>(memref); }
  Type getElementType() const { return elementType; }
  int64_t getElementBytes() const;
  int64_t getRank() const { return strides.size(); }

  /// On the host: the memref, strides in bytes as i64, extents as indices.
  Value getMemRef() const { return memref; }
  Value getStride(int64_t dim) const { return strides[dim]; }
  Value getExtent(int64_t dim) const { return extents[dim]; }
  /// The extent if it is known.
  std::optional<int64_t> getStaticExtent(int64_t dim) const;

  /// In the kernel: the address of the element at `indices`, which may leave
  /// inner dimensions out.
  Value at(Kernel &kernel, ArrayRef<Value> indices) const;

private:
  Type elementType;
  Value memref;
  SmallVector<Value> strides, extents;
};

} // namespace mlir::dsa

#endif // DSA_GPU_KERNEL_H
