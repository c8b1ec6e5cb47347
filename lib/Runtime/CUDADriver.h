/* CUDADriver.h - what this project uses of the CUDA driver's API.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Typed from the public documentation of the API, with its names: functions and
 * numbers that are used here and no others. NVIDIA's header is not needed to
 * build the project, nor is its library.
 */
#ifndef DSA_LIB_RUNTIME_CUDADRIVER_H
#define DSA_LIB_RUNTIME_CUDADRIVER_H

#include <stddef.h>

typedef int CUresult;
enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906
};

/* Addresses of a device's memory. */
typedef unsigned long long CUdeviceptr;
typedef int CUdevice;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUmod_st *CUmodule;
typedef struct CUlib_st *CUlibrary;
typedef struct CUkern_st *CUkernel;
typedef struct CUfunc_st *CUfunction;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

typedef int CUdevice_attribute;
enum {
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
  CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X = 2,
  CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y = 3,
  CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z = 4,
  CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X = 5,
  CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y = 6,
  CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z = 7,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
  CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
  CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK = 12,
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR = 39,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
  CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR = 82,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK = 111
};

typedef int CUfunction_attribute;
enum {
  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};

/* A stream that does not wait for the default one, nor that for it. */
enum { CU_STREAM_DEFAULT = 0, CU_STREAM_NON_BLOCKING = 1 };

typedef int CUstreamCaptureMode;
enum {
  CU_STREAM_CAPTURE_MODE_GLOBAL = 0,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
  CU_STREAM_CAPTURE_MODE_RELAXED = 2
};

typedef int CUstreamCaptureStatus;
enum {
  CU_STREAM_CAPTURE_STATUS_NONE = 0,
  CU_STREAM_CAPTURE_STATUS_ACTIVE = 1,
  CU_STREAM_CAPTURE_STATUS_INVALIDATED = 2
};

/* Of libraries only the defaults are used, so that of their options no more
 * than the type of the pointers is here. */
typedef int CUjit_option;
typedef int CUlibraryOption;

/* What the runtime calls, as X(result, name, parameters). */
#define DSA_CUDA_FUNCTIONS(X)                                                  \
  X(CUresult, cuInit, (unsigned flags))                                        \
  X(CUresult, cuGetErrorName, (CUresult error, const char **name))             \
  X(CUresult, cuDeviceGetCount, (int *count))                                  \
  X(CUresult, cuDeviceGetName, (char *name, int size, CUdevice device))        \
  X(CUresult, cuDeviceGetAttribute,                                            \
    (int *value, CUdevice_attribute attribute, CUdevice device))               \
  X(CUresult, cuDevicePrimaryCtxRetain,                                        \
    (CUcontext * context, CUdevice device))                                    \
  X(CUresult, cuDevicePrimaryCtxRelease_v2, (CUdevice device))                 \
  X(CUresult, cuCtxPushCurrent_v2, (CUcontext context))                        \
  X(CUresult, cuCtxPopCurrent_v2, (CUcontext * context))                       \
  X(CUresult, cuCtxGetDevice, (CUdevice * device))                             \
  X(CUresult, cuStreamGetCtx, (CUstream stream, CUcontext * context))          \
  X(CUresult, cuStreamIsCapturing,                                             \
    (CUstream stream, CUstreamCaptureStatus * status))                         \
  X(CUresult, cuLibraryLoadData,                                               \
    (CUlibrary * library, const void *image, CUjit_option *jitOptions,         \
     void **jitValues, unsigned jitCount, CUlibraryOption *options,            \
     void **values, unsigned count))                                           \
  X(CUresult, cuLibraryUnload, (CUlibrary library))                            \
  X(CUresult, cuLibraryGetKernel,                                              \
    (CUkernel * kernel, CUlibrary library, const char *name))                  \
  X(CUresult, cuKernelGetFunction, (CUfunction * function, CUkernel kernel))   \
  X(CUresult, cuKernelSetAttribute,                                            \
    (CUfunction_attribute attribute, int value, CUkernel kernel,               \
     CUdevice device))                                                         \
  X(CUresult, cuLaunchKernel,                                                  \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,      \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     CUstream stream, void **parameters, void **extra))

#endif /* DSA_LIB_RUNTIME_CUDADRIVER_H */
