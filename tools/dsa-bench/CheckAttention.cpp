//===- CheckAttention.cpp - Whether measured attention is right ----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition in f64, for a few rows and heads.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

/// To nearest even, of a finite number.
static float roundToBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  bits += 0x7fff + (bits >> 16 & 1);
  return llvm::bit_cast<float>(bits & 0xffff0000u);
}

/// An element of a row of the keys, as attention multiplies it.
static double readKey(Kernel &kernel, int64_t s, int64_t d) {
  const Case &c = kernel.getCase();
  HostTensor &keys = kernel.getInput(Role::AttentionKeys);
  if (c.keys != Element::I8)
    return readElement(keys, c.keys, s * Case::Dk + d);
  int64_t record = s * 656;
  if (d >= 512)
    return readElement(keys, Element::BF16, (record + 528) / 2 + d - 512);
  auto code = static_cast<float>(readElement(keys, Element::F8, record + d));
  auto scale = static_cast<float>(
      readElement(keys, Element::F32, (record + 512) / 4 + d / 128));
  return roundToBF16(code * scale);
}

static llvm::Error checkNumber(const llvm::Twine &what, double found,
                               double expected, double tolerance) {
  // Written so that a NaN fails.
  if (std::fabs(found - expected) <= tolerance)
    return llvm::Error::success();
  std::string message;
  llvm::raw_string_ostream(message)
      << "wrong result, not measured: " << what << " is "
      << llvm::format("%.9g", found) << ", in f64 it is "
      << llvm::format("%.9g", expected) << ", and rounding explains "
      << llvm::format("%.3g", tolerance);
  return makeError(ExitInternal, message);
}

static llvm::Error checkHead(Kernel &kernel, int64_t t, int64_t h) {
  const Case &c = kernel.getCase();
  bool core = c.op == OpKind::Core;
  HostTensor &indices =
      core ? kernel.getResult(0) : kernel.getInput(Role::Indices);
  HostTensor &out = kernel.getResult(core ? 2 : 0);
  HostTensor &lses = kernel.getResult(core ? 3 : 1);
  int64_t head = t * c.H + h;

  std::vector<int64_t> rows;
  std::vector<double> logits;
  double largest = -INFINITY;
  for (int64_t slot = 0; slot < c.K; ++slot) {
    auto s = static_cast<int64_t>(
        readElement(indices, Element::I32, t * c.K + slot));
    if (s < 0)
      continue;
    double dot = 0;
    for (int64_t d = 0; d < Case::Dk; ++d)
      dot += readElement(kernel.getInput(Role::AttentionQuery), c.getQueries(),
                         head * Case::Dk + d) *
             readKey(kernel, s, d);
    rows.push_back(s);
    logits.push_back(Case::scale * dot);
    largest = std::max(largest, logits.back());
  }
  double sum = 0;
  for (double &logit : logits)
    sum += logit = std::exp(logit - largest);

  std::string at = ("[" + llvm::Twine(t) + ", " + llvm::Twine(h) + "]").str();
  if (llvm::Error error =
          checkNumber("lse " + at, readElement(lses, Element::F32, head),
                      largest + std::log(sum), 1e-3))
    return error;
  for (int64_t d = 0; d < Case::Dv; ++d) {
    double value = 0, magnitude = 0;
    for (auto [i, s] : llvm::enumerate(rows)) {
      double term = logits[i] / sum * readKey(kernel, s, d);
      value += term;
      magnitude += std::fabs(term);
    }
    // Probabilities may be rounded to bf16, and the result is.
    double tolerance = (c.keys == Element::F32 ? 1e-4 : 1e-2) * magnitude;
    if (llvm::Error error =
            checkNumber("out " + at + " in column " + llvm::Twine(d),
                        readElement(out, c.getQueries(), head * Case::Dv + d),
                        value, tolerance))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error bench::checkAttention(Kernel &kernel) {
  const Case &c = kernel.getCase();
  for (auto [t, h] : {std::pair<int64_t, int64_t>(0, 0),
                      {c.T - 1, c.H - 1},
                      {c.T / 2, c.H / 2}})
    if (llvm::Error error = checkHead(kernel, t, h))
      return error;
  return llvm::Error::success();
}
