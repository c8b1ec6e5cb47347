/* version.c - A host in C.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "dsa-c/DSA.h"

#include <stdio.h>

int main(void) {
  MlirContext context = dsaContextCreate(/*threadingEnabled=*/false);
  printf("dsa %s\n", dsaGetVersion());
  mlirContextDestroy(context);
  return 0;
}
