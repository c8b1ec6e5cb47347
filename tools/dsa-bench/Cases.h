//===- Cases.h - What is measured, and how fast it has to be ----*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_CASES_H
#define DSA_BENCH_CASES_H

#include "Machine.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace mlir::dsa::bench {

/// `Core` is the attention core of DeepSeek-V3.2: an indexer, and attention
/// over what it selects.
enum class OpKind {
  IndexerScores,
  LightningIndexer,
  TopK,
  SparseAttention,
  Core
};
/// `I8`, of keys: records of the layout `mla_656`.
enum class Element { F32, BF16, F8, I32, I8 };

/// What a case's kernel is compared with. All but `CompileSeconds` are ratios
/// of speeds: more is better.
enum class Metric {
  /// The rate of the roof of the inputs' type.
  Roof,
  /// The rate of the kernel of the plain shape: 64 heads of width 128, dense.
  /// Of attention with holes: 128 heads, K a multiple of 16, without holes.
  PlainShape,
  /// The speed of `indexer_scores` alone.
  ScoresAlone,
  NthElement,
  OneThread,
  /// The faster of PyTorch's usual form and that form compiled; the fastest of
  /// other forms. These are measured by report.py.
  TorchTextbook,
  TorchBest,
  CompileSeconds,
};

/// What a case has to reach on machines of one kind: at least `floor` (of
/// `CompileSeconds` at most), and `goal` if one is set.
struct Target {
  Metric metric;
  Isa isa;
  double floor;
  std::optional<double> goal;
};

/// Extents are named as in the documents.
struct Case {
  std::string name;
  OpKind op = OpKind::IndexerScores;
  Element keys = Element::BF16;
  int64_t T = 1, S = 32768, Hi = 64, D = 128, K = 2048, H = 128;
  /// Of attention: V is the first Dv columns of the keys.
  static constexpr int64_t Dk = 576, Dv = 512;
  static constexpr double scale = 0.125;
  /// Keys in pages of so many rows, behind a block table; 0: dense.
  int64_t page = 0;
  /// Row t sees keys [0, S - T + t + 1).
  bool causal = false;
  /// Every tenth index is -1.
  bool holes = false;
  int32_t threads = 1;
  std::vector<Target> targets;

  /// The type of the queries: that of the keys, but bf16 beside f8.
  Element getQueries() const {
    return keys == Element::F8 || keys == Element::I8 ? Element::BF16 : keys;
  }
  bool hasScores() const {
    return op != OpKind::TopK && op != OpKind::SparseAttention;
  }
  bool hasAttention() const {
    return op == OpKind::SparseAttention || op == OpKind::Core;
  }
  int64_t getVisibleKeys(int64_t t) const { return causal ? S - T + t + 1 : S; }
  bool isHole(int64_t slot) const { return holes && slot % 10 == 9; }
  /// 2 T S Hi D of the visible keys, and 2 T H K (Dk + Dv) of the valid
  /// indices; 0 for a selection alone.
  double getFlops() const;
};

std::vector<Case> getCases();

/// The cases whose name contains one of `patterns`, or is one; all without
/// patterns. A pattern without a case gives `ExitUser`.
llvm::Expected<std::vector<Case>>
selectCases(llvm::ArrayRef<std::string> patterns);

/// The same kind of case with so little work that a reference kernel is done
/// at once.
Case shrink(Case c);

/// `indexer_scores`
llvm::StringRef getName(OpKind op);
/// `bf16`
llvm::StringRef getName(Element element);
/// `of the roof`
llvm::StringRef getName(Metric metric);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_CASES_H
