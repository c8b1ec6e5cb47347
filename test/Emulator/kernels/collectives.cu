// What the threads of a warp tell each other.
// Row r of a result is what line r gives; n is a multiple of the block size.

extern "C" __global__ void shuffles(const int *x, const double *d, int n,
                                    int *out, double *out64) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  int v = x[i], row = 0;
  auto put = [&](int value) { out[row++ * n + i] = value; };
  put(__shfl_sync(~0u, v, 5));
  put(__shfl_sync(~0u, v, v));
  put(__shfl_sync(~0u, v, 3, 8));
  put(__shfl_sync(~0u, v, lane * 3, 16));
  put(__shfl_up_sync(~0u, v, 1));
  put(__shfl_up_sync(~0u, v, 3, 8));
  put(__shfl_down_sync(~0u, v, 2));
  put(__shfl_down_sync(~0u, v, 5, 16));
  put(__shfl_xor_sync(~0u, v, 16));
  put(__shfl_xor_sync(~0u, v, 7, 4));
  put(__shfl_xor_sync(~0u, v, 1, 2));
  out64[i] = __shfl_down_sync(~0u, d[i], 1, 8);
}

extern "C" __global__ void votes(const int *x, int n, unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int v = x[i], row = 0, same;
  auto put = [&](unsigned value) { out[row++ * n + i] = value; };
  put(__ballot_sync(~0u, v > 3));
  put(__any_sync(~0u, v == 7));
  put(__all_sync(~0u, v < 7));
  put(__match_any_sync(~0u, v));
  put(__match_any_sync(~0u, (unsigned long long)v << 40));
  put(__match_all_sync(~0u, v < 100, &same));
  put(__match_all_sync(~0u, v, &same));
  put(same);
  put(__reduce_add_sync(~0u, (unsigned)v));
  put(__reduce_min_sync(~0u, v - 4));
  put(__reduce_max_sync(~0u, (unsigned)v - 4));
  put(__reduce_and_sync(~0u, (unsigned)v | 8));
  put(__reduce_or_sync(~0u, (unsigned)v));
  put(__reduce_xor_sync(~0u, (unsigned)v * 77));
}

// Parts of a warp on ways of their own, each with its own mask.
extern "C" __global__ void partial(const int *x, int n, unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  int v = x[i];
  unsigned first = 0, second = 0;
  if (lane < 13) {
    const unsigned mask = 0x1fff;
    first = __ballot_sync(mask, v > 2);
    for (int k = 0; k < 3; ++k)
      v += __shfl_sync(mask, v, (lane + 1) % 13);
    second = __reduce_add_sync(mask, (unsigned)v);
  } else {
    const unsigned mask = 0xffffe000;
    second = __reduce_max_sync(mask, (unsigned)v);
    if (lane % 2) {
      first = __match_any_sync(0xaaaaa000, v);
      v = __shfl_xor_sync(0xaaaaa000, v, 2); // Of 13 it is 15, and so on.
    }
    second += __any_sync(mask, v == 1);
  }
  out[i] = first;
  out[n + i] = second;
  out[2 * n + i] = v;
  // Threads that left take no part in what those that stay do.
  if (v % 3 == 0)
    return;
  unsigned active = __activemask();
  out[3 * n + i] = active >> lane & 1;
  unsigned staying = __match_any_sync(active, 1);
  out[4 * n + i] = staying == active;
}
