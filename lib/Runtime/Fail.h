/* Fail.h - messages of the runtime, put together.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#ifndef DSA_LIB_RUNTIME_FAIL_H
#define DSA_LIB_RUNTIME_FAIL_H

#include "Libc.h"

#include "dsa-c/Runtime.h"

#include <stdarg.h>

int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

/* Records the text as the last failure. Returns `status`. */
__attribute__((format(printf, 2, 3))) static int32_t
fail(int32_t status, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return dsa_fail_text(status, text);
}

#endif /* DSA_LIB_RUNTIME_FAIL_H */
