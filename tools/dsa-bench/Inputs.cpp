//===- Inputs.cpp - What the kernels of a case read ----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// inputs.py makes the same values for PyTorch.
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

Type bench::getType(Element element, MLIRContext &context) {
  switch (element) {
  case Element::F32:
    return Float32Type::get(&context);
  case Element::BF16:
    return BFloat16Type::get(&context);
  case Element::F8:
    return Float8E4M3FNType::get(&context);
  case Element::I32:
    return IntegerType::get(&context, 32);
  case Element::I8:
    return IntegerType::get(&context, 8);
  }
  llvm_unreachable("all element types are listed");
}

/// 64 bits of a counter: the output function of SplitMix64.
static uint64_t getBits(Role role, uint64_t index) {
  uint64_t z =
      ((static_cast<uint64_t>(role) << 40) + index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// A sum of three uniform numbers: bell-shaped, of variance 1, in (-3, 3),
/// exact in f32; the numerator is odd.
static float getNormal(uint64_t bits) {
  constexpr int64_t mask = (1 << 21) - 1;
  int64_t sum = static_cast<int64_t>(bits & mask) +
                static_cast<int64_t>(bits >> 21 & mask) +
                static_cast<int64_t>(bits >> 42 & mask);
  return static_cast<float>(2 * sum - 3 * mask) / (1 << 21);
}

/// The upper half of a normal number.
static uint16_t getBF16(uint64_t bits) {
  return static_cast<uint16_t>(llvm::bit_cast<uint32_t>(getNormal(bits)) >> 16);
}

/// In [0.5, 1.5).
static float getScale(uint64_t bits) {
  return 0.5f + static_cast<float>(bits >> 40) / (1 << 24);
}

/// Finite, with exponents of 2^-6 to 2^1.
static uint8_t getF8(uint64_t bits) {
  return (bits & 1) << 7 | (1 + (bits >> 1 & 7)) << 3 | (bits >> 4 & 7);
}

template <typename T>
static void fill(HostTensor &tensor, llvm::function_ref<T(int64_t)> value) {
  auto *data = reinterpret_cast<T *>(tensor.getData().data());
  int64_t size = static_cast<int64_t>(tensor.getData().size() / sizeof(T));
  for (int64_t i = 0; i < size; ++i)
    data[i] = value(i);
}

static void fillIntegers(const Case &c, Role role, HostTensor &tensor) {
  if (role == Role::Hi)
    return fill<int32_t>(tensor, [&](int64_t t) {
      return static_cast<int32_t>(c.getVisibleKeys(t));
    });
  // The pages in the order of their bits.
  std::vector<std::pair<uint64_t, int32_t>> pages;
  for (int32_t i = 0; i < c.S / c.page; ++i)
    pages.push_back({getBits(role, i), i});
  llvm::sort(pages);
  fill<int32_t>(tensor, [&](int64_t i) { return pages[i].second; });
}

static void fillFloats(Role role, Element element, HostTensor &tensor) {
  if (role == Role::KeyScale)
    return fill<float>(tensor,
                       [&](int64_t i) { return getScale(getBits(role, i)); });
  if (element == Element::F32)
    return fill<float>(tensor,
                       [&](int64_t i) { return getNormal(getBits(role, i)); });
  if (element == Element::F8)
    return fill<uint8_t>(tensor,
                         [&](int64_t i) { return getF8(getBits(role, i)); });
  fill<uint16_t>(tensor, [&](int64_t i) { return getBF16(getBits(role, i)); });
}

/// Different rows, ascending, the first K in the order of their bits.
static void fillIndices(const Case &c, HostTensor &tensor) {
  auto *data = reinterpret_cast<int32_t *>(tensor.getData().data());
  std::vector<std::pair<uint64_t, int32_t>> rows(c.S);
  for (int64_t t = 0; t < c.T; ++t, data += c.K) {
    for (int64_t s = 0; s < c.S; ++s)
      rows[s] = {getBits(Role::Indices, t * c.S + s), static_cast<int32_t>(s)};
    llvm::sort(rows);
    for (int64_t slot = 0; slot < c.K; ++slot)
      data[slot] = rows[slot].second;
    std::sort(data, data + c.K);
    for (int64_t slot = 0; slot < c.K; ++slot)
      if (c.isHole(slot))
        data[slot] = -1;
  }
}

/// Of a record: 512 codes, 4 scales and 64 bf16.
static void fillRecords(Role role, int64_t count, HostTensor &tensor) {
  char *record = tensor.getData().data();
  for (int64_t s = 0; s < count; ++s, record += 656) {
    auto bits = [&](int64_t i) { return getBits(role, 1024 * s + i); };
    for (int64_t i = 0; i < 512; ++i)
      record[i] = static_cast<char>(getF8(bits(i)));
    for (int64_t i = 0; i < 4; ++i) {
      float scale = getScale(bits(512 + i));
      std::memcpy(record + 512 + 4 * i, &scale, sizeof(scale));
    }
    for (int64_t i = 0; i < 64; ++i) {
      uint16_t element = getBF16(bits(516 + i));
      std::memcpy(record + 528 + 2 * i, &element, sizeof(element));
    }
  }
}

llvm::Expected<std::vector<HostTensor>>
bench::makeInputs(const Case &c, MLIRContext &context, Pages pages) {
  std::vector<HostTensor> inputs;
  for (Argument &argument : getArguments(c)) {
    auto tensor =
        HostTensor::create(getType(argument.element, context), argument.extents,
                           getName(argument.role), pages);
    if (!tensor)
      return tensor.takeError();
    if (argument.role == Role::Indices)
      fillIndices(c, *tensor);
    else if (argument.element == Element::I8)
      fillRecords(argument.role, c.S, *tensor);
    else if (argument.element == Element::I32)
      fillIntegers(c, argument.role, *tensor);
    else
      fillFloats(argument.role, argument.element, *tensor);
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

double bench::readElement(HostTensor &tensor, Element element, int64_t index) {
  const char *data = tensor.getData().data();
  auto read = [&](auto value) {
    std::memcpy(&value, data + index * sizeof(value), sizeof(value));
    return value;
  };
  switch (element) {
  case Element::F32:
    return read(float());
  case Element::BF16:
    return llvm::bit_cast<float>(static_cast<uint32_t>(read(uint16_t())) << 16);
  case Element::F8: {
    uint8_t bits = read(uint8_t());
    int exponent = bits >> 3 & 15, mantissa = bits & 7;
    double value = exponent ? std::ldexp(8 + mantissa, exponent - 10)
                            : std::ldexp(mantissa, -9);
    return bits >> 7 ? -value : value;
  }
  case Element::I32:
    return read(int32_t());
  case Element::I8:
    return read(int8_t());
  }
  llvm_unreachable("all element types are listed");
}
