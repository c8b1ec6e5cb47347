//===- dsa-run.cpp - Runs a function of an MLIR file ---------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Run.h"
#include "dsa/Register.h"
#include "dsa/Support/CommandLine.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;
namespace cl = llvm::cl;

static cl::OptionCategory category("dsa-run options");
static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("FILE.mlir"), cl::cat(category));
static cl::opt<std::string> function("function", cl::Required,
                                     cl::desc("name of the function to run"),
                                     cl::value_desc("NAME"), cl::cat(category));
static cl::opt<std::string> target(
    "target",
    cl::desc("what to compile for and run on (default: reference)\n"
             "reference: the definition of each op, on one CPU thread\n"
             "cpu: kernels for this machine's CPU\n"
             "sm_80, sm_86, sm_89, sm_90, sm_100, sm_120: kernels for the GPU\n"
             "sm_80:emulated and so on: the same, on the emulator"),
    cl::value_desc("NAME"), cl::init("reference"), cl::cat(category));
static cl::opt<uint64_t>
    seed("seed",
         cl::desc("with an emulated target: the order in which warps run"),
         cl::value_desc("N"), cl::init(0), cl::cat(category));
static cl::opt<bool> checkRaces(
    "check-races",
    cl::desc("with an emulated target: a race is an error (default: on)"),
    cl::init(true), cl::cat(category));
static cl::opt<std::string>
    ptx("ptx",
        cl::desc("with a GPU as the target: a file of PTX to run in place of "
                 "the kernels, such as dsa-compile --emit=ptx writes and "
                 "somebody changed"),
        cl::value_desc("FILE"), cl::cat(category));
static cl::opt<std::string> pipelineOptions(
    "pipeline-options",
    cl::desc("further options of the target's pipeline, as dsa-opt takes them: "
             "\"batch-invariant stages=4\""),
    cl::value_desc("OPTIONS"), cl::cat(category));
static cl::list<std::string> features(
    "features",
    cl::desc("with --target=cpu: features of this CPU to do without, such as "
             "-avx512bf16"),
    cl::value_desc("-NAME,..."), cl::CommaSeparated, cl::cat(category));
static cl::list<std::string> inputs(
    "input",
    cl::desc("one per argument, in order: a .npy file, zeros or random:SEED; "
             "where the argument has dynamic extents zeros:SHAPE or "
             "random:SEED:SHAPE with SHAPE such as 4x64x128. random is "
             "standard normal for floats, any byte for i8, [0, 2^31) for wider "
             "integers. bf16 and f8E4M3FN are read as ml_dtypes writes them, "
             "or as uint16 and uint8 bits"),
    cl::value_desc("FILE|zeros|random:SEED"), cl::cat(category));
static cl::list<std::string> outputs(
    "output",
    cl::desc("one .npy file per result, in order; without, a line per result "
             "is printed. bf16 is written as uint16 and f8E4M3FN as uint8 "
             "bits: np.load(f).view(ml_dtypes.bfloat16)"),
    cl::value_desc("FILE"), cl::cat(category));
static cl::opt<unsigned>
    repeat("repeat", cl::desc("run N times and print median, min and max"),
           cl::value_desc("N"), cl::init(0), cl::cat(category));
enum class SumType { F32, F64 };
static cl::opt<SumType> accumulateType(
    "accumulate-type", cl::desc("type of sums (default: f32)"),
    cl::values(clEnumValN(SumType::F32, "f32", "as the ops define"),
               clEnumValN(SumType::F64, "f64", "free of rounding of its own")),
    cl::init(SumType::F32), cl::cat(category));
static cl::opt<bool>
    checked("checked",
            cl::desc("fail on an index that is neither -1 nor a valid row"),
            cl::cat(category));

static int runMain(int argc, char **argv) {
  // libLLVM has an option of this name, which no tool of ours shows.
  if (cl::Option *other = cl::getRegisteredOptions().lookup("threads"))
    other->removeArgument();
  cl::opt<int> threads("threads", cl::desc("threads to run on (default: 1)"),
                       cl::value_desc("N"), cl::init(1), cl::cat(category));
  cl::HideUnrelatedOptions(category);
  dsa::setVersionPrinter("dsa-run");
  cl::ParseCommandLineOptions(
      argc, argv,
      "runs a function on ranked tensors of an MLIR file\n\n"
      "  dsa-run core.mlir --function=core --input=random:1:4x64x128 \\\n"
      "      --input=keys.npy --output=scores.npy --repeat=5\n\n"
      "exit codes: 0 ok, 1 wrong input or options, 70 internal error,\n"
      "74 a file cannot be read or written\n");
  dsa::RunOptions options;
  StringRef name = target;
  options.emulated = name.consume_back(":emulated");
  auto parsed = dsa::parseTarget(name);
  if (!parsed)
    return dsa::report(parsed.takeError());
  options.target = *parsed;
  if (options.emulated && !options.target.isGPU())
    return dsa::report(dsa::makeError(
        dsa::ExitUser, "--target=" + target + ": only a GPU is emulated"));
  options.seed = seed;
  options.checkRaces = checkRaces;
  options.ptx = ptx;
  options.threads = threads;
  options.lowering.features.assign(features.begin(), features.end());
  options.file = file;
  options.function = function;
  options.inputs.assign(inputs.begin(), inputs.end());
  options.outputs.assign(outputs.begin(), outputs.end());
  options.repeat = repeat;
  options.lowering.accumulateInF64 = accumulateType == SumType::F64;
  options.lowering.checked = checked;
  if (pipelineOptions.getNumOccurrences())
    options.lowering.pipeline = {{"", pipelineOptions}};
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  dsa::registerDialect(registry);
  return dsa::report(dsa::runFunction(options, registry));
}

int main(int argc, char **argv) {
  return dsa::runGuarded("dsa-run", [&] { return runMain(argc, argv); });
}
