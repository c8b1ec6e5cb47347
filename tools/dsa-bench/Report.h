//===- Report.h - What was measured, for people and programs ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_REPORT_H
#define DSA_BENCH_REPORT_H

#include "Measure.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::dsa::bench {

/// The machine and the settings, with room for `cases`.
llvm::json::Object makeReport(const Settings &settings);

/// The case itself: its name and its shape.
llvm::json::Object describeCase(const Case &c);

/// The case and what was measured of it.
llvm::json::Object describe(Measurement &measurement);

void print(Measurement &measurement, llvm::raw_ostream &os);

/// One line per case: name, work, floors and goals on a machine of kind `isa`.
void printCases(llvm::ArrayRef<Case> cases, Isa isa, llvm::raw_ostream &os);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_REPORT_H
