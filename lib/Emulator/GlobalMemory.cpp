//===- GlobalMemory.cpp - The memory that kernels may touch ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Emulator/Emulator.h"
#include <cstdlib>
#include <cstring>

using namespace dsa::emulator;

static uint64_t addressOf(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

GlobalMemory::GlobalMemory() = default;

GlobalMemory::~GlobalMemory() {
  for (const auto &entry : buffers)
    if (entry.second.owned)
      std::free(reinterpret_cast<void *>(entry.second.begin));
}

void *GlobalMemory::allocate(size_t bytes, std::string name) {
  constexpr size_t alignment = 256;
  if (bytes > SIZE_MAX - 2 * alignment)
    return nullptr;
  size_t size = (bytes / alignment + 1) * alignment;
  void *memory = std::aligned_alloc(alignment, size);
  if (!memory)
    return nullptr;
  memset(memory, 0xFF, size);
  uint64_t begin = addressOf(memory);
  buffers[begin] = {begin, begin + bytes, std::move(name), true};
  return memory;
}

bool GlobalMemory::free(void *address) {
  auto found = buffers.find(addressOf(address));
  if (found == buffers.end() || !found->second.owned)
    return false;
  buffers.erase(found);
  std::free(address);
  return true;
}

void GlobalMemory::add(void *address, size_t bytes, std::string name) {
  uint64_t begin = addressOf(address);
  buffers[begin] = {begin, begin + bytes, std::move(name), false};
}

void GlobalMemory::remove(void *address) {
  auto found = buffers.find(addressOf(address));
  if (found != buffers.end() && !found->second.owned)
    buffers.erase(found);
}

const GlobalMemory::Buffer *GlobalMemory::find(uint64_t address) const {
  auto next = buffers.upper_bound(address);
  if (next == buffers.begin())
    return nullptr;
  const Buffer &buffer = std::prev(next)->second;
  return address < buffer.end ? &buffer : nullptr;
}
