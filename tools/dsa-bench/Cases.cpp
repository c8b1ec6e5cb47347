//===- Cases.cpp - What is measured, and how fast it has to be -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of cases; Targets.cpp says how fast each has to be.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "Targets.h"

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
  case OpKind::SparseAttention:
    return "sparse_attention";
  case OpKind::Core:
    return "v32_core";
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
  case Element::I8:
    return "i8";
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
  case Metric::TorchTextbook:
    return "over_torch_textbook";
  case Metric::TorchBest:
    return "over_torch_best";
  case Metric::CompileSeconds:
    return "compile_s";
  }
  llvm_unreachable("all metrics are listed");
}

double Case::getFlops() const {
  double products = 0;
  if (hasScores())
    for (int64_t t = 0; t < T; ++t)
      products += static_cast<double>(getVisibleKeys(t) * Hi * D);
  if (hasAttention())
    for (int64_t slot = 0; slot < K; ++slot)
      products += isHole(slot) ? 0 : static_cast<double>(T * H * (Dk + Dv));
  return 2 * products;
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

/// `32K`, `32763`
static std::string getSizeName(int64_t size) {
  return size % 1024 ? itostr(size) : itostr(size / 1024) + "K";
}

/// The name has what differs from the plain shape.
static Case finish(Case c) {
  std::string name = getName(c.op).str();
  if (c.keys == Element::I8)
    name += ".mla_656";
  else if (c.op != OpKind::TopK)
    name += "." + getName(c.keys).str();
  name += ".T" + itostr(c.T) + ".S" + getSizeName(c.S);
  if (c.Hi != 64)
    name += ".Hi" + itostr(c.Hi);
  if (c.D != 128)
    name += ".D" + itostr(c.D);
  if (c.op == OpKind::SparseAttention)
    name += ".H" + itostr(c.H);
  if (c.holes)
    name += ".K" + itostr(c.K) + ".holes";
  if (c.page)
    name += ".page" + itostr(c.page);
  if (c.causal)
    name += ".causal";
  if (c.threads != 1)
    name += ".threads" + itostr(c.threads);
  c.name = name;
  c.targets = getTargets(c);
  return c;
}

static Case makeScores(Element type, int64_t rows, int64_t positions) {
  Case c;
  c.keys = type;
  c.T = rows;
  c.S = positions;
  return c;
}

static Case makeAttention(Element type, int64_t heads, int64_t positions) {
  Case c;
  c.op = OpKind::SparseAttention;
  c.keys = type;
  c.T = 16;
  c.S = positions;
  c.H = heads;
  return c;
}

std::vector<Case> bench::getCases() {
  std::vector<Case> cases;
  auto add = [&](const Case &c) { cases.push_back(finish(c)); };
  /// A decode step and a prefill chunk.
  const std::pair<int64_t, int64_t> sizes[] = {{1, 32768}, {64, 4096}};

  for (auto [T, S] : sizes)
    add(makeScores(Element::BF16, T, S));
  add(makeScores(Element::BF16, 1, 131072));
  Case causal = makeScores(Element::BF16, 256, 8192);
  causal.causal = true;
  add(causal);
  for (auto [T, S] : sizes)
    add(makeScores(Element::F32, T, S));
  for (auto [T, S] : sizes)
    add(makeScores(Element::F8, T, S));

  for (auto [T, S] : sizes) {
    Case plain = makeScores(Element::BF16, T, S);
    for (int64_t heads : {32, 48, 10}) {
      Case c = plain;
      c.Hi = heads;
      add(c);
    }
    for (int64_t width : {64, 96}) {
      Case c = plain;
      c.D = width;
      add(c);
    }
    Case odd = plain, paged = plain, twoThreads = plain;
    odd.S -= 5;
    add(odd);
    paged.page = 64;
    add(paged);
    twoThreads.threads = 2;
    add(twoThreads);
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
    add(c);
  }
  for (int64_t columns : {32768, 131072}) {
    // How long std::nth_element takes depends on the row, up to six times.
    Case c = makeScores(Element::F32, 16, columns);
    c.op = OpKind::TopK;
    add(c);
  }

  for (int64_t heads : {128, 64, 16, 8})
    add(makeAttention(Element::BF16, heads, 32768));
  Case holes = makeAttention(Element::BF16, 127, 32768);
  holes.K = 2047;
  holes.holes = true;
  add(holes);
  for (int64_t heads : {128, 16})
    add(makeAttention(Element::BF16, heads, 131072));
  for (int64_t heads : {128, 64, 16})
    add(makeAttention(Element::I8, heads, 32768));
  for (int64_t heads : {128, 16})
    add(makeAttention(Element::F32, heads, 32768));
  for (int64_t rows : {1, 64}) {
    Case c = makeScores(Element::BF16, rows, 32768);
    c.op = OpKind::Core;
    add(c);
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
  c.K = 32 - c.K % 2;
  return c;
}
