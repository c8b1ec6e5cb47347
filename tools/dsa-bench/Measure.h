//===- Measure.h - One case, measured ---------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_MEASURE_H
#define DSA_BENCH_MEASURE_H

#include "Kernel.h"
#include "Rounds.h"

namespace mlir::dsa::bench {

enum class PageChoice { Huge, Small, Both };

struct Settings {
  std::string pipeline;
  Isa isa = Isa::Other;
  PageChoice pages = PageChoice::Huge;
  unsigned rounds = 0;
  /// Next to no work: figures mean nothing, and have no floors.
  bool smoke = false;
};

/// A figure that a floor or a goal may be set for.
struct Ratio {
  Metric metric;
  /// What the ratio is to, such as the name of the roof.
  std::string to;
  double value;
  std::optional<double> floor, goal;
};

/// Everything that is measured of a case, in one process and in turns.
class Measurement {
public:
  /// Compiles the case's kernels, runs each once and checks what they return.
  static llvm::Expected<std::unique_ptr<Measurement>>
  prepare(const Case &c, const Settings &settings, MLIRContext &context);

  llvm::Error runRound();

  const Case &getCase() const { return measuredCase; }
  /// Of the case's arguments.
  std::vector<std::pair<std::string, uint32_t>> getChecksums() {
    return kernels.front()->getChecksums();
  }
  llvm::ArrayRef<double> getCompileSeconds() const {
    return kernels.front()->getCompileSeconds();
  }
  llvm::ArrayRef<Roof> getRoofs() const { return roofs; }
  /// The first one is our kernel.
  llvm::ArrayRef<Contender> getContenders() const { return contenders; }
  /// After the last round.
  std::vector<Ratio> getRatios() const;
  /// What applies to the ratios that report.py makes.
  std::vector<Target> getTorchTargets() const;

private:
  bool applies(const Target &target) const {
    return target.isa == settings.isa && !settings.smoke;
  }
  Measurement(const Case &c, const Settings &settings)
      : measuredCase(c), settings(settings) {}
  llvm::Expected<Kernel *> add(const Case &c, llvm::StringRef name, Pages pages,
                               unsigned compileCount, MLIRContext &context);
  llvm::Error addKernels(MLIRContext &context);
  const Roof *getRoofOfInputs() const;
  std::optional<Ratio> getRatio(Metric metric) const;

  Case measuredCase;
  Settings settings;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<Roof> roofs;
  std::vector<Contender> contenders;
};

/// Measures the roofs for `threads` (at least 1) threads at once, and prints
/// the best of all rounds of each: a line of its name, its rate and the unit.
llvm::Error printRoofs(int32_t threads, const Settings &settings,
                       MLIRContext &context, llvm::raw_ostream &os);

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_MEASURE_H
