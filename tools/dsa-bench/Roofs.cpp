//===- Roofs.cpp - How fast this machine can be --------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops of nothing but one instruction, on enough independent registers to hide
// its latency. They are compiled for the instructions they name, whatever the
// program is compiled for, and called where the machine has them.
//
//===----------------------------------------------------------------------===//

#include "Roofs.h"

#include "Clock.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include <atomic>
#include <cstring>
#include <thread>

#ifdef __x86_64__
#include <immintrin.h>
#endif

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

namespace {
/// A loop of one instruction.
struct Loop {
  /// Runs it so often; what it returns keeps it from being removed.
  float (*run)(int64_t repeats);
  double flopsPerRepeat;
};
} // namespace

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

#ifdef __x86_64__
// Enough sums to hide latencies, of 4 cycles where two start in each and of 6
// to 8 where one does; and few enough to leave no compiler short of registers.
static constexpr int registers = 12;

// The empty `asm` says that a sum may have changed: without it the compiler
// finds all sums to be equal, or moves them between registers and the stack.

__attribute__((target("avx2,fma"))) static float runFma256(int64_t repeats) {
  __m256 a = _mm256_set1_ps(0.75f), b = _mm256_set1_ps(-1e-6f),
         sums[registers] = {};
  for (int64_t i = 0; i < repeats; ++i)
    for (__m256 &sum : sums) {
      sum = _mm256_fmadd_ps(a, b, sum);
      asm volatile("" : "+x"(sum));
    }
  for (__m256 &sum : sums)
    a = _mm256_add_ps(a, sum);
  return _mm256_cvtss_f32(a);
}

__attribute__((target("avx512f"))) static float runFma512(int64_t repeats) {
  __m512 a = _mm512_set1_ps(0.75f), b = _mm512_set1_ps(-1e-6f),
         sums[registers] = {};
  for (int64_t i = 0; i < repeats; ++i)
    for (__m512 &sum : sums) {
      sum = _mm512_fmadd_ps(a, b, sum);
      asm volatile("" : "+v"(sum));
    }
  for (__m512 &sum : sums)
    a = _mm512_add_ps(a, sum);
  return _mm512_cvtss_f32(a);
}

__attribute__((target("avx512f,avx512bf16"))) static float
runDot512(int64_t repeats) {
  __m512 total = _mm512_set1_ps(0.75f), sums[registers] = {};
  __m512bh a = _mm512_cvtne2ps_pbh(total, total);
  __m512bh b = _mm512_cvtne2ps_pbh(_mm512_set1_ps(-1e-6f), total);
  for (int64_t i = 0; i < repeats; ++i)
    for (__m512 &sum : sums) {
      sum = _mm512_dpbf16_ps(sum, a, b);
      asm volatile("" : "+v"(sum));
    }
  for (__m512 &sum : sums)
    total = _mm512_add_ps(total, sum);
  return _mm512_cvtss_f32(total);
}

static std::vector<Loop> getFmaLoops(Isa isa) {
  std::vector<Loop> loops;
  if (isa >= Isa::AVX2)
    loops.push_back({runFma256, registers * 8 * 2});
  if (isa >= Isa::AVX512)
    loops.push_back({runFma512, registers * 16 * 2});
  return loops;
}

static std::vector<Loop> getDotLoops(Isa isa) {
  if (isa < Isa::AVX512BF16)
    return {};
  // Each of 16 lanes adds two products.
  return {{runDot512, registers * 16 * 4}};
}
#else
static std::vector<Loop> getFmaLoops(Isa) { return {}; }
static std::vector<Loop> getDotLoops(Isa) { return {}; }
#endif

//===----------------------------------------------------------------------===//
// Rates
//===----------------------------------------------------------------------===//

/// Seconds that `body(0)` to `body(threads - 1)` take, at once.
static double runAtOnce(int32_t threads,
                        llvm::function_ref<void(int32_t)> body) {
  if (threads == 1) {
    double start = readClock(threads);
    body(0);
    return readClock(threads) - start;
  }
  std::atomic<int32_t> ready = 0;
  std::vector<std::thread> workers;
  for (int32_t i = 1; i <= threads; ++i)
    workers.emplace_back([&, i] {
      ++ready;
      while (ready <= threads)
        ;
      body(i - 1);
    });
  while (ready < threads)
    ;
  double start = readClock(threads);
  ++ready;
  for (std::thread &worker : workers)
    worker.join();
  return readClock(threads) - start;
}

/// GF/s of the fastest of `loops`.
static double measureLoops(ArrayRef<Loop> loops, int32_t threads) {
  constexpr int64_t repeats = 1000000;
  double best = 0;
  for (const Loop &loop : loops)
    for (int i = 0; i < 5; ++i) {
      double seconds = runAtOnce(threads, [&](int32_t) {
        [[maybe_unused]] volatile float sink = loop.run(repeats);
      });
      double flops = threads * loop.flopsPerRepeat * repeats;
      best = std::max(best, 1e-9 * flops / seconds);
    }
  return best;
}

llvm::Expected<std::vector<Roof>> bench::makeRoofs(Isa isa, int32_t threads,
                                                   int64_t copyBytes,
                                                   MLIRContext &context) {
  std::vector<Roof> roofs;
  auto addLoops = [&](StringRef name, std::vector<Loop> loops) {
    if (!loops.empty())
      roofs.push_back(
          {name.str(),
           "GF/s",
           [loops, threads] { return measureLoops(loops, threads); },
           {}});
  };
  addLoops("f32_fma", getFmaLoops(isa));
  addLoops("bf16_dot", getDotLoops(isa));

  Type byte = IntegerType::get(&context, 8);
  std::vector<std::shared_ptr<HostTensor>> buffers;
  for (int i = 0; i < 2; ++i) {
    auto buffer = HostTensor::create(byte, copyBytes, "a buffer of the copy",
                                     Pages::Huge);
    if (!buffer)
      return buffer.takeError();
    llvm::fill(buffer->getData(), static_cast<char>(i + 1));
    buffers.push_back(std::make_shared<HostTensor>(std::move(*buffer)));
  }
  roofs.push_back({"copy",
                   "GB/s",
                   [=] {
                     double seconds = runAtOnce(threads, [&](int32_t i) {
                       int64_t part = copyBytes / threads;
                       std::memcpy(buffers[0]->getData().data() + i * part,
                                   buffers[1]->getData().data() + i * part,
                                   part);
                     });
                     return 1e-9 * 2 * static_cast<double>(copyBytes) / seconds;
                   },
                   {}});
  return roofs;
}
