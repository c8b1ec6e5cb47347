// Counting and scanning in shared memory, and atomic operations of all kinds.

extern "C" __global__ void histogram(const unsigned char *x, int n,
                                     unsigned *counts) {
  __shared__ unsigned ofBlock[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    ofBlock[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    atomicAdd(&ofBlock[x[i]], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    if (ofBlock[i])
      atomicAdd(&counts[i], ofBlock[i]);
}

// Exclusive sums of 2 * blockDim.x values: up a tree, and down again.
extern "C" __global__ void scan(const int *x, int *y) {
  extern __shared__ int sums[];
  int t = threadIdx.x, n = 2 * blockDim.x;
  const int *from = x + blockIdx.x * n;
  sums[2 * t] = from[2 * t];
  sums[2 * t + 1] = from[2 * t + 1];
  int step = 1;
  for (int left = n / 2; left > 0; left /= 2, step *= 2) {
    __syncthreads();
    if (t < left)
      sums[step * (2 * t + 2) - 1] += sums[step * (2 * t + 1) - 1];
  }
  if (t == 0)
    sums[n - 1] = 0;
  for (int parts = 1; parts < n; parts *= 2) {
    step /= 2;
    __syncthreads();
    if (t < parts) {
      int i = step * (2 * t + 1) - 1, j = step * (2 * t + 2) - 1;
      int v = sums[i];
      sums[i] = sums[j];
      sums[j] += v;
    }
  }
  __syncthreads();
  y[blockIdx.x * n + 2 * t] = sums[2 * t];
  y[blockIdx.x * n + 2 * t + 1] = sums[2 * t + 1];
}

struct Totals {
  int add, least, greatest;
  unsigned leastUnsigned, greatestUnsigned, all, any, parity;
  unsigned increments, decrements;
  float addFloat, greatestFloat;
  unsigned long long add64, greatest64, cas64;
  double addDouble;
  int last;
  int sumOfReplaced; // With `last`, the sum of all that was exchanged.
};

__device__ void accumulate(Totals &t, int v) {
  atomicAdd(&t.add, v);
  atomicMin(&t.least, v);
  atomicMax(&t.greatest, v);
  atomicMin(&t.leastUnsigned, (unsigned)v);
  atomicMax(&t.greatestUnsigned, (unsigned)v);
  atomicAnd(&t.all, v | 3u);
  atomicOr(&t.any, (unsigned)v);
  atomicXor(&t.parity, (unsigned)v);
  atomicInc(&t.increments, 6u);
  atomicDec(&t.decrements, 4u);
  atomicAdd(&t.addFloat, (float)(v & 1023));
  // The greatest float, by compare and swap.
  int *place = (int *)&t.greatestFloat, seen = *(volatile int *)place;
  while (__int_as_float(seen) < (float)v) {
    int before = atomicCAS(place, seen, __float_as_int((float)v));
    if (before == seen)
      break;
    seen = before;
  }
  atomicAdd(&t.add64, (unsigned long long)v << 20);
  atomicMax(&t.greatest64, (unsigned long long)(unsigned)v << 9);
  atomicCAS(&t.cas64, 5ull, (unsigned long long)1 << 40);
  atomicAdd(&t.addDouble, (double)v / 4);
  atomicAdd(&t.sumOfReplaced, atomicExch(&t.last, v));
}

// The totals of each block, and those of all.
extern "C" __global__ void atomics(const int *x, int n, Totals *ofBlocks,
                                   Totals *ofAll) {
  __shared__ Totals shared;
  if (threadIdx.x == 0)
    shared = ofBlocks[blockIdx.x];
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    accumulate(shared, x[i]);
    accumulate(*ofAll, x[i]);
  }
  __syncthreads();
  if (threadIdx.x == 0)
    ofBlocks[blockIdx.x] = shared;
}
