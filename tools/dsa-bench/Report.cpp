//===- Report.cpp - What was measured, for people and programs -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "Peers.h"

#include "dsa/Version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <ctime>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static std::string getDate() {
  char text[32];
  std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

static StringRef getName(PageChoice pages) {
  switch (pages) {
  case PageChoice::Huge:
    return "huge";
  case PageChoice::Small:
    return "4k";
  case PageChoice::Both:
    return "both";
  }
  llvm_unreachable("all choices are listed");
}

json::Object bench::makeReport(const Settings &settings) {
  std::optional<std::string> blas = describeOpenBLAS();
  return json::Object{
      {"version", DSA_VERSION},
      {"date", getDate()},
      {"machine", describeMachine()},
      {"isa", getName(settings.isa)},
      {"pipeline", settings.pipeline},
      {"pages", ::getName(settings.pages)},
      {"rounds", settings.rounds},
      {"smoke", settings.smoke},
      {"openblas", blas ? json::Value(*blas) : json::Value(nullptr)},
      {"cases", json::Array()},
  };
}

json::Object bench::describeCase(const Case &c) {
  json::Object object{
      {"name", c.name}, {"op", getName(c.op)},  {"T", c.T},
      {"S", c.S},       {"threads", c.threads}, {"flops", c.getFlops()}};
  if (c.op != OpKind::IndexerScores)
    object["K"] = c.K;
  if (c.hasScores()) {
    object["Hi"] = c.Hi;
    object["D"] = c.D;
    object["keys"] = getName(c.keys);
    object["page"] = c.page;
    object["causal"] = c.causal;
  }
  if (c.hasAttention()) {
    object["H"] = c.H;
    object["Dk"] = Case::Dk;
    object["Dv"] = Case::Dv;
    object["scale"] = Case::scale;
    object["keys"] = getName(c.keys);
    object["holes"] = c.holes;
  }
  return object;
}

static json::Object describe(const Contender &contender) {
  double best = *llvm::min_element(contender.seconds);
  json::Array rounds;
  for (double seconds : contender.seconds)
    rounds.push_back(1e3 * seconds);
  json::Object object{{"name", contender.name},
                      {"best_ms", 1e3 * best},
                      {"median_ms", 1e3 * getMedian(contender.seconds)},
                      {"rounds_ms", std::move(rounds)}};
  if (contender.flops != 0)
    object["best_gflops"] = 1e-9 * contender.flops / best;
  if (contender.bytes != 0)
    object["bytes"] = contender.bytes;
  return object;
}

static json::Object describe(const Roof &roof) {
  return json::Object{{"name", roof.name},
                      {"unit", roof.unit},
                      {"best", *llvm::max_element(roof.rates)},
                      {"median", getMedian(roof.rates)},
                      {"rounds", json::Array(roof.rates)}};
}

static json::Object describe(const Ratio &ratio) {
  json::Object object{{"metric", getName(ratio.metric)},
                      {"value", ratio.value}};
  if (!ratio.to.empty())
    object["to"] = ratio.to;
  if (ratio.floor)
    object["floor"] = *ratio.floor;
  if (ratio.goal)
    object["goal"] = *ratio.goal;
  return object;
}

/// By metric.
static json::Object describe(ArrayRef<Target> targets) {
  json::Object object;
  for (const Target &target : targets) {
    json::Object entry{{"floor", target.floor}};
    if (target.goal)
      entry["goal"] = *target.goal;
    object[getName(target.metric)] = std::move(entry);
  }
  return object;
}

json::Object bench::describe(Measurement &measurement) {
  json::Object object = describeCase(measurement.getCase());
  json::Object checksums;
  for (auto &[name, checksum] : measurement.getChecksums())
    checksums[name] = checksum;
  object["inputs_crc32"] = std::move(checksums);
  object["compile_s"] = json::Array(measurement.getCompileSeconds());
  object["huge_page_bytes"] = getHugePageBytes();
  json::Array roofs, contenders, ratios;
  for (const Roof &roof : measurement.getRoofs())
    roofs.push_back(::describe(roof));
  for (const Contender &contender : measurement.getContenders())
    contenders.push_back(::describe(contender));
  for (const Ratio &ratio : measurement.getRatios())
    ratios.push_back(::describe(ratio));
  object["roofs"] = std::move(roofs);
  object["contenders"] = std::move(contenders);
  object["torch_targets"] = ::describe(measurement.getTorchTargets());
  object["ratios"] = std::move(ratios);
  return object;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static void printTarget(StringRef name, std::optional<double> floor,
                        std::optional<double> goal, llvm::raw_ostream &os) {
  os << (name == "compile_s" ? "at most " : "floor ")
     << llvm::format("%g", *floor);
  if (goal)
    os << ", goal " << llvm::format("%g", *goal);
}

void bench::print(Measurement &measurement, llvm::raw_ostream &os) {
  os << measurement.getCase().name << "\n";
  for (const Roof &roof : measurement.getRoofs())
    os << llvm::format("  %-28s %10.1f %s, median %.1f\n",
                       ("roof " + roof.name).c_str(),
                       *llvm::max_element(roof.rates), roof.unit.c_str(),
                       getMedian(roof.rates));
  if (measurement.getRoofs().size() == 1)
    os << "  no roof of arithmetic: this program has loops for x86-64 with "
          "AVX2 "
          "and FMA only\n";
  bool hasBLAS = false;
  for (const Contender &contender : measurement.getContenders()) {
    double best = *llvm::min_element(contender.seconds);
    hasBLAS |= StringRef(contender.name).starts_with("OpenBLAS");
    os << llvm::format("  %-28s %10.4f ms, median %.4f", contender.name.c_str(),
                       1e3 * best, 1e3 * getMedian(contender.seconds));
    if (contender.flops != 0)
      os << llvm::format(", %.1f GF/s", 1e-9 * contender.flops / best);
    if (contender.bytes != 0)
      os << llvm::format(", %.2f GB/s",
                         1e-9 * static_cast<double>(contender.bytes) / best);
    os << "\n";
  }
  if (!hasBLAS && hasGemm(measurement.getCase()))
    os << "  OpenBLAS                     absent (libopenblas.so.0)\n";
  for (const Ratio &ratio : measurement.getRatios()) {
    os << llvm::format("  %-28s %10.3f", getName(ratio.metric).data(),
                       ratio.value);
    if (!ratio.to.empty())
      os << " (" << ratio.to << ")";
    if (ratio.floor) {
      os << ", ";
      printTarget(getName(ratio.metric), ratio.floor, ratio.goal, os);
    }
    os << "\n";
  }
}

void bench::printCases(ArrayRef<Case> cases, Isa isa, llvm::raw_ostream &os) {
  os << cases.size() << " cases; floors and goals of machines of kind '"
     << getName(isa) << "'\n";
  for (const Case &c : cases) {
    os << llvm::format("%-44s", c.name.c_str());
    bool first = true;
    for (const Target &target : c.targets) {
      if (target.isa != isa)
        continue;
      os << (first ? " " : "; ") << getName(target.metric) << " ";
      printTarget(getName(target.metric), target.floor, target.goal, os);
      first = false;
    }
    os << "\n";
  }
}
