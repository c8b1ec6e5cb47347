//===- Peers.cpp - What a user would call instead ------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Peers.h"

#include "Check.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <dlfcn.h>
#include <memory>
#include <thread>

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

//===----------------------------------------------------------------------===//
// OpenBLAS
//===----------------------------------------------------------------------===//

namespace {
/// What is called of OpenBLAS. The numbers are those of its C interface.
struct OpenBLAS {
  using Sgemm = void(int order, int transposeA, int transposeB, int m, int n,
                     int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc);
  static constexpr int rowMajor = 101, plain = 111, transposed = 112;

  Sgemm *sgemm;
  void (*setThreads)(int);
  const char *(*getConfig)();
};
} // namespace

/// Loaded on the first call; null where the machine does not have it.
static const OpenBLAS *getOpenBLAS() {
  static const std::optional<OpenBLAS> library = []() {
    std::optional<OpenBLAS> found;
    // As many threads as any case may ask for; each case sets its own number.
    std::string cores = std::to_string(std::thread::hardware_concurrency());
    setenv("OPENBLAS_NUM_THREADS", cores.c_str(), /*overwrite=*/1);
    void *handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      return found;
    auto get = [&](const char *name, auto *&function) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(
          dlsym(handle, name));
      return function != nullptr;
    };
    OpenBLAS blas;
    if (get("cblas_sgemm", blas.sgemm) &&
        get("openblas_set_num_threads", blas.setThreads) &&
        get("openblas_get_config", blas.getConfig))
      found = blas;
    return found;
  }();
  return library ? &*library : nullptr;
}

std::optional<std::string> bench::describeOpenBLAS() {
  if (const OpenBLAS *blas = getOpenBLAS())
    return blas->getConfig();
  return std::nullopt;
}

/// A copy of an argument's values in f32.
static llvm::Expected<HostTensor> widen(Kernel &kernel, Role role,
                                        Element element,
                                        ArrayRef<int64_t> shape,
                                        MLIRContext &context) {
  auto wide = HostTensor::create(Float32Type::get(&context), shape,
                                 "an operand of OpenBLAS", Pages::Huge);
  if (!wide)
    return wide.takeError();
  auto *data = reinterpret_cast<float *>(wide->getData().data());
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
    data[i] =
        static_cast<float>(readElement(kernel.getInput(role), element, i));
  return wide;
}

llvm::Expected<std::vector<Contender>> bench::makeSgemm(Kernel &kernel,
                                                        MLIRContext &context) {
  std::vector<Contender> contenders;
  const OpenBLAS *blas = getOpenBLAS();
  if (!blas)
    return contenders;
  const Case &c = kernel.getCase();
  int64_t rows = c.T * c.Hi;
  auto q = widen(kernel, Role::Query, c.getQueries(), {rows, c.D}, context);
  if (!q)
    return q.takeError();
  auto k = widen(kernel, Role::Keys, c.keys, {c.S, c.D}, context);
  if (!k)
    return k.takeError();
  auto product = HostTensor::create(Float32Type::get(&context), {rows, c.S},
                                    "the result of OpenBLAS", Pages::Huge);
  if (!product)
    return product.takeError();
  product->fillZeros();

  auto share = [](HostTensor &tensor) {
    return std::make_shared<HostTensor>(std::move(tensor));
  };
  auto qs = share(*q), ks = share(*k), products = share(*product);
  auto get = [](const std::shared_ptr<HostTensor> &tensor) {
    return reinterpret_cast<float *>(tensor->getData().data());
  };
  auto add = [&](StringRef name, auto &a, auto &b, int64_t m, int64_t n) {
    Contender peer;
    peer.name = name.str();
    peer.flops = 2.0 * static_cast<double>(m * n * c.D);
    peer.run = [=] {
      blas->setThreads(c.threads);
      blas->sgemm(OpenBLAS::rowMajor, OpenBLAS::plain, OpenBLAS::transposed,
                  static_cast<int>(m), static_cast<int>(n),
                  static_cast<int>(c.D), 1, get(a), static_cast<int>(c.D),
                  get(b), static_cast<int>(c.D), 0, get(products),
                  static_cast<int>(n));
      return llvm::Error::success();
    };
    contenders.push_back(std::move(peer));
  };
  add("OpenBLAS q k^T, GEMM only", qs, ks, rows, c.S);
  add("OpenBLAS k q^T, GEMM only", ks, qs, c.S, rows);
  return contenders;
}

//===----------------------------------------------------------------------===//
// The standard library
//===----------------------------------------------------------------------===//

__attribute__((always_inline)) static inline void
makeKeys(const float *scores, std::vector<uint64_t> &keys) {
  for (size_t i = 0, size = keys.size(); i < size; ++i)
    keys[i] = getSelectionKey(scores[i], i);
}

#ifdef __x86_64__
/// As a program for this machine would be compiled.
__attribute__((target("avx2"))) static void
makeKeysAVX2(const float *scores, std::vector<uint64_t> &keys) {
  makeKeys(scores, keys);
}
#endif

static void makeKeysForHost(const float *scores, std::vector<uint64_t> &keys) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2"))
    return makeKeysAVX2(scores, keys);
#endif
  makeKeys(scores, keys);
}

Contender bench::makeNthElement(Kernel &kernel) {
  const Case &c = kernel.getCase();
  HostTensor &scores = kernel.getInput(Role::Scores);
  auto keys = std::make_shared<std::vector<uint64_t>>(c.S);
  auto indices = std::make_shared<std::vector<int32_t>>(c.T * c.K);
  Contender peer;
  peer.name = "std::nth_element";
  peer.run = [=, rows = c.T, columns = c.S, k = c.K,
              data = reinterpret_cast<float *>(scores.getData().data())] {
    for (int64_t t = 0; t < rows; ++t) {
      makeKeysForHost(data + t * columns, *keys);
      std::nth_element(keys->begin(), keys->begin() + k - 1, keys->end(),
                       std::greater<>());
      for (int64_t i = 0; i < k; ++i)
        (*indices)[t * k + i] =
            static_cast<int32_t>(~static_cast<uint32_t>((*keys)[i]));
    }
    return llvm::Error::success();
  };
  return peer;
}
