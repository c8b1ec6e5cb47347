/* Libc.h - what the runtime takes from the C library.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Declared here, as the C standard permits, and not by the library's headers:
 * the runtime is compiled for each architecture that artefacts are made for,
 * and the headers of the others are not there.
 */
#ifndef DSA_LIB_RUNTIME_LIBC_H
#define DSA_LIB_RUNTIME_LIBC_H

#include <stddef.h>
#include <stdint.h>

int snprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* In libc.so.6 since version 2.34 of glibc. */
enum { RTLD_NOW = 2 }; /* on Linux, for all architectures of artefacts */
void *dlopen(const char *file, int mode);
void *dlsym(void *library, const char *name);
char *dlerror(void);

#endif /* DSA_LIB_RUNTIME_LIBC_H */
