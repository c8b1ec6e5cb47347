// Sorts a block's keys by four bits a pass; equal keys keep their order.
// Threads of a warp find those with the same digit by __match_any_sync.

constexpr int threads = 128, warps = threads / 32;

extern "C" __global__ void __launch_bounds__(threads)
    radix_sort(const unsigned *keys, int n, unsigned *sorted, int *origin) {
  __shared__ unsigned key[threads];
  __shared__ int from[threads];
  __shared__ int counts[16][warps]; // Then where that warp's keys begin.
  int t = threadIdx.x, lane = t % 32, warp = t / 32;
  int first = blockIdx.x * threads;
  // Beyond the end: the greatest keys, which stay last.
  unsigned k = first + t < n ? keys[first + t] : ~0u;
  int source = first + t;
  for (int shift = 0; shift < 32; shift += 4) {
    for (int i = t; i < 16 * warps; i += threads)
      (&counts[0][0])[i] = 0;
    __syncthreads();
    unsigned digit = k >> shift & 15;
    unsigned same = __match_any_sync(~0u, digit);
    int before = __popc(same & ((1u << lane) - 1));
    if (before == 0)
      counts[digit][warp] = __popc(same);
    __syncthreads();
    if (warp == 0) {
      // Exclusive sums of 64 counts, two a thread, digit by digit.
      int a = (&counts[0][0])[2 * lane], b = (&counts[0][0])[2 * lane + 1];
      int sum = a + b;
      for (int offset = 1; offset < 32; offset *= 2) {
        int other = __shfl_up_sync(~0u, sum, offset);
        if (lane >= offset)
          sum += other;
      }
      (&counts[0][0])[2 * lane] = sum - a - b;
      (&counts[0][0])[2 * lane + 1] = sum - b;
    }
    __syncthreads();
    int rank = counts[digit][warp] + before;
    key[rank] = k;
    from[rank] = source;
    __syncthreads();
    k = key[t];
    source = from[t];
  }
  if (first + t < n) {
    sorted[first + t] = k;
    origin[first + t] = source;
  }
}
