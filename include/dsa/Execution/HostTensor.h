//===- HostTensor.h - Tensors of a caller -----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_HOSTTENSOR_H
#define DSA_EXECUTION_HOSTTENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

namespace mlir::dsa {

/// The .npy descriptions of an element type; the first is what is written.
/// Empty if a caller cannot hold tensors of the type.
ArrayRef<StringRef> getNpyDescriptions(Type elementType);

/// The pages of a tensor's memory: those of the heap, or a mapping of its own
/// for which the kernel is asked for huge pages, or for none.
enum class Pages { Heap, Huge, Small };

/// A contiguous tensor, aligned to 64 bytes or to its pages.
class HostTensor {
public:
  /// A tensor of unset elements. `what` names it in messages; one that does not
  /// fit the machine's memory gives `ExitUser`.
  static llvm::Expected<HostTensor> create(Type elementType,
                                           ArrayRef<int64_t> shape,
                                           const Twine &what,
                                           Pages pages = Pages::Heap);

  Type getElementType() const { return elementType; }
  ArrayRef<int64_t> getShape() const { return shape; }
  MutableArrayRef<char> getData() { return {buffer.get(), size}; }
  /// The descriptor of a memref over the tensor, as the C interface of a
  /// compiled function takes it; owned by the tensor.
  void *getDescriptor() { return descriptor.data(); }

  /// Fills with zeros, or with random numbers of the seed: floats are standard
  /// normal, rounded to the type; i8 any byte; wider integers in [0, 2^31).
  void fillZeros();
  void fillRandom(uint64_t seed);
  /// `4x64xbf16, min -2.1, max 3.0, hash 0123456789abcdef`
  void summarize(llvm::raw_ostream &os);

  /// The .npy file at `path`, which must hold a tensor of `type`. `what` names
  /// the argument in messages.
  static llvm::Expected<HostTensor> read(StringRef path, RankedTensorType type,
                                         const Twine &what);

private:
  struct Free {
    /// Of a mapping; 0 for memory of the heap.
    size_t mappedBytes;
    void operator()(char *p) const;
  };
  using Buffer = std::unique_ptr<char, Free>;
  static Buffer allocate(size_t size, Pages pages);
  HostTensor(Type elementType, ArrayRef<int64_t> shape, size_t size,
             Buffer buffer)
      : elementType(elementType), shape(shape), size(size),
        buffer(std::move(buffer)) {}

  Type elementType;
  SmallVector<int64_t> shape;
  size_t size;
  Buffer buffer;
  SmallVector<int64_t> descriptor;
};

} // namespace mlir::dsa

#endif // DSA_EXECUTION_HOSTTENSOR_H
