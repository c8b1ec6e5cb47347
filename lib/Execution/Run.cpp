//===- Run.cpp - Run a function of a file --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Run.h"

#include "dsa/Execution/Input.h"
#include "dsa/Execution/Jit.h"
#include "dsa/Execution/Progress.h"
#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include <chrono>

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

/// The function of the module to run; an error that names those that there are.
static llvm::Expected<func::FuncOp> getFunction(ModuleOp module,
                                                StringRef name) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal() || function.isPrivate()) {
    SmallVector<std::string> names;
    for (auto candidate : module.getOps<func::FuncOp>())
      if (!candidate.isExternal() && !candidate.isPrivate())
        names.push_back("'" + candidate.getName().str() + "'");
    const char *why = !function              ? "' in the file"
                      : function.isPrivate() ? "' that is public"
                                             : "' with a body";
    return makeError(
        ExitUser, "there is no function '" + name + why +
                      (names.empty() ? "; it has no public function"
                                     : "; it has " + llvm::join(names, ", ")));
  }
  return function;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// The extents that `zeros` and `random` fill: those of `type`, with `text`
/// such as `4x64x128` telling the dynamic ones.
static llvm::Expected<SmallVector<int64_t>>
parseShape(StringRef text, RankedTensorType type, const Twine &what) {
  std::string typeText;
  llvm::raw_string_ostream(typeText) << type;
  SmallVector<int64_t> shape(type.getShape());
  if (text.empty()) {
    if (!type.hasStaticShape())
      return makeError(ExitUser, what + " is " + typeText +
                                     "; give the extents, as in zeros:4x64 or "
                                     "random:1:4x64");
  } else {
    SmallVector<StringRef> parts;
    text.split(parts, 'x');
    bool fits = parts.size() == shape.size();
    for (auto [part, extent] : llvm::zip(parts, shape)) {
      int64_t given;
      if (part.getAsInteger(10, given) || given < 0 ||
          (!ShapedType::isDynamic(extent) && extent != given)) {
        fits = false;
        break;
      }
      extent = given;
    }
    if (!fits)
      return makeError(ExitUser, what + " is " + typeText +
                                     ", but its shape "
                                     "is given as '" +
                                     text + "'");
  }
  return shape;
}

static llvm::Expected<HostTensor>
getInput(StringRef spec, RankedTensorType type, const Twine &what) {
  StringRef shapeText, kind = spec;
  uint64_t seed = 0;
  bool random = kind.consume_front("random:");
  if (random) {
    StringRef seedText;
    std::tie(seedText, shapeText) = kind.split(':');
    if (seedText.getAsInteger(10, seed))
      return makeError(ExitUser, what + " is given as '" + spec +
                                     "'; random takes a seed, as in random:1");
  } else if (spec == "zeros" || spec.starts_with("zeros:")) {
    shapeText = spec.split(':').second;
  } else {
    return HostTensor::read(spec, type, what);
  }
  auto shape = parseShape(shapeText, type, what);
  if (!shape)
    return shape.takeError();
  auto tensor = HostTensor::create(type.getElementType(), *shape, what);
  if (!tensor)
    return tensor.takeError();
  if (random)
    tensor->fillRandom(seed);
  else
    tensor->fillZeros();
  return tensor;
}

static llvm::Error checkCount(StringRef option, size_t given, StringRef name,
                              size_t expected, StringRef what) {
  if (given == expected)
    return llvm::Error::success();
  return makeError(ExitUser, "--" + option + " is given " + Twine(given) +
                                 " times, but '" + name + "' has " +
                                 Twine(expected) + " " + what);
}

static llvm::Error checkOutputs(ArrayRef<std::string> outputs) {
  llvm::StringSet<> seen;
  for (const std::string &path : outputs) {
    if (path == "-")
      return makeError(ExitUser, "--output=- is not possible: arrays go to "
                                 "files, standard output has times and "
                                 "summaries");
    // Devices such as /dev/null take any number of arrays.
    if (!seen.insert(path).second &&
        (!llvm::sys::fs::exists(path) || llvm::sys::fs::is_regular_file(path)))
      return makeError(ExitUser, "--output=" + path + " is given twice");
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static void printTimes(SmallVectorImpl<double> &milliseconds) {
  llvm::sort(milliseconds);
  size_t n = milliseconds.size();
  double median = n % 2 ? milliseconds[n / 2]
                        : (milliseconds[n / 2 - 1] + milliseconds[n / 2]) / 2;
  llvm::outs() << "time: median " << llvm::format("%.3f", median) << " ms, min "
               << llvm::format("%.3f", milliseconds.front()) << " ms, max "
               << llvm::format("%.3f", milliseconds.back()) << " ms, runs " << n
               << "\n";
}

static llvm::Error checkOptions(const RunOptions &options) {
  if (options.threads < 1)
    return makeError(ExitUser, "--threads is " + Twine(options.threads) +
                                   ", but must be at least 1");
  if (options.target != Target::CPU && !options.lowering.features.empty())
    return makeError(ExitUser, "--features is of --target=cpu; the reference "
                               "target has no kernels");
  return llvm::Error::success();
}

llvm::Error dsa::runFunction(const RunOptions &options,
                             DialectRegistry &registry) {
  auto input = InputModule::read(options.file, registry);
  if (!input)
    return input.takeError();
  ModuleOp module = (*input)->getModule();
  auto function = getFunction(module, options.function);
  if (!function)
    return function.takeError();
  auto signature = getSignature(*function, (*input)->getText());
  if (!signature)
    return signature.takeError();

  if (llvm::Error error =
          checkCount("input", options.inputs.size(), options.function,
                     signature->inputs.size(), "arguments"))
    return error;
  if (!options.outputs.empty())
    if (llvm::Error error =
            checkCount("output", options.outputs.size(), options.function,
                       signature->results.size(), "results"))
      return error;
  if (llvm::Error error = checkOutputs(options.outputs))
    return error;
  std::vector<HostTensor> inputs, results;
  for (auto [i, spec, type] :
       llvm::enumerate(options.inputs, signature->inputs)) {
    auto tensor = getInput(spec, type, signature->describe(i));
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(std::move(*tensor));
  }

  std::unique_ptr<Jit> jit;
  {
    Progress progress("compiling");
    if (llvm::Error error = checkOptions(options))
      return error;
    if (llvm::Error error =
            lowerFor(module, options.target, options.lowering, options.file))
      return error;
    auto compiled = Jit::compile(module);
    if (!compiled)
      return compiled.takeError();
    jit = std::move(*compiled);
  }

  StringRef name = options.function;
  auto shapes = jit->getResultShapes(name, inputs, signature->results);
  if (!shapes)
    return shapes.takeError();
  for (auto [i, type, shape] : llvm::enumerate(signature->results, *shapes)) {
    auto result =
        HostTensor::create(type.getElementType(), shape, "result " + Twine(i));
    if (!result)
      return result.takeError();
    results.push_back(std::move(*result));
  }
  auto workspaceSize = jit->getWorkspaceSize(name, inputs, options.threads);
  if (!workspaceSize)
    return workspaceSize.takeError();
  auto workspace =
      HostTensor::create(IntegerType::get((*input)->getContext(), 8),
                         *workspaceSize, "the workspace");
  if (!workspace)
    return workspace.takeError();

  SmallVector<double> milliseconds;
  {
    Progress progress("running");
    for (unsigned i = 0; i < std::max(options.repeat, 1u); ++i) {
      auto start = std::chrono::steady_clock::now();
      if (llvm::Error error =
              jit->run(name, inputs, results, *workspace, options.threads))
        return error;
      milliseconds.push_back(std::chrono::duration<double, std::milli>(
                                 std::chrono::steady_clock::now() - start)
                                 .count());
    }
  }
  std::vector<OutputFile> files;
  for (auto [path, tensor] : llvm::zip(options.outputs, results))
    files.push_back({path, [&result = tensor](llvm::raw_ostream &os) {
                       writeNpy(os,
                                getNpyDescriptions(result.getElementType())[0],
                                result.getShape(), result.getData());
                       return llvm::Error::success();
                     }});
  if (llvm::Error error = writeAtomically(files))
    return error;
  OutputFile report{"-", [&](llvm::raw_ostream &os) {
                      if (options.repeat)
                        printTimes(milliseconds);
                      if (options.outputs.empty())
                        for (auto [i, result] : llvm::enumerate(results)) {
                          os << "result " << i << ": ";
                          result.summarize(os);
                          os << "\n";
                        }
                      return llvm::Error::success();
                    }};
  return writeAtomically(report);
}
