//===- DriverKernels.cpp - Images and launches of the stand-in ------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Images are PTX: a cubin is refused as the driver refuses those for another
// chip.
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <climits>
#include <cstdlib>
#include <cstring>

using namespace dsa::emulator;

/// What a block may have without asking for more.
static constexpr int defaultSharedBytes = 48 << 10;

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

/// Whether a device runs PTX of a target, `sm_80` or `sm_90a`. What ends in a
/// letter is for that chip, or its family, alone.
static bool canRun(const DeviceProperties &device, const std::string &target) {
  char *end = nullptr;
  long version = std::strtol(target.c_str() + std::strlen("sm_"), &end, 10);
  long own = device.major * 10 + device.minor;
  if (*end == 'a')
    return version == own;
  if (*end == 'f')
    return version / 10 == device.major && version <= own;
  return version <= own;
}

/// Decodes the text of an image, which is for no device yet.
static CUresult decode(Session &session, const void *data,
                       std::unique_ptr<Image> &image) {
  if (!data)
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = static_cast<const char *>(data);
  if (std::strncmp(text, "\177ELF", 4) == 0) {
    session.loadError = "it is a cubin, and the emulator runs PTX";
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  image = std::make_unique<Image>();
  session.loadError.clear();
  image->module = Module::load(text, session.loadError);
  return image->module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_PTX;
}

CUresult Driver::load(Image &image, int device) {
  if (image.devices.count(device))
    return CUDA_SUCCESS;
  const DeviceProperties &properties = *findDevice(device);
  const std::string &target = image.module->getTarget();
  if (!canRun(properties, target)) {
    session.loadError = "its target is " + target + ", which " +
                        std::string(properties.target) + " does not run";
    return CUDA_ERROR_INVALID_PTX;
  }
  if (CUresult error = disturbCaptures())
    return error;
  image.devices.insert(device);
  return CUDA_SUCCESS;
}

/// Stores the function or kernel of a name.
static CUresult getFunction(Driver &driver, Image *image, const char *name,
                            Function *&function) {
  if (!image)
    return CUDA_ERROR_INVALID_HANDLE;
  const Kernel *kernel = image->module->getKernel(name);
  if (!kernel)
    return CUDA_ERROR_NOT_FOUND;
  Function *&known = image->functions[name];
  if (!known)
    known = driver.functions.add(
        std::make_unique<Function>(Function{kernel, image, {}}));
  function = known;
  return CUDA_SUCCESS;
}

static CUresult unload(Driver &driver, Handles<Image> &images,
                       const void *handle) {
  Image *image = images.find(handle);
  if (!image)
    return CUDA_ERROR_INVALID_HANDLE;
  if (CUresult error = driver.disturbCaptures())
    return error;
  for (const auto &[name, function] : image->functions)
    driver.functions.remove(function);
  for (void *variable : image->variables)
    driver.session.memory.remove(variable);
  images.remove(handle);
  return CUDA_SUCCESS;
}

DSA_EMULATOR_API CUresult cuModuleLoadData(CUmodule *module, const void *data) {
  return withContext([&](Driver &driver, Context &context) {
    std::unique_ptr<Image> image;
    CUresult error = decode(driver.session, data, image);
    if (!error)
      error = driver.load(*image, context.device);
    if (!error)
      *module =
          reinterpret_cast<CUmodule>(driver.modules.add(std::move(image)));
    return error;
  });
}

DSA_EMULATOR_API CUresult cuModuleGetFunction(CUfunction *handle,
                                              CUmodule module,
                                              const char *name) {
  return withContext([&](Driver &driver, Context &) {
    Function *function;
    CUresult error =
        getFunction(driver, driver.modules.find(module), name, function);
    if (!error)
      *handle = reinterpret_cast<CUfunction>(function);
    return error;
  });
}

DSA_EMULATOR_API CUresult cuModuleGetGlobal_v2(CUdeviceptr *address,
                                               size_t *bytes, CUmodule module,
                                               const char *name) {
  return withContext([&](Driver &driver, Context &) {
    Image *image = driver.modules.find(module);
    if (!image)
      return CUDA_ERROR_INVALID_HANDLE;
    Module::Variable variable = image->module->getVariable(name);
    if (!variable.address)
      return CUDA_ERROR_NOT_FOUND;
    // Who has its address may copy to it.
    if (image->variables.insert(variable.address).second)
      driver.session.memory.add(variable.address, variable.bytes, name);
    if (address)
      *address = reinterpret_cast<CUdeviceptr>(variable.address);
    if (bytes)
      *bytes = variable.bytes;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuModuleUnload(CUmodule module) {
  return withDriver(
      [&](Driver &driver) { return unload(driver, driver.modules, module); });
}

DSA_EMULATOR_API CUresult cuLibraryLoadData(CUlibrary *library,
                                            const void *data, CUjit_option *,
                                            void **, unsigned jitCount,
                                            CUlibraryOption *, void **,
                                            unsigned count) {
  return withDriver([&](Driver &driver) -> CUresult {
    if (jitCount || count)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = driver.disturbCaptures())
      return error;
    std::unique_ptr<Image> image;
    CUresult error = decode(driver.session, data, image);
    if (!error)
      *library =
          reinterpret_cast<CUlibrary>(driver.libraries.add(std::move(image)));
    return error;
  });
}

DSA_EMULATOR_API CUresult cuLibraryGetKernel(CUkernel *handle,
                                             CUlibrary library,
                                             const char *name) {
  return withDriver([&](Driver &driver) {
    Function *function;
    CUresult error =
        getFunction(driver, driver.libraries.find(library), name, function);
    if (!error)
      *handle = reinterpret_cast<CUkernel>(function);
    return error;
  });
}

DSA_EMULATOR_API CUresult cuLibraryUnload(CUlibrary library) {
  return withDriver([&](Driver &driver) {
    return unload(driver, driver.libraries, library);
  });
}

DSA_EMULATOR_API CUresult cuKernelGetFunction(CUfunction *handle,
                                              CUkernel kernel) {
  return withContext([&](Driver &driver, Context &context) -> CUresult {
    Function *function = driver.functions.find(kernel);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    CUresult error = driver.load(*function->image, context.device);
    if (!error)
      *handle = reinterpret_cast<CUfunction>(function);
    return error;
  });
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// What a launch on the device may ask for.
static int getDynamicBytes(const Function &function, int device) {
  auto found = function.dynamicBytes.find(device);
  if (found != function.dynamicBytes.end())
    return found->second;
  return defaultSharedBytes -
         static_cast<int>(function.kernel->getStaticSharedBytes());
}

static CUresult setAttribute(Driver &driver, Function *function,
                             CUfunction_attribute attribute, int value,
                             int device) {
  const DeviceProperties *properties = driver.findDevice(device);
  if (!function)
    return CUDA_ERROR_INVALID_HANDLE;
  if (!properties)
    return CUDA_ERROR_INVALID_DEVICE;
  int most = properties->sharedBytesOfBlock -
             static_cast<int>(function->kernel->getStaticSharedBytes());
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ||
      value < 0 || value > most)
    return CUDA_ERROR_INVALID_VALUE;
  function->dynamicBytes[device] = value;
  return CUDA_SUCCESS;
}

static CUresult getAttribute(const Function *function,
                             CUfunction_attribute attribute, int device,
                             int &value) {
  if (!function)
    return CUDA_ERROR_INVALID_HANDLE;
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    value = static_cast<int>(function->kernel->getMaxThreads());
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    value = static_cast<int>(function->kernel->getStaticSharedBytes());
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    value = static_cast<int>(function->kernel->getLocalBytes());
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    value = getDynamicBytes(*function, device);
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

DSA_EMULATOR_API CUresult cuFuncSetAttribute(CUfunction function,
                                             CUfunction_attribute attribute,
                                             int value) {
  return withContext([&](Driver &driver, Context &context) {
    return setAttribute(driver, driver.functions.find(function), attribute,
                        value, context.device);
  });
}

DSA_EMULATOR_API CUresult cuFuncGetAttribute(int *value,
                                             CUfunction_attribute attribute,
                                             CUfunction function) {
  return withContext([&](Driver &driver, Context &context) {
    return getAttribute(driver.functions.find(function), attribute,
                        context.device, *value);
  });
}

DSA_EMULATOR_API CUresult cuKernelSetAttribute(CUfunction_attribute attribute,
                                               int value, CUkernel kernel,
                                               CUdevice device) {
  return withDriver([&](Driver &driver) {
    return setAttribute(driver, driver.functions.find(kernel), attribute, value,
                        device);
  });
}

DSA_EMULATOR_API CUresult cuKernelGetAttribute(int *value,
                                               CUfunction_attribute attribute,
                                               CUkernel kernel,
                                               CUdevice device) {
  return withDriver([&](Driver &driver) {
    return getAttribute(driver.functions.find(kernel), attribute, device,
                        *value);
  });
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

CUresult Driver::run(const Launch &launch) {
  LaunchOptions options = session.options;
  options.grid = launch.grid;
  options.block = launch.block;
  options.dynamicSharedBytes = launch.sharedBytes;
  session.add(launch.function->kernel->launch(
      session.memory, launch.parameters.data(), options));
  return getFailure();
}

static bool isIn(unsigned value, unsigned most) {
  return value >= 1 && value <= most;
}

static bool canLaunch(const Launch &launch, int device) {
  Dim3 grid = launch.grid, block = launch.block;
  unsigned most = launch.function->kernel->getMaxThreads();
  return isIn(grid.x, INT_MAX) && isIn(grid.y, 65535) && isIn(grid.z, 65535) &&
         isIn(block.x, 1024) && isIn(block.y, 1024) && isIn(block.z, 64) &&
         block.x * block.y * block.z <= most &&
         launch.sharedBytes <=
             static_cast<unsigned>(getDynamicBytes(*launch.function, device));
}

DSA_EMULATOR_API CUresult cuLaunchKernel(CUfunction handle, unsigned gridX,
                                         unsigned gridY, unsigned gridZ,
                                         unsigned blockX, unsigned blockY,
                                         unsigned blockZ, unsigned sharedBytes,
                                         CUstream stream, void **parameters,
                                         void **extra) {
  return withDriver([&](Driver &driver) -> CUresult {
    Function *function = driver.functions.find(handle);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    Context *context;
    if (CUresult error = driver.getContext(stream, context))
      return error;
    if (CUresult failure = driver.getFailure())
      return failure;
    // A module is of one device, a library of all.
    bool isOfModule = driver.modules.find(function->image);
    if (isOfModule && !function->image->devices.count(context->device))
      return CUDA_ERROR_INVALID_HANDLE;
    const std::vector<Parameter> &known = function->kernel->getParameters();
    if (extra || (!known.empty() && !parameters))
      return CUDA_ERROR_INVALID_VALUE;
    Launch launch{function,
                  {gridX, gridY, gridZ},
                  {blockX, blockY, blockZ},
                  sharedBytes,
                  std::vector<char>(function->kernel->getParameterBytes())};
    if (!canLaunch(launch, context->device))
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < known.size(); ++i)
      std::memcpy(launch.parameters.data() + known[i].offset, parameters[i],
                  known[i].bytes);
    if (CUresult error = driver.load(*function->image, context->device))
      return error;
    if (Driver::isDefault(stream)) {
      CUresult error = driver.useDefaultStream();
      return error ? error : driver.run(launch);
    }
    Stream &found = *driver.streams.find(stream);
    switch (found.capture) {
    case CU_STREAM_CAPTURE_STATUS_NONE:
      return driver.run(launch);
    case CU_STREAM_CAPTURE_STATUS_ACTIVE:
      found.recorded.launches.push_back(std::move(launch));
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
  });
}
