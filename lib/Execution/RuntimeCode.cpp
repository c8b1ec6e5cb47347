//===- RuntimeCode.cpp - What artefacts carry -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Made when this project is built (lib/CMakeLists.txt), so that who compiles
// artefacts needs neither its sources nor a C compiler.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"

using namespace mlir;
using namespace mlir::dsa;

// clang-format off
static constexpr unsigned char x86[] = {
#include "Runtime.x86_64.inc"
};
static constexpr unsigned char aarch64[] = {
#include "Runtime.aarch64.inc"
};
static constexpr unsigned char statusHeader[] = {
#include "Status.h.inc"
};
// clang-format on

template <size_t size>
static StringRef getText(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char *>(bytes), size};
}

StringRef dsa::getRuntimeBitcode(const llvm::Triple &triple) {
  switch (triple.getArch()) {
  case llvm::Triple::x86_64:
    return getText(x86);
  case llvm::Triple::aarch64:
    return getText(aarch64);
  default:
    return "";
  }
}

StringRef dsa::getStatusHeader() { return getText(statusHeader); }
