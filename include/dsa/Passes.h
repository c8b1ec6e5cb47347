//===- Passes.h - Passes of dsa-mlir ----------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_PASSES_H
#define DSA_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::dsa {

#define GEN_PASS_DECL
#include "dsa/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dsa/Passes.h.inc"

} // namespace mlir::dsa

#endif // DSA_PASSES_H
