//===- Jit.h - Compiled functions in this process ---------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_JIT_H
#define DSA_EXECUTION_JIT_H

#include "dsa/Execution/HostTensor.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"

struct dsa_gpu_call;
struct dsa_gpu_program;

namespace mlir::dsa {

/// A function of a `Jit` and its arguments, which both outlive it: looked up
/// and packed once, so that a call costs what the function costs.
class JitCall {
public:
  /// Runs the function. A status other than 0 is an error with the run time's
  /// message.
  llvm::Error run();

private:
  friend class Jit;
  JitCall() = default;
  JitCall(const JitCall &) = delete;
  JitCall &operator=(const JitCall &) = delete;

  std::string name;
  void (*function)(void **) = nullptr;
  /// The engine takes a pointer to each argument, and to the result.
  SmallVector<void *> arguments, packed;
  int32_t threads = 0, status = 0;
  /// Of a function for a GPU: its kernels, and the call that they belong to.
  const dsa_gpu_program *program = nullptr;
  std::shared_ptr<dsa_gpu_call> launches;
};

/// A module that a pipeline has lowered to the LLVM dialect, compiled for the
/// host. Its functions have the ABI of `dsa-function-abi`.
class Jit {
public:
  static llvm::Expected<std::unique_ptr<Jit>> compile(ModuleOp module);

  /// The shapes of the results of `name`, whose types are `results`.
  llvm::Expected<SmallVector<SmallVector<int64_t>>>
  getResultShapes(StringRef name, MutableArrayRef<HostTensor> inputs,
                  ArrayRef<RankedTensorType> results);
  /// The bytes of workspace that `run` needs.
  llvm::Expected<int64_t> getWorkspaceSize(StringRef name,
                                           MutableArrayRef<HostTensor> inputs,
                                           int32_t threads);
  /// A call of `name`.
  llvm::Expected<std::unique_ptr<JitCall>>
  prepare(StringRef name, MutableArrayRef<HostTensor> inputs,
          MutableArrayRef<HostTensor> results, HostTensor &workspace,
          int32_t threads);
  /// A call of `name`, a function for a GPU: `descriptors` of inputs, results
  /// and the workspace, in the memory of the current device.
  llvm::Expected<std::unique_ptr<JitCall>>
  prepareOnDevice(StringRef name, ArrayRef<void *> descriptors);
  /// Runs `name` once.
  llvm::Error run(StringRef name, MutableArrayRef<HostTensor> inputs,
                  MutableArrayRef<HostTensor> results, HostTensor &workspace,
                  int32_t threads);

private:
  llvm::Expected<std::unique_ptr<JitCall>>
  prepareCall(const Twine &name, ArrayRef<void *> descriptors,
              std::optional<int32_t> threads, void *last);
  llvm::Error invoke(const Twine &name, ArrayRef<void *> descriptors,
                     std::optional<int32_t> threads, void *last);

  std::unique_ptr<ExecutionEngine> engine;
};

} // namespace mlir::dsa

#endif // DSA_EXECUTION_JIT_H
