//===- AttachModel.h - One model for all dsa ops ----------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the interface models.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_ATTACHMODEL_H
#define DSA_LIB_TRANSFORMS_ATTACHMODEL_H

#include "dsa/IR/DSA.h"

namespace mlir::dsa {
namespace detail {
template <template <typename> class Model, typename... Ops>
void attach(MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}
} // namespace detail

/// Attaches `Model<OpTy>` to every dsa op `OpTy`.
template <template <typename> class Model>
void attachToAllOps(MLIRContext *context) {
  detail::attach<Model,
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
                 >(context);
}

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_ATTACHMODEL_H
