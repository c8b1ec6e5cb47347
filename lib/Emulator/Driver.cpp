//===- Driver.cpp - Devices and contexts of the stand-in ------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <climits>
#include <cstdio>
#include <unistd.h>

using namespace dsa::emulator;

/// Of the calling thread, the current one last; null where none was.
static thread_local std::vector<Context *> contextStack;

Driver &Driver::get() {
  // Never destroyed, as the session.
  static Driver *driver = new Driver;
  return *driver;
}

bool Driver::isInitialized() const { return process == getpid(); }

const DeviceProperties *Driver::findDevice(CUdevice device) const {
  bool isThere =
      device >= 0 && static_cast<size_t>(device) < session.devices.size();
  return isThere ? session.devices[device] : nullptr;
}

Context *Driver::getCurrentContext() const {
  Context *current = contextStack.empty() ? nullptr : contextStack.back();
  return current && current->references > 0 ? current : nullptr;
}

CUresult Driver::getFailure() const {
  const Report &report = session.getReport();
  if (report.error.empty())
    return CUDA_SUCCESS;
  switch (report.failure) {
  case FailureKind::IllegalAddress:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case FailureKind::MisalignedAddress:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case FailureKind::None:
  case FailureKind::Other:
    break;
  }
  return CUDA_ERROR_LAUNCH_FAILED;
}

//===----------------------------------------------------------------------===//
// The driver itself
//===----------------------------------------------------------------------===//

DSA_EMULATOR_API CUresult cuInit(unsigned flags) {
  Driver &driver = Driver::get();
  std::lock_guard<std::mutex> lock(driver.session.mutex);
  if (flags)
    return CUDA_ERROR_INVALID_VALUE;
  // In a child of a process that uses CUDA there is no driver.
  if (driver.process && !driver.isInitialized())
    return CUDA_ERROR_NOT_INITIALIZED;
  driver.process = getpid();
  return CUDA_SUCCESS;
}

DSA_EMULATOR_API CUresult cuDriverGetVersion(int *version) {
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  *version = 13000;
  return CUDA_SUCCESS;
}

namespace {
struct ErrorText {
  CUresult error;
  const char *name, *text;
};
} // namespace

static const ErrorText *findError(CUresult error) {
  static constexpr ErrorText errors[] = {
      {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
      {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE",
       "invalid argument"},
      {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
      {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED",
       "initialization error"},
      {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE",
       "invalid device ordinal"},
      {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT",
       "invalid device context"},
      {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
       "no kernel image is available for execution on the device"},
      {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX",
       "a PTX JIT compilation failed"},
      {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE",
       "invalid resource handle"},
      {CUDA_ERROR_ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE",
       "the operation cannot be performed in the present state"},
      {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
      {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
       "an illegal memory access was encountered"},
      {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS",
       "misaligned address"},
      {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED",
       "unspecified launch failure"},
      {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
       "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
       "operation not permitted when stream is capturing"},
      {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
       "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
       "operation failed due to a previous error during capture"},
      {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
       "operation would make the legacy stream depend on a capturing blocking "
       "stream"}};
  for (const ErrorText &entry : errors)
    if (entry.error == error)
      return &entry;
  return nullptr;
}

DSA_EMULATOR_API CUresult cuGetErrorName(CUresult error, const char **name) {
  const ErrorText *found = findError(error);
  *name = found ? found->name : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

DSA_EMULATOR_API CUresult cuGetErrorString(CUresult error, const char **text) {
  const ErrorText *found = findError(error);
  *text = found ? found->text : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

DSA_EMULATOR_API CUresult cuDeviceGetCount(int *count) {
  return withDriver([&](Driver &driver) {
    *count = static_cast<int>(driver.session.devices.size());
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuDeviceGet(CUdevice *device, int number) {
  return withDriver([&](Driver &driver) {
    if (!driver.findDevice(number))
      return CUDA_ERROR_INVALID_DEVICE;
    *device = number;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuDeviceGetName(char *name, int size,
                                          CUdevice device) {
  return withDriver([&](Driver &driver) {
    const DeviceProperties *found = driver.findDevice(device);
    if (!found)
      return CUDA_ERROR_INVALID_DEVICE;
    std::snprintf(name, size, "emulated %s", found->target.data());
    return CUDA_SUCCESS;
  });
}

/// Stores an attribute. False for those that this driver does not have.
static bool getAttribute(const DeviceProperties &device,
                         CUdevice_attribute attribute, int &value) {
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    value = 1024;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    value = 64;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    value = INT_MAX;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    value = 65535;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    value = 48 << 10;
    return true;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    value = 32;
    return true;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    value = device.multiprocessors;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    value = device.threadsOfMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    value = device.major;
    return true;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    value = device.minor;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    value = device.sharedBytesOfMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    value = device.registersOfMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    value = device.sharedBytesOfBlock;
    return true;
  case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    value = 1 << 10;
    return true;
  default:
    return false;
  }
}

DSA_EMULATOR_API CUresult cuDeviceGetAttribute(int *value,
                                               CUdevice_attribute attribute,
                                               CUdevice device) {
  return withDriver([&](Driver &driver) {
    const DeviceProperties *found = driver.findDevice(device);
    if (!found)
      return CUDA_ERROR_INVALID_DEVICE;
    return getAttribute(*found, attribute, *value) ? CUDA_SUCCESS
                                                   : CUDA_ERROR_INVALID_VALUE;
  });
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

static CUcontext getHandle(Context *context) {
  return reinterpret_cast<CUcontext>(context);
}

/// Null for what is no handle of a context that is there.
static Context *findContext(Driver &driver, CUcontext handle) {
  for (auto &[device, context] : driver.contexts)
    if (getHandle(&context) == handle && context.references > 0)
      return &context;
  return nullptr;
}

DSA_EMULATOR_API CUresult cuDevicePrimaryCtxRetain(CUcontext *handle,
                                                   CUdevice device) {
  return withDriver([&](Driver &driver) {
    if (!driver.findDevice(device))
      return CUDA_ERROR_INVALID_DEVICE;
    Context &context = driver.contexts[device];
    context.device = device;
    ++context.references;
    *handle = getHandle(&context);
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return withDriver([&](Driver &driver) {
    auto found = driver.contexts.find(device);
    if (found == driver.contexts.end() || found->second.references == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    // With the context goes what was loaded into it.
    if (--found->second.references == 0)
      for (const auto &[handle, library] : driver.libraries)
        library->devices.erase(device);
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxGetCurrent(CUcontext *handle) {
  return withDriver([&](Driver &driver) {
    *handle = getHandle(driver.getCurrentContext());
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxSetCurrent(CUcontext handle) {
  return withDriver([&](Driver &driver) {
    Context *context = findContext(driver, handle);
    if (handle && !context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (!contextStack.empty())
      contextStack.pop_back();
    if (context)
      contextStack.push_back(context);
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return withDriver([&](Driver &driver) {
    Context *context = findContext(driver, handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    contextStack.push_back(context);
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
  return withDriver([&](Driver &) {
    if (contextStack.empty())
      return CUDA_ERROR_INVALID_CONTEXT;
    if (handle)
      *handle = getHandle(contextStack.back());
    contextStack.pop_back();
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxGetDevice(CUdevice *device) {
  return withDriver([&](Driver &driver) {
    Context *context = driver.getCurrentContext();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    *device = context->device;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuCtxSynchronize(void) {
  return withContext(
      [&](Driver &driver, Context &) { return driver.disturbCaptures(); });
}
