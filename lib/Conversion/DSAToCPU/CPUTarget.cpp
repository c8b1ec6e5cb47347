//===- CPUTarget.cpp - What kernels need to know of a CPU -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CPUTarget.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"
#include <unistd.h>

using namespace mlir;
using namespace mlir::dsa;

/// All features of the host, on and off, as LLVM writes them.
static std::string getHostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

/// What is asked for, else what the host says, else what is common.
static int64_t getCacheBytes(int64_t asked, bool host, unsigned level,
                             int64_t common) {
  if (asked > 0)
    return asked;
  long found = 0;
#ifdef _SC_LEVEL1_DCACHE_SIZE
  if (host)
    found =
        sysconf(level == 1 ? _SC_LEVEL1_DCACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
#endif
  return found > 0 ? found : common;
}

FailureOr<CPUTarget> CPUTarget::get(
    const CPUTargetOptions &options,
    llvm::function_ref<LogicalResult(const llvm::Twine &)> emitError) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargetMCs();

  for (auto [name, bytes] :
       {std::pair("l1-bytes", options.l1Bytes), {"l2-bytes", options.l2Bytes}})
    if (bytes < 0)
      return emitError(Twine(name) + " is " + Twine(bytes) +
                       ", but must be positive, or 0 for the host's");
  CPUTarget target;
  llvm::Triple host(llvm::sys::getProcessTriple());
  llvm::Triple triple(llvm::Triple::normalize(
      options.triple.empty() ? host.str() : options.triple));
  target.triple = triple.str();
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  bool x86 = triple.getArch() == llvm::Triple::x86_64;
  if (!backend || (!x86 && triple.getArch() != llvm::Triple::aarch64))
    return emitError("triple '" + options.triple +
                     "' is not of a CPU that kernels are made for: x86_64 or "
                     "aarch64");
  bool isHost = options.cpu == "host";
  if (isHost && triple.getArch() != host.getArch())
    return emitError("cpu=host is " + host.getArchName() +
                     ", but the triple asks for " + triple.getArchName() +
                     "; name the CPU too");
  target.cpu = isHost ? llvm::sys::getHostCPUName().str() : options.cpu;

  std::unique_ptr<llvm::MCSubtargetInfo> generic(
      backend->createMCSubtargetInfo(triple, "", ""));
  if (!generic->isCPUStringValid(target.cpu))
    return emitError(
        "cpu '" + target.cpu + "' is not one that LLVM knows for " +
        triple.getArchName() + "; `llc -march=... -mcpu=help` lists them");
  for (StringRef feature : llvm::split(options.features, ',')) {
    if (feature.empty())
      continue;
    StringRef name = feature.drop_front();
    bool known = (feature[0] == '+' || feature[0] == '-') &&
                 llvm::any_of(generic->getAllProcessorFeatures(),
                              [&](const auto &kv) { return kv.Key == name; });
    if (!known)
      return emitError("features has '" + feature +
                       "', but takes a list of +name and -name that LLVM knows "
                       "for " +
                       triple.getArchName() + ", such as -avx512bf16");
  }
  target.features = isHost ? getHostFeatures() : "";
  if (!options.features.empty())
    target.features += (target.features.empty() ? "" : ",") + options.features;

  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      backend->createMCSubtargetInfo(triple, target.cpu, target.features));
  auto has = [&](const char *feature) {
    return subtarget->checkFeatures(std::string("+") + feature);
  };
  if (x86 && !has("64bit"))
    return emitError("features '" + options.features +
                     "' turn off 64bit, which x86_64 needs");
  bool avx512 = x86 && has("avx512f") && has("avx512bw") && has("avx512vl") &&
                has("avx512dq");
  target.lanes = avx512 ? 16 : x86 && has("avx2") ? 8 : 4;
  target.registers = avx512 || !x86 ? 32 : 16;
  target.fma = x86 ? has("fma") && has("f16c") : has("neon");
  target.bf16Pairs = avx512 && has("avx512bf16");
  target.compress = avx512;
  target.byteTable = avx512 && has("avx512vbmi");
  target.l1Bytes =
      getCacheBytes(options.l1Bytes, isHost, /*level=*/1, 32 << 10);
  target.l2Bytes =
      getCacheBytes(options.l2Bytes, isHost, /*level=*/2, 512 << 10);
  return target;
}

std::string CPUTarget::str() const {
  return cpu + " (" + llvm::utostr(lanes) + " lanes" +
         (bf16Pairs ? ", bf16 pairs)" : ")");
}
