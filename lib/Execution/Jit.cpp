//===- Jit.cpp - Compiled functions in this process ----------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Jit.h"

#include "../Runtime/GPU.h"

#include "dsa-c/Runtime.h"
#include "dsa/Support/ExitCodes.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include <omp.h>

using namespace mlir;
using namespace mlir::dsa;

static llvm::Error internal(llvm::Error error) {
  return makeError(ExitInternal, llvm::toString(std::move(error)));
}

llvm::Expected<std::unique_ptr<Jit>> Jit::compile(ModuleOp module) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  registerOpenMPDialectTranslation(*module.getContext());

  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return internal(builder.takeError());
  auto machine = builder->createTargetMachine();
  if (!machine)
    return internal(machine.takeError());
  ExecutionEngineOptions options;
  // A reference to the function is kept, so it must outlive `create`.
  auto transformer = makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0,
                                               machine->get());
  options.transformer = transformer;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Aggressive;
  // On by default, the listener for perf writes files under $HOME.
  options.enablePerfNotificationListener = false;
  options.enableGDBNotificationListener = false;
  auto engine = ExecutionEngine::create(module, options, std::move(*machine));
  if (!engine)
    return internal(engine.takeError());

  auto jit = std::make_unique<Jit>();
  jit->engine = std::move(*engine);
  jit->engine->registerSymbols([](llvm::orc::MangleAndInterner intern) {
    llvm::orc::SymbolMap symbols;
    auto add = [&](StringRef name, auto *function) {
      symbols[intern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                               llvm::JITSymbolFlags::Exported};
    };
    // What compiled functions call of OpenMP's runtime is found in the process.
    // This, which none calls, keeps the library there.
    add("omp_get_max_threads", omp_get_max_threads);
    add("dsa_fail_extent", dsa_fail_extent);
    add("dsa_fail_stride", dsa_fail_stride);
    add("dsa_fail_workspace", dsa_fail_workspace);
    add("dsa_fail_index", dsa_fail_index);
    add("dsa_gpu_check_aligned", dsa_gpu_check_aligned);
    add("dsa_gpu_check_equal", dsa_gpu_check_equal);
    add("dsa_gpu_launch", dsa_gpu_launch);
    return symbols;
  });
  return std::move(jit);
}

llvm::Error JitCall::run() {
  if (program)
    dsa_gpu_begin(launches.get(), program, /*stream=*/nullptr, /*device=*/0);
  if (!program || launches->status == DSA_STATUS_OK)
    function(packed.data());
  if (program && launches->status != DSA_STATUS_OK)
    status = launches->status;
  if (status != DSA_STATUS_OK)
    return makeError(ExitUser, Twine("'") + name + "' returned status " +
                                   Twine(status) + ": " + dsa_last_error());
  return llvm::Error::success();
}

/// A call of `i32 name(descriptors..., [threads], [last])`.
llvm::Expected<std::unique_ptr<JitCall>>
Jit::prepareCall(const Twine &name, ArrayRef<void *> descriptors,
                 std::optional<int32_t> threads, void *last) {
  std::unique_ptr<JitCall> call(new JitCall);
  call->name = name.str();
  auto function = engine->lookupPacked("_mlir_ciface_" + call->name);
  if (!function)
    return internal(function.takeError());
  call->function = *function;
  call->arguments.assign(descriptors.begin(), descriptors.end());
  if (last)
    call->arguments.push_back(last);
  for (void *&argument : MutableArrayRef(call->arguments))
    call->packed.push_back(&argument);
  if (threads) {
    call->threads = *threads;
    call->packed.insert(call->packed.begin() + descriptors.size(),
                        &call->threads);
  }
  call->packed.push_back(&call->status);
  return std::move(call);
}

llvm::Error Jit::invoke(const Twine &name, ArrayRef<void *> descriptors,
                        std::optional<int32_t> threads, void *last) {
  auto call = prepareCall(name, descriptors, threads, last);
  return call ? (*call)->run() : call.takeError();
}

static SmallVector<void *> getDescriptors(MutableArrayRef<HostTensor> tensors) {
  SmallVector<void *> descriptors;
  for (HostTensor &tensor : tensors)
    descriptors.push_back(tensor.getDescriptor());
  return descriptors;
}

/// The extents of all results, one after the other, read with `getResult`.
llvm::Expected<SmallVector<SmallVector<int64_t>>>
Jit::getResultShapes(StringRef name, MutableArrayRef<HostTensor> inputs,
                     ArrayRef<RankedTensorType> results) {
  int64_t count = 0;
  for (RankedTensorType type : results)
    count += type.getRank();
  // The descriptor of memref<?xi64>.
  SmallVector<int64_t> extents(count);
  auto address = reinterpret_cast<int64_t>(extents.data());
  int64_t descriptor[] = {address, address, 0, count, 1};
  if (llvm::Error error = invoke(name + "_shapes", getDescriptors(inputs),
                                 std::nullopt, descriptor))
    return std::move(error);
  SmallVector<SmallVector<int64_t>> shapes;
  const int64_t *next = extents.data();
  for (RankedTensorType type : results) {
    shapes.emplace_back(next, next + type.getRank());
    next += type.getRank();
  }
  return shapes;
}

llvm::Expected<int64_t>
Jit::getWorkspaceSize(StringRef name, MutableArrayRef<HostTensor> inputs,
                      int32_t threads) {
  // The descriptor of memref<1xi64>.
  int64_t bytes = 0;
  auto address = reinterpret_cast<int64_t>(&bytes);
  int64_t descriptor[] = {address, address, 0, 1, 1};
  if (llvm::Error error = invoke(name + "_workspace", getDescriptors(inputs),
                                 threads, descriptor))
    return std::move(error);
  return bytes;
}

llvm::Expected<std::unique_ptr<JitCall>>
Jit::prepare(StringRef name, MutableArrayRef<HostTensor> inputs,
             MutableArrayRef<HostTensor> results, HostTensor &workspace,
             int32_t threads) {
  SmallVector<void *> descriptors = getDescriptors(inputs);
  llvm::append_range(descriptors, getDescriptors(results));
  descriptors.push_back(workspace.getDescriptor());
  return prepareCall(name, descriptors, threads, /*last=*/nullptr);
}

llvm::Expected<std::unique_ptr<JitCall>>
Jit::prepareOnDevice(StringRef name, ArrayRef<void *> descriptors) {
  auto program = engine->lookup("dsa_gpu_program");
  if (!program)
    return internal(program.takeError());
  auto launches = std::make_shared<dsa_gpu_call>();
  auto call = prepareCall(name, descriptors, /*threads=*/0, launches.get());
  if (call) {
    (*call)->program = static_cast<const dsa_gpu_program *>(*program);
    (*call)->launches = launches;
  }
  return call;
}

llvm::Error Jit::run(StringRef name, MutableArrayRef<HostTensor> inputs,
                     MutableArrayRef<HostTensor> results, HostTensor &workspace,
                     int32_t threads) {
  auto call = prepare(name, inputs, results, workspace, threads);
  return call ? (*call)->run() : call.takeError();
}
