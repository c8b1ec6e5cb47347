//===- DriverState.h - What the stand-in for the driver keeps ---*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stand-in has the names, types and numbers of the CUDA driver's API, and
// answers as its documentation says. Where that leaves a choice, it is the one
// that is worst for the program: libraries are loaded when a kernel is first
// needed, and not while a stream is captured. A kernel runs within the call
// that launches it, which returns the kernel's failure, as the driver does with
// CUDA_LAUNCH_BLOCKING=1; after a failure no context works any more, until
// `dsa_emulator_clear`.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_EMULATOR_DRIVERSTATE_H
#define DSA_LIB_EMULATOR_DRIVERSTATE_H

#include "../Runtime/CUDADriver.h"
#include "Session.h"

#include <set>
#include <thread>

#define DSA_EMULATOR_API extern "C" __attribute__((visibility("default")))

// Definitions that differ from what the runtime calls do not compile.
#define DSA_DECLARE(result, name, parameters)                                  \
  DSA_EMULATOR_API result name parameters;
DSA_CUDA_FUNCTIONS(DSA_DECLARE)
#undef DSA_DECLARE

namespace dsa::emulator {

/// Objects that programs have handles of, which are their addresses.
template <typename T>
class Handles {
public:
  T *add(std::unique_ptr<T> object) {
    T *handle = object.get();
    objects[handle] = std::move(object);
    return handle;
  }
  /// Null for what is no handle.
  T *find(const void *handle) const {
    auto found = objects.find(handle);
    return found == objects.end() ? nullptr : found->second.get();
  }
  /// False for what is no handle.
  bool remove(const void *handle) { return objects.erase(handle); }

  auto begin() const { return objects.begin(); }
  auto end() const { return objects.end(); }

private:
  std::map<const void *, std::unique_ptr<T>> objects;
};

/// The primary one of a device; there are no others. Without references it is
/// not there.
struct Context {
  int device;
  int references = 0;
};

struct Image;

/// A CUfunction or a CUkernel.
struct Function {
  const Kernel *kernel;
  Image *image;
  /// Of dynamic shared memory, where more was asked for than launches may have
  /// without; by device.
  std::map<int, int> dynamicBytes;
};

/// A CUmodule or a CUlibrary.
struct Image {
  std::unique_ptr<Module> module;
  /// Those that were asked for, by name.
  std::map<std::string, Function *> functions;
  /// Addresses of its variables that were asked for.
  std::set<void *> variables;
  /// The devices it is loaded on. A module is for one.
  std::set<int> devices;
};

/// A launch with all it needs.
struct Launch {
  const Function *function;
  Dim3 grid, block;
  unsigned sharedBytes;
  std::vector<char> parameters;
};

/// A CUgraph or a CUgraphExec.
struct Graph {
  std::vector<Launch> launches;
};

struct Stream {
  Context *context;
  /// Whether the default stream waits for it.
  bool isBlocking;
  CUstreamCaptureStatus capture = CU_STREAM_CAPTURE_STATUS_NONE;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id capturedBy;
  Graph recorded;
};

/// All there is, of this process. Who uses it holds the session's mutex.
struct Driver {
  static Driver &get();

  Session &session = Session::get();
  /// The process that called cuInit, or 0.
  int process = 0;
  std::map<int, Context> contexts;
  Handles<Stream> streams;
  Handles<Graph> graphs, executables;
  Handles<Image> modules, libraries;
  Handles<Function> functions;
  size_t allocatedBytes = 0;

  bool isInitialized() const;
  const DeviceProperties *findDevice(CUdevice device) const;
  /// Null if the calling thread has none.
  Context *getCurrentContext() const;
  /// What a failed kernel left, or success.
  CUresult getFailure() const;

  /// Whether it is the default stream.
  static bool isDefault(CUstream stream);
  /// Stores the context of a stream or of the default one.
  CUresult getContext(CUstream stream, Context *&context) const;
  /// An error, of the captures too, if the default stream would have to wait
  /// for streams that are captured.
  CUresult useDefaultStream();
  /// An error, of the captures too, if what programs may not do meanwhile is
  /// done while streams are captured.
  CUresult disturbCaptures();

  CUresult load(Image &image, int device);
  CUresult run(const Launch &launch);
};

/// Runs `body(driver)` under the mutex, in a process that has called cuInit.
template <typename Body>
CUresult withDriver(Body body) {
  Driver &driver = Driver::get();
  std::lock_guard<std::mutex> lock(driver.session.mutex);
  return driver.isInitialized() ? body(driver) : CUDA_ERROR_NOT_INITIALIZED;
}

/// Runs `body(driver, context)` where a context is current and works.
template <typename Body>
CUresult withContext(Body body) {
  return withDriver([&](Driver &driver) -> CUresult {
    Context *context = driver.getCurrentContext();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (CUresult failure = driver.getFailure())
      return failure;
    return body(driver, *context);
  });
}

} // namespace dsa::emulator

#endif // DSA_LIB_EMULATOR_DRIVERSTATE_H
