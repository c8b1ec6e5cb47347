//===- Peers.h - What a user would call instead -----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_PEERS_H
#define DSA_BENCH_PEERS_H

#include "Kernel.h"
#include "Rounds.h"

namespace mlir::dsa::bench {

/// OpenBLAS, if this machine has it, says what it is: version, threading, core.
std::optional<std::string> describeOpenBLAS();

/// The products of all queries with all keys as f32 matrices, by OpenBLAS, in
/// both orientations: the GEMM alone, without the ReLU, the weights and the sum
/// over heads, and with the pairs that a causal case leaves out. None without
/// OpenBLAS.
llvm::Expected<std::vector<Contender>> makeSgemm(Kernel &kernel,
                                                 MLIRContext &context);

/// `std::nth_element`, row by row, on 64-bit numbers made of score and index,
/// which are made anew each time. The indices it selects are not in order.
Contender makeNthElement(Kernel &kernel);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_PEERS_H
