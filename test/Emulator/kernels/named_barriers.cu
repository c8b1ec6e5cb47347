// Two warps fill buffers that two other warps empty: barriers with a number
// and a count, at which one side arrives and the other waits.
//
// RACY_EMPTY: a buffer is said to be empty before it has been read.

// Warps that meet at the same barrier from different places.
extern "C" __global__ void two_sides(const int *x, int turns, int *y) {
  __shared__ int left[64], right[64];
  int t = threadIdx.x % 64;
  if (threadIdx.x < 64) {
    int v = x[threadIdx.x];
#pragma unroll 1
    for (int i = 0; i < turns; ++i) {
      left[t] = v;
      __syncthreads();
      v += right[63 - t];
      __syncthreads();
    }
    y[threadIdx.x] = v;
  } else {
    int v = 0;
#pragma unroll 1
    for (int i = 0; i < turns; ++i) {
      right[t] = x[threadIdx.x] + v;
      __syncthreads();
      v ^= left[t] * 3;
      __syncthreads();
    }
    y[threadIdx.x] = v;
  }
}

constexpr int size = 64, buffers = 2;

__device__ void barrierSync(int barrier) {
  asm volatile("bar.sync %0, 128;" ::"r"(barrier) : "memory");
}
__device__ void barrierArrive(int barrier) {
  asm volatile("bar.arrive %0, 128;" ::"r"(barrier) : "memory");
}

// Each tile of 64 is reversed and gets the running sum of its predecessors.
extern "C" __global__ void __launch_bounds__(128)
    producer_consumer(const int *x, int tiles, int *y) {
  __shared__ int buffer[buffers][size];
  const int full = 1, empty = full + buffers;
  int t = threadIdx.x % size;
  x += blockIdx.x * tiles * size;
  y += blockIdx.x * tiles * size;
  if (threadIdx.x >= size) {
    for (int tile = 0; tile < tiles; ++tile) {
      int b = tile % buffers;
      if (tile >= buffers)
        barrierSync(empty + b);
      buffer[b][t] = x[tile * size + t];
      barrierArrive(full + b);
    }
  } else {
    int sum = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      int b = tile % buffers;
      bool refilled = tile + buffers < tiles;
      barrierSync(full + b);
#ifdef RACY_EMPTY
      if (refilled)
        barrierArrive(empty + b);
#endif
      sum += buffer[b][size - 1 - t];
      y[tile * size + t] = sum;
#ifndef RACY_EMPTY
      if (refilled)
        barrierArrive(empty + b);
#endif
    }
  }
}
