/* last-error.c - A caller of compiled functions asks why one failed.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "dsa-c/Runtime.h"

#include <stdio.h>

int main(void) {
  /* As the compiled function does. */
  int32_t status = dsa_fail_workspace(64, 128);
  if (status != DSA_STATUS_OK)
    puts(dsa_last_error());
  return 0;
}
