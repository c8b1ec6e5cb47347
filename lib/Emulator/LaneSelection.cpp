//===- LaneSelection.cpp - Code for the host that runs it -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneSelection.h"

using namespace dsa::emulator;

// What Lanes/Lanes.h declares in each namespace.
#define DSA_DECLARE_LANES(isa)                                                 \
  namespace dsa::emulator::isa {                                               \
  LaneHandler selectInteger(const LaneOperation &);                            \
  LaneHandler selectBits(const LaneOperation &);                               \
  LaneHandler selectFloat(const LaneOperation &);                              \
  LaneHandler selectCompare(const LaneOperation &);                            \
  LaneHandler selectMove(const LaneOperation &);                               \
  LaneHandler selectConversion(const LaneOperation &);                         \
  LaneHandler selectMatrix(const LaneOperation &);                             \
  static constexpr LaneHandler (*selectors[])(const LaneOperation &) = {       \
      selectInteger, selectBits,       selectFloat, selectCompare,             \
      selectMove,    selectConversion, selectMatrix};                          \
  }

DSA_DECLARE_LANES(baseline)
#ifdef DSA_EMULATOR_X86
DSA_DECLARE_LANES(avx2)
DSA_DECLARE_LANES(avx512)
#endif
#undef DSA_DECLARE_LANES

template <size_t number>
static LaneHandler
selectFirst(LaneHandler (*const (&selectors)[number])(const LaneOperation &),
            const LaneOperation &operation) {
  for (auto selector : selectors)
    if (LaneHandler handler = selector(operation))
      return handler;
  return nullptr;
}

LaneHandler dsa::emulator::selectLanes(HostISA isa,
                                       const LaneOperation &operation) {
#ifdef DSA_EMULATOR_X86
  if (isa == HostISA::AVX512)
    return selectFirst(avx512::selectors, operation);
  if (isa == HostISA::AVX2)
    return selectFirst(avx2::selectors, operation);
#endif
  return selectFirst(baseline::selectors, operation);
}

HostISA dsa::emulator::getHostISA() {
#ifdef DSA_EMULATOR_X86
  if (__builtin_cpu_supports("x86-64-v4"))
    return HostISA::AVX512;
  if (__builtin_cpu_supports("x86-64-v3"))
    return HostISA::AVX2;
#endif
  return HostISA::Baseline;
}

std::string_view dsa::emulator::getName(HostISA isa) {
  return isa == HostISA::AVX512 ? "avx512"
         : isa == HostISA::AVX2 ? "avx2"
                                : "baseline";
}
