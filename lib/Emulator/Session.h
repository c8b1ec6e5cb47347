//===- Session.h - What the emulator is told, and what it saw ---*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the stand-in for the CUDA driver, which runs kernels, and by the
// functions of dsa-c/Emulator.h, which say how and tell what happened.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_EMULATOR_SESSION_H
#define DSA_LIB_EMULATOR_SESSION_H

#include "dsa/Emulator/Emulator.h"

#include <mutex>

namespace dsa::emulator {

/// What a device says of itself. Those that are not here all have in common:
/// 1024 threads of a block and a grid of 2^31-1 x 65535 x 65535.
struct DeviceProperties {
  std::string_view target; /// `sm_80`
  int major, minor;
  int multiprocessors;
  /// Of shared memory, for a block that asks for it, and for all blocks of a
  /// multiprocessor, each of which takes 1 KB more than it asks for.
  int sharedBytesOfBlock, sharedBytesOfMultiprocessor;
  int registersOfMultiprocessor, threadsOfMultiprocessor;
};

/// Null if there is no device of that target.
const DeviceProperties *findDevice(std::string_view target);

/// The one of this process. Who uses it holds its mutex.
class Session {
public:
  static Session &get();

  std::mutex mutex;
  /// Options of the launches that follow: not their grids, blocks and bytes.
  LaunchOptions options;
  /// The devices there are, by number.
  std::vector<const DeviceProperties *> devices;
  GlobalMemory memory;
  /// Why the last module did not load, or nothing.
  std::string loadError;

  /// One or more targets with commas between, `sm_80`. False for others.
  bool setDevices(std::string_view targets);

  /// What the launches since `clear` did: of the first that stopped its error;
  /// all else together.
  const Report &getReport() const { return report; }
  uint64_t getLaunchCount() const { return launches; }
  void add(const Report &launched);
  void clear();

private:
  Session();
  Report report;
  uint64_t launches = 0;
};

} // namespace dsa::emulator

#endif // DSA_LIB_EMULATOR_SESSION_H
