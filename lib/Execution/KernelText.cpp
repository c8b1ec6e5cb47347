//===- KernelText.cpp - The images in a lowered module --------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/KernelText.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::dsa;

/// The constant that `dsa-gpu-host-to-llvm` has written for an image of PTX.
static LLVM::GlobalOp findImage(ModuleOp lowered) {
  for (auto global : lowered.getOps<LLVM::GlobalOp>()) {
    StringRef name = global.getName();
    if (name.starts_with("dsa_gpu_program.compute_") &&
        !name.ends_with(".name"))
      return global;
  }
  return nullptr;
}

std::string dsa::getPTX(ModuleOp lowered) {
  LLVM::GlobalOp image = findImage(lowered);
  if (!image)
    return "";
  // The driver wants a zero at the end.
  return cast<StringAttr>(*image.getValue()).getValue().drop_back().str();
}

std::vector<std::string> dsa::getImageNames(ModuleOp lowered) {
  std::vector<std::string> names;
  // Beside an image X there is its name, in X.name.
  for (auto global : lowered.getOps<LLVM::GlobalOp>()) {
    StringRef name = global.getName();
    if (name.consume_front("dsa_gpu_program.") && name.consume_back(".name"))
      names.push_back(name.str());
  }
  return names;
}

bool dsa::setPTX(ModuleOp lowered, StringRef ptx) {
  LLVM::GlobalOp image = findImage(lowered);
  if (!image)
    return false;
  Builder b(lowered.getContext());
  std::string ended = ptx.str() + '\0';
  image.setGlobalType(LLVM::LLVMArrayType::get(b.getI8Type(), ended.size()));
  image.setValueAttr(b.getStringAttr(ended));
  return true;
}
