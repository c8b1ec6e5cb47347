// Two warps fill buffers that two other warps empty: barriers with a number
// and a count, at which one side arrives and the other waits.
//
// RACY_EMPTY: a buffer is filled again without waiting until it is empty.

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
  const int full = 1;
  [[maybe_unused]] const int empty = full + buffers;
  int t = threadIdx.x % size;
  x += blockIdx.x * tiles * size;
  y += blockIdx.x * tiles * size;
  if (threadIdx.x >= size) {
    for (int tile = 0; tile < tiles; ++tile) {
      int b = tile % buffers;
#ifndef RACY_EMPTY
      if (tile >= buffers)
        barrierSync(empty + b);
#endif
      buffer[b][t] = x[tile * size + t];
      barrierArrive(full + b);
    }
  } else {
    int sum = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      int b = tile % buffers;
      barrierSync(full + b);
      sum += buffer[b][size - 1 - t];
      y[tile * size + t] = sum;
#ifndef RACY_EMPTY
      if (tile + buffers < tiles)
        barrierArrive(empty + b);
#endif
    }
  }
}
