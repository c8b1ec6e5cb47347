//===- Types.cpp - The types and the state spaces of PTX ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Types.h"

namespace dsa::emulator {

static constexpr struct {
  std::string_view name;
  unsigned bytes;
} types[] = {{"pred", 0}, {"u8", 1},  {"s8", 1},  {"b8", 1},    {"u16", 2},
             {"s16", 2},  {"b16", 2}, {"f16", 2}, {"bf16", 2},  {"u32", 4},
             {"s32", 4},  {"b32", 4}, {"f32", 4}, {"f16x2", 4}, {"bf16x2", 4},
             {"u64", 8},  {"s64", 8}, {"b64", 8}, {"f64", 8}};

unsigned getBytes(Type type) { return types[unsigned(type)].bytes; }

std::string_view getName(Type type) { return types[unsigned(type)].name; }

std::optional<Type> parseType(std::string_view name) {
  for (unsigned i = 0; i < unsigned(Type::None); ++i)
    if (types[i].name == name)
      return Type(i);
  return std::nullopt;
}

bool isFloat(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F32 ||
         type == Type::F64;
}

std::string_view getName(Space space) {
  static constexpr std::string_view names[] = {"generic", "global", "shared",
                                               "local",   "const",  "param"};
  return names[unsigned(space)];
}

} // namespace dsa::emulator
