// A ring of copies that run ahead, by the primitives of cuda_pipeline.h.
// Copies of 16, 8 and 4 bytes; the last ones are filled with zeros.

#include <cuda_pipeline.h>

constexpr int threads = 64, stages = 3, tile = threads * 4;

// y[i] = weights[i % 64] * x[i] - x[its tile's mirror image] + marks[tile].
extern "C" __global__ void __launch_bounds__(threads)
    pipeline(const int *x, int n, const int2 *weights, const int *marks,
             int *y) {
  __shared__ __align__(16) int ring[stages][tile];
  __shared__ __align__(8) int2 weight[threads / 2];
  __shared__ int mark[stages];
  int t = threadIdx.x, tiles = (n + tile - 1) / tile;

  auto copy = [&](int i) {
    int number = blockIdx.x + i * gridDim.x;
    if (number < tiles) {
      int left = n - number * tile - t * 4;
      int missing = 4 - min(4, max(0, left));
      // A copy that is all zeros reads nothing, wherever it may point.
      __pipeline_memcpy_async(&ring[i % stages][t * 4],
                              x + (missing == 4 ? 0 : number * tile + t * 4),
                              16, missing * sizeof(int));
      if (t == 0)
        __pipeline_memcpy_async(&mark[i % stages], &marks[number], 4);
    }
    __pipeline_commit();
  };

  if (t < threads / 2)
    __pipeline_memcpy_async(&weight[t], &weights[t], 8);
  for (int i = 0; i < stages - 1; ++i)
    copy(i);
  for (int i = 0; blockIdx.x + i * gridDim.x < tiles; ++i) {
    copy(i + stages - 1);
    __pipeline_wait_prior(stages - 1);
    __syncthreads();
    int number = blockIdx.x + i * gridDim.x;
    const int *values = ring[i % stages];
#pragma unroll 1
    for (int j = t; j < tile; j += threads) {
      int2 w = weight[j / 2 % (threads / 2)];
      if (number * tile + j < n)
        y[number * tile + j] = (j % 2 ? w.y : w.x) * values[j] -
                               values[tile - 1 - j] + mark[i % stages];
    }
    __syncthreads();
  }
  __pipeline_wait_prior(0);
}
