/* fake_driver.c - a CUDA driver that does as the test says.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Linked with the runtime in place of `dlopen` and `dlsym`: for what the
 * emulator's driver cannot be, such as absent, old, of a chip that takes
 * cubins, or failing in a given function. It knows two devices, with a stream
 * each whose handle is 16 or 17, and keeps a log of the calls that load.
 */
#define _POSIX_C_SOURCE 200809L /* for barriers */

#include "CUDADriver.h"
#include "Libc.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What the test sets. */
int fakeIsThere = 1;
const char *fakeMissing = ""; /* a function that the library does not have */
const char *fakeFailing = ""; /* a function that returns... */
int fakeError = 0;            /* ...this, */
const char *fakeRefused = ""; /* or only for images that begin so */
int fakeMajor[2] = {8, 9}, fakeMinor[2] = {0, 0};
int fakeSharedBytes[2] = {166912, 232448};
int fakeCurrent = 0; /* the device of all threads' current context, or -1 */
int fakeIsCapturing = 0;
int fakeThreads = 0; /* that meet in cuLibraryLoadData, if not 0 */
pthread_barrier_t fakeBarrier;

/* What the test reads. */
char fakeLog[4096];
int fakeLibraries = 0, fakeContexts = 0, fakeLoads = 0, fakeOpened = 0;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *what, const char *text) {
  pthread_mutex_lock(&mutex);
  size_t length = strlen(fakeLog);
  snprintf(fakeLog + length, sizeof fakeLog - length, "%s %s\n", what, text);
  pthread_mutex_unlock(&mutex);
}

static CUresult fail(const char *function, const char *image) {
  if (strcmp(function, fakeFailing) != 0 ||
      strncmp(image, fakeRefused, strlen(fakeRefused)) != 0)
    return CUDA_SUCCESS;
  return fakeError;
}

CUresult cuInit(unsigned flags) { return flags ? 1 : fail("cuInit", ""); }

CUresult cuGetErrorName(CUresult error, const char **name) {
  if (error == 12345)
    return CUDA_ERROR_INVALID_VALUE;
  static _Thread_local char text[32];
  snprintf(text, sizeof text, "CUDA_ERROR_NUMBER_%d", error);
  *name = text;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  *count = 2;
  return fail("cuDeviceGetCount", "");
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  snprintf(name, (size_t)size, "Fake %d", device);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute,
                              CUdevice device) {
  *value = attribute == 75   ? fakeMajor[device]
           : attribute == 76 ? fakeMinor[device]
           : attribute == 97 ? fakeSharedBytes[device]
                             : -1;
  return fail("cuDeviceGetAttribute", "");
}

/* Of contexts and streams, the handle is 16 more than the device. */
static void *getHandle(int device) { return (void *)(16l + device); }
static int getDevice(const void *handle) { return (int)(long)handle - 16; }

/* What was pushed over the current context. */
static _Thread_local int stack[8];
static _Thread_local int depth;

int fakeDepth(void) { return depth; }

static int getCurrent(void) { return depth ? stack[depth - 1] : fakeCurrent; }

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  *context = (CUcontext)getHandle(device);
  CUresult error = fail("cuDevicePrimaryCtxRetain", "");
  __atomic_fetch_add(&fakeContexts, !error, __ATOMIC_SEQ_CST);
  return error;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  (void)device;
  __atomic_fetch_sub(&fakeContexts, 1, __ATOMIC_SEQ_CST);
  return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  CUresult error = fail("cuCtxPushCurrent", "");
  if (!error)
    stack[depth++] = getDevice(context);
  return error;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  *context = (CUcontext)getHandle(stack[--depth]);
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device) {
  *device = getCurrent();
  return *device < 0 ? CUDA_ERROR_INVALID_CONTEXT : fail("cuCtxGetDevice", "");
}

CUresult cuStreamGetCtx(CUstream stream, CUcontext *context) {
  if (!stream && getCurrent() < 0)
    return CUDA_ERROR_INVALID_CONTEXT;
  *context = (CUcontext)(stream ? (void *)stream : getHandle(getCurrent()));
  return fail("cuStreamGetCtx", "");
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status) {
  (void)stream;
  *status = fakeIsCapturing;
  return fail("cuStreamIsCapturing", "");
}

/* The handle of a library, and of its kernels, is the data of the image. */
CUresult cuLibraryLoadData(CUlibrary *library, const void *image,
                           CUjit_option *jitOptions, void **jitValues,
                           unsigned jitCount, CUlibraryOption *options,
                           void **values, unsigned count) {
  (void)jitOptions, (void)jitValues, (void)options, (void)values;
  if (jitCount || count)
    return CUDA_ERROR_INVALID_VALUE;
  if (fakeThreads)
    pthread_barrier_wait(&fakeBarrier);
  note("load", image);
  *library = (CUlibrary)image;
  CUresult error = fail("cuLibraryLoadData", image);
  if (!error) {
    __atomic_fetch_add(&fakeLoads, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&fakeLibraries, 1, __ATOMIC_SEQ_CST);
  }
  return error;
}

CUresult cuLibraryUnload(CUlibrary library) {
  (void)library;
  __atomic_fetch_sub(&fakeLibraries, 1, __ATOMIC_SEQ_CST);
  return CUDA_SUCCESS;
}

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library,
                            const char *name) {
  note("kernel", name);
  *kernel = (CUkernel)library;
  return fail("cuLibraryGetKernel", (const char *)library);
}

CUresult cuKernelGetFunction(CUfunction *function, CUkernel kernel) {
  *function = (CUfunction)kernel;
  return fail("cuKernelGetFunction", (const char *)kernel);
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value,
                              CUkernel kernel, CUdevice device) {
  char text[64];
  snprintf(text, sizeof text, "%d=%d on %d", attribute, value, device);
  note("attribute", text);
  return fail("cuKernelSetAttribute", (const char *)kernel);
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream,
                        void **parameters, void **extra) {
  char text[128];
  snprintf(text, sizeof text, "%.8s (%u,%u,%u) (%u,%u,%u) %u on %ld %d",
           (const char *)function, gridX, gridY, gridZ, blockX, blockY, blockZ,
           sharedBytes, (long)stream, *(int *)parameters[0]);
  note("launch", text);
  return extra ? CUDA_ERROR_INVALID_VALUE : fail("cuLaunchKernel", "");
}

void fakeMeet(int threads) {
  fakeThreads = threads;
  pthread_barrier_init(&fakeBarrier, NULL, (unsigned)threads);
}

void *fake_dlopen(const char *file, int mode) {
  ++fakeOpened;
  return fakeIsThere && !strcmp(file, "libcuda.so.1") && mode == RTLD_NOW
             ? &fakeIsThere
             : NULL;
}

void *fake_dlsym(void *library, const char *name) {
  if (library != &fakeIsThere || !strcmp(name, fakeMissing))
    return NULL;
#define DSA_FIND(result, function, parameters)                                 \
  if (!strcmp(name, #function))                                                \
    return (void *)function;
  DSA_CUDA_FUNCTIONS(DSA_FIND)
#undef DSA_FIND
  return NULL;
}

char *fake_dlerror(void) { return "libcuda.so.1: no such fake"; }
