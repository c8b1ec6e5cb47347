//===- Cases.cpp - What is measured, and how fast it has to be -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of cases, floors and goals. A floor is what no version may fall
// below; a goal is what was measured to be within reach of such a machine.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

StringRef bench::getName(OpKind op) {
  switch (op) {
  case OpKind::IndexerScores:
    return "indexer_scores";
  case OpKind::LightningIndexer:
    return "lightning_indexer";
  case OpKind::TopK:
    return "top_k";
  }
  llvm_unreachable("all ops are listed");
}

StringRef bench::getName(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::BF16:
    return "bf16";
  case Element::F8:
    return "f8E4M3FN";
  case Element::I32:
    return "i32";
  }
  llvm_unreachable("all element types are listed");
}

StringRef bench::getName(Metric metric) {
  switch (metric) {
  case Metric::Roof:
    return "of_roof";
  case Metric::PlainShape:
    return "of_plain_shape";
  case Metric::ScoresAlone:
    return "of_scores_alone";
  case Metric::NthElement:
    return "over_nth_element";
  case Metric::OneThread:
    return "over_one_thread";
  case Metric::CompileSeconds:
    return "compile_s";
  }
  llvm_unreachable("all metrics are listed");
}

double Case::getFlops() const {
  if (!hasScores())
    return 0;
  double pairs = 0;
  for (int64_t t = 0; t < T; ++t)
    pairs += static_cast<double>(getVisibleKeys(t));
  return 2.0 * pairs * static_cast<double>(Hi * D);
}

//===----------------------------------------------------------------------===//
// Floors and goals
//===----------------------------------------------------------------------===//

static constexpr Isa avx2 = Isa::AVX2, bf16Dot = Isa::AVX512BF16;
static constexpr Metric roof = Metric::Roof;
using Targets = std::vector<Target>;

static Targets bf16Targets(int64_t rows) {
  if (rows == 1)
    return {{roof, avx2, 0.89, 0.95}, {roof, bf16Dot, 0.92, 0.97}};
  return {{roof, avx2, 0.90, 0.96}, {roof, bf16Dot, 0.92, 0.96}};
}

static Targets causalTargets() {
  return {{roof, avx2, 0.86, 0.93}, {roof, bf16Dot, 0.89, 0.95}};
}

static Targets f32Targets(int64_t rows) {
  if (rows == 1)
    return {{roof, avx2, 0.89, 0.95}, {roof, bf16Dot, 0.89, 0.95}};
  return {{roof, avx2, 0.90, 0.96}, {roof, bf16Dot, 0.91, 0.96}};
}

static Targets f8Targets(int64_t rows) {
  if (rows == 1)
    return {{roof, avx2, 0.86, 0.92}, {roof, bf16Dot, 0.89, 0.94}};
  return {{roof, avx2, 0.92, 0.96}, {roof, bf16Dot, 0.91, 0.96}};
}

/// Other head counts and widths, odd sizes, pages.
static Targets variantTargets(int64_t rows) {
  return {{Metric::PlainShape, avx2, 0.92, std::nullopt},
          {roof, bf16Dot, 0.90, rows == 1 ? 0.97 : 0.96}};
}

/// Ten heads leave six of sixteen lanes idle, unless rows share a vector.
static Targets fewHeadsTargets(int64_t rows) {
  if (rows == 1)
    return {{roof, bf16Dot, 0.55, 0.63}};
  return {{roof, bf16Dot, 0.89, 0.94}};
}

static Targets twoThreadsTargets() {
  return {{Metric::OneThread, avx2, 1.8, std::nullopt},
          {Metric::OneThread, bf16Dot, 1.85, 1.98}};
}

static Targets lightningTargets() {
  return {{Metric::ScoresAlone, avx2, 0.93, 0.98},
          {Metric::ScoresAlone, bf16Dot, 0.93, 0.98}};
}

static Targets topKTargets(int64_t columns) {
  return {
      {Metric::NthElement, avx2, 3, 4},
      {Metric::NthElement, bf16Dot, columns <= 32768 ? 1.7 : 5, std::nullopt}};
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

/// `32K`, `32763`
static std::string getSizeName(int64_t size) {
  return size % 1024 ? itostr(size) : itostr(size / 1024) + "K";
}

/// The name has what differs from the plain shape.
static Case finish(Case c, Targets targets) {
  std::string name = getName(c.op).str();
  if (c.hasScores())
    name += "." + getName(c.keys).str();
  name += ".T" + itostr(c.T) + ".S" + getSizeName(c.S);
  if (c.Hi != 64)
    name += ".Hi" + itostr(c.Hi);
  if (c.D != 128)
    name += ".D" + itostr(c.D);
  if (c.page)
    name += ".page" + itostr(c.page);
  if (c.causal)
    name += ".causal";
  if (c.threads != 1)
    name += ".threads" + itostr(c.threads);
  c.name = name;
  for (Isa isa : {avx2, bf16Dot})
    targets.push_back({Metric::CompileSeconds, isa, 1, std::nullopt});
  c.targets = std::move(targets);
  return c;
}

static Case makeScores(Element type, int64_t rows, int64_t positions) {
  Case c;
  c.keys = type;
  c.T = rows;
  c.S = positions;
  return c;
}

std::vector<Case> bench::getCases() {
  std::vector<Case> cases;
  auto add = [&](const Case &c, Targets targets) {
    cases.push_back(finish(c, std::move(targets)));
  };
  /// A decode step and a prefill chunk.
  const std::pair<int64_t, int64_t> sizes[] = {{1, 32768}, {64, 4096}};

  for (auto [T, S] : sizes)
    add(makeScores(Element::BF16, T, S), bf16Targets(T));
  add(makeScores(Element::BF16, 1, 131072), bf16Targets(1));
  Case causal = makeScores(Element::BF16, 256, 8192);
  causal.causal = true;
  add(causal, causalTargets());
  for (auto [T, S] : sizes)
    add(makeScores(Element::F32, T, S), f32Targets(T));
  for (auto [T, S] : sizes)
    add(makeScores(Element::F8, T, S), f8Targets(T));

  for (auto [T, S] : sizes) {
    Case plain = makeScores(Element::BF16, T, S);
    for (int64_t heads : {32, 48, 10}) {
      Case c = plain;
      c.Hi = heads;
      add(c, heads < 16 ? fewHeadsTargets(T) : variantTargets(T));
    }
    for (int64_t width : {64, 96}) {
      Case c = plain;
      c.D = width;
      add(c, variantTargets(T));
    }
    Case odd = plain, paged = plain, twoThreads = plain;
    odd.S -= 5;
    add(odd, variantTargets(T));
    paged.page = 64;
    add(paged, variantTargets(T));
    twoThreads.threads = 2;
    add(twoThreads, twoThreadsTargets());
  }

  for (auto [T, S] : {std::pair<int64_t, int64_t>(1, 8192),
                      {1, 32768},
                      {1, 131072},
                      {16, 8192},
                      {16, 32768},
                      {16, 131072},
                      {64, 8192},
                      {64, 32768}}) {
    Case c = makeScores(Element::BF16, T, S);
    c.op = OpKind::LightningIndexer;
    add(c, lightningTargets());
  }
  for (int64_t columns : {32768, 131072}) {
    // How long std::nth_element takes depends on the row, up to six times.
    Case c = makeScores(Element::F32, 16, columns);
    c.op = OpKind::TopK;
    add(c, topKTargets(columns));
  }
  return cases;
}

llvm::Expected<std::vector<Case>>
bench::selectCases(ArrayRef<std::string> patterns) {
  std::vector<Case> all = getCases(), selected;
  BitVector wanted(all.size(), patterns.empty());
  for (const std::string &pattern : patterns) {
    bool isName = any_of(all, [&](const Case &c) { return c.name == pattern; });
    bool found = false;
    for (auto [i, c] : enumerate(all))
      if (isName ? c.name == pattern : StringRef(c.name).contains(pattern)) {
        wanted.set(i);
        found = true;
      }
    if (!found)
      return makeError(ExitUser, "no case contains '" + pattern +
                                     "' in its name; --list prints the " +
                                     Twine(all.size()) + " cases");
  }
  for (unsigned i : wanted.set_bits())
    selected.push_back(all[i]);
  return selected;
}

Case bench::shrink(Case c) {
  c.T = std::min<int64_t>(c.T, 3);
  c.S = 256 + c.S % 64;
  c.K = 32;
  return c;
}
