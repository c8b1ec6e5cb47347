/* Runtime.h - status codes and the last error of compiled dsa functions.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiled function returns one of the codes below. The functions named
 * dsa_fail_* are what the compiled code calls: each stores what went wrong in
 * one thread-local record, the only state there is, and returns the code that
 * its caller hands on. None of them allocates, prints or aborts.
 */
#ifndef DSA_C_RUNTIME_H
#define DSA_C_RUNTIME_H

#include <stdint.h>

#if defined(__GNUC__)
#define DSA_RUNTIME_API __attribute__((visibility("default")))
#else
#define DSA_RUNTIME_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a compiled function returns. */
enum {
  DSA_STATUS_OK = 0,        /* the results are complete */
  DSA_STATUS_ARGUMENT = 1,  /* an extent or a stride does not fit */
  DSA_STATUS_WORKSPACE = 2, /* the workspace is too small */
  DSA_STATUS_INDEX = 3,     /* a checked index is out of range */
  DSA_STATUS_DEVICE = 4,    /* the device or its driver failed */
  DSA_STATUS_PREPARE = 5    /* the function has to be prepared first */
};

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

/* The last failure recorded on the calling thread as one line of text, or ""
 * if there was none. Like errno, the record is not cleared by a success: read
 * it when a function returned a status other than DSA_STATUS_OK. The text is
 * valid until the next call on the same thread. */
DSA_RUNTIME_API const char *dsa_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* DSA_C_RUNTIME_H */
