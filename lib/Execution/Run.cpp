//===- Run.cpp - Run a function of a file --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Run.h"

#include "dsa/Execution/Device.h"
#include "dsa/Execution/Input.h"
#include "dsa/Execution/Jit.h"
#include "dsa/Execution/KernelText.h"
#include "dsa/Execution/Progress.h"
#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
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
  if (options.target.kind != Target::CPU && !options.lowering.features.empty())
    return makeError(ExitUser, "--features is of --target=cpu, not of "
                               "--target=" +
                                   getName(options.target));
  if (options.target.isGPU() && options.threads != 1)
    return makeError(ExitUser,
                     "--threads is of --target=cpu; a GPU has its own");
  if (!options.target.isGPU() && !options.ptx.empty())
    return makeError(ExitUser, "--ptx is of a GPU, such as --target=sm_80");
  if (!options.emulated && (options.seed != 0 || !options.checkRaces))
    return makeError(ExitUser, "--seed and --check-races are of an emulated "
                               "target, such as --target=sm_80:emulated");
  return llvm::Error::success();
}

namespace {
/// A function that is compiled, with what it works on.
class Session {
public:
  Session(const RunOptions &options, const Signature &signature)
      : options(options), signature(signature) {}

  llvm::Error allocateResults(MLIRContext *context);
  llvm::Error openDevice();
  llvm::Error run();
  llvm::Error fetchResults();

  std::unique_ptr<Jit> jit;
  std::vector<HostTensor> inputs, results;
  SmallVector<double> milliseconds;

private:
  const RunOptions &options;
  const Signature &signature;
  std::unique_ptr<HostTensor> workspace;
  std::unique_ptr<Device> device;
  /// Of inputs, results and the workspace, in the device's memory.
  std::vector<DeviceTensor> onDevice;
};
} // namespace

llvm::Error Session::allocateResults(MLIRContext *context) {
  StringRef name = options.function;
  auto shapes = jit->getResultShapes(name, inputs, signature.results);
  if (!shapes)
    return shapes.takeError();
  for (auto [i, type, shape] : llvm::enumerate(signature.results, *shapes)) {
    auto result =
        HostTensor::create(type.getElementType(), shape, "result " + Twine(i));
    if (!result)
      return result.takeError();
    results.push_back(std::move(*result));
  }
  auto bytes = jit->getWorkspaceSize(name, inputs, options.threads);
  if (!bytes)
    return bytes.takeError();
  auto created =
      HostTensor::create(IntegerType::get(context, 8), *bytes, "the workspace");
  if (!created)
    return created.takeError();
  workspace = std::make_unique<HostTensor>(std::move(*created));
  return llvm::Error::success();
}

/// Copies the inputs to the device, and makes room for the rest.
llvm::Error Session::openDevice() {
  auto opened = Device::open({options.emulated, options.target.chip,
                              options.seed, options.checkRaces});
  if (!opened)
    return opened.takeError();
  device = std::move(*opened);
  auto add = [&](HostTensor &tensor, bool copied) -> llvm::Error {
    auto allocated = device->allocate(tensor, copied);
    if (!allocated)
      return allocated.takeError();
    onDevice.push_back(std::move(*allocated));
    return llvm::Error::success();
  };
  for (HostTensor &input : inputs)
    if (llvm::Error error = add(input, /*copied=*/true))
      return error;
  for (HostTensor &result : results)
    if (llvm::Error error = add(result, /*copied=*/false))
      return error;
  return add(*workspace, /*copied=*/false);
}

llvm::Error Session::run() {
  Progress progress("running");
  llvm::Expected<std::unique_ptr<JitCall>> call(nullptr);
  if (device)
    call = jit->prepareOnDevice(
        options.function,
        llvm::to_vector(llvm::map_range(onDevice, [](DeviceTensor &tensor) {
          return tensor.getDescriptor();
        })));
  else
    call = jit->prepare(options.function, inputs, results, *workspace,
                        options.threads);
  if (!call)
    return call.takeError();
  for (unsigned i = 0; i < std::max(options.repeat, 1u); ++i) {
    auto start = std::chrono::steady_clock::now();
    llvm::Error error = (*call)->run();
    // The emulator knows more than the driver, which it stands for, can say.
    // What our own kernels do wrong is a defect, what others' do is not.
    std::string seen = device ? device->getEmulatorError() : "";
    if (!seen.empty()) {
      llvm::consumeError(std::move(error));
      return makeError(options.ptx.empty() ? ExitInternal : ExitUser,
                       "'" + options.function + "' on the emulator: " + seen);
    }
    if (error)
      return error;
    if (device)
      if (llvm::Error failed = device->synchronize())
        return failed;
    milliseconds.push_back(std::chrono::duration<double, std::milli>(
                               std::chrono::steady_clock::now() - start)
                               .count());
  }
  return llvm::Error::success();
}

llvm::Error Session::fetchResults() {
  if (!device)
    return llvm::Error::success();
  for (auto [i, result] : llvm::enumerate(results))
    if (llvm::Error error = onDevice[inputs.size() + i].copyTo(result))
      return error;
  return llvm::Error::success();
}

/// Puts the kernels of a file in place of those of the module.
static llvm::Error replaceKernels(ModuleOp lowered, StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError(ExitIO, "cannot read '" + path +
                                 "': " + buffer.getError().message());
  if (!setPTX(lowered, (*buffer)->getBuffer()))
    return makeError(ExitUser, "--ptx is for kernels in PTX, of which this "
                               "function has none");
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
  Session session(options, *signature);
  for (auto [i, spec, type] :
       llvm::enumerate(options.inputs, signature->inputs)) {
    auto tensor = getInput(spec, type, signature->describe(i));
    if (!tensor)
      return tensor.takeError();
    session.inputs.push_back(std::move(*tensor));
  }

  {
    Progress progress("compiling");
    if (llvm::Error error = checkOptions(options))
      return error;
    if (llvm::Error error =
            lowerFor(module, options.target, options.lowering, options.file))
      return error;
    if (!options.ptx.empty())
      if (llvm::Error error = replaceKernels(module, options.ptx))
        return error;
    auto compiled = Jit::compile(module);
    if (!compiled)
      return compiled.takeError();
    session.jit = std::move(*compiled);
  }
  if (llvm::Error error = session.allocateResults((*input)->getContext()))
    return error;
  if (options.target.isGPU())
    if (llvm::Error error = session.openDevice())
      return error;
  if (llvm::Error error = session.run())
    return error;
  if (llvm::Error error = session.fetchResults())
    return error;
  std::vector<OutputFile> files;
  for (auto [path, tensor] : llvm::zip(options.outputs, session.results))
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
                        printTimes(session.milliseconds);
                      if (options.outputs.empty())
                        for (auto [i, result] :
                             llvm::enumerate(session.results)) {
                          os << "result " << i << ": ";
                          result.summarize(os);
                          os << "\n";
                        }
                      return llvm::Error::success();
                    }};
  return writeAtomically(report);
}
