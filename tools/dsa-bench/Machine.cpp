//===- Machine.cpp - What the measurements ran on ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace mlir::dsa::bench;

StringRef mlir::dsa::bench::getName(Isa isa) {
  switch (isa) {
  case Isa::Other:
    return "other";
  case Isa::AVX2:
    return "avx2";
  case Isa::AVX512:
    return "avx512";
  case Isa::AVX512BF16:
    return "avx512bf16";
  }
  llvm_unreachable("all kinds are listed");
}

Isa mlir::dsa::bench::getHostIsa() {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return Isa::Other;
  if (!__builtin_cpu_supports("avx512f"))
    return Isa::AVX2;
  return __builtin_cpu_supports("avx512bf16") ? Isa::AVX512BF16 : Isa::AVX512;
#else
  return Isa::Other;
#endif
}

/// The text of a file of the system; empty if there is none.
static std::string readSystemFile(StringRef path) {
  auto buffer = MemoryBuffer::getFileAsStream(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// The value of the first line `key : value`.
static StringRef findValue(StringRef text, StringRef key) {
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    auto [name, value] = line.split(':');
    if (name.trim() == key)
      return value.trim();
  }
  return "";
}

json::Object mlir::dsa::bench::describeMachine() {
  std::string info = readSystemFile("/proc/cpuinfo");
  SmallVector<std::string> features;
  for (const auto &feature : sys::getHostCPUFeatures())
    if (feature.second)
      features.push_back(feature.first().str());
  llvm::sort(features);
  double load = 0;
  getloadavg(&load, 1);
  StringRef chip = findValue(info, "model name");
  return json::Object{
      {"chip", chip.empty() ? "unnamed" : chip.str()},
      {"cpu", sys::getHostCPUName()},
      {"family", findValue(info, "cpu family").str()},
      {"model", findValue(info, "model").str()},
      {"features", join(features, ",")},
      {"isa", getName(getHostIsa())},
      {"cores", static_cast<int64_t>(std::thread::hardware_concurrency())},
      {"l1d_bytes", static_cast<int64_t>(sysconf(_SC_LEVEL1_DCACHE_SIZE))},
      {"l2_bytes", static_cast<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE))},
      {"l3_bytes", static_cast<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE))},
      {"transparent_huge_pages",
       StringRef(readSystemFile("/sys/kernel/mm/transparent_hugepage/enabled"))
           .trim()
           .str()},
      {"load", load},
  };
}

int64_t mlir::dsa::bench::getHugePageBytes() {
  std::string rollup = readSystemFile("/proc/self/smaps_rollup");
  StringRef value = findValue(rollup, "AnonHugePages");
  int64_t kibibytes;
  if (!value.consume_back("kB") || value.trim().getAsInteger(10, kibibytes))
    return -1;
  return kibibytes * 1024;
}
