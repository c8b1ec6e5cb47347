//===- Npy.h - Arrays as NumPy writes them ----------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_SUPPORT_NPY_H
#define DSA_SUPPORT_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

namespace mlir::dsa {

/// An array of a .npy file, in C order.
struct NpyArray {
  /// NumPy's description of the element type, such as `<f4` or `|u1`.
  std::string descr;
  llvm::SmallVector<int64_t> shape;
  unsigned elementBytes = 0;
  std::vector<char> data;
};

/// Reads a .npy file of format version 1 to 3. Columns-first arrays are put in
/// C order. A file that cannot be opened gives `ExitIO`, one that is not a
/// whole .npy file of a numeric type `ExitUser`.
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);

/// Writes an array in C order, format version 1.
void writeNpy(llvm::raw_ostream &os, llvm::StringRef descr,
              llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<char> data);

} // namespace mlir::dsa

#endif // DSA_SUPPORT_NPY_H
