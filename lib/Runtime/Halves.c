/* Halves.c - conversion of f16 where the CPU has no instruction for it.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * LLVM calls these two by their names, which are those of a compiler's own
 * library; artefacts do not depend on one. In integer arithmetic, and with the
 * bits that the instructions give: NaN keeps what fits of its payload and
 * becomes quiet.
 */
#include <stdint.h>

#define DSA_HIDDEN __attribute__((visibility("hidden"), weak, used))

DSA_HIDDEN float __extendhfsf2(_Float16 half);
DSA_HIDDEN _Float16 __truncsfhf2(float single);

float __extendhfsf2(_Float16 half) {
  uint16_t bits = __builtin_bit_cast(uint16_t, half);
  uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
  uint32_t magnitude = bits & 0x7fff;
  uint32_t result;
  if (magnitude >= 0x7c00) { /* infinity, NaN */
    uint32_t quiet = magnitude > 0x7c00 ? 0x400000 : 0;
    result = 0x7f800000 | quiet | (magnitude & 0x3ff) << 13;
  } else if (magnitude >= 0x400) {
    result = (magnitude << 13) + (uint32_t)(127 - 15) * 0x800000;
  } else if (magnitude) { /* magnitude * 2^-24 */
    uint32_t shift = (uint32_t)__builtin_clz(magnitude) - 21;
    result = ((magnitude << shift & 0x3ff) << 13) + (113 - shift) * 0x800000;
  } else {
    result = 0;
  }
  return __builtin_bit_cast(float, sign | result);
}

/* `value` / 2^`shift`, to the nearest, ties to even. */
static uint32_t shiftRounding(uint32_t value, uint32_t shift) {
  uint32_t below = ((uint32_t)1 << (shift - 1)) - 1;
  return (value + below + (value >> shift & 1)) >> shift;
}

_Float16 __truncsfhf2(float single) {
  uint32_t bits = __builtin_bit_cast(uint32_t, single);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  uint32_t result;
  if (magnitude > 0x7f800000) { /* NaN */
    result = 0x7e00 | (magnitude >> 13 & 0x3ff);
  } else if (magnitude >= 0x47800000) { /* 2^16 and more */
    result = 0x7c00;
  } else if (magnitude >= 0x38800000) { /* 2^-14 and more: a carry is right */
    result = shiftRounding(magnitude - (uint32_t)(127 - 15) * 0x800000, 13);
  } else if (magnitude >= 0x33000000) { /* 2^-25 and more: multiples of 2^-24 */
    uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
    result = shiftRounding(significand, 126 - (magnitude >> 23));
  } else {
    result = 0;
  }
  uint16_t half = (uint16_t)(sign | result);
  return __builtin_bit_cast(_Float16, half);
}
