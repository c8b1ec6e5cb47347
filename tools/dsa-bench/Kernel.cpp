//===- Kernel.cpp - Our kernel of a case ---------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel.h"

#include "Clock.h"

#include "dsa/Support/ExitCodes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CRC.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

constexpr llvm::StringLiteral bench::defaultPipeline = "dsa-cpu-pipeline";

static llvm::Error addPipeline(StringRef pipeline, PassManager &pm) {
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (succeeded(parsePassPipeline(pipeline, pm, os)))
    return llvm::Error::success();
  // The parser prints a place, the reason and the text; options the reason.
  auto [place, reason] = StringRef(errors).split("error: ");
  reason = (reason.empty() ? place : reason).split('\n').first;
  return makeError(ExitUser, "--pipeline=" + pipeline +
                                 " is no pipeline on a module: " + reason);
}

llvm::Error bench::checkPipeline(StringRef pipeline, MLIRContext &context) {
  PassManager pm(&context);
  return addPipeline(pipeline, pm);
}

llvm::Error Kernel::compile(StringRef pipeline, MLIRContext &context) {
  double start = readClock(/*threads=*/1);
  auto module =
      parseSourceString<ModuleOp>(getFunctionText(kernelCase), &context);
  if (!module)
    return makeError(ExitInternal, "the function cannot be parsed; see above");
  PassManager pm(&context);
  if (llvm::Error error = addPipeline(pipeline, pm))
    return error;
  if (failed(pm.run(*module)))
    return makeError(ExitUser, "the function cannot be lowered by '" +
                                   pipeline + "'; see above");
  auto compiled = Jit::compile(*module);
  if (!compiled)
    return compiled.takeError();
  jit = std::move(*compiled);
  // Machine code is made when a function is looked up first.
  auto size = jit->getWorkspaceSize("kernel", inputs, kernelCase.threads);
  if (!size)
    return size.takeError();
  compileSeconds.push_back(readClock(/*threads=*/1) - start);
  workspaceBytes = *size;
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Kernel>>
Kernel::create(const Case &c, StringRef pipeline, Pages pages,
               unsigned compileCount, MLIRContext &context) {
  std::unique_ptr<Kernel> kernel(new Kernel(c));
  auto inputs = makeInputs(c, context, pages);
  if (!inputs)
    return inputs.takeError();
  kernel->inputs = std::move(*inputs);
  for (unsigned i = 0; i < compileCount; ++i)
    if (llvm::Error error = kernel->compile(pipeline, context))
      return std::move(error);
  for (const Result &result : getResults(c)) {
    auto tensor = HostTensor::create(getType(result.element, context),
                                     result.extents, "a result", pages);
    if (!tensor)
      return tensor.takeError();
    // Memory that nobody has touched yet has no pages.
    tensor->fillZeros();
    kernel->results.push_back(std::move(*tensor));
  }
  auto workspace =
      HostTensor::create(IntegerType::get(&context, 8), kernel->workspaceBytes,
                         "the workspace", pages);
  if (!workspace)
    return workspace.takeError();
  workspace->fillZeros();
  kernel->workspace = std::move(*workspace);
  auto call = kernel->jit->prepare("kernel", kernel->inputs, kernel->results,
                                   *kernel->workspace, c.threads);
  if (!call)
    return call.takeError();
  kernel->call = std::move(*call);
  return std::move(kernel);
}

HostTensor &Kernel::getInput(Role role) {
  for (auto [argument, input] :
       llvm::zip_equal(getArguments(kernelCase), inputs))
    if (argument.role == role)
      return input;
  llvm_unreachable("the case has no argument of this role");
}

int64_t Kernel::getBytes() {
  size_t bytes = 0;
  for (auto *tensors : {&inputs, &results})
    for (HostTensor &tensor : *tensors)
      bytes += tensor.getData().size();
  return static_cast<int64_t>(bytes);
}

std::vector<std::pair<std::string, uint32_t>> Kernel::getChecksums() {
  std::vector<std::pair<std::string, uint32_t>> checksums;
  for (auto [argument, input] :
       llvm::zip_equal(getArguments(kernelCase), inputs))
    checksums.push_back({getName(argument.role).str(),
                         llvm::crc32(ArrayRef(reinterpret_cast<const uint8_t *>(
                                                  input.getData().data()),
                                              input.getData().size()))});
  return checksums;
}
