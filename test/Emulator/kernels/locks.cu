// Threads that wait for others without a barrier: a lock, and flags of blocks.

__device__ int taken; // 0 between launches

// One lock for all threads of the grid, those of the same warp among them.
extern "C" __global__ void critical_section(const int *x, int n, int *state) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  volatile int *guarded = state;
  bool done = false;
  while (!done) {
    if (atomicCAS(&taken, 0, 1) == 0) {
      __threadfence();
      guarded[0] = guarded[0] + x[i];
      guarded[1] = guarded[1] + 1;
      guarded[2] = max(guarded[2], x[i]);
      __threadfence();
      atomicExch(&taken, 0);
      done = true;
    }
  }
}

__device__ unsigned blocksStarted; // 0 between launches

// Inclusive sums of a whole grid: a block waits for that of its predecessor.
// Blocks number themselves, so that one which waits never keeps that from
// running. `ready` is 0 at the start.
extern "C" __global__ void chained_scan(const int *x, int *y, int *sums,
                                        int *ready) {
  __shared__ int values[64], number, before;
  int t = threadIdx.x;
  if (t == 0)
    number = atomicAdd(&blocksStarted, 1);
  __syncthreads();
  int value = values[t] = x[number * 64 + t];
  for (int offset = 1; offset < 64; offset *= 2) {
    __syncthreads();
    int other = t >= offset ? values[t - offset] : 0;
    __syncthreads();
    values[t] = value += other;
  }
  if (t == 63) {
    int sum = 0;
    if (number > 0) {
      while (((volatile int *)ready)[number - 1] == 0)
        ;
      __threadfence();
      sum = sums[number - 1];
    }
    before = sum;
    sums[number] = sum + value;
    __threadfence();
    ((volatile int *)ready)[number] = 1;
    if (number == gridDim.x - 1)
      blocksStarted = 0;
  }
  __syncthreads();
  y[number * 64 + t] = before + value;
}
