/* Status.h - what compiled dsa functions return.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The headers that dsa-compile writes contain this text.
 */
#ifndef DSA_C_STATUS_H
#define DSA_C_STATUS_H

#ifndef DSA_RUNTIME_API
#if defined(__GNUC__)
#define DSA_RUNTIME_API __attribute__((visibility("default")))
#else
#define DSA_RUNTIME_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a compiled function returns. */
enum {
  DSA_STATUS_OK = 0,        /* the results are complete */
  DSA_STATUS_ARGUMENT = 1,  /* an argument does not fit */
  DSA_STATUS_WORKSPACE = 2, /* the workspace is too small */
  DSA_STATUS_INDEX = 3,     /* a checked index is out of range */
  DSA_STATUS_DEVICE = 4,    /* the device cannot run the function, or failed */
  DSA_STATUS_PREPARE = 5    /* the function has to be prepared first */
};

/* The last failure recorded on the calling thread as one line of text, or ""
 * if there was none. Like errno, the record is not cleared by a success: read
 * it when a function returned a status other than DSA_STATUS_OK. The text is
 * valid until the next call on the same thread. */
DSA_RUNTIME_API const char *dsa_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* DSA_C_STATUS_H */
