//===- Emulator.cpp - How fast the emulator of a GPU is ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include "dsa/Execution/Device.h"
#include "dsa/Execution/Jit.h"
#include "dsa/Execution/Lowering.h"
#include "dsa/Support/ExitCodes.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/Format.h"
#include <chrono>
#include <random>

using namespace mlir;
using namespace mlir::dsa;

static constexpr int64_t heads = 128, keyWidth = 576, valueWidth = 512,
                         slots = 2048, numKeys = 32768;
static constexpr StringLiteral functionText = R"(
  func.func @kernel(%q: tensor<1x128x576xbf16>, %kv: tensor<32768x576xbf16>,
                    %i: tensor<1x2048xi32>)
      -> (tensor<1x128x512xf32>, tensor<1x128xf32>) {
    %o = tensor.empty() : tensor<1x128x512xf32>
    %l = tensor.empty() : tensor<1x128xf32>
    %out, %lse = dsa.sparse_attention query(%q : tensor<1x128x576xbf16>)
        keys(%kv : tensor<32768x576xbf16>) indices(%i : tensor<1x2048xi32>)
        scale = 0.1352337 dv = 512
        outs(%o, %l : tensor<1x128x512xf32>, tensor<1x128xf32>)
    return %out, %lse : tensor<1x128x512xf32>, tensor<1x128xf32>
  })";

static double getSeconds(llvm::function_ref<void()> work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

static double getMedian(SmallVector<double> values) {
  llvm::sort(values);
  return values[values.size() / 2];
}

namespace {
/// The function, compiled, with its tensors on the device.
class EmulatedAttention {
public:
  llvm::Error compile(MLIRContext &context);
  llvm::Error allocate(MLIRContext &context);
  /// Seconds of one run.
  llvm::Expected<double> run(StringRef isa);

  double generationSeconds = 0;

private:
  std::unique_ptr<Jit> jit;
  std::vector<HostTensor> tensors;
};
} // namespace

llvm::Error EmulatedAttention::compile(MLIRContext &context) {
  auto module = parseSourceString<ModuleOp>(functionText, &context);
  llvm::Error error = llvm::Error::success();
  generationSeconds = getSeconds([&] {
    error = lowerFor(*module, Target{Target::GPU, "sm_80"}, LoweringOptions(),
                     "the function of the bench");
  });
  if (error)
    return error;
  auto compiled = Jit::compile(*module);
  if (!compiled)
    return compiled.takeError();
  jit = std::move(*compiled);
  return llvm::Error::success();
}

llvm::Error EmulatedAttention::allocate(MLIRContext &context) {
  Builder b(&context);
  auto add = [&](Type type, ArrayRef<int64_t> shape) -> llvm::Error {
    auto tensor = HostTensor::create(type, shape, "a tensor");
    if (!tensor)
      return tensor.takeError();
    tensor->fillZeros();
    tensors.push_back(std::move(*tensor));
    return llvm::Error::success();
  };
  if (llvm::Error error = add(b.getBF16Type(), {1, heads, keyWidth}))
    return error;
  if (llvm::Error error = add(b.getBF16Type(), {numKeys, keyWidth}))
    return error;
  if (llvm::Error error = add(b.getI32Type(), {1, slots}))
    return error;
  tensors[0].fillRandom(1);
  tensors[1].fillRandom(2);
  std::mt19937 random(3);
  auto *indices = reinterpret_cast<int32_t *>(tensors[2].getData().data());
  for (int64_t i = 0; i < slots; ++i)
    indices[i] = random() % numKeys;
  auto bytes = jit->getWorkspaceSize("kernel", tensors, /*threads=*/0);
  if (!bytes)
    return bytes.takeError();
  if (llvm::Error error = add(b.getF32Type(), {1, heads, valueWidth}))
    return error;
  if (llvm::Error error = add(b.getF32Type(), {1, heads}))
    return error;
  return add(b.getI8Type(), {*bytes});
}

llvm::Expected<double> EmulatedAttention::run(StringRef isa) {
  auto device = Device::open(
      {/*emulated=*/true, "sm_80", /*seed=*/0, /*checkRaces=*/true, isa.str()});
  if (!device)
    return device.takeError();
  std::vector<DeviceTensor> onDevice;
  SmallVector<void *> descriptors;
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    auto allocated = (*device)->allocate(tensor, /*copied=*/i < 3);
    if (!allocated)
      return allocated.takeError();
    onDevice.push_back(std::move(*allocated));
  }
  for (DeviceTensor &tensor : onDevice)
    descriptors.push_back(tensor.getDescriptor());
  auto call = jit->prepareOnDevice("kernel", descriptors);
  if (!call)
    return call.takeError();
  llvm::Error error = llvm::Error::success();
  double seconds = getSeconds([&] { error = (*call)->run(); });
  if (error)
    return std::move(error);
  if (llvm::Error failed = (*device)->synchronize())
    return std::move(failed);
  return seconds;
}

llvm::Error bench::printEmulator(unsigned rounds,
                                 const DialectRegistry &registry,
                                 llvm::raw_ostream &os) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  EmulatedAttention attention;
  if (llvm::Error error = attention.compile(context))
    return error;
  if (llvm::Error error = attention.allocate(context))
    return error;
  os << "attention of one query, 128 heads x 2048 keys, on the emulator of "
        "sm_80, races checked\n";
  for (StringRef isa : {"baseline", "avx2", "avx512"}) {
    SmallVector<double> seconds;
    for (unsigned i = 0; i < rounds; ++i) {
      auto one = attention.run(isa);
      if (!one && i == 0) {
        // Instructions that this machine does not have.
        llvm::consumeError(one.takeError());
        break;
      }
      if (!one)
        return one.takeError();
      seconds.push_back(*one);
    }
    os << llvm::left_justify(isa, 10);
    if (seconds.empty())
      os << "not on this machine\n";
    else
      os << llvm::format("%.3f s", getMedian(seconds)) << "\n";
  }
  os << "function to PTX  "
     << llvm::format("%.3f s", attention.generationSeconds) << "\n";
  return llvm::Error::success();
}
