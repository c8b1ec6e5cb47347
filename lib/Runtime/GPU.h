/* GPU.h - what compiled functions of a GPU call.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A function that is compiled for a GPU is code of the host, as one for a CPU,
 * with one more parameter behind the others, `struct dsa_gpu_call *`. It
 * computes addresses, extents and grids, and launches kernels on the stream of
 * the call. The kernels are in a program: the same kernels as images for
 * several chips, of which one is loaded for each device.
 *
 * The compiler writes programs, images and kernels as constants, laid out as
 * they are here.
 *
 * Nothing here allocates memory of a device, waits for one, or takes a lock;
 * once a program is prepared for a device, its launches can be captured.
 */
#ifndef DSA_LIB_RUNTIME_GPU_H
#define DSA_LIB_RUNTIME_GPU_H

#include "dsa-c/Runtime.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dsa_gpu_image_kind { DSA_GPU_CUBIN, DSA_GPU_PTX };

/* The kernels of a program, for chips of one kind. A cubin runs on chips of
 * its major version with its minor version or a higher one; PTX on all chips
 * of its version or a higher one. */
struct dsa_gpu_image {
  const char *name;     /* `sm_80` of a cubin, `compute_80` of PTX */
  const void *data;     /* PTX ends in a zero byte */
  int32_t kind;         /* enum dsa_gpu_image_kind */
  int32_t major, minor; /* of the version: 8 and 0 */
  int32_t unused;       /* 0 */
};

struct dsa_gpu_kernel {
  const char *name;    /* in each image */
  int32_t sharedBytes; /* of dynamic shared memory, the most a launch asks */
  int32_t unused;      /* 0 */
};

/* How many devices a program keeps its state for. */
#define DSA_GPU_DEVICES 64

/* Of these words, zeros at first, one is for each device and
 * `1 + kernelCount` are for each image. */
#define DSA_GPU_STATE_WORDS(imageCount, kernelCount)                           \
  (DSA_GPU_DEVICES + (imageCount) * (1 + (kernelCount)))

struct dsa_gpu_program {
  const struct dsa_gpu_image *images; /* in any order */
  const struct dsa_gpu_kernel *kernels;
  void **state; /* DSA_GPU_STATE_WORDS(imageCount, kernelCount) words */
  int32_t imageCount, kernelCount;
};

/* A call of a compiled function, on the stack of who calls it. */
struct dsa_gpu_call {
  const struct dsa_gpu_program *program;
  void *stream;   /* CUstream of the caller, or null for the default stream */
  void **kernels; /* CUkernel of each kernel, for this device */
  int32_t device; /* its number, as in the driver */
  int32_t status; /* of the first failure, whose text is recorded */
};

/*===----------------------------------------------------------------------===*/
/* For compiled functions                                                     */
/*===----------------------------------------------------------------------===*/

/* Launches kernel number `kernel` of the program on `x * y * z` blocks of
 * `threads` threads with `sharedBytes` of dynamic shared memory. `parameters`
 * points to the address of each of its parameters. Does nothing for a grid
 * without blocks, and after a failure. */
void dsa_gpu_launch(struct dsa_gpu_call *call, int32_t kernel, int64_t x,
                    int64_t y, int64_t z, int32_t threads, int32_t sharedBytes,
                    void **parameters);

/* A failure unless `value` is a multiple of `multiple`: DSA_STATUS_ARGUMENT,
 * "keys: its row stride in bytes is 1150, expected a multiple of 16" where
 * `what` is "keys: its row stride in bytes". Does nothing after a failure. */
void dsa_gpu_check_aligned(struct dsa_gpu_call *call, int64_t value,
                           int64_t multiple, const char *what);

/* The like unless `value` is `expected`: "keys: the stride in bytes of its
 * dimension 1 is 4, expected 2". */
void dsa_gpu_check_equal(struct dsa_gpu_call *call, int64_t value,
                         int64_t expected, const char *what);

/*===----------------------------------------------------------------------===*/
/* For wrappers                                                               */
/*===----------------------------------------------------------------------===*/

/* Whether device number `device` can run the program: DSA_STATUS_OK, or
 * DSA_STATUS_DEVICE with what it has and what the program needs. */
int32_t dsa_gpu_fits(const struct dsa_gpu_program *program, int32_t device);

/* Loads the best image for `device`, and lets its kernels have their shared
 * memory. Works in the current context if that is one of the device, and else
 * in its primary context, which is retained. Returns a status. */
int32_t dsa_gpu_prepare(const struct dsa_gpu_program *program, int32_t device);

/* Begins a call on `stream`, which has to be a stream of `device`; on the
 * default stream, the current context has to be one of it. Prepares the program
 * if that was not done for the device yet, or returns DSA_STATUS_PREPARE if the
 * stream is being captured. Returns the status that it stores in `call`. */
int32_t dsa_gpu_begin(struct dsa_gpu_call *call,
                      const struct dsa_gpu_program *program, void *stream,
                      int32_t device);

/* The three as one. Artefacts with code for a GPU point to it, so that others
 * do not carry what is behind it, and ask nothing more of the C library. */
struct dsa_gpu_functions {
  int32_t (*fits)(const struct dsa_gpu_program *program, int32_t device);
  int32_t (*prepare)(const struct dsa_gpu_program *program, int32_t device);
  int32_t (*begin)(struct dsa_gpu_call *call,
                   const struct dsa_gpu_program *program, void *stream,
                   int32_t device);
};
extern const struct dsa_gpu_functions dsa_gpu_functions;

#ifdef __cplusplus
}
#endif

#endif /* DSA_LIB_RUNTIME_GPU_H */
