//===- DSAInterfaces.td - What all dsa ops share ----------*- tablegen -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DSAINTERFACES_TD
#define DSA_IR_DSAINTERFACES_TD

include "mlir/IR/OpBase.td"

def DSA_OpInterface : OpInterface<"DSAOpInterface"> {
  let cppNamespace = "::mlir::dsa";
  let description = [{
    One table per op says which dimension each operand has where. The verifier,
    the result shapes, tiles and the checks at a function's entry read it.
  }];
  let methods = [
    InterfaceMethod<"The dimension table of the op.",
      "::mlir::dsa::DimTable", "getDimTable", (ins)>,
    InterfaceMethod<"Whether the op has the leading dimension B.",
      "bool", "isBatched", (ins)>,
    InterfaceMethod<[{
        The dimensions of the iteration domain, all parallel: those of the
        table along which parts of the op can be computed apart.
      }],
      "::llvm::SmallVector<::mlir::dsa::Dim, 4>", "getIterationDims", (ins)>,
    InterfaceMethod<[{
        Emits what the op, which is on tensors, means in linalg and scf, and
        returns the values that replace its results. To be called through
        `mlir::dsa::decompose`.
      }],
      "::llvm::SmallVector<::mlir::Value>", "decomposeOnTensors",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder,
           "const ::mlir::dsa::DecomposeOptions &":$options)>
  ];
}

#endif // DSA_IR_DSAINTERFACES_TD
