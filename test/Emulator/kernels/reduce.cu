// Sums over a grid: shuffles within a warp, shared memory between warps, and
// between blocks an atomic or, where the order must not vary, the last block.

template <typename T, typename Combine>
__device__ T reduceBlock(T value, T neutral, Combine combine) {
  __shared__ T ofWarp[32];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int offset = 16; offset > 0; offset /= 2)
    value = combine(value, __shfl_down_sync(~0u, value, offset));
  __syncthreads(); // What an earlier call left has been read.
  if (lane == 0)
    ofWarp[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = lane < blockDim.x / 32 ? ofWarp[lane] : neutral;
    for (int offset = 16; offset > 0; offset /= 2)
      value = combine(value, __shfl_xor_sync(~0u, value, offset));
  }
  return value;
}

extern "C" __global__ void reduce(const int *x, int n, int *sum, int *greatest,
                                  unsigned long long *squares) {
  int ofSum = 0, ofGreatest = -2147483647 - 1;
  unsigned long long ofSquares = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x) {
    ofSum += x[i];
    ofGreatest = max(ofGreatest, x[i]);
    ofSquares += (long long)x[i] * x[i];
  }
  auto add = [](auto a, auto b) { return a + b; };
  ofSum = reduceBlock(ofSum, 0, add);
  ofGreatest = reduceBlock(ofGreatest, ofGreatest,
                           [](int a, int b) { return max(a, b); });
  ofSquares = reduceBlock(ofSquares, 0ull, add);
  if (threadIdx.x == 0) {
    atomicAdd(sum, ofSum);
    atomicMax(greatest, ofGreatest);
    atomicAdd(squares, ofSquares);
  }
}

__device__ unsigned blocksDone; // 0 between launches

extern "C" __global__ void length(const float *x, int n, float *partial,
                                  float *result) {
  auto add = [](float a, float b) { return a + b; };
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    sum = fmaf(x[i], x[i], sum);
  sum = reduceBlock(sum, 0.0f, add);
  __shared__ bool last;
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicInc(&blocksDone, gridDim.x - 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!last)
    return;
  float total = 0;
  for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x)
    total += ((volatile float *)partial)[i];
  total = reduceBlock(total, 0.0f, add);
  if (threadIdx.x == 0)
    *result = sqrtf(total);
}
