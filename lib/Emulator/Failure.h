//===- Failure.h - Why a load or a launch stops -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_FAILURE_H
#define DSA_EMULATOR_FAILURE_H

#include "dsa/Emulator/Emulator.h"
#include <sstream>
#include <stdexcept>
#include <string>

namespace dsa::emulator {

/// Thrown inside of the library and caught by what its users call.
class Failure : public std::runtime_error {
public:
  explicit Failure(const std::string &message,
                   FailureKind kind = FailureKind::Other)
      : runtime_error(message), kind(kind) {}

  const FailureKind kind;
};

template <typename... Parts>
std::string concat(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <typename... Parts>
[[noreturn]] void fail(const Parts &...parts) {
  throw Failure(concat(parts...));
}

/// What a load says: `line 12: ` before it.
template <typename... Parts>
[[noreturn]] void failAt(unsigned line, const Parts &...parts) {
  fail("line ", line, ": ", parts...);
}

inline std::string hex(uint64_t value) { return concat("0x", std::hex, value); }

} // namespace dsa::emulator

#endif // DSA_EMULATOR_FAILURE_H
