//===- Device.h - A GPU, or its emulator ------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EXECUTION_DEVICE_H
#define DSA_EXECUTION_DEVICE_H

#include "dsa/Execution/HostTensor.h"

namespace mlir::dsa {

class DeviceTensor;

/// The first GPU of this machine by the CUDA driver, or the emulator by the
/// library that stands in for the driver.
class Device {
public:
  struct Options {
    bool emulated = false;
    /// Of the emulator: what it says it is, such as `sm_80`, the seed of its
    /// schedule, whether it looks for races, and the instructions of this
    /// machine that it uses: `baseline`, `avx2`, `avx512` or `best`.
    std::string chip;
    uint64_t seed = 0;
    bool checkRaces = true;
    std::string isa = "best";
  };
  /// `ExitMissing` if there is none.
  static llvm::Expected<std::unique_ptr<Device>> open(const Options &options);

  /// Memory for a tensor like `host`; with its elements if `copied`.
  llvm::Expected<DeviceTensor> allocate(HostTensor &host, bool copied);
  /// Waits for all launches; an error for one that failed.
  llvm::Error synchronize();
  /// What the emulator says of a kernel or a text that it could not run, or of
  /// a race. Empty if there is nothing, and of a GPU.
  std::string getEmulatorError() const;

private:
  friend class DeviceTensor;
  Device() = default;
  llvm::Error check(int result, StringRef call);

  bool emulated = false;
  /// Functions of the driver.
  struct Driver;
  std::shared_ptr<const Driver> driver;
};

/// A contiguous tensor in the memory of a device, which outlives it.
class DeviceTensor {
public:
  DeviceTensor(DeviceTensor &&other);
  DeviceTensor &operator=(DeviceTensor &&) = delete;
  ~DeviceTensor();

  /// As that of a `HostTensor`.
  void *getDescriptor() { return descriptor.data(); }
  /// Copies the elements to `host`, which has the shape of the tensor.
  llvm::Error copyTo(HostTensor &host);

private:
  friend class Device;
  DeviceTensor(Device &device, uint64_t address)
      : device(&device), address(address) {}

  Device *device;
  uint64_t address;
  SmallVector<int64_t> descriptor;
};

} // namespace mlir::dsa

#endif // DSA_EXECUTION_DEVICE_H
