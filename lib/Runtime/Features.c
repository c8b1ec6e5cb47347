/* Features.c - what the CPU at hand can do.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Which features, and where they are found, is the compiler's knowledge
 * (lib/Execution/CPUFeatures.cpp); here is only how to look.
 */
#include "Artefact.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The state components that the kernel saves for programs: without, an
 * instruction that needs one traps, whatever CPUID says. */
static uint64_t getEnabledState(void) {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static int hasFeature(const struct dsa_feature *feature) {
  unsigned registers[4];
  if (!__get_cpuid_count(feature->leaf, feature->subleaf, &registers[0],
                         &registers[1], &registers[2], &registers[3]))
    return 0;
  if (!(registers[feature->place] >> feature->bit & 1))
    return 0;
  return !feature->state ||
         (getEnabledState() & feature->state) == feature->state;
}

#elif defined(__aarch64__)
unsigned long getauxval(unsigned long type);

static int hasFeature(const struct dsa_feature *feature) {
  return getauxval(feature->leaf) >> feature->bit & 1;
}

#else
#error "features of this architecture are not known"
#endif

const struct dsa_feature *dsa_missing_feature(const struct dsa_target *target) {
  for (int32_t i = 0; i < target->featureCount; ++i)
    if (!hasFeature(&target->features[i]))
      return &target->features[i];
  return NULL;
}
