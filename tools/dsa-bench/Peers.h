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

/// The op of the case is two GEMMs or one, and something between or behind.
bool hasGemm(const Case &c);

/// The GEMMs alone, as f32 matrices, by OpenBLAS; none without it. Of scores
/// the products of all queries with all keys, in both orientations: without the
/// ReLU, the weights and the sum over heads, and with the pairs that a causal
/// case leaves out. Of attention the products of each row's queries with its
/// gathered keys, and of probabilities with its gathered values: without the
/// gather and the softmax, and with holes.
llvm::Expected<std::vector<Contender>> makeGemms(Kernel &kernel,
                                                 MLIRContext &context);

/// `std::nth_element`, row by row, on 64-bit numbers made of score and index,
/// which are made anew each time. The indices it selects are not in order.
Contender makeNthElement(Kernel &kernel);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_PEERS_H
