//===- dsa-compile.cpp - Compiles functions to a shared object ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Compile.h"
#include "dsa/Register.h"
#include "dsa/Support/CommandLine.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;
using dsa::Emit;
namespace cl = llvm::cl;

static int runMain(int argc, char **argv) {
  dsa::hideRegisteredOptions();
  cl::OptionCategory category("dsa-compile options");
  cl::opt<std::string> file(cl::Positional, cl::Required, cl::desc("FILE.mlir"),
                            cl::cat(category));
  cl::opt<std::string> output(
      "o", cl::Required,
      cl::desc("where to write; - is standard output, except for so"),
      cl::value_desc("FILE"), cl::cat(category));
  cl::list<std::string> targets(
      "target", cl::CommaSeparated,
      cl::desc("what to compile for, the preferred one first; the first that "
               "the CPU at hand, or the GPU of the tensors, can run is what "
               "runs (default: cpu)\n"
               "cpu: kernels for the CPU of --cpu\n"
               "reference: the definition of each op, for any CPU\n"
               "sm_80, sm_86, sm_89, sm_90, sm_100, sm_120: kernels for a GPU"),
      cl::value_desc("NAME,..."), cl::cat(category));
  cl::opt<Emit> emit(
      "emit", cl::desc("what to write (default: so)"),
      cl::values(
          clEnumValN(Emit::MLIR, "mlir", "the LLVM dialect, of one target"),
          clEnumValN(Emit::LLVM, "llvm", "LLVM IR of all of it"),
          clEnumValN(Emit::PTX, "ptx", "the kernels of one GPU target"),
          clEnumValN(Emit::Object, "obj", "an object file"),
          clEnumValN(Emit::Header, "header", "the C header"),
          clEnumValN(Emit::SharedObject, "so",
                     "a shared object, and beside it header and sidecar")),
      cl::init(Emit::SharedObject), cl::cat(category));
  cl::opt<std::string> cpu(
      "cpu", cl::desc("LLVM name of the CPU, or host (default: host)"),
      cl::value_desc("NAME"), cl::init("host"), cl::cat(category));
  cl::list<std::string> features(
      "features",
      cl::desc("features beside those of the CPU, such as -avx512bf16"),
      cl::value_desc("(+|-)NAME,..."), cl::CommaSeparated, cl::cat(category));
  cl::opt<std::string> triple(
      "triple",
      cl::desc("x86_64-linux-gnu or aarch64-linux-gnu (default: "
               "the host's)"),
      cl::value_desc("TRIPLE"), cl::cat(category));
  cl::opt<bool> cubins(
      "cubins",
      cl::desc(
          "with a GPU as a target: beside PTX, which a driver compiles for "
          "its chip, what ptxas makes of it for each generation of chips"),
      cl::cat(category));
  cl::opt<std::string> ptxas(
      "ptxas",
      cl::desc("with --cubins: path of ptxas (default: that in $CUDA_HOME/bin, "
               "or the first on PATH)"),
      cl::value_desc("PATH"), cl::cat(category));
  cl::list<std::string> pipelineOptions(
      "pipeline-options",
      cl::desc("further options of the targets' pipelines, as dsa-opt takes "
               "them, or of that of one target; may be given again: "
               "\"sm_80:batch-invariant stages=2\""),
      cl::value_desc("[TARGET:]OPTIONS"), cl::cat(category));
  cl::opt<bool> checked(
      "checked",
      cl::desc("functions fail on an index that is neither -1 nor "
               "a valid row"),
      cl::cat(category));
  dsa::setVersionPrinter("dsa-compile");
  cl::ParseCommandLineOptions(
      argc, argv,
      "compiles the public functions of an MLIR file\n\n"
      "  dsa-compile core.mlir --target=cpu,reference -o libcore.so\n\n"
      "writes libcore.so, libcore.h and libcore.json\n\n"
      "exit codes: 0 ok, 1 wrong input or options, 70 internal error,\n"
      "74 a file cannot be read or written\n");
  dsa::CompileOptions options;
  options.file = file;
  options.output = output;
  for (const std::string &name : targets) {
    auto target = dsa::parseTarget(name);
    if (!target)
      return dsa::report(target.takeError());
    options.targets.push_back(*target);
  }
  if (options.targets.empty())
    options.targets = {{dsa::Target::CPU}};
  options.emit = emit;
  options.lowering.triple = triple;
  options.lowering.cpu = cpu;
  options.lowering.features.assign(features.begin(), features.end());
  options.lowering.cubins = cubins;
  options.lowering.ptxas = ptxas;
  options.lowering.checked = checked;
  for (const std::string &text : pipelineOptions)
    options.lowering.pipeline.push_back(dsa::parsePipelineText(text));
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  dsa::registerDialect(registry);
  return dsa::report(dsa::compileFile(options, registry));
}

int main(int argc, char **argv) {
  return dsa::runGuarded("dsa-compile", [&] { return runMain(argc, argv); });
}
