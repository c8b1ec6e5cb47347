//===- InterfaceModels.h - How dsa ops take part in upstream's passes -----===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models of upstream's interfaces for all dsa ops, which the dialect promises
// and `registerDialect` registers. In a release build of MLIR nothing checks
// the promise: a pass that finds no model behaves as if the op had none.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_INTERFACEMODELS_H
#define DSA_INTERFACEMODELS_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::dsa {

/// For `one-shot-bufferize`: inputs are read, inits only written, results are
/// the inits' buffers.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

/// For `generate-runtime-verification`: an assertion for each equality and
/// minimum of the op's dimension table that the types leave open. The message
/// names the dimension and what it must be; upstream's messages are constant,
/// so it cannot tell the extents that were found. A failed assertion ends the
/// process; the checks at the entry of `dsa-function-abi` return a status.
void registerRuntimeVerifiableOpInterfaceExternalModels(
    DialectRegistry &registry);

/// For `ValueBoundsConstraintSet`: extents of results equal those of the inits,
/// and what the dimension table says of them: extents of other operands, up to
/// a constant factor, and constants.
void registerValueBoundsOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::dsa

#endif // DSA_INTERFACEMODELS_H
