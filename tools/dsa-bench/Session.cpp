//===- Session.cpp - The cases of one run --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Report.h"

#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <iostream>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;
namespace json = llvm::json;

/// Tells the program on the other side of the pipes, and waits for its answer.
static llvm::Error awaitRound(json::Object state) {
  llvm::outs() << json::Value(std::move(state)) << "\n";
  llvm::outs().flush();
  std::string line;
  if (std::getline(std::cin, line) && line == "round")
    return llvm::Error::success();
  return makeError(ExitUser, "--paced waits for a line 'round' on standard "
                             "input before each round, but got " +
                                 (std::cin ? "'" + line + "'" : "its end"));
}

static llvm::Expected<json::Object> measureCase(const Case &c,
                                                const SessionOptions &options,
                                                MLIRContext &context) {
  auto measurement = Measurement::prepare(c, options.settings, context);
  if (!measurement)
    return measurement.takeError();
  for (unsigned i = 0; i < options.settings.rounds; ++i) {
    if (options.paced)
      if (llvm::Error error =
              awaitRound(json::Object{{"case", describeCase(c)}, {"round", i}}))
        return std::move(error);
    if (llvm::Error error = (*measurement)->runRound())
      return std::move(error);
  }
  if (!options.paced && options.output != "-") {
    print(**measurement, llvm::outs());
    llvm::outs().flush();
  }
  return describe(**measurement);
}

/// Huge pages that were asked for and not given make other figures.
static void warnOfPages(const Settings &settings, const json::Object &report) {
  if (settings.pages != PageChoice::Small && !settings.smoke &&
      report.getInteger("huge_page_bytes").value_or(0) <= 0)
    llvm::errs() << "warning: the system gave no huge pages; see "
                    "/sys/kernel/mm/transparent_hugepage/enabled\n";
}

namespace {
/// Why a case has no figures.
struct CaseFailure {
  int code;
  std::string message;
};
} // namespace

static CaseFailure getFailure(llvm::Error error) {
  CaseFailure failure;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    failure.code = info.isA<ExitError>()
                       ? static_cast<const ExitError &>(info).getCode()
                       : ExitInternal;
    failure.message = info.message();
  });
  return failure;
}

int bench::runSession(ArrayRef<Case> cases, const SessionOptions &options,
                      DialectRegistry &registry) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  if (llvm::Error error = checkPipeline(options.settings.pipeline, context))
    return report(std::move(error));
  json::Object summary = makeReport(options.settings);
  json::Array measured;
  int code = ExitOk;
  for (auto [i, listed] : llvm::enumerate(cases)) {
    Case c = options.settings.smoke ? shrink(listed) : listed;
    llvm::errs() << "[" << i + 1 << "/" << cases.size() << "] " << c.name
                 << "\n";
    auto result = measureCase(c, options, context);
    if (result) {
      warnOfPages(options.settings, *result);
      measured.push_back(std::move(*result));
      continue;
    }
    CaseFailure failure = getFailure(result.takeError());
    llvm::errs() << "error: " << c.name << ": " << failure.message << "\n";
    code = code ? code : failure.code;
    // Whoever sets the pace is gone.
    if (options.paced && !std::cin)
      return code;
    json::Object failed = describeCase(c);
    failed["error"] = failure.message;
    measured.push_back(std::move(failed));
  }
  summary["cases"] = std::move(measured);
  if (options.output.empty())
    return code;
  OutputFile file{options.output, [&](llvm::raw_ostream &os) {
                    os << llvm::formatv("{0:2}\n",
                                        json::Value(std::move(summary)));
                    return llvm::Error::success();
                  }};
  int writeCode = report(writeAtomically(file));
  return code ? code : writeCode;
}
