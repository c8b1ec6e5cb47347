//===- DriverStreams.cpp - Streams and graphs of the stand-in -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stream that is captured records launches, which its graph replays in their
// order.
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

using namespace dsa::emulator;

/// The default stream by its other name: CU_STREAM_LEGACY.
static CUstream getLegacyStream() { return reinterpret_cast<CUstream>(1); }

bool Driver::isDefault(CUstream stream) {
  return !stream || stream == getLegacyStream();
}

CUresult Driver::getContext(CUstream stream, Context *&context) const {
  if (isDefault(stream)) {
    context = getCurrentContext();
    return context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
  }
  Stream *found = streams.find(stream);
  if (!found)
    return CUDA_ERROR_INVALID_HANDLE;
  context = found->context;
  return context->references > 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

static bool isCaptured(const Stream &stream) {
  return stream.capture != CU_STREAM_CAPTURE_STATUS_NONE;
}

CUresult Driver::useDefaultStream() {
  CUresult result = CUDA_SUCCESS;
  for (const auto &[handle, stream] : streams)
    if (isCaptured(*stream) && stream->isBlocking) {
      stream->capture = CU_STREAM_CAPTURE_STATUS_INVALIDATED;
      result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
  return result;
}

CUresult Driver::disturbCaptures() {
  CUresult result = CUDA_SUCCESS;
  for (const auto &[handle, stream] : streams) {
    bool isOfThread = stream->capturedBy == std::this_thread::get_id();
    bool isDisturbed =
        stream->mode == CU_STREAM_CAPTURE_MODE_GLOBAL ||
        (stream->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && isOfThread);
    if (isCaptured(*stream) && isDisturbed) {
      stream->capture = CU_STREAM_CAPTURE_STATUS_INVALIDATED;
      result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

DSA_EMULATOR_API CUresult cuStreamCreate(CUstream *handle, unsigned flags) {
  return withContext([&](Driver &driver, Context &context) {
    if (flags & ~CU_STREAM_NON_BLOCKING)
      return CUDA_ERROR_INVALID_VALUE;
    auto stream = std::make_unique<Stream>();
    stream->context = &context;
    stream->isBlocking = !(flags & CU_STREAM_NON_BLOCKING);
    *handle = reinterpret_cast<CUstream>(driver.streams.add(std::move(stream)));
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuStreamDestroy_v2(CUstream stream) {
  return withDriver([&](Driver &driver) {
    return driver.streams.remove(stream) ? CUDA_SUCCESS
                                         : CUDA_ERROR_INVALID_HANDLE;
  });
}

DSA_EMULATOR_API CUresult cuStreamGetCtx(CUstream stream, CUcontext *handle) {
  return withDriver([&](Driver &driver) {
    Context *context;
    CUresult error = driver.getContext(stream, context);
    if (!error)
      *handle = reinterpret_cast<CUcontext>(context);
    return error;
  });
}

DSA_EMULATOR_API CUresult cuStreamSynchronize(CUstream stream) {
  return withDriver([&](Driver &driver) -> CUresult {
    Context *context;
    if (CUresult error = driver.getContext(stream, context))
      return error;
    if (CUresult failure = driver.getFailure())
      return failure;
    if (Driver::isDefault(stream))
      return driver.useDefaultStream();
    Stream *found = driver.streams.find(stream);
    if (!isCaptured(*found))
      return CUDA_SUCCESS;
    found->capture = CU_STREAM_CAPTURE_STATUS_INVALIDATED;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  });
}

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

DSA_EMULATOR_API CUresult cuStreamIsCapturing(CUstream stream,
                                              CUstreamCaptureStatus *status) {
  return withDriver([&](Driver &driver) -> CUresult {
    Context *context;
    if (CUresult error = driver.getContext(stream, context))
      return error;
    if (!Driver::isDefault(stream)) {
      *status = driver.streams.find(stream)->capture;
      return CUDA_SUCCESS;
    }
    *status = CU_STREAM_CAPTURE_STATUS_NONE;
    for (const auto &[handle, other] : driver.streams)
      if (isCaptured(*other) && other->isBlocking)
        return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuStreamBeginCapture_v2(CUstream stream,
                                                  CUstreamCaptureMode mode) {
  return withDriver([&](Driver &driver) {
    // The default stream cannot be captured.
    if (Driver::isDefault(stream))
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    Stream *found = driver.streams.find(stream);
    if (!found)
      return CUDA_ERROR_INVALID_HANDLE;
    if (isCaptured(*found))
      return CUDA_ERROR_ILLEGAL_STATE;
    if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL ||
        mode > CU_STREAM_CAPTURE_MODE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    found->capture = CU_STREAM_CAPTURE_STATUS_ACTIVE;
    found->mode = mode;
    found->capturedBy = std::this_thread::get_id();
    found->recorded = Graph();
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  return withDriver([&](Driver &driver) {
    *graph = nullptr;
    Stream *found = driver.streams.find(stream);
    if (!found)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!isCaptured(*found))
      return CUDA_ERROR_ILLEGAL_STATE;
    bool isWhole = found->capture == CU_STREAM_CAPTURE_STATUS_ACTIVE;
    found->capture = CU_STREAM_CAPTURE_STATUS_NONE;
    if (!isWhole)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *graph = reinterpret_cast<CUgraph>(
        driver.graphs.add(std::make_unique<Graph>(std::move(found->recorded))));
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

DSA_EMULATOR_API CUresult cuGraphInstantiateWithFlags(
    CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
  return withDriver([&](Driver &driver) {
    Graph *found = driver.graphs.find(graph);
    if (!found || flags)
      return CUDA_ERROR_INVALID_VALUE;
    *executable = reinterpret_cast<CUgraphExec>(
        driver.executables.add(std::make_unique<Graph>(*found)));
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuGraphLaunch(CUgraphExec executable,
                                        CUstream stream) {
  return withDriver([&](Driver &driver) -> CUresult {
    Graph *graph = driver.executables.find(executable);
    Context *context;
    CUresult error =
        graph ? driver.getContext(stream, context) : CUDA_ERROR_INVALID_HANDLE;
    if (!error)
      error = driver.getFailure();
    if (!error && Driver::isDefault(stream))
      error = driver.useDefaultStream();
    if (error)
      return error;
    if (Stream *found = driver.streams.find(stream);
        found && isCaptured(*found)) {
      found->capture = CU_STREAM_CAPTURE_STATUS_INVALIDATED;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    for (const Launch &launch : graph->launches)
      if (CUresult failure = driver.run(launch))
        return failure;
    return CUDA_SUCCESS;
  });
}

DSA_EMULATOR_API CUresult cuGraphDestroy(CUgraph graph) {
  return withDriver([&](Driver &driver) {
    return driver.graphs.remove(graph) ? CUDA_SUCCESS
                                       : CUDA_ERROR_INVALID_VALUE;
  });
}

DSA_EMULATOR_API CUresult cuGraphExecDestroy(CUgraphExec executable) {
  return withDriver([&](Driver &driver) {
    return driver.executables.remove(executable) ? CUDA_SUCCESS
                                                 : CUDA_ERROR_INVALID_VALUE;
  });
}
