//===- HostTensor.cpp - Tensors of a caller ------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/HostTensor.h"

#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/Npy.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"
#include <cstdlib>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::dsa;

ArrayRef<StringRef> dsa::getNpyDescriptions(Type type) {
  static const StringRef f64[] = {"<f8"}, f32[] = {"<f4"}, f16[] = {"<f2"};
  // ml_dtypes' own arrays are written as raw bytes of their size.
  static const StringRef bf16[] = {"<u2", "<i2", "<V2", "|V2"};
  static const StringRef f8[] = {"|u1", "|i1", "<V1", "|V1"};
  static const StringRef i8[] = {"|i1", "|u1"}, i16[] = {"<i2", "<u2"};
  static const StringRef i32[] = {"<i4", "<u4"}, i64[] = {"<i8", "<u8"};
  if (type.isF64())
    return f64;
  if (type.isF32())
    return f32;
  if (type.isF16())
    return f16;
  if (type.isBF16())
    return bf16;
  if (isa<Float8E4M3FNType>(type))
    return f8;
  if (type.isInteger(8))
    return i8;
  if (type.isInteger(16))
    return i16;
  if (type.isInteger(32))
    return i32;
  if (type.isInteger(64))
    return i64;
  return {};
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

void HostTensor::Free::operator()(char *p) const {
  if (mappedBytes)
    munmap(p, mappedBytes);
  else
    std::free(p);
}

HostTensor::Buffer HostTensor::allocate(size_t size, Pages pages) {
  size = std::max<size_t>(size, 1);
  if (pages == Pages::Heap)
    return {
        static_cast<char *>(std::aligned_alloc(64, llvm::alignTo(size, 64))),
        Free{0}};
  // Fresh memory: what the heap hands out may have been touched, and then keeps
  // the pages it has.
  constexpr size_t hugePage = size_t(2) << 20;
  size = llvm::alignTo(size, hugePage);
  void *mapped = mmap(nullptr, size + hugePage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return {nullptr, Free{0}};
  auto *start = static_cast<char *>(mapped);
  auto *aligned = reinterpret_cast<char *>(
      llvm::alignTo(reinterpret_cast<uintptr_t>(start), hugePage));
  if (aligned != start)
    munmap(start, aligned - start);
  if (size_t rest = start + hugePage - aligned)
    munmap(aligned + size, rest);
  // Advice: a kernel without huge pages keeps the small ones.
  madvise(aligned, size,
          pages == Pages::Huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return {aligned, Free{size}};
}

/// Bytes of memory the machine has: what is larger would be paged or killed.
static uint64_t getMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

llvm::Expected<HostTensor> HostTensor::create(Type elementType,
                                              ArrayRef<int64_t> shape,
                                              const Twine &what, Pages pages) {
  auto tooLarge = [&] {
    std::string extents;
    llvm::raw_string_ostream os(extents);
    for (int64_t extent : shape)
      os << extent << "x";
    os << elementType;
    return makeError(ExitUser, what + " would be " + extents +
                                   ", more than the " +
                                   Twine(getMemoryBytes()) +
                                   " bytes of memory of this machine");
  };
  // Zero extents take no memory, but the strides beside them must fit, too.
  int64_t bytes = elementType.getIntOrFloatBitWidth() / 8;
  int64_t size = bytes;
  for (int64_t extent : shape)
    if (extent < 0 ||
        llvm::MulOverflow(bytes, std::max<int64_t>(extent, 1), bytes))
      return tooLarge();
    else
      size = extent ? size : 0;
  size = size ? bytes : 0;
  if (static_cast<uint64_t>(size) > getMemoryBytes())
    return tooLarge();
  Buffer buffer = allocate(size, pages);
  if (!buffer)
    return tooLarge();
  auto address = reinterpret_cast<int64_t>(buffer.get());
  HostTensor tensor(elementType, shape, size, std::move(buffer));
  tensor.descriptor = {address, address, /*offset=*/0};
  tensor.descriptor.append(shape.begin(), shape.end());
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * std::max<int64_t>(shape[i + 1], 1);
  llvm::append_range(tensor.descriptor, strides);
  return std::move(tensor);
}

llvm::Expected<HostTensor>
HostTensor::read(StringRef path, RankedTensorType type, const Twine &what) {
  llvm::Expected<NpyArray> array = readNpy(path);
  if (!array)
    return array.takeError();
  ArrayRef<StringRef> accepted = getNpyDescriptions(type.getElementType());
  std::string expected;
  llvm::raw_string_ostream(expected) << type;
  if (!llvm::is_contained(accepted, array->descr))
    return makeError(ExitUser,
                     what + " is " + expected + ", but '" + path +
                         "' holds elements of type '" + array->descr +
                         "'; accepted: " + llvm::join(accepted, ", "));
  bool fits = array->shape.size() == type.getShape().size();
  for (auto [found, extent] : llvm::zip(array->shape, type.getShape()))
    fits &= ShapedType::isDynamic(extent) || found == extent;
  if (!fits) {
    std::string found = array->shape.empty() ? "rank 0" : "";
    llvm::raw_string_ostream os(found);
    llvm::interleave(array->shape, os, "x");
    return makeError(ExitUser, what + " is " + expected + ", but '" + path +
                                   "' has shape " + found);
  }
  auto tensor = create(type.getElementType(), array->shape, what);
  if (tensor)
    llvm::copy(array->data, tensor->getData().begin());
  return tensor;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

void HostTensor::fillZeros() { std::fill_n(buffer.get(), size, 0); }

void HostTensor::fillRandom(uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  unsigned bytes = elementType.getIntOrFloatBitWidth() / 8;
  auto floatType = dyn_cast<FloatType>(elementType);
  for (size_t i = 0; i < size; i += bytes) {
    uint64_t bits;
    if (floatType) {
      APFloat value(normal(engine));
      bool losesInfo;
      value.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      bits = value.bitcastToAPInt().getZExtValue();
    } else {
      bits = engine() & (bytes == 1 ? 0xff : bytes == 2 ? 0x7fff : 0x7fffffff);
    }
    std::copy_n(reinterpret_cast<const char *>(&bits), bytes, buffer.get() + i);
  }
}

void HostTensor::summarize(llvm::raw_ostream &os) {
  unsigned bytes = elementType.getIntOrFloatBitWidth() / 8;
  auto floatType = dyn_cast<FloatType>(elementType);
  double least = 0, greatest = 0;
  size_t count = 0, nans = 0;
  for (size_t i = 0; i < size; i += bytes) {
    uint64_t bits = 0;
    std::copy_n(buffer.get() + i, bytes, reinterpret_cast<char *>(&bits));
    double value;
    if (floatType) {
      APFloat stored(floatType.getFloatSemantics(), APInt(8 * bytes, bits));
      bool losesInfo;
      stored.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &losesInfo);
      value = stored.convertToDouble();
    } else {
      value = static_cast<double>(llvm::SignExtend64(bits, 8 * bytes));
    }
    if (std::isnan(value)) {
      ++nans;
      continue;
    }
    least = count ? std::min(least, value) : value;
    greatest = count ? std::max(greatest, value) : value;
    ++count;
  }
  for (int64_t extent : shape)
    os << extent << "x";
  os << elementType;
  if (count)
    os << ", min " << llvm::format("%g", least) << ", max "
       << llvm::format("%g", greatest);
  if (nans)
    os << ", " << nans << " NaN";
  auto hash = llvm::xxh3_64bits(StringRef(buffer.get(), size));
  os << ", hash " << llvm::format_hex_no_prefix(hash, 16);
}
