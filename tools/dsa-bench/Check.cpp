//===- Check.cpp - Whether what is measured is right ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written from the definitions of the ops, plainly and in f64. It finds kernels
// that are wrong, such as one that was compiled for another shape; whether they
// are right to the last bit is for the project's tests.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

namespace {
/// A score in f64, and the sum of its terms' magnitudes, which bounds what
/// rounding may do to it.
struct Score {
  double value, magnitude;
};
} // namespace

static Score computeScore(Kernel &kernel, int64_t t, int64_t s) {
  const Case &c = kernel.getCase();
  int64_t row = s;
  if (c.page) {
    double page = readElement(kernel.getInput(Role::BlockTable), Element::I32,
                              s / c.page);
    row = static_cast<int64_t>(page) * c.page + s % c.page;
  }
  Score score = {0, 0};
  for (int64_t h = 0; h < c.Hi; ++h) {
    double dot = 0, magnitude = 0;
    for (int64_t d = 0; d < c.D; ++d) {
      double product =
          readElement(kernel.getInput(Role::Query), c.getQueries(),
                      (t * c.Hi + h) * c.D + d) *
          readElement(kernel.getInput(Role::Keys), c.keys, row * c.D + d);
      dot += product;
      magnitude += std::fabs(product);
    }
    double weight =
        readElement(kernel.getInput(Role::Weights), Element::F32, t * c.Hi + h);
    score.value += weight * std::max(dot, 0.0);
    score.magnitude += std::fabs(weight) * magnitude;
  }
  if (c.keys == Element::F8) {
    double scale =
        readElement(kernel.getInput(Role::KeyScale), Element::F32, row);
    score.value *= scale;
    score.magnitude *= scale;
  }
  return score;
}

static llvm::Error checkScore(Kernel &kernel, int64_t t, int64_t s) {
  const Case &c = kernel.getCase();
  double found = readElement(kernel.getResult(0), Element::F32, t * c.S + s);
  double expected = -INFINITY, tolerance = 0;
  if (s < c.getVisibleKeys(t)) {
    Score score = computeScore(kernel, t, s);
    expected = score.value;
    tolerance = 2e-5 * score.magnitude;
  }
  // Written so that a NaN fails.
  if (found == expected || std::fabs(found - expected) <= tolerance)
    return llvm::Error::success();
  std::string message;
  llvm::raw_string_ostream(message)
      << "wrong result, not measured: score [" << t << ", " << s << "] is "
      << llvm::format("%.9g", found) << ", in f64 it is "
      << llvm::format("%.9g", expected) << ", and rounding explains "
      << llvm::format("%.3g", tolerance);
  return makeError(ExitInternal, message);
}

/// The selection from a row of scores: `k` indices, ascending, then -1.
static std::vector<int32_t> select(ArrayRef<float> scores, int64_t k) {
  std::vector<uint64_t> keys;
  for (auto [s, score] : llvm::enumerate(scores))
    if (!std::isnan(score) && score != -INFINITY)
      keys.push_back(getSelectionKey(score, s));
  llvm::sort(keys, std::greater<>());
  keys.resize(std::min<size_t>(keys.size(), k));
  std::vector<int32_t> indices;
  for (uint64_t key : keys)
    indices.push_back(static_cast<int32_t>(~static_cast<uint32_t>(key)));
  llvm::sort(indices);
  indices.resize(k, -1);
  return indices;
}

static llvm::Error checkSelection(Kernel &kernel, HostTensor &scores,
                                  int64_t t) {
  const Case &c = kernel.getCase();
  auto *row = reinterpret_cast<float *>(scores.getData().data()) + t * c.S;
  std::vector<int32_t> expected = select(ArrayRef(row, c.S), c.K);
  auto count = static_cast<double>(
      llvm::count_if(expected, [](int32_t index) { return index >= 0; }));
  double foundCount = readElement(kernel.getResult(1), Element::I32, t);
  if (foundCount != count)
    return makeError(ExitInternal, "wrong result, not measured: row " +
                                       Twine(t) + " has a count of " +
                                       Twine(static_cast<int64_t>(foundCount)) +
                                       ", it selects " +
                                       Twine(static_cast<int64_t>(count)));
  for (int64_t i = 0; i < c.K; ++i) {
    double found = readElement(kernel.getResult(0), Element::I32, t * c.K + i);
    if (found != expected[i])
      return makeError(ExitInternal,
                       "wrong result, not measured: slot " + Twine(i) +
                           " of row " + Twine(t) + " holds index " +
                           Twine(static_cast<int64_t>(found)) +
                           ", the scores select " + Twine(expected[i]));
  }
  return llvm::Error::success();
}

llvm::Error bench::checkResults(Kernel &kernel, Kernel *scores) {
  const Case &c = kernel.getCase();
  if (c.hasAttention())
    if (llvm::Error error = checkAttention(kernel))
      return error;
  if (c.op == OpKind::SparseAttention)
    return llvm::Error::success();
  if (c.op != OpKind::IndexerScores) {
    HostTensor &from =
        scores ? scores->getResult(0) : kernel.getInput(Role::Scores);
    for (int64_t t : {int64_t(0), c.T / 2, c.T - 1})
      if (llvm::Error error = checkSelection(kernel, from, t))
        return error;
    return llvm::Error::success();
  }
  std::mt19937_64 engine(1);
  for (int64_t t : {int64_t(0), c.T - 1}) {
    SmallVector<int64_t> columns = {0, c.S - 1, c.getVisibleKeys(t) - 1,
                                    std::min(c.getVisibleKeys(t), c.S - 1)};
    for (int i = 0; i < 100; ++i)
      columns.push_back(static_cast<int64_t>(engine() % c.S));
    for (int64_t s : columns)
      if (llvm::Error error = checkScore(kernel, t, s))
        return error;
  }
  return llvm::Error::success();
}
