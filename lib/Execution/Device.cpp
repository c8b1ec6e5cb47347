//===- Device.cpp - A GPU, or its emulator --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Device.h"

#include "../Runtime/CUDADriver.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::dsa;

/// The name that the runtime of compiled functions opens the driver by. Once
/// a library of that name is open, which the stand-in is too, it is found.
static constexpr StringLiteral driverName = "libcuda.so.1";

struct Device::Driver {
  CUresult (*getErrorName)(CUresult, const char **);
  CUresult (*init)(unsigned);
  CUresult (*retain)(CUcontext *, CUdevice);
  CUresult (*setCurrent)(CUcontext);
  CUresult (*synchronize)();
  CUresult (*allocate)(CUdeviceptr *, size_t);
  CUresult (*free)(CUdeviceptr);
  CUresult (*copyToDevice)(CUdeviceptr, const void *, size_t);
  CUresult (*copyToHost)(void *, CUdeviceptr, size_t);
  // Of the emulator.
  int32_t (*set)(const char *, const char *);
  const char *(*getError)();
  const char *(*getLoadError)();
  int64_t (*getRaceCount)();
  const char *(*getRace)(int64_t);
};

/// The stand-in stands beside the programs: in a build folder and in an
/// install folder.
static std::string getStandInPath() {
  static int anchor;
  SmallString<128> path(llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib", "emulated-cuda", driverName);
  return std::string(path);
}

llvm::Expected<std::unique_ptr<Device>> Device::open(const Options &options) {
  std::string path =
      options.emulated ? getStandInPath() : std::string(driverName);
  std::string error;
  auto library =
      llvm::sys::DynamicLibrary::getPermanentLibrary(path.c_str(), &error);
  if (!library.isValid())
    return makeError(
        ExitMissing,
        options.emulated
            ? "the emulator cannot be opened: " + error
            : "the CUDA driver cannot be opened: " + error +
                  "; install it, or run on the emulator: --target=" +
                  options.chip + ":emulated");
  auto driver = std::make_shared<Driver>();
  std::string missing;
  auto find = [&](auto &function, const char *name) {
    void *address = library.getAddressOfSymbol(name);
    if (!address)
      missing = name;
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
  };
  find(driver->getErrorName, "cuGetErrorName");
  find(driver->init, "cuInit");
  find(driver->retain, "cuDevicePrimaryCtxRetain");
  find(driver->setCurrent, "cuCtxSetCurrent");
  find(driver->synchronize, "cuCtxSynchronize");
  find(driver->allocate, "cuMemAlloc_v2");
  find(driver->free, "cuMemFree_v2");
  find(driver->copyToDevice, "cuMemcpyHtoD_v2");
  find(driver->copyToHost, "cuMemcpyDtoH_v2");
  if (options.emulated) {
    find(driver->set, "dsa_emulator_set");
    find(driver->getError, "dsa_emulator_error");
    find(driver->getLoadError, "dsa_emulator_load_error");
    find(driver->getRaceCount, "dsa_emulator_race_count");
    find(driver->getRace, "dsa_emulator_race");
  }
  if (!missing.empty())
    return makeError(ExitMissing,
                     "'" + path + "' has no function '" + missing + "'");
  if (options.emulated) {
    auto set = [&](StringRef name, const std::string &value) -> llvm::Error {
      if (driver->set(name.data(), value.c_str()))
        return llvm::Error::success();
      return makeError(ExitUser,
                       "the emulator has no " + name + " '" + value + "'");
    };
    if (llvm::Error failed = set("device", options.chip))
      return std::move(failed);
    if (llvm::Error failed = set("seed", std::to_string(options.seed)))
      return std::move(failed);
    if (llvm::Error failed = set("check-races", options.checkRaces ? "1" : "0"))
      return std::move(failed);
    if (llvm::Error failed = set("isa", options.isa))
      return std::move(failed);
  }
  std::unique_ptr<Device> device(new Device);
  device->emulated = options.emulated;
  device->driver = driver;
  if (llvm::Error failed = device->check(driver->init(0), "cuInit"))
    return std::move(failed);
  CUcontext context;
  if (llvm::Error failed = device->check(driver->retain(&context, 0),
                                         "cuDevicePrimaryCtxRetain"))
    return std::move(failed);
  if (llvm::Error failed =
          device->check(driver->setCurrent(context), "cuCtxSetCurrent"))
    return std::move(failed);
  return std::move(device);
}

llvm::Error Device::check(int result, StringRef call) {
  if (result == CUDA_SUCCESS)
    return llvm::Error::success();
  const char *name = nullptr;
  driver->getErrorName(result, &name);
  std::string text = name ? name : "CUDA error " + std::to_string(result);
  return makeError(result == CUDA_ERROR_NO_DEVICE ? ExitMissing : ExitUser,
                   call + " failed: " + text);
}

std::string Device::getEmulatorError() const {
  if (!emulated)
    return "";
  std::string error = driver->getError();
  if (!error.empty())
    return error;
  if (int64_t count = driver->getRaceCount())
    return (Twine(count) + " racing accesses; the first: " + driver->getRace(0))
        .str();
  return driver->getLoadError();
}

llvm::Error Device::synchronize() {
  return check(driver->synchronize(), "a kernel");
}

llvm::Expected<DeviceTensor> Device::allocate(HostTensor &host, bool copied) {
  CUdeviceptr address = 0;
  size_t bytes = host.getData().size();
  // The driver has no memory of no bytes.
  if (llvm::Error error =
          check(driver->allocate(&address, std::max<size_t>(bytes, 1)),
                "cuMemAlloc of " + std::to_string(bytes) + " bytes"))
    return std::move(error);
  DeviceTensor tensor(*this, address);
  auto *words = static_cast<int64_t *>(host.getDescriptor());
  tensor.descriptor.assign(words, words + 3 + 2 * host.getShape().size());
  tensor.descriptor[0] = tensor.descriptor[1] = static_cast<int64_t>(address);
  if (copied && bytes)
    if (llvm::Error error =
            check(driver->copyToDevice(address, host.getData().data(), bytes),
                  "cuMemcpyHtoD"))
      return std::move(error);
  return std::move(tensor);
}

DeviceTensor::DeviceTensor(DeviceTensor &&other)
    : device(std::exchange(other.device, nullptr)), address(other.address),
      descriptor(std::move(other.descriptor)) {}

DeviceTensor::~DeviceTensor() {
  if (device)
    device->driver->free(address);
}

llvm::Error DeviceTensor::copyTo(HostTensor &host) {
  MutableArrayRef<char> data = host.getData();
  if (data.empty())
    return llvm::Error::success();
  return device->check(
      device->driver->copyToHost(data.data(), address, data.size()),
      "cuMemcpyDtoH");
}
