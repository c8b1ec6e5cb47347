//===- Pipelines.h - From dsa ops to the LLVM dialect -----------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_PIPELINES_H
#define DSA_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::dsa {

/// Leaves public functions without calls: what every pipeline begins with.
void addInlining(OpPassManager &pm);

struct ReferencePipelineOptions
    : PassPipelineOptions<ReferencePipelineOptions> {
  Option<std::string> accumulateType{
      *this, "accumulate-type",
      llvm::cl::desc("type of sums, exponentials and logarithms: f32 or f64"),
      llvm::cl::init("f32")};
  Option<bool> checked{
      *this, "checked",
      llvm::cl::desc("report indices that are out of range as status 3"),
      llvm::cl::init(false)};
};

/// Lowers a module of functions on ranked tensors to the LLVM dialect by way of
/// the ops' definitions: slow, and right.
void buildReferencePipeline(OpPassManager &pm,
                            const ReferencePipelineOptions &options);

struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> triple{
      *this, "triple",
      llvm::cl::desc("LLVM triple to make kernels for: x86_64 or aarch64; the "
                     "default is the host's"),
      llvm::cl::init("")};
  Option<std::string> cpu{
      *this, "cpu",
      llvm::cl::desc("LLVM name of the CPU to make kernels for, or host"),
      llvm::cl::init("host")};
  ListOption<std::string> features{
      *this, "features",
      llvm::cl::desc("LLVM features beside those of the CPU, such as "
                     "-avx512bf16")};
  Option<int64_t> l1Bytes{
      *this, "l1-bytes",
      llvm::cl::desc("bytes of a core's first-level data cache; 0 for the "
                     "host's, or 32768"),
      llvm::cl::init(0)};
  Option<int64_t> l2Bytes{
      *this, "l2-bytes",
      llvm::cl::desc("bytes of a core's second-level cache; 0 for the host's, "
                     "or 524288"),
      llvm::cl::init(0)};
  Option<int64_t> tileRows{
      *this, "tile-rows",
      llvm::cl::desc("query rows for which temporaries are held at once, at "
                     "least 1"),
      llvm::cl::init(256)};
  Option<bool> checked{
      *this, "checked",
      llvm::cl::desc("report indices that are out of range as status 3"),
      llvm::cl::init(false)};
};

/// Lowers a module of functions on ranked tensors to the LLVM dialect: kernels
/// for the ops that have one on the CPU, definitions for the others.
void buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options);

struct GPUPipelineOptions : PassPipelineOptions<GPUPipelineOptions> {
  Option<std::string> chip{
      *this, "chip",
      llvm::cl::desc("chip to make kernels for: sm_80, sm_86, sm_89, sm_90, "
                     "sm_100 or sm_120"),
      llvm::cl::init("sm_80")};
  ListOption<std::string> features{
      *this, "features",
      llvm::cl::desc(
          "the version of PTX, as in +ptx80; the default is +ptx78")};
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("what functions carry: ptx or cubin, or all for ptx and a "
                     "cubin for each generation of chips, or llvm to stop with "
                     "the LLVM IR of kernels"),
      llvm::cl::init("ptx")};
  Option<std::string> ptxas{
      *this, "ptxas",
      llvm::cl::desc("path of ptxas, for cubins; the default is that in "
                     "$CUDA_HOME/bin, or the first on PATH"),
      llvm::cl::init("")};
  Option<int64_t> smCount{
      *this, "sm-count",
      llvm::cl::desc("multiprocessors to divide few rows among; 0 for those of "
                     "the chip"),
      llvm::cl::init(0)};
  Option<bool> batchInvariant{
      *this, "batch-invariant",
      llvm::cl::desc("the bits of a row do not depend on how many rows there "
                     "are"),
      llvm::cl::init(false)};
  // Parameters of the schedule of attention; 0 is the default of each.
  Option<int64_t> heads{*this, "heads",
                        llvm::cl::desc("attention: heads of a block"),
                        llvm::cl::init(0)};
  Option<int64_t> keys{*this, "keys",
                       llvm::cl::desc("attention: keys of a tile"),
                       llvm::cl::init(0)};
  Option<int64_t> stages{*this, "stages",
                         llvm::cl::desc("attention: tiles in shared memory"),
                         llvm::cl::init(0)};
  Option<int64_t> querySteps{
      *this, "query-steps",
      llvm::cl::desc("attention: steps of 16 columns of the query that a warp "
                     "keeps in registers"),
      llvm::cl::init(0)};
  Option<int64_t> scorePasses{
      *this, "score-passes",
      llvm::cl::desc("attention: passes over the query per tile"),
      llvm::cl::init(0)};
  Option<int64_t> warps{*this, "warps",
                        llvm::cl::desc("attention: warps of a block"),
                        llvm::cl::init(0)};
};

/// Lowers a module of functions on ranked tensors to the LLVM dialect: code of
/// the host, with the kernels that it launches as an image inside.
void buildGPUPipeline(OpPassManager &pm, const GPUPipelineOptions &options);

/// Registers `dsa-reference-pipeline`, `dsa-cpu-pipeline` and
/// `dsa-gpu-pipeline`.
void registerPipelines();

} // namespace mlir::dsa

#endif // DSA_PIPELINES_H
