//===- Types.h - The types and the state spaces of PTX ----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_TYPES_H
#define DSA_EMULATOR_TYPES_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace dsa::emulator {

/// The types that instructions and registers name. The code that is compiled
/// for several hosts knows them too: nothing here is inline.
enum class Type : uint8_t {
  Pred,
  U8,
  S8,
  B8,
  U16,
  S16,
  B16,
  F16,
  BF16,
  U32,
  S32,
  B32,
  F32,
  F16x2,
  BF16x2,
  U64,
  S64,
  B64,
  F64,
  None
};

/// `Generic` addresses say themselves which space they mean.
enum class Space : uint8_t { Generic, Global, Shared, Local, Const, Param };

/// Where generic addresses of the spaces that have addresses of their own
/// begin. Those of global memory are the host's, which are all lower.
constexpr uint64_t windowBytes = uint64_t(1) << 60;
constexpr uint64_t sharedWindow = 1 * windowBytes;
constexpr uint64_t localWindow = 2 * windowBytes;
constexpr uint64_t paramWindow = 3 * windowBytes;

/// Of a value in memory; a predicate has none.
unsigned getBytes(Type type);
/// Without the dot.
std::string_view getName(Type type);
std::optional<Type> parseType(std::string_view name);
bool isFloat(Type type);
std::string_view getName(Space space);

} // namespace dsa::emulator

#endif // DSA_EMULATOR_TYPES_H
