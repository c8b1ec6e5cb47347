//===- Targets.cpp - How fast a case has to be ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of floors and goals.
//
//===----------------------------------------------------------------------===//

#include "Targets.h"

#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

static constexpr Isa avx2 = Isa::AVX2, bf16Dot = Isa::AVX512BF16;
static constexpr Metric roof = Metric::Roof;
using Targets = std::vector<Target>;

//===----------------------------------------------------------------------===//
// SCORE and SELECT
//===----------------------------------------------------------------------===//

static Targets getScoreTargets(const Case &c) {
  bool oneRow = c.T == 1;
  if (c.threads != 1)
    return {{Metric::OneThread, avx2, 1.8, std::nullopt},
            {Metric::OneThread, bf16Dot, 1.85, 1.98}};
  if (c.causal)
    return {{roof, avx2, 0.86, 0.93}, {roof, bf16Dot, 0.89, 0.95}};
  // Ten heads leave six of sixteen lanes idle, unless rows share a vector.
  if (c.Hi < 16)
    return oneRow ? Targets{{roof, bf16Dot, 0.55, 0.63}}
                  : Targets{{roof, bf16Dot, 0.89, 0.94}};
  // Other head counts and widths, odd sizes, pages.
  if (c.Hi != 64 || c.D != 128 || c.page || c.S % 64)
    return {{Metric::PlainShape, avx2, 0.92, std::nullopt},
            {roof, bf16Dot, 0.90, oneRow ? 0.97 : 0.96}};
  switch (c.keys) {
  case Element::BF16:
    return oneRow
               ? Targets{{roof, avx2, 0.89, 0.95}, {roof, bf16Dot, 0.92, 0.97}}
               : Targets{{roof, avx2, 0.90, 0.96}, {roof, bf16Dot, 0.92, 0.96}};
  case Element::F32:
    return oneRow
               ? Targets{{roof, avx2, 0.89, 0.95}, {roof, bf16Dot, 0.89, 0.95}}
               : Targets{{roof, avx2, 0.90, 0.96}, {roof, bf16Dot, 0.91, 0.96}};
  case Element::F8:
    return oneRow
               ? Targets{{roof, avx2, 0.86, 0.92}, {roof, bf16Dot, 0.89, 0.94}}
               : Targets{{roof, avx2, 0.92, 0.96}, {roof, bf16Dot, 0.91, 0.96}};
  case Element::I32:
  case Element::I8:
    break;
  }
  llvm_unreachable("no case scores such keys");
}

static Targets getTopKTargets(const Case &c) {
  return {{Metric::NthElement, avx2, 3, 4},
          {Metric::NthElement, bf16Dot, c.S <= 32768 ? 1.7 : 5, std::nullopt}};
}

//===----------------------------------------------------------------------===//
// ATTEND
//===----------------------------------------------------------------------===//

namespace {
/// A row of the table of attention.
struct AttentionRow {
  Element keys;
  int64_t H;
  double avx2Floor, avx2Goal, bf16DotFloor, bf16DotGoal;
};
} // namespace

static constexpr AttentionRow attentionRows[] = {
    {Element::BF16, 128, 0.84, 0.92, 0.88, 0.94},
    {Element::BF16, 64, 0.80, 0.90, 0.89, 0.94},
    {Element::BF16, 16, 0.75, 0.88, 0.84, 0.91},
    {Element::BF16, 8, 0.60, 0.75, 0.70, 0.85},
    {Element::I8, 128, 0.76, 0.85, 0.84, 0.92},
    {Element::I8, 64, 0.72, 0.82, 0.86, 0.91},
    {Element::I8, 16, 0.60, 0.70, 0.68, 0.78},
    {Element::F32, 128, 0.80, 0.87, 0.89, 0.94},
    {Element::F32, 16, 0.70, 0.80, 0.80, 0.85},
};

static Targets getAttentionTargets(const Case &c) {
  if (c.holes)
    return {{Metric::PlainShape, avx2, 0.92, std::nullopt},
            {Metric::PlainShape, bf16Dot, 0.92, std::nullopt}};
  // With more rows it is memory that is measured.
  if (c.S > 32768)
    return {};
  for (const AttentionRow &row : attentionRows)
    if (row.keys == c.keys && row.H == c.H)
      return {{roof, avx2, row.avx2Floor, row.avx2Goal},
              {roof, bf16Dot, row.bf16DotFloor, row.bf16DotGoal}};
  llvm_unreachable("the table has all cases");
}

static Targets getCoreTargets(const Case &c) {
  constexpr Metric textbook = Metric::TorchTextbook, best = Metric::TorchBest;
  if (c.T == 1)
    return {{textbook, avx2, 1.5, std::nullopt},
            {textbook, bf16Dot, 3.5, std::nullopt},
            {best, bf16Dot, 1.8, std::nullopt}};
  return {{textbook, avx2, 2, std::nullopt},
          {textbook, bf16Dot, 4.5, std::nullopt},
          {best, bf16Dot, 1.5, std::nullopt}};
}

static Targets getSpeedTargets(const Case &c) {
  switch (c.op) {
  case OpKind::IndexerScores:
    return getScoreTargets(c);
  case OpKind::LightningIndexer:
    return {{Metric::ScoresAlone, avx2, 0.93, 0.98},
            {Metric::ScoresAlone, bf16Dot, 0.93, 0.98}};
  case OpKind::TopK:
    return getTopKTargets(c);
  case OpKind::SparseAttention:
    return getAttentionTargets(c);
  case OpKind::Core:
    return getCoreTargets(c);
  }
  llvm_unreachable("all ops are listed");
}

std::vector<Target> bench::getTargets(const Case &c) {
  Targets targets = getSpeedTargets(c);
  // A second for each kernel.
  double seconds = c.op == OpKind::Core ? 2 : 1;
  for (Isa isa : {avx2, bf16Dot})
    targets.push_back({Metric::CompileSeconds, isa, seconds, std::nullopt});
  return targets;
}
