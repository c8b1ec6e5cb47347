//===- Kernel.h - Our kernel of a case --------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_BENCH_KERNEL_H
#define DSA_BENCH_KERNEL_H

#include "Inputs.h"

#include "dsa/Execution/Jit.h"

namespace mlir::dsa::bench {

/// What is measured unless the user names another pipeline.
extern const llvm::StringLiteral defaultPipeline;

/// `ExitUser` if `pipeline` is not the text of one.
llvm::Error checkPipeline(llvm::StringRef pipeline, MLIRContext &context);

/// The compiled function of a case, with tensors for all of its arguments.
class Kernel {
public:
  /// `compileCount`: so often it is compiled, from the text on, and timed.
  static llvm::Expected<std::unique_ptr<Kernel>>
  create(const Case &c, llvm::StringRef pipeline, Pages pages,
         unsigned compileCount, MLIRContext &context);

  llvm::Error run() { return call->run(); }

  const Case &getCase() const { return kernelCase; }
  llvm::ArrayRef<double> getCompileSeconds() const { return compileSeconds; }
  /// The case has an argument of that role.
  HostTensor &getInput(Role role);
  HostTensor &getResult(unsigned index) { return results[index]; }
  /// Of all arguments and results.
  int64_t getBytes();
  /// A checksum of each argument, by name: another program with the same
  /// inputs has the same.
  std::vector<std::pair<std::string, uint32_t>> getChecksums();

private:
  Kernel(const Case &c) : kernelCase(c) {}
  llvm::Error compile(llvm::StringRef pipeline, MLIRContext &context);

  Case kernelCase;
  std::vector<double> compileSeconds;
  std::unique_ptr<Jit> jit;
  std::vector<HostTensor> inputs, results;
  std::optional<HostTensor> workspace;
  int64_t workspaceBytes = 0;
  std::unique_ptr<JitCall> call;
};

} // namespace mlir::dsa::bench

#endif // DSA_BENCH_KERNEL_H
