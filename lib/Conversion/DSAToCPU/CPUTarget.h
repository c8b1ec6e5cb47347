//===- CPUTarget.h - What kernels need to know of a CPU ---------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_CONVERSION_DSATOCPU_CPUTARGET_H
#define DSA_LIB_CONVERSION_DSATOCPU_CPUTARGET_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"
#include <string>

namespace mlir::dsa {

/// How the pass `dsa-to-cpu` and the pipeline name a CPU.
struct CPUTargetOptions {
  /// An LLVM triple; empty for the host's.
  std::string triple;
  /// An LLVM CPU name, or `host`.
  std::string cpu = "host";
  /// LLVM features such as `+avx2,-avx512bf16`, on top of those of the CPU.
  std::string features;
  /// Bytes of one core's caches; 0 for the host's, or a common size.
  int64_t l1Bytes = 0;
  int64_t l2Bytes = 0;
};

/// A CPU, as kernels see it. All of it decides speed; `lanes`, `bf16Pairs` and
/// `fma` decide the order of sums too, hence bits (ScoreKernel.h).
struct CPUTarget {
  std::string triple;
  std::string cpu;
  std::string features;
  /// f32 elements in a vector register.
  unsigned lanes;
  /// Vector registers.
  unsigned registers;
  /// Fused multiply-add of f32 vectors, and conversion of f16: without, there
  /// is no kernel.
  bool fma;
  /// x86's `vdpbf16ps`: two products of bf16 added to an f32 at once.
  bool bf16Pairs;
  /// x86's `vcompressps`: the elements under a mask, packed left.
  bool compress;
  /// x86's `vpermi2b`: a table of 128 bytes.
  bool byteTable;
  int64_t l1Bytes;
  int64_t l2Bytes;

  /// Fails with an error that says what is unknown.
  static FailureOr<CPUTarget>
  get(const CPUTargetOptions &options,
      llvm::function_ref<LogicalResult(const llvm::Twine &)> emitError);

  /// `znver4 (16 lanes, bf16 pairs)`, for remarks.
  std::string str() const;
};

} // namespace mlir::dsa

#endif // DSA_LIB_CONVERSION_DSATOCPU_CPUTARGET_H
