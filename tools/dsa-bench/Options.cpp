//===- Options.cpp - The command line of dsa-bench -----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "dsa/Support/CommandLine.h"
#include "dsa/Support/ExitCodes.h"

#include "llvm/Support/CommandLine.h"

using namespace mlir;
using namespace mlir::dsa::bench;
namespace cl = llvm::cl;

static cl::OptionCategory category("dsa-bench options");
static cl::list<std::string> patterns(
    "case",
    cl::desc("cases whose name contains TEXT, or the one whose name it is; "
             "may be given again (default: all)"),
    cl::value_desc("TEXT"), cl::cat(category));
static cl::opt<bool> list("list", cl::desc("print the cases and stop"),
                          cl::cat(category));
static cl::opt<int32_t>
    roofs("roofs",
          cl::desc("measure what N threads can do at most on this machine, no "
                   "case, and print a line per roof"),
          cl::value_desc("N"), cl::init(0), cl::cat(category));
static cl::opt<bool> emulator(
    "emulator",
    cl::desc("measure the emulator of a GPU, no case, and print a line for "
             "each kind of instructions of the machine"),
    cl::cat(category));
static cl::opt<unsigned> rounds("rounds",
                                cl::desc("rounds of each case (default: 7)"),
                                cl::value_desc("N"), cl::init(7),
                                cl::cat(category));
static cl::opt<std::string>
    output("output", cl::desc("also write JSON to FILE, - for standard output"),
           cl::value_desc("FILE"), cl::cat(category));
static cl::opt<PageChoice>
    pages("pages", cl::desc("pages of the kernels' memory (default: huge)"),
          cl::values(clEnumValN(PageChoice::Huge, "huge", "2 MiB"),
                     clEnumValN(PageChoice::Small, "4k", "4 KiB"),
                     clEnumValN(PageChoice::Both, "both",
                                "huge, and our kernel on 4 KiB beside it")),
          cl::init(PageChoice::Huge), cl::cat(category));
static const std::string pipelineHelp =
    ("what compiles the kernels (default: " + defaultPipeline + ")").str();
static cl::opt<std::string> pipeline("pipeline", cl::desc(pipelineHelp),
                                     cl::value_desc("PASSES"),
                                     cl::init(defaultPipeline.str()),
                                     cl::cat(category));
static cl::opt<Isa> isaOption(
    "isa",
    cl::desc("whose roofs, floors and goals apply (default: the widest that "
             "the machine has)"),
    cl::values(clEnumValN(Isa::AVX2, "avx2", "AVX2 with FMA"),
               clEnumValN(Isa::AVX512, "avx512", "AVX-512F"),
               clEnumValN(Isa::AVX512BF16, "avx512bf16", "and its BF16")),
    cl::init(Isa::Other), cl::cat(category));
static cl::opt<bool> smoke(
    "smoke",
    cl::desc("next to no work, to see that it works: figures mean nothing"),
    cl::cat(category));
static cl::opt<bool> paced(
    "paced",
    cl::desc("before each round, print a line of JSON and wait for a line "
             "'round' on standard input, to take turns with another program"),
    cl::cat(category));

llvm::Error dsa::bench::readOptions(int argc, char **argv, CommandLine &line) {
  cl::HideUnrelatedOptions(category);
  dsa::setVersionPrinter("dsa-bench");
  cl::ParseCommandLineOptions(
      argc, argv,
      "measures kernels beside this machine's roofs and beside peers, in "
      "turns\n"
      "in one process\n\n"
      "  dsa-bench --list\n"
      "  dsa-bench --case=indexer_scores.bf16.T1.S32K --case=top_k \\\n"
      "      --output=figures.json\n\n"
      "tools/dsa-bench/report.py adds PyTorch, a second process and a picture\n"
      "exit codes: 0 ok, 1 wrong options, 70 wrong results or internal error,\n"
      "74 a file cannot be written\n");

  if (rounds == 0)
    return dsa::makeError(dsa::ExitUser,
                          "--rounds is 0; a figure takes at least 1");
  if (roofs.getNumOccurrences() > 0 && roofs < 1)
    return dsa::makeError(dsa::ExitUser, "--roofs is " + std::to_string(roofs) +
                                             "; it takes at least 1 thread");
  Isa host = getHostIsa(), isa = isaOption;
  if (isa > host)
    return dsa::makeError(dsa::ExitUser, "--isa=" + getName(isa) +
                                             ", but this machine is of kind '" +
                                             getName(host) + "'");
  auto cases = selectCases(patterns);
  if (!cases)
    return cases.takeError();
  line.cases = std::move(*cases);
  line.list = list;
  line.roofThreads = roofs;
  line.emulator = emulator;
  line.rounds = rounds;
  SessionOptions &options = line.session;
  options.settings = {pipeline, isa == Isa::Other ? host : isa, pages, rounds,
                      smoke};
  options.paced = paced;
  options.output = output;
  return llvm::Error::success();
}
