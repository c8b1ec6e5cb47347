/* Artefact.h - what a compiled artefact says of its functions.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The compiler writes these tables as constants (lib/Execution/Wrappers.cpp,
 * which has to lay them out as they are here) and one wrapper per function,
 * which calls `dsa_enter`, the compiled function, and `dsa_leave`.
 */
#ifndef DSA_LIB_RUNTIME_ARTEFACT_H
#define DSA_LIB_RUNTIME_ARTEFACT_H

#include "GPU.h"

#include "dsa-c/Runtime.h"

#include <dlpack/dlpack.h>
#include <stdint.h>

/* A tensor that a function takes. */
struct dsa_argument {
  const char *name;       /* `argument 0 (q)`, for messages */
  const char *type;       /* `bfloat16` */
  const int64_t *extents; /* -1 where any is right */
  int32_t rank;
  int32_t code;   /* of DLDataType; any is right where elements are bytes */
  int32_t bits;   /* of an element */
  int32_t unused; /* whether its elements are never read */
};

/* A feature of a CPU. On x86-64 bit `bit` of register `place` (0 eax to 3 edx)
 * of CPUID's leaf; and the state components `state` of XCR0, which the kernel
 * has to have switched on. On AArch64 bit `bit` of the auxiliary vector's entry
 * `leaf`. */
struct dsa_feature {
  const char *name;
  uint32_t leaf, subleaf, place, bit;
  uint64_t state;
};

/* What the functions are compiled for: an image. */
struct dsa_target {
  const char *name;     /* `cpu` */
  const char *baseline; /* `znver4` */
  int32_t device;       /* DLDeviceType of all tensors */
  /* What a CPU has to have. */
  int32_t featureCount;
  const struct dsa_feature *features;
  const struct dsa_gpu_program *program; /* of a GPU, or null */
};

struct dsa_artefact {
  const struct dsa_target *targets; /* the preferred one first */
  int64_t targetCount;
  const struct dsa_gpu_functions *gpu; /* null without a target of GPUs */
};

enum dsa_entry { DSA_ENTRY_RUN, DSA_ENTRY_SHAPES, DSA_ENTRY_WORKSPACE };

struct dsa_function {
  const char *name;
  const struct dsa_artefact *artefact;
  const struct dsa_argument *arguments; /* inputs, then results */
  int64_t inputCount, resultCount;
  int64_t extentCount;  /* of all results together */
  void *const *entries; /* three of each target */
};

/* Checks the tensors of a call and describes them: `descriptors` gets for each
 * the words of a memref descriptor, pointer, pointer, offset, extents, strides,
 * one after the other. `tensors` are the inputs; for DSA_ENTRY_RUN then the
 * results and the workspace, and `last` is the stream; otherwise `last` is
 * where the answer goes, whose descriptor comes last. `*function` is what to
 * call with them, that of the first target which runs on the device of the
 * tensors. For DSA_ENTRY_RUN it also takes `call` where `call->program` is not
 * null afterwards; the other entries have no use for `call`. Returns a status.
 */
int32_t dsa_enter(const struct dsa_function *self, enum dsa_entry entry,
                  const DLTensor *const *tensors, const void *last,
                  int64_t *descriptors, void **function,
                  struct dsa_gpu_call *call);

/* The status of a call whose function returned `status`, after naming the
 * argument in the message that it recorded. `call` may be null. */
int32_t dsa_leave(const struct dsa_function *self, int32_t status,
                  const struct dsa_gpu_call *call);

/* Prepares the functions for GPU number `device`. Returns a status. */
int32_t dsa_prepare(const struct dsa_artefact *artefact, int32_t device);

/* The first feature of `target` that this CPU does not have, or null. */
const struct dsa_feature *dsa_missing_feature(const struct dsa_target *target);

#endif /* DSA_LIB_RUNTIME_ARTEFACT_H */
