//===- Reproducer.h - Inputs that carry their passes ------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_OPT_REPRODUCER_H
#define DSA_OPT_REPRODUCER_H

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include <string>

namespace mlir::dsa {

/// What turns `input` into its own reproducer: the passes that were asked for,
/// as `--run-reproducer` reads them. Empty where they cannot be added:
/// bytecode, input that is split or has resources of its own, and pipelines
/// that print themselves when they are made.
std::string getReproducerSuffix(StringRef input,
                                const MlirOptMainConfig &config);

} // namespace mlir::dsa

#endif // DSA_OPT_REPRODUCER_H
