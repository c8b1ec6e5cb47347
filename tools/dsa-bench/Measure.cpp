//===- Measure.cpp - One case, measured ----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include "Check.h"
#include "Peers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include <unistd.h>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

static constexpr llvm::StringLiteral plainShapeName = "dsa, plain shape";
static constexpr llvm::StringLiteral scoresAloneName =
    "dsa, indexer_scores alone";
static constexpr llvm::StringLiteral oneThreadName = "dsa, one thread";

/// Several times what the last cache holds, if the system tells.
static int64_t getCopyBytes(bool smoke) {
  if (smoke)
    return 1 << 20;
  int64_t cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return std::clamp<int64_t>(4 * cache, int64_t(64) << 20, int64_t(512) << 20);
}

static Effort getEffort(bool smoke, int32_t threads) {
  if (smoke)
    return {1, 0, 0};
  return {20, 0.25, threads == 1 ? 0 : 0.3};
}

/// The case that a variant of a shape is held against.
static std::optional<Case> getPlainShape(const Case &c) {
  Case plain = c;
  if (c.op == OpKind::SparseAttention) {
    plain.H = static_cast<int64_t>(llvm::alignTo(c.H, 16));
    plain.K = static_cast<int64_t>(llvm::alignTo(c.K, 16));
    plain.holes = false;
    return c.holes ? std::optional(plain) : std::nullopt;
  }
  plain.Hi = Case().Hi;
  plain.D = Case().D;
  plain.page = 0;
  plain.S = static_cast<int64_t>(llvm::alignTo(c.S, 64));
  bool differs = plain.Hi != c.Hi || plain.D != c.D || c.page || plain.S != c.S;
  return c.op == OpKind::IndexerScores && differs ? std::optional(plain)
                                                  : std::nullopt;
}

/// Compiles a kernel, runs it once and makes it a contender.
llvm::Expected<Kernel *> Measurement::add(const Case &c, StringRef name,
                                          Pages pages, unsigned compileCount,
                                          MLIRContext &context) {
  auto created =
      Kernel::create(c, settings.pipeline, pages, compileCount, context);
  if (!created)
    return created.takeError();
  Kernel *kernel = created->get();
  kernels.push_back(std::move(*created));
  if (llvm::Error error = kernel->run())
    return std::move(error);
  Contender contender;
  contender.name = name.str();
  contender.run = [kernel] { return kernel->run(); };
  contender.flops = c.getFlops();
  contender.bytes = kernel->getBytes();
  contenders.push_back(std::move(contender));
  return kernel;
}

llvm::Error Measurement::addKernels(MLIRContext &context) {
  const Case &c = measuredCase;
  Pages pages =
      settings.pages == PageChoice::Small ? Pages::Small : Pages::Huge;
  auto main = add(c, "dsa", pages, settings.smoke ? 1 : 3, context);
  if (!main)
    return main.takeError();
  // The scores that a selection of its own scores is checked with.
  Kernel *scores = nullptr;
  auto addAnother = [&](const Case &other, StringRef name,
                        Pages otherPages) -> llvm::Error {
    auto kernel = add(other, name, otherPages, 1, context);
    if (!kernel)
      return kernel.takeError();
    return checkResults(**kernel, scores);
  };

  if (c.op == OpKind::LightningIndexer || c.op == OpKind::Core) {
    Case alone = c;
    alone.op = OpKind::IndexerScores;
    if (llvm::Error error = addAnother(alone, scoresAloneName, pages))
      return error;
    scores = kernels.back().get();
  }
  if (llvm::Error error = checkResults(**main, scores))
    return error;
  if (settings.pages == PageChoice::Both)
    if (llvm::Error error = addAnother(c, "dsa, 4K pages", Pages::Small))
      return error;
  if (auto plain = getPlainShape(c))
    if (llvm::Error error = addAnother(*plain, plainShapeName, pages))
      return error;
  if (c.threads != 1) {
    Case oneThread = c;
    oneThread.threads = 1;
    return addAnother(oneThread, oneThreadName, pages);
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Measurement>>
Measurement::prepare(const Case &c, const Settings &settings,
                     MLIRContext &context) {
  std::unique_ptr<Measurement> measurement(new Measurement(c, settings));
  if (llvm::Error error = measurement->addKernels(context))
    return std::move(error);
  Kernel &kernel = *measurement->kernels.front();
  if (hasGemm(c)) {
    auto gemms = makeGemms(kernel, context);
    if (!gemms)
      return gemms.takeError();
    llvm::move(*gemms, std::back_inserter(measurement->contenders));
  } else if (c.op == OpKind::TopK) {
    measurement->contenders.push_back(makeNthElement(kernel));
  }
  auto roofs =
      makeRoofs(settings.isa, c.threads, getCopyBytes(settings.smoke), context);
  if (!roofs)
    return roofs.takeError();
  measurement->roofs = std::move(*roofs);
  return std::move(measurement);
}

llvm::Error Measurement::runRound() {
  return bench::runRound(roofs, contenders, measuredCase.threads,
                         getEffort(settings.smoke, measuredCase.threads));
}

//===----------------------------------------------------------------------===//
// Ratios
//===----------------------------------------------------------------------===//

/// bf16 and f8 inputs are multiplied by bf16 dot products where there are any.
const Roof *Measurement::getRoofOfInputs() const {
  bool dots =
      settings.isa == Isa::AVX512BF16 && measuredCase.keys != Element::F32;
  for (const Roof &roof : roofs)
    if (roof.name == (dots ? "bf16_dot" : "f32_fma"))
      return &roof;
  return nullptr;
}

std::optional<Ratio> Measurement::getRatio(Metric metric) const {
  auto getBest = [](const Contender &contender) {
    return *llvm::min_element(contender.seconds);
  };
  // What a core is made of is measured beside it, and no part of its speed.
  if (metric == Metric::ScoresAlone && measuredCase.op == OpKind::Core)
    return std::nullopt;
  const Contender &ours = contenders.front();
  double best = getBest(ours);
  if (metric == Metric::CompileSeconds) {
    ArrayRef<double> seconds = getCompileSeconds();
    return Ratio{
        metric, "", getMedian({seconds.begin(), seconds.end()}), {}, {}};
  }
  if (metric == Metric::Roof) {
    const Roof *roof = getRoofOfInputs();
    if (!roof || ours.flops == 0)
      return std::nullopt;
    double rate = 1e9 * *llvm::max_element(roof->rates);
    return Ratio{metric, roof->name, ours.flops / best / rate, {}, {}};
  }
  StringRef name = metric == Metric::PlainShape    ? plainShapeName
                   : metric == Metric::ScoresAlone ? scoresAloneName
                   : metric == Metric::OneThread   ? oneThreadName
                                                   : "std::nth_element";
  auto other = llvm::find_if(
      contenders, [&](const Contender &c) { return c.name == name; });
  if (other == contenders.end())
    return std::nullopt;
  double ratio = getBest(*other) / best;
  // Another shape is other work: rates are compared.
  if (metric == Metric::PlainShape)
    ratio *= ours.flops / other->flops;
  return Ratio{metric, other->name, ratio, {}, {}};
}

std::vector<Ratio> Measurement::getRatios() const {
  std::vector<Ratio> ratios;
  for (Metric metric :
       {Metric::Roof, Metric::PlainShape, Metric::ScoresAlone,
        Metric::NthElement, Metric::OneThread, Metric::CompileSeconds}) {
    std::optional<Ratio> ratio = getRatio(metric);
    if (!ratio)
      continue;
    for (const Target &target : measuredCase.targets)
      if (target.metric == metric && applies(target)) {
        ratio->floor = target.floor;
        ratio->goal = target.goal;
      }
    ratios.push_back(*ratio);
  }
  return ratios;
}

std::vector<Target> Measurement::getTorchTargets() const {
  std::vector<Target> targets;
  for (const Target &target : measuredCase.targets)
    if (applies(target) && (target.metric == Metric::TorchTextbook ||
                            target.metric == Metric::TorchBest))
      targets.push_back(target);
  return targets;
}

llvm::Error bench::printRoofs(int32_t threads, const Settings &settings,
                              MLIRContext &context, llvm::raw_ostream &os) {
  auto roofs =
      makeRoofs(settings.isa, threads, getCopyBytes(settings.smoke), context);
  if (!roofs)
    return roofs.takeError();
  for (unsigned i = 0; i < settings.rounds; ++i)
    if (llvm::Error error = bench::runRound(*roofs, {}, threads,
                                            getEffort(settings.smoke, threads)))
      return error;
  for (const Roof &roof : *roofs)
    os << roof.name << " "
       << llvm::format("%.1f", *llvm::max_element(roof.rates)) << " "
       << roof.unit << "\n";
  return llvm::Error::success();
}
