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

/// An f32 matrix that is the caller's, and shared with what runs on it.
using Matrix = std::shared_ptr<HostTensor>;

static float *getData(const Matrix &matrix) {
  return reinterpret_cast<float *>(matrix->getData().data());
}

static llvm::Expected<Matrix> makeMatrix(ArrayRef<int64_t> shape,
                                         MLIRContext &context) {
  auto tensor = HostTensor::create(Float32Type::get(&context), shape,
                                   "a matrix of OpenBLAS", Pages::Huge);
  if (!tensor)
    return tensor.takeError();
  tensor->fillZeros();
  return std::make_shared<HostTensor>(std::move(*tensor));
}

/// A copy of an argument's values in f32.
static llvm::Expected<Matrix> widen(Kernel &kernel, Role role, Element element,
                                    ArrayRef<int64_t> shape,
                                    MLIRContext &context) {
  auto wide = makeMatrix(shape, context);
  if (!wide)
    return wide.takeError();
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
    getData(*wide)[i] =
        static_cast<float>(readElement(kernel.getInput(role), element, i));
  return wide;
}

bool bench::hasGemm(const Case &c) {
  return c.op == OpKind::IndexerScores || c.op == OpKind::SparseAttention;
}

static llvm::Expected<std::vector<Contender>>
makeScoreGemms(Kernel &kernel, const OpenBLAS *blas, MLIRContext &context) {
  const Case &c = kernel.getCase();
  int64_t rows = c.T * c.Hi;
  auto qs = widen(kernel, Role::Query, c.getQueries(), {rows, c.D}, context);
  if (!qs)
    return qs.takeError();
  auto ks = widen(kernel, Role::Keys, c.keys, {c.S, c.D}, context);
  if (!ks)
    return ks.takeError();
  auto products = makeMatrix({rows, c.S}, context);
  if (!products)
    return products.takeError();

  std::vector<Contender> contenders;
  auto add = [&](StringRef name, const Matrix &a, const Matrix &b, int64_t m,
                 int64_t n) {
    Contender peer;
    peer.name = name.str();
    peer.flops = 2.0 * static_cast<double>(m * n * c.D);
    peer.run = [=, to = *products] {
      blas->setThreads(c.threads);
      blas->sgemm(OpenBLAS::rowMajor, OpenBLAS::plain, OpenBLAS::transposed,
                  static_cast<int>(m), static_cast<int>(n),
                  static_cast<int>(c.D), 1, getData(a), static_cast<int>(c.D),
                  getData(b), static_cast<int>(c.D), 0, getData(to),
                  static_cast<int>(n));
      return llvm::Error::success();
    };
    contenders.push_back(std::move(peer));
  };
  add("OpenBLAS q k^T, GEMM only", *qs, *ks, rows, c.S);
  add("OpenBLAS k q^T, GEMM only", *ks, *qs, c.S, rows);
  return contenders;
}

static llvm::Expected<std::vector<Contender>>
makeAttentionGemms(Kernel &kernel, const OpenBLAS *blas, MLIRContext &context) {
  const Case &c = kernel.getCase();
  auto qs = widen(kernel, Role::AttentionQuery, c.getQueries(),
                  {c.T * c.H, Case::Dk}, context);
  if (!qs)
    return qs.takeError();
  // What is multiplied does not matter to the time.
  auto rows = makeMatrix({c.T * c.K, Case::Dk}, context);
  if (!rows)
    return rows.takeError();
  std::fill_n(getData(*rows), c.T * c.K * Case::Dk, 0.5f);
  auto products = makeMatrix({c.H, c.K}, context);
  if (!products)
    return products.takeError();
  auto outs = makeMatrix({c.T * c.H, Case::Dv}, context);
  if (!outs)
    return outs.takeError();

  Contender peer;
  peer.name = "OpenBLAS q k^T and p v, GEMMs only";
  peer.flops =
      2.0 * static_cast<double>(c.T * c.H * c.K * (Case::Dk + Case::Dv));
  peer.run = [=, q = *qs, k = *rows, p = *products, out = *outs] {
    blas->setThreads(c.threads);
    auto heads = static_cast<int>(c.H), slots = static_cast<int>(c.K);
    constexpr int width = Case::Dk, columns = Case::Dv;
    for (int64_t t = 0; t < c.T; ++t) {
      float *keys = getData(k) + t * c.K * width;
      blas->sgemm(OpenBLAS::rowMajor, OpenBLAS::plain, OpenBLAS::transposed,
                  heads, slots, width, 1, getData(q) + t * c.H * width, width,
                  keys, width, 0, getData(p), slots);
      blas->sgemm(OpenBLAS::rowMajor, OpenBLAS::plain, OpenBLAS::plain, heads,
                  columns, slots, 1, getData(p), slots, keys, width, 0,
                  getData(out) + t * c.H * columns, columns);
    }
    return llvm::Error::success();
  };
  std::vector<Contender> contenders;
  contenders.push_back(std::move(peer));
  return contenders;
}

llvm::Expected<std::vector<Contender>> bench::makeGemms(Kernel &kernel,
                                                        MLIRContext &context) {
  const OpenBLAS *blas = getOpenBLAS();
  if (!blas)
    return std::vector<Contender>();
  return kernel.getCase().hasAttention()
             ? makeAttentionGemms(kernel, blas, context)
             : makeScoreGemms(kernel, blas, context);
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
