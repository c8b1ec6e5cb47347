//===- Function.h - The function of a case ----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_FUNCTION_H
#define DSA_BENCH_FUNCTION_H

#include "Cases.h"

#include "llvm/ADT/SmallVector.h"

namespace mlir::dsa::bench {

/// Those of attention are named apart: a core has both.
enum class Role {
  Query,
  Keys,
  BlockTable,
  KeyScale,
  Weights,
  Hi,
  Scores,
  Indices,
  AttentionQuery,
  AttentionKeys,
};

/// `query`
llvm::StringRef getName(Role role);

/// An argument of the function: T, S and counts of pages are dynamic in it, as
/// in a caller's; `extents` is what they are in the case.
struct Argument {
  Role role;
  Element element;
  llvm::SmallVector<int64_t> shape, extents;
};

/// A result of the function.
struct Result {
  Element element;
  llvm::SmallVector<int64_t> shape, extents;
};

llvm::SmallVector<Argument> getArguments(const Case &c);
/// In order: scores; or indices and count; or out and lse. Of a core the last
/// four.
llvm::SmallVector<Result> getResults(const Case &c);

/// The function `@kernel`, as text.
std::string getFunctionText(const Case &c);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_FUNCTION_H
