//===- Roofs.h - How fast this machine can be -------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_ROOFS_H
#define DSA_BENCH_ROOFS_H

#include "Machine.h"

#include "dsa/Execution/HostTensor.h"

#include "mlir/IR/MLIRContext.h"
#include <functional>
#include <string>
#include <vector>

namespace mlir::dsa::bench {

/// A rate that no kernel exceeds.
struct Roof {
  /// `f32_fma`, `bf16_dot` or `copy`.
  std::string name;
  /// `GF/s` or `GB/s`.
  std::string unit;
  /// Measures it once, in milliseconds.
  std::function<double()> measure;
  /// One of each round.
  std::vector<double> rates;
};

/// The roofs of a machine of kind `isa`, for `threads` threads at once. The
/// bandwidth is that of copying `copyBytes` bytes, counted twice: they are read
/// and written.
llvm::Expected<std::vector<Roof>>
makeRoofs(Isa isa, int32_t threads, int64_t copyBytes, MLIRContext &context);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_ROOFS_H
