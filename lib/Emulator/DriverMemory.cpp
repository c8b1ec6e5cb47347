//===- DriverMemory.cpp - Memory of the stand-in's devices ----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All devices see all memory, which is that of this process.
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <cstring>

using namespace dsa::emulator;

/// Of all devices together.
static constexpr size_t capacity = size_t(16) << 30;

static void *getPointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(address);
}

/// Whether the bytes are in one buffer.
static bool isInBuffer(const Session &session, CUdeviceptr address,
                       size_t bytes) {
  const GlobalMemory::Buffer *buffer = session.memory.find(address);
  return buffer && bytes <= buffer->end - address;
}

DSA_EMULATOR_API CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  return withContext([&](Driver &driver, Context &) {
    *free = capacity - driver.allocatedBytes;
    *total = capacity;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  return withContext([&](Driver &driver, Context &) -> CUresult {
    if (bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = driver.disturbCaptures())
      return error;
    void *memory = nullptr;
    if (bytes <= capacity - driver.allocatedBytes)
      memory = driver.session.memory.allocate(
          bytes, "an allocation of " + std::to_string(bytes) + " bytes");
    if (!memory)
      return CUDA_ERROR_OUT_OF_MEMORY;
    driver.allocatedBytes += bytes;
    *address = reinterpret_cast<CUdeviceptr>(memory);
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuMemFree_v2(CUdeviceptr address) {
  return withContext([&](Driver &driver, Context &) -> CUresult {
    if (!address)
      return CUDA_SUCCESS;
    if (CUresult error = driver.disturbCaptures())
      return error;
    const GlobalMemory::Buffer *buffer = driver.session.memory.find(address);
    if (!buffer || !buffer->owned || buffer->begin != address)
      return CUDA_ERROR_INVALID_VALUE;
    driver.allocatedBytes -= buffer->end - buffer->begin;
    driver.session.memory.free(getPointer(address));
    return CUDA_SUCCESS;
  });
}

/// Runs `body` on memory of the device, in order of the default stream.
template <typename Body>
static CUresult accessMemory(CUdeviceptr address, size_t bytes, Body body) {
  return withContext([&](Driver &driver, Context &) -> CUresult {
    if (CUresult error = driver.useDefaultStream())
      return error;
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (!isInBuffer(driver.session, address, bytes))
      return CUDA_ERROR_INVALID_VALUE;
    body(getPointer(address));
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from,
                                          size_t bytes) {
  return accessMemory(to, bytes,
                      [&](void *memory) { std::memcpy(memory, from, bytes); });
}

DSA_EMULATOR_API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from,
                                          size_t bytes) {
  return accessMemory(from, bytes,
                      [&](void *memory) { std::memcpy(to, memory, bytes); });
}

DSA_EMULATOR_API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value,
                                        size_t bytes) {
  return accessMemory(to, bytes,
                      [&](void *memory) { std::memset(memory, value, bytes); });
}
