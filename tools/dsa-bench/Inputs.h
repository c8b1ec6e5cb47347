//===- Inputs.h - What the kernels of a case read ---------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_INPUTS_H
#define DSA_BENCH_INPUTS_H

#include "Function.h"

#include "dsa/Execution/HostTensor.h"

#include "mlir/IR/MLIRContext.h"

namespace mlir::dsa::bench {

Type getType(Element element, MLIRContext &context);

/// The arguments' values. They are seeded: element i of the argument of role r
/// is made of bits that depend on i and r only, so that another program can
/// make the same; none of them is zero.
llvm::Expected<std::vector<HostTensor>>
makeInputs(const Case &c, MLIRContext &context, Pages pages);

/// The value of an element of a tensor.
double readElement(HostTensor &tensor, Element element, int64_t index);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_INPUTS_H
