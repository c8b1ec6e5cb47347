/* Runtime.h - how compiled dsa functions record failures.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiled function returns one of the codes of Status.h. The functions named
 * dsa_fail_* are what the compiled code calls: each stores what went wrong in
 * one thread-local record and returns the code that its caller hands on. None
 * of them allocates, prints or aborts.
 */
#ifndef DSA_C_RUNTIME_H
#define DSA_C_RUNTIME_H

#include "dsa-c/Status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Dimension `dimension` of argument `argument` is `found` and has to be
 * `expected`. Arguments are counted from 0, inputs first, then results.
 * Returns DSA_STATUS_ARGUMENT. */
DSA_RUNTIME_API int32_t dsa_fail_extent(int64_t argument, int64_t dimension,
                                        int64_t found, int64_t expected);

/* Dimension `dimension` of argument `argument` has the stride `found`, in
 * elements, and has to have stride 1; or it is a result with stride 0, whose
 * elements would overlap. Returns DSA_STATUS_ARGUMENT. */
DSA_RUNTIME_API int32_t dsa_fail_stride(int64_t argument, int64_t dimension,
                                        int64_t found);

/* The workspace has `found` bytes and has to have `required`.
 * Returns DSA_STATUS_WORKSPACE. */
DSA_RUNTIME_API int32_t dsa_fail_workspace(int64_t found, int64_t required);

/* The index at (`row`, `slot`) is `value` and has to lie in [0, `bound`).
 * Returns DSA_STATUS_INDEX. */
DSA_RUNTIME_API int32_t dsa_fail_index(int64_t row, int64_t slot, int64_t value,
                                       int64_t bound);

/* What went wrong is `text`, of which 255 bytes are kept. Returns `status`. */
DSA_RUNTIME_API int32_t dsa_fail_text(int32_t status, const char *text);

/* If the last failure is of argument `argument`, its message calls it `name`,
 * of which 95 bytes are kept. */
DSA_RUNTIME_API void dsa_name_argument(int64_t argument, const char *name);

#ifdef __cplusplus
}
#endif

#endif /* DSA_C_RUNTIME_H */
