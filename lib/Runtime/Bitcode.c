/* Bitcode.c - what artefacts carry, as one translation unit.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
/* Every artefact carries these functions. Of those that one program links, one
 * copy serves all, so that there is one last error. */
#define DSA_RUNTIME_API __attribute__((visibility("default"), weak))

#include "Artefact.c"
#include "Features.c"
#include "GPU.c"
#include "Halves.c"
#include "Status.c"
