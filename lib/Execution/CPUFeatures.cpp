//===- CPUFeatures.cpp - What compiled code asks of a CPU -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tables hold the features that LLVM makes instructions of by itself.
// Others
// (`clflushopt`, `rdpid`, ...) have instructions for which a program has to
// ask.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/CPUFeatures.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"

using namespace mlir;
using namespace mlir::dsa;

// Registers of CPUID, in the order of lib/Runtime/Artefact.h.
static constexpr uint32_t eax = 0, ebx = 1, ecx = 2, edx = 3;
// State components of XCR0: xmm, ymm; mask and zmm; tiles; r16 to r31.
static constexpr uint64_t avxState = 0x6, avx512State = 0xe6,
                          amxState = 0x60000, apxState = 0x80000;

/// As Intel's and AMD's manuals number them under CPUID.
static constexpr CPUFeature x86Features[] = {
    {"sse3", 1, 0, ecx, 0, 0},
    {"pclmul", 1, 0, ecx, 1, 0},
    {"ssse3", 1, 0, ecx, 9, 0},
    {"cx16", 1, 0, ecx, 13, 0},
    {"sse4.1", 1, 0, ecx, 19, 0},
    {"sse4.2", 1, 0, ecx, 20, 0},
    {"movbe", 1, 0, ecx, 22, 0},
    {"popcnt", 1, 0, ecx, 23, 0},
    {"aes", 1, 0, ecx, 25, 0},
    {"fma", 1, 0, ecx, 12, avxState},
    {"avx", 1, 0, ecx, 28, avxState},
    {"f16c", 1, 0, ecx, 29, avxState},
    {"bmi", 7, 0, ebx, 3, 0},
    {"avx2", 7, 0, ebx, 5, avxState},
    {"bmi2", 7, 0, ebx, 8, 0},
    {"avx512f", 7, 0, ebx, 16, avx512State},
    {"avx512dq", 7, 0, ebx, 17, avx512State},
    {"adx", 7, 0, ebx, 19, 0},
    {"avx512ifma", 7, 0, ebx, 21, avx512State},
    {"avx512cd", 7, 0, ebx, 28, avx512State},
    {"sha", 7, 0, ebx, 29, 0},
    {"avx512bw", 7, 0, ebx, 30, avx512State},
    {"avx512vl", 7, 0, ebx, 31, avx512State},
    {"avx512vbmi", 7, 0, ecx, 1, avx512State},
    {"avx512vbmi2", 7, 0, ecx, 6, avx512State},
    {"gfni", 7, 0, ecx, 8, 0},
    {"vaes", 7, 0, ecx, 9, avxState},
    {"vpclmulqdq", 7, 0, ecx, 10, avxState},
    {"avx512vnni", 7, 0, ecx, 11, avx512State},
    {"avx512bitalg", 7, 0, ecx, 12, avx512State},
    {"avx512vpopcntdq", 7, 0, ecx, 14, avx512State},
    {"avx512vp2intersect", 7, 0, edx, 8, avx512State},
    {"amx-bf16", 7, 0, edx, 22, amxState},
    {"avx512fp16", 7, 0, edx, 23, avx512State},
    {"amx-tile", 7, 0, edx, 24, amxState},
    {"amx-int8", 7, 0, edx, 25, amxState},
    {"sha512", 7, 1, eax, 0, avxState},
    {"sm3", 7, 1, eax, 1, avxState},
    {"sm4", 7, 1, eax, 2, avxState},
    {"avxvnni", 7, 1, eax, 4, avxState},
    {"avx512bf16", 7, 1, eax, 5, avx512State},
    {"amx-fp16", 7, 1, eax, 21, amxState},
    {"avxifma", 7, 1, eax, 23, avxState},
    {"avxvnniint8", 7, 1, edx, 4, avxState},
    {"avxneconvert", 7, 1, edx, 5, avxState},
    {"amx-complex", 7, 1, edx, 8, amxState},
    {"avxvnniint16", 7, 1, edx, 10, avxState},
    {"egpr", 7, 1, edx, 21, apxState},
    {"push2pop2", 7, 1, edx, 21, apxState},
    {"ppx", 7, 1, edx, 21, apxState},
    {"ndd", 7, 1, edx, 21, apxState},
    {"ccmp", 7, 1, edx, 21, apxState},
    {"nf", 7, 1, edx, 21, apxState},
    {"cf", 7, 1, edx, 21, apxState},
    {"zu", 7, 1, edx, 21, apxState},
    {"sahf", 0x80000001, 0, ecx, 0, 0},
    {"lzcnt", 0x80000001, 0, ecx, 5, 0},
    {"sse4a", 0x80000001, 0, ecx, 6, 0},
    {"xop", 0x80000001, 0, ecx, 11, avxState},
    {"fma4", 0x80000001, 0, ecx, 16, avxState},
    {"tbm", 0x80000001, 0, ecx, 21, 0},
};
/// What CPUID tells as a version and not as a bit.
static constexpr StringLiteral unknownX86Features[] = {"avx10.2"};

// Entries of the auxiliary vector.
static constexpr uint32_t hwcap = 16, hwcap2 = 26;

/// As Linux numbers them in its interface for programs on AArch64.
static constexpr CPUFeature aarch64Features[] = {
    {"aes", hwcap, 0, 0, 3, 0},       {"sha2", hwcap, 0, 0, 6, 0},
    {"crc", hwcap, 0, 0, 7, 0},       {"lse", hwcap, 0, 0, 8, 0},
    {"fullfp16", hwcap, 0, 0, 10, 0}, {"rdm", hwcap, 0, 0, 12, 0},
    {"rcpc", hwcap, 0, 0, 15, 0},     {"sha3", hwcap, 0, 0, 17, 0},
    {"sm4", hwcap, 0, 0, 19, 0},      {"dotprod", hwcap, 0, 0, 20, 0},
    {"sve", hwcap, 0, 0, 22, 0},      {"fp16fml", hwcap, 0, 0, 23, 0},
    {"sve2", hwcap2, 0, 0, 1, 0},     {"i8mm", hwcap2, 0, 0, 13, 0},
    {"bf16", hwcap2, 0, 0, 14, 0},
};

llvm::Expected<SmallVector<CPUFeature>>
dsa::getCPUFeatures(const llvm::Triple &triple, StringRef cpu,
                    StringRef features) {
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return makeError(ExitUser, error);
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, cpu, features));
  auto has = [&](StringRef name) {
    return llvm::any_of(
        subtarget->getEnabledProcessorFeatures(),
        [&](const auto &feature) { return StringRef(feature.Key) == name; });
  };
  for (StringRef name : unknownX86Features)
    if (triple.isX86() && has(name))
      return makeError(ExitUser, "cpu '" + cpu + "' has " + name +
                                     ", which an artefact cannot look up when "
                                     "it runs; add --features=-" +
                                     name);
  ArrayRef<CPUFeature> known = aarch64Features;
  if (triple.isX86())
    known = x86Features;
  SmallVector<CPUFeature> found;
  for (const CPUFeature &feature : known)
    if (has(feature.name))
      found.push_back(feature);
  return found;
}
