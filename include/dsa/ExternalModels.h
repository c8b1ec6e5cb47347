//===- ExternalModels.h - Interfaces of dsa ops kept apart ------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interfaces whose implementations need more than the dialect, attached to its
// ops when it is loaded. `registerDialect` of Register.h registers all of them.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXTERNALMODELS_H
#define DSA_EXTERNALMODELS_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::dsa {

/// Bufferization: an op on tensors becomes the same op on the buffers of its
/// operands; inits are written only.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

/// `generate-runtime-verification`: extents that the dimension table of an op
/// relates and the types do not tell. Upstream's checks abort the process;
/// those at the entry of a function (`dsa-function-abi`) return a status.
void registerRuntimeVerifiableOpInterfaceExternalModels(
    DialectRegistry &registry);

/// Bounds of the extents of results, in terms of those of operands.
void registerValueBoundsOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::dsa

#endif // DSA_EXTERNALMODELS_H
