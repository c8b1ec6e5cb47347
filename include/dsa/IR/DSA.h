//===- DSA.h - The dsa dialect and its ops -*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_IR_DSA_H
#define DSA_IR_DSA_H

#include "dsa/IR/Decompose.h"
#include "dsa/IR/DimTable.h"
#include "dsa/IR/KVLayout.h"
#include "dsa/IR/KeySource.h"
#include "dsa/IR/Tiling.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dsa/IR/DSADialect.h.inc"
#include "dsa/IR/DSAEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dsa/IR/DSAAttrs.h.inc"
#include "dsa/IR/DSAInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dsa/IR/DSAOps.h.inc"

#endif // DSA_IR_DSA_H
